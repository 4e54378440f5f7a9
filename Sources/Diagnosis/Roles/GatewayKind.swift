import Model

/// Which gateway software made a response or a request, by its fingerprints.
enum GatewayKind: String {
    case nginx
    case haproxy = "HAProxy"
    case apache = "Apache httpd"
    case caddy = "Caddy"
    case envoy = "Envoy"
    case varnish = "Varnish"
    case traefik = "Traefik"

    /// The maker of an error response of its own (nginx 1.22, HAProxy 2.6, httpd 2.4, Caddy 2.6 as run; the others as
    /// documented). Nil where nothing marks the response as a gateway's.
    init?(response: ResponseFacts) {
        guard let status = response.status, status >= 400 else { return nil }
        let server = response.fields.first { $0.name == "server" }?.value.lowercased() ?? ""
        let body = String(decoding: response.bodyPrefix, as: UTF8.self)
        func contains(_ text: String) -> Bool { body.firstRange(of: text) }
        if contains("<hr><center>nginx") || contains("<hr><center>openresty") { self = .nginx; return }
        if server.isEmpty,
            contains("The server returned an invalid or incomplete response.")
                || contains("No server is available to handle this request.")
                || contains("The server didn't respond in time.")
        {
            self = .haproxy
            return
        }
        if response.firstLine.hasSuffix("Proxy Error") || contains("Error reading from remote server") {
            self = .apache
            return
        }
        if server == "caddy", response.body.seen == 0 { self = .caddy; return }
        if server == "envoy" || server == "istio-envoy", contains("upstream") { self = .envoy; return }
        if contains("Guru Meditation") { self = .varnish; return }
        if server.isEmpty, body == "Bad Gateway" || body == "Gateway Timeout" { self = .traefik; return }
        return nil
    }

    /// The sender of a request, where it is told by what gateways add or change (nginx up to 1.29.6: HTTP/1.0 and
    /// `Connection: close`; HAProxy: lower-case names and nothing added).
    init?(request: RequestFacts) {
        func has(_ name: String) -> Bool { request.fields.contains { $0.name == name } }
        if has("x-envoy-expected-rq-timeout-ms") || has("x-envoy-attempt-count") { self = .envoy; return }
        if request.lowerCaseNames, request.fieldCount > 0, request.version == "HTTP/1.1" { self = .haproxy; return }
        if has("x-forwarded-server") { self = has("x-real-ip") ? .traefik : .apache; return }
        let via = request.fields.first { $0.name == "via" }?.value ?? ""
        if via.hasSuffix("Caddy") { self = .caddy; return }
        if request.version == "HTTP/1.0", request.wantsClose, !has("x-forwarded-server") { self = .nginx; return }
        return nil
    }
}

extension RequestFacts {
    /// Marks that only a gateway puts into a request.
    var looksForwarded: Bool {
        fields.contains {
            ["x-forwarded-for", "x-real-ip", "forwarded", "via", "x-forwarded-proto", "x-envoy-external-address"]
                .contains($0.name)
        } || GatewayKind(request: self) != nil
    }
}

extension String {
    /// Plain substring search over UTF-8.
    fileprivate func firstRange(of needle: String) -> Bool {
        let hay = Array(utf8)
        let pin = Array(needle.utf8)
        guard !pin.isEmpty, hay.count >= pin.count else { return false }
        return (0...(hay.count - pin.count)).contains { hay[$0..<($0 + pin.count)].elementsEqual(pin) }
    }
}
