import Model

/// Envoy, and what is built of it (Istio).
enum EnvoyProfile: GatewayProfile {
    static func mark(in response: ResponseFacts) -> Fingerprint? {
        guard response.server == "envoy" || response.server == "istio-envoy", response.bodyContains("upstream") else {
            return nil
        }
        return Fingerprint(.envoy, .strong, "it answers with Server: \(response.server) and a text of its own")
    }

    static func mark(in request: RequestFacts) -> Fingerprint? {
        guard let name = request.fields.first(where: { $0.name.hasPrefix("x-envoy-") })?.name else { return nil }
        return Fingerprint(.envoy, .strong, "it adds \(name) to requests")
    }
}
