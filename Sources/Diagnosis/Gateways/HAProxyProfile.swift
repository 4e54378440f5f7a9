import Model

/// HAProxy, as run in version 2.6.12.
enum HAProxyProfile: GatewayProfile {
    private static let pages = [
        "The server returned an invalid or incomplete response.",
        "No server is available to handle this request.",
        "The server didn't respond in time.",
    ]

    static func mark(in response: ResponseFacts) -> Fingerprint? {
        guard response.server.isEmpty, pages.contains(where: response.bodyContains) else { return nil }
        return Fingerprint(.haproxy, .strong, "its error page is HAProxy's")
    }

    /// HTX writes all field names in lower case, adds none, and keeps the version.
    static func mark(in request: RequestFacts) -> Fingerprint? {
        // Envoy writes them so too, and adds these two.
        guard request.lowerCaseNames, request.fieldCount > 0, request.version.hasPrefix("HTTP/1."),
            request.field("x-request-id") == nil || request.field("x-forwarded-proto") == nil
        else { return nil }
        return Fingerprint(.haproxy, .weak, "it writes field names in lower case and adds none")
    }

    static func statuses(for cause: Cause) -> Set<Int>? {
        switch cause {
        case .connectRefused, .connectTimeout, .acceptQueueOverflow, .icmpPortUnreachable, .icmpAdminProhibited,
            .hostUnreachable, .noLiveUpstream, .noUpstreamAttempt, .dnsFailure, .staleAddress:
            [503]
        case .responseTimeout: [504]
        case .closedBeforeResponse, .resetBeforeResponse, .closedMidHead, .resetMidHead, .headerTooLarge,
            .malformedHeader, .malformedStatusLine, .nonHTTPBanner, .earlyResponse, .requestTooLarge,
            .proxyProtocolMismatch, .unexpectedUpgrade, .tooManyHeaders, .conflictingContentLength, .surplusBytes:
            [502]
        // 504 where nothing but interim answers came until `timeout server`.
        case .interimResponse: [502, 504]
        // 503 where its HTTP/2 preface was answered in HTTP/1.
        case .applicationProtocolMismatch: [502, 503]
        default: nil
        }
    }

    static func rejects(_ deviation: Deviation.Kind) -> Bool {
        [.spaceBeforeColon, .invalidNameByte, .emptyFieldName, .missingColon].contains(deviation)
    }
}
