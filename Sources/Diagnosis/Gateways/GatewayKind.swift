import Model

/// The gateway products that are told apart. The raw value is the name that reports and remedies use.
enum GatewayKind: String, CaseIterable {
    case nginx
    case haproxy = "HAProxy"
    case apache = "Apache httpd"
    case caddy = "Caddy"
    case envoy = "Envoy"
    case varnish = "Varnish"
    case traefik = "Traefik"
    case loadBalancer = "AWS Application Load Balancer"
    case cloudFront = "CloudFront"
    case cloudflare = "Cloudflare"
    case googleLoadBalancer = "Google Cloud load balancer"

    var profile: any GatewayProfile.Type {
        switch self {
        case .nginx: NginxProfile.self
        case .haproxy: HAProxyProfile.self
        case .apache: ApacheProfile.self
        case .caddy: CaddyProfile.self
        case .envoy: EnvoyProfile.self
        case .varnish: VarnishProfile.self
        case .traefik: TraefikProfile.self
        case .loadBalancer: LoadBalancerProfile.self
        case .cloudFront: CloudFrontProfile.self
        case .cloudflare: CloudflareProfile.self
        case .googleLoadBalancer: GoogleLoadBalancerProfile.self
        }
    }

    /// Who made this response: nil where nothing marks it as a gateway's own.
    init?(response: ResponseFacts) {
        guard let kind = Fingerprint(response: response)?.kind else { return nil }
        self = kind
    }

    /// Who sent this request upstream: nil where nothing marks it as a gateway's.
    init?(request: RequestFacts) {
        guard let kind = Fingerprint(request: request)?.kind else { return nil }
        self = kind
    }
}

extension RequestFacts {
    /// Marks that only a gateway puts into a request.
    var looksForwarded: Bool {
        let isMarked = fields.contains {
            [
                "x-forwarded-for", "x-real-ip", "forwarded", "via", "x-forwarded-proto", "x-forwarded-server",
                "x-envoy-external-address",
            ]
            .contains($0.name)
        }
        return isMarked
            || GatewayKind.allCases.contains { kind in
                guard let mark = kind.profile.mark(in: self) else { return false }
                // That of nginx is HTTP/1.0, which load generators speak, too.
                return mark.strength == .strong || kind != .nginx
            }
    }
}
