import Model

/// Caddy with `reverse_proxy`, as run in version 2.6.2 (Go's net/http underneath).
enum CaddyProfile: GatewayProfile {
    static func mark(in response: ResponseFacts) -> Fingerprint? {
        guard response.server == "caddy", response.body.seen == 0 else { return nil }
        return Fingerprint(.caddy, .strong, "it answers with Server: Caddy and no body")
    }

    static func mark(in request: RequestFacts) -> Fingerprint? {
        if request.field("via")?.hasSuffix("Caddy") == true {
            return Fingerprint(.caddy, .strong, "it adds Via: Caddy to requests")
        }
        // Since 2.5 it adds all three; httpd and Traefik add X-Forwarded-Server, Envoy its own.
        let added = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"]
        let others = ["x-forwarded-server", "x-real-ip", "x-forwarded-port"]
        guard added.allSatisfy({ request.field($0) != nil }), others.allSatisfy({ request.field($0) == nil }),
            request.version == "HTTP/1.1", !request.lowerCaseNames
        else { return nil }
        return Fingerprint(
            .caddy,
            isWrittenByGo(request) ? .strong : .weak,
            "it adds X-Forwarded-For, -Host and -Proto to requests, in the order in which Go writes fields"
        )
    }

    /// Go's transport writes Host and User-Agent, then the length, then the fields sorted by name, and at the end what it
    /// adds itself: `Accept-Encoding: gzip`, `Connection: close` (net/http, Request.write and persistConn.roundTrip).
    private static func isWrittenByGo(_ request: RequestFacts) -> Bool {
        var names = request.fields.map(\.name)[...]
        guard names.popFirst() == "host" else { return false }
        for name in ["user-agent", "content-length", "transfer-encoding"] where names.first == name {
            names.removeFirst()
        }
        if names.last == "connection" { names.removeLast() }
        if names.last == "accept-encoding" { names.removeLast() }
        return zip(names, names.dropFirst()).allSatisfy { $0 <= $1 }
    }

    static func statuses(for cause: Cause) -> Set<Int>? {
        switch cause {
        case .connectRefused, .icmpPortUnreachable, .icmpAdminProhibited, .hostUnreachable, .connectTimeout,
            .resetAfterAccept, .closedBeforeResponse, .resetBeforeResponse, .resetDuringUpload, .closedMidHead,
            .resetMidHead, .headerTooLarge, .malformedHeader, .malformedStatusLine, .nonHTTPBanner,
            .plaintextToTLSUpstream, .applicationProtocolMismatch, .conflictingContentLength, .staleKeepaliveReuse,
            .dnsFailure, .staleAddress, .earlyResponse, .requestTooLarge, .proxyProtocolMismatch, .surplusBytes:
            [502]
        // 504 where nothing but interim answers came until `response_header_timeout`.
        case .interimResponse: [502, 504]
        // 504 at `response_header_timeout` and `write_timeout`, 502 at `dial_timeout`.
        case .acceptQueueOverflow, .staleTuple, .zeroWindowStall: [502, 504]
        case .responseTimeout, .lossStallRequest: [504]
        case .noLiveUpstream: [503]
        default: nil
        }
    }

    /// net/textproto refuses a line without a colon; it takes a space or a control byte in a name (Go 1.19).
    /// `unhealthy_status` of its passive checks.
    static var mayTakeErrorsForDeath: Bool { true }

    static func rejects(_ deviation: Deviation.Kind) -> Bool { deviation == .missingColon }
}
