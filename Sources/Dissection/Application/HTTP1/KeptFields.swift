/// Which field lines are kept with an exchange, and how much of them.
enum KeptFields {
    enum Treatment {
        case drop
        case value
        /// Length and digest in place of a secret value.
        case digest
        case presence
    }

    static func treatment(of name: String, in kind: HeadFields.Kind) -> Treatment {
        switch kind {
        case .request:
            switch name {
            case "cookie", "authorization", "proxy-authorization": return .digest
            default: return request.contains(name) || name.hasPrefix("x-envoy-") ? .value : .drop
            }
        case .response:
            if name == "www-authenticate" { return .presence }
            return response.contains(name) || name.hasPrefix("x-envoy-") ? .value : .drop
        }
    }

    private static let request: Set<String> = [
        "x-request-id", "x-correlation-id", "traceparent", "b3", "x-b3-traceid", "x-amzn-trace-id", "cf-ray",
        "x-cloud-trace-context", "x-forwarded-for", "forwarded", "x-real-ip", "x-forwarded-host", "x-forwarded-proto",
        "x-forwarded-server", "x-forwarded-port", "accept-encoding",
        "via", "user-agent", "range", "if-none-match", "content-type", "accept", "connection", "upgrade", "expect",
        "te",
    ]

    private static let response: Set<String> = [
        "server", "via", "date", "age", "x-cache", "x-cache-status", "x-proxy-cache", "cache-status", "x-varnish",
        "cf-cache-status", "retry-after", "proxy-status", "content-type",
        "connection", "keep-alive", "location", "x-request-id", "x-powered-by", "etag", "transfer-encoding",
    ]
}
