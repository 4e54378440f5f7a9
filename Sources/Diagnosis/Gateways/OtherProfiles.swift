import Model

// Products that were not run: their marks are documented, their statuses are left open.

/// Traefik 3: its errors are bare texts (`middlewares/forwardedheaders`, `server/service/proxy.go`).
enum TraefikProfile: GatewayProfile {
    static func mark(in response: ResponseFacts) -> Fingerprint? {
        let body = String(decoding: response.bodyPrefix, as: UTF8.self)
        guard response.server.isEmpty, body == "Bad Gateway" || body == "Gateway Timeout" else { return nil }
        return Fingerprint(.traefik, .weak, "its error is the bare text \(body)")
    }

    static func mark(in request: RequestFacts) -> Fingerprint? {
        guard request.field("x-forwarded-server") != nil, request.field("x-real-ip") != nil else { return nil }
        return Fingerprint(.traefik, .strong, "it adds X-Forwarded-Server and X-Real-Ip to requests")
    }
}

/// Varnish: `builtin.vcl`, `vcl_backend_error`.
enum VarnishProfile: GatewayProfile {
    static func mark(in response: ResponseFacts) -> Fingerprint? {
        guard response.bodyContains("Guru Meditation") || response.bodyContains("Error 503 Backend fetch failed") else {
            return nil
        }
        return Fingerprint(.varnish, .strong, "its error page is Varnish's")
    }
}

enum LoadBalancerProfile: GatewayProfile {
    static func mark(in response: ResponseFacts) -> Fingerprint? {
        guard response.server.hasPrefix("awselb/") else { return nil }
        return Fingerprint(.loadBalancer, .strong, "it answers with Server: \(response.server)")
    }
}

enum CloudFrontProfile: GatewayProfile {
    static func mark(in response: ResponseFacts) -> Fingerprint? {
        guard response.server == "cloudfront", response.field("x-cache")?.lowercased().hasPrefix("error") == true else {
            return nil
        }
        return Fingerprint(.cloudFront, .strong, "it answers with X-Cache: Error from cloudfront")
    }
}

enum CloudflareProfile: GatewayProfile {
    static func mark(in response: ResponseFacts) -> Fingerprint? {
        guard response.server == "cloudflare", response.status.map({ $0 >= 500 }) == true else { return nil }
        return Fingerprint(.cloudflare, .strong, "it answers with Server: cloudflare")
    }
}

enum GoogleLoadBalancerProfile: GatewayProfile {
    static func mark(in response: ResponseFacts) -> Fingerprint? {
        guard response.bodyContains("The server encountered a temporary error and could not complete your request.")
        else { return nil }
        return Fingerprint(.googleLoadBalancer, .weak, "its error page is a Google Cloud load balancer's")
    }
}
