/// Request targets as they may be shown: query values often are secrets, and reports travel into tickets.
package enum TargetMask {
    /// What stands for a hidden value.
    package static let mask = "***"

    /// The target with every query value hidden: `/search?q=***&page=***`. A query part without `=` is hidden whole,
    /// for it is as likely a token as a name, and so is a fragment (RFC 9112 §3.2 allows none, clients send them all
    /// the same). Of what stands before it all stays but what `PathSecrets` finds: user information, parameters, tokens.
    /// Idempotent.
    /// - Complexity: linear in the length.
    package static func masked(_ target: String) -> String {
        let utf8 = target.utf8
        let end = utf8.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? utf8.endIndex
        var result = maskedPath(target[..<end])
        guard end < utf8.endIndex else { return result }

        var index = end
        var part = end
        var equals: String.Index?
        var inFragment = utf8[end] == UInt8(ascii: "#")
        result += inFragment ? "#" : "?"
        index = utf8.index(after: index)
        part = index

        func close(_ end: String.Index) {
            guard part < end else { return }
            if let equals {
                result += target[part...equals]
                if utf8.index(after: equals) < end { result += mask }
            } else {
                result += mask
            }
        }
        while index < utf8.endIndex {
            switch utf8[index] {
            case UInt8(ascii: "#") where !inFragment:
                close(index)
                result += "#"
                inFragment = true
                part = utf8.index(after: index)
                equals = nil
            case UInt8(ascii: "&") where !inFragment, UInt8(ascii: ";") where !inFragment:
                close(index)
                result += target[index...index]
                part = utf8.index(after: index)
                equals = nil
            case UInt8(ascii: "=") where !inFragment && equals == nil:
                equals = index
            default:
                break
            }
            index = utf8.index(after: index)
        }
        close(utf8.endIndex)
        return result
    }

    /// Running text in which each word that looks like a target or a URL is masked: sentences of findings quote request lines.
    package static func maskedText(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "/") }) else { return text }
        return text.split(separator: " ", omittingEmptySubsequences: false).map { word -> String in
            let isTarget = word.utf8.contains(UInt8(ascii: "/"))
            guard isTarget || word.firstIndex(of: "?").map({ word[$0...].contains("=") }) == true else {
                return String(word)
            }
            // A sentence's own punctuation after the target stays.
            let end = word.lastIndex { !",.:;)\"'?".contains($0) }.map(word.index(after:)) ?? word.endIndex
            return masked(String(word[..<end])) + word[end...]
        }.joined(separator: " ")
    }

    /// The path alone: no query, no fragment, no scheme and authority.
    package static func path(of target: String) -> Substring {
        let utf8 = target.utf8
        let end = utf8.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? utf8.endIndex
        let start = authority(of: target[..<end])?.upperBound ?? utf8.startIndex
        return start < end ? target[start..<end] : (start == utf8.startIndex ? "" : "/")
    }

    private static func maskedPath(_ path: Substring) -> String {
        let bytes = Array(path.utf8)
        let secrets = PathSecrets.ranges(in: bytes, bytes.indices)
        guard !secrets.isEmpty else { return String(path) }
        var result: [UInt8] = []
        var position = 0
        for secret in secrets {
            result += bytes[position..<secret.lowerBound] + Array(mask.utf8)
            position = secret.upperBound
        }
        return String(decoding: result + bytes[position...], as: UTF8.self)
    }

    /// The authority of an absolute form, `scheme://authority/path` (RFC 9112 §3.2.2); nil for the other forms.
    private static func authority(of target: Substring) -> Range<String.Index>? {
        let utf8 = target.utf8
        guard let colon = utf8.firstIndex(where: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "/") }),
            utf8[colon...].starts(with: "://".utf8)
        else { return nil }
        let start = utf8.index(colon, offsetBy: 3)
        let end = utf8[start...].firstIndex(of: UInt8(ascii: "/")) ?? utf8.endIndex
        return start..<end
    }
}

extension RequestSummary {
    /// The target as it may be shown.
    package var maskedTarget: String { TargetMask.masked(target) }
}
