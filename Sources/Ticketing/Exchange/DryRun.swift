import Reporting

/// Prints each call instead of sending it, with *** where a secret would be, and takes for the answer what the call assumes: a ticket to
/// which nothing was attached yet.
package struct DryRun: Courier {
    private let print: @Sendable (String) throws(AttachFailure) -> Void

    package init(print: @escaping @Sendable (String) throws(AttachFailure) -> Void) {
        self.print = print
    }

    package func wait(_ seconds: Double) async {}

    package func send(_ call: Call) async throws(AttachFailure) -> Answer {
        var lines = "\(call.method.rawValue) \(call.shown(call.url))\n"
        for header in call.headers { lines += "\(header.name): \(header.isSecret ? "***" : header.value)\n" }
        if !call.body.isEmpty { lines += "Content-Length: \(call.body.reduce(0) { $0 + $1.bytes.count })\n" }
        lines += "\n"
        for part in call.body {
            switch part {
            case .text(let text):
                // Lines of a form and of a comment stay lines; whatever else would act on a terminal is escaped.
                lines += text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
                    .map { SafeText.terminal(String($0)) }.joined(separator: "\n")
            case .file(let file): lines += Self.stand(file)
            case .encodedFile(let file): lines += Self.stand(file, "base64 of ")
            }
        }
        try print(lines + (call.body.isEmpty ? "" : "\n\n"))
        return call.assumed
    }

    private static func stand(_ file: Upload, _ how: String = "") -> String {
        "<\(how)\(file.name): \(Numbers.grouped(file.bytes.count)) bytes, SHA-256 \(file.digest)>"
    }
}
