/// What is answered: a status, fields, and bytes or a file.
package struct HTTPResponse: Sendable {
    package enum Body: Sendable {
        case bytes([UInt8])
        /// An open descriptor, which the server closes, and how much of it is sent.
        case file(Int32, Int)
    }

    package var status: Int
    package var fields: [HTTPRequest.Field]
    package var body: Body

    package init(_ status: Int, type: String, _ text: String) {
        self.status = status
        fields = [HTTPRequest.Field("Content-Type", type)]
        body = .bytes(Array(text.utf8))
    }

    package init(file descriptor: Int32, bytes: Int, type: String, name: String) {
        status = 200
        fields = [
            HTTPRequest.Field("Content-Type", type),
            HTTPRequest.Field("Content-Disposition", "attachment; filename=\"\(name)\""),
        ]
        body = .file(descriptor, bytes)
    }

    /// A line of text that says what went wrong.
    package static func refusal(_ status: Int, _ text: String? = nil) -> HTTPResponse {
        HTTPResponse(status, type: "text/plain; charset=utf-8", (text ?? reason(status)) + "\n")
    }

    package func adding(_ name: String, _ value: String) -> HTTPResponse {
        var response = self
        response.fields.append(HTTPRequest.Field(name, value))
        return response
    }

    var length: Int {
        switch body {
        case .bytes(let bytes): bytes.count
        case .file(_, let count): count
        }
    }

    /// Status line and fields, with those that every answer has: nothing here is for another site, or to be kept.
    var head: [UInt8] {
        var text = "HTTP/1.1 \(status) \(Self.reason(status))\r\n"
        let always = [
            HTTPRequest.Field("Content-Length", String(length)), HTTPRequest.Field("Connection", "close"),
            HTTPRequest.Field("Cache-Control", "no-store"), HTTPRequest.Field("X-Content-Type-Options", "nosniff"),
            HTTPRequest.Field("X-Frame-Options", "DENY"), HTTPRequest.Field("Referrer-Policy", "no-referrer"),
            HTTPRequest.Field("Cross-Origin-Resource-Policy", "same-origin"),
        ]
        for field in fields + always {
            // A line feed in a value would begin a field of its own.
            let value = field.value.filter { $0 != "\r" && $0 != "\n" && $0 != "\r\n" }
            text += "\(field.name): \(value)\r\n"
        }
        return Array((text + "\r\n").utf8)
    }

    static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 202: "Accepted"
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 421: "Misdirected Request"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        default: "Error"
        }
    }
}
