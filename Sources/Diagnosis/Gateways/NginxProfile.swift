import Model

/// nginx, as run in version 1.22.1; OpenResty signs in its place.
enum NginxProfile: GatewayProfile {
    static func mark(in response: ResponseFacts) -> Fingerprint? {
        guard response.bodyContains("<hr><center>nginx") || response.bodyContains("<hr><center>openresty") else {
            return nil
        }
        return Fingerprint(.nginx, .strong, "its error page is signed nginx")
    }

    /// HTTP/1.0 with `Connection: close` is the default up to 1.29.6 (ngx_http_proxy_module, `proxy_http_version`). It writes `Host` so.
    static func mark(in request: RequestFacts) -> Fingerprint? {
        guard request.version == "HTTP/1.0", request.wantsClose, !request.lowerCaseNames,
            request.field("x-forwarded-server") == nil
        else { return nil }
        let isExplicit = request.field("connection")?.lowercased() == "close"
        return Fingerprint(
            .nginx,
            isExplicit ? .strong : .weak,
            "it asks upstreams with HTTP/1.0\(isExplicit ? " and Connection: close" : "")"
        )
    }

    static func statuses(for cause: Cause) -> Set<Int>? {
        switch cause {
        case .connectTimeout, .acceptQueueOverflow, .responseTimeout, .lossStallRequest, .zeroWindowStall: [504]
        // Also where the name server did not answer (`resolver_timeout`).
        case .dnsFailure: [502]
        case .connectRefused, .icmpPortUnreachable, .icmpAdminProhibited, .resetAfterAccept, .closedBeforeResponse,
            .resetBeforeResponse, .closedMidHead, .resetMidHead, .headerTooLarge, .malformedHeader, .noLiveUpstream,
            .earlyResponse, .requestTooLarge, .proxyProtocolMismatch, .applicationProtocolMismatch,
            .fastcgiEmptyResponse:
            [502]
        // Its connect timer may end first.
        case .hostUnreachable, .staleAddress: [502, 504]
        default: nil
        }
    }

    /// `ngx_http_parse_header_line`.
    static func rejects(_ deviation: Deviation.Kind) -> Bool {
        [.spaceBeforeColon, .invalidNameByte, .emptyFieldName, .nulInValue, .obsoleteFolding].contains(deviation)
    }
}
