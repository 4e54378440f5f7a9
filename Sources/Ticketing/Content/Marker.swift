import Evidence

/// What makes a comment ours, and this one: a line that stands alone in it. In Markdown it is hidden, elsewhere it is the last that the
/// reader sees.
package struct Marker: Sendable, Equatable {
    private static let word = "gwsniff "
    private static let digits = 12

    /// Of what was found: the same for the same causes at the same upstreams, however often they struck.
    package var findings: String
    /// Of what the comment says and of the files: another one calls for an update.
    package var content: String

    /// As it stands in the ticket.
    package var text: String { "\(Self.word)\(findings)/\(content)" }

    package init(findings: [String], content: [String]) {
        self.findings = Self.short(findings)
        self.content = Self.short(content)
    }

    private init(findings: String, content: String) {
        self.findings = findings
        self.content = content
    }

    private static func short(_ parts: [String]) -> String {
        // No part has a zero byte in it: they are texts out of JSON that was made safe, and digests.
        String(SHA256.hexadecimal(of: Array(parts.joined(separator: "\u{0}").utf8)).prefix(digits))
    }

    /// The last one in a comment's text. A line that quotes one begins with something else.
    package static func last(in text: String) -> Marker? {
        text.split(whereSeparator: \.isNewline).reversed().lazy.compactMap { line(String($0)) }.first
    }

    private static func line(_ line: String) -> Marker? {
        var rest = Substring(line)
        // Of a line without its surroundings, which are ours: the hidden comment of Markdown, the end of what is preformatted.
        for start in ["<!-- ", "<!--"] where rest.hasPrefix(start) { rest = rest.dropFirst(start.count) }
        for end in ["</pre>", " -->", "-->", "\\", " "] where rest.hasSuffix(end) { rest = rest.dropLast(end.count) }
        guard rest.hasPrefix(word) else { return nil }
        let sides = rest.dropFirst(word.count).split(separator: "/", omittingEmptySubsequences: false)
        guard sides.count == 2, sides.allSatisfy({ $0.count == digits && $0.allSatisfy(isDigit) }) else { return nil }
        return Marker(findings: String(sides[0]), content: String(sides[1]))
    }

    private static func isDigit(_ character: Character) -> Bool {
        ("0"..."9").contains(character) || ("a"..."f").contains(character)
    }
}
