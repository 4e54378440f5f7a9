import Model

/// Apache httpd with mod_proxy.
enum ApacheProfile: GatewayProfile {
    static func mark(in response: ResponseFacts) -> Fingerprint? {
        if response.firstLine.hasSuffix("Proxy Error") {
            return Fingerprint(.apache, .strong, "its reason phrase is Proxy Error")
        }
        guard response.bodyContains("Error reading from remote server") else { return nil }
        return Fingerprint(.apache, .strong, "its error page is Apache httpd's")
    }

    /// `ProxyAddHeaders` is on by default; Traefik adds X-Real-Ip to the same.
    static func mark(in request: RequestFacts) -> Fingerprint? {
        guard request.field("x-forwarded-server") != nil, request.field("x-real-ip") == nil else { return nil }
        return Fingerprint(.apache, .strong, "it adds X-Forwarded-Server to requests")
    }
}
