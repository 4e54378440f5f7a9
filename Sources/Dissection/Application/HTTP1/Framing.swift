import Model

extension HeadFields {
    /// Notes the faults that concern several fields at once; `offset` is that of the blank line.
    mutating func checkFraming(version: String, at offset: Int64) {
        if hasTransferEncoding, hasContentLength {
            deviations.note(.contentLengthAndTransferEncoding, at: offset)
        }
        if hasTransferEncoding, version == "HTTP/1.0" {
            deviations.note(.transferEncodingInHTTP10, at: offset)
        }
    }

    /// "identity" alone is as good as no transfer coding (RFC 2616 §3.6, dropped by RFC 9112).
    private var isCoded: Bool { hasTransferEncoding && codings.contains { $0 != "identity" } }

    /// RFC 9112 §6.3 for a request.
    var requestFraming: BodyFraming {
        // Rule 4: a request whose last coding is not chunked has no length that can be known.
        if isCoded { return codings.last == "chunked" ? .chunked : .invalid }
        guard hasContentLength else { return .none }
        return contentLength.map { .contentLength($0) } ?? .invalid
    }

    /// RFC 9112 §6.3 for a final response to `method` (empty where the request is not known).
    func responseFraming(status: Int, method: String) -> BodyFraming {
        // Rule 1.
        if method == "HEAD" || status == 204 || status == 304 || (100..<200).contains(status) { return .none }
        // Rule 2.
        if method == "CONNECT", (200..<300).contains(status) { return .tunnel }
        // Rules 3 and 4: the transfer coding overrides the length.
        if isCoded { return codings.last == "chunked" ? .chunked : .untilClose }
        // Rules 5, 6 and 8.
        guard hasContentLength else { return .untilClose }
        return contentLength.map { .contentLength($0) } ?? .invalid
    }

    /// RFC 9112 §9.3.
    func wantsClose(version: String) -> Bool {
        closes || (version == "HTTP/1.0" && !keepsAlive)
    }
}
