import Model

/// Caddy with `reverse_proxy`.
enum CaddyProfile: GatewayProfile {
    static func mark(in response: ResponseFacts) -> Fingerprint? {
        guard response.server == "caddy", response.body.seen == 0 else { return nil }
        return Fingerprint(.caddy, .strong, "it answers with Server: Caddy and no body")
    }

    static func mark(in request: RequestFacts) -> Fingerprint? {
        guard request.field("via")?.hasSuffix("Caddy") == true else { return nil }
        return Fingerprint(.caddy, .strong, "it adds Via: Caddy to requests")
    }
}
