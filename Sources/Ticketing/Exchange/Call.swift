import Evidence
import Model
import Reporting

/// One request of a ticket system's interface, so plain that it can be sent or printed.
package struct Call: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
    }

    package enum Part: Sendable {
        case text(String)
        case file(Upload)
        /// The same in base64 (RFC 4648 §4), for interfaces that take JSON only.
        case encodedFile(Upload)

        package var bytes: [UInt8] {
            switch self {
            case .text(let text): Array(text.utf8)
            case .file(let file): file.bytes
            case .encodedFile(let file): Base64.encoded(file.bytes)
            }
        }
    }

    package struct Header: Sendable {
        package var name: String
        package var value: String
        package var isSecret = false
    }

    package var method: Method
    package var url: String
    /// Whether the URL is all that a sender needs to know, and nobody is to read it: that of a webhook.
    package var isURLSecret = false
    package var headers = [Header(name: "User-Agent", value: "gwsniff/\(gwsniffVersion)")]
    package var body: [Part] = []
    /// What a dry run takes for the answer.
    package var assumed: Answer

    package init(_ method: Method, _ url: String, assumed: String, status: Int = 200) {
        self.method = method
        self.url = url
        self.assumed = Answer(status: status, body: Array(assumed.utf8))
    }

    /// A URL of this call, fit to be shown.
    func shown(_ url: some StringProtocol) -> String {
        guard isURLSecret else { return String(url) }
        return (try? WebAddress(String(url))).map { $0.origin + "/***" } ?? "***"
    }

    /// Sent twice it does the same (RFC 9110 §9.2.2). PATCH here always sets the whole text of a comment, but not where it adds one.
    package var isRepeatable = true

    func with(json value: JSONValue) -> Call {
        with("application/json", [.text(value.compact)])
    }

    func with(_ type: String, _ body: [Part]) -> Call {
        var call = self
        call.headers.append(Header(name: "Content-Type", value: type))
        call.body = body
        return call
    }

    func with(_ name: String, _ value: String) -> Call {
        var call = self
        call.headers.append(Header(name: name, value: value))
        return call
    }

    /// What must not be sent again when nobody knows whether it arrived.
    var once: Call {
        var call = self
        call.isRepeatable = false
        return call
    }

    /// A form with one file (RFC 7578). The boundary is made of the file's digest, which the file cannot have in it.
    func with(formField field: String, _ file: Upload) -> Call {
        let boundary = "gwsniff-" + file.digest.prefix(32)
        let head =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(field)\"; filename=\"\(file.name)\"\r\n"
            + "Content-Type: \(file.type)\r\n\r\n"
        return with(
            "multipart/form-data; boundary=\(boundary)",
            [.text(head), .file(file), .text("\r\n--\(boundary)--\r\n")]
        )
    }
}

package struct Answer: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)] = []
    package var body: [UInt8]

    package init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name }?.value
    }

    var isGood: Bool { (200..<300).contains(status) }

    func json(from system: String) throws(AttachFailure) -> JSONValue {
        do {
            return try JSONReader.value(of: body)
        } catch {
            throw AttachFailure(
                .protocolError,
                "\(system) answered with something that is not JSON (status \(status): \(excerpt))",
                hint: "is --to the ticket's own address, and not that of a login page in front of it?"
            )
        }
    }

    /// The start of the body, fit to be shown.
    var excerpt: String {
        let text = String(decoding: body.prefix(600), as: UTF8.self)
        return SafeText.terminal(text.split { $0.isWhitespace }.joined(separator: " "), limit: 200)
    }
}

/// A file as it is sent.
package struct Upload: Sendable {
    /// As the ticket shows it: the first digits of the digest are in it, so that the next run knows it again.
    package var name: String
    package var type: String
    package var bytes: [UInt8]
    /// SHA-256, 64 hexadecimal digits.
    package var digest: String

    package init(named original: String, _ bytes: [UInt8]) {
        digest = SHA256.hexadecimal(of: bytes)
        self.bytes = bytes
        // What a header, a form and a file system take without quoting.
        let safe = String(
            original.split(separator: "/").last.map(String.init)?.map { character in
                character.isASCII && (character.isLetter || character.isNumber || "-_.".contains(character))
                    ? character : "-"
            } ?? Array("file")
        )
        let ends = [".tar.gz", ".tgz", ".zip", ".pcapng", ".html", ".json", ".sarif", ".md", ".txt", ".ndjson"]
        let end = ends.first(where: safe.hasSuffix) ?? ""
        name = "\(safe.dropLast(end.count))-\(digest.prefix(8))\(end)"
        type =
            switch end {
            case ".zip": "application/zip"
            case ".tar.gz", ".tgz": "application/gzip"
            case ".html": "text/html"
            case ".json", ".sarif": "application/json"
            case ".md": "text/markdown"
            case ".txt": "text/plain"
            default: "application/octet-stream"
            }
    }
}

enum Base64 {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encoded(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group = 0
            for index in 0..<3 { group = group << 8 | (index < count ? Int(bytes[start + index]) : 0) }
            for index in 0..<4 {
                let isPadding = index > count
                result.append(isPadding ? UInt8(ascii: "=") : letters[group >> (18 - 6 * index) & 63])
            }
        }
        return result
    }
}
