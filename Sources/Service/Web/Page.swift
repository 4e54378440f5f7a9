/// The page: one document with its style and script inside, so that it works without any other server.
enum Page {
    private static let html = String(decoding: PackageResources.page_html, as: UTF8.self)
    private static let style = String(decoding: PackageResources.page_css, as: UTF8.self)
    private static let script = String(decoding: PackageResources.page_js, as: UTF8.self)

    /// The nonce is new for every answer: what is not from here does not run, also where something got into the document.
    static func response() -> HTTPResponse {
        var generator = SystemRandomNumberGenerator()
        let nonce = WebGuard.hexadecimal(generator.next()) + WebGuard.hexadecimal(generator.next())
        let text = parts.map { part in
            switch part {
            case "STYLE": "<style nonce=\"\(nonce)\">\n\(style)</style>"
            case "SCRIPT": "<script nonce=\"\(nonce)\">\n\(script)</script>"
            default: part
            }
        }.joined()
        let policy =
            "default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; connect-src 'self'; "
            + "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        return HTTPResponse(200, type: "text/html; charset=utf-8", text).adding("Content-Security-Policy", policy)
    }

    /// The document, cut at `{{STYLE}}` and `{{SCRIPT}}`.
    private static let parts: [String] = {
        var parts: [String] = []
        var rest = html[...]
        while let open = rest.firstRange(of: "{{"), let close = rest[open.upperBound...].firstRange(of: "}}") {
            parts.append(String(rest[..<open.lowerBound]))
            parts.append(String(rest[open.upperBound..<close.lowerBound]))
            rest = rest[close.upperBound...]
        }
        return parts + [String(rest)]
    }()
}
