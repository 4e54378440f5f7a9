import Model

/// The status that a gateway gives its client for a cause, by default configuration (nginx 1.22, HAProxy 2.6, as run).
enum StatusTable {
    private static func expected(_ kind: GatewayKind, _ cause: Cause) -> Set<Int>? {
        switch (kind, cause) {
        case (.nginx, .connectTimeout), (.nginx, .acceptQueueOverflow), (.nginx, .responseTimeout),
            (.nginx, .lossStallRequest), (.nginx, .zeroWindowStall):
            [504]
        case (.nginx, .connectRefused), (.nginx, .icmpPortUnreachable), (.nginx, .icmpAdminProhibited),
            (.nginx, .resetAfterAccept), (.nginx, .closedBeforeResponse), (.nginx, .resetBeforeResponse),
            (.nginx, .closedMidHead), (.nginx, .resetMidHead), (.nginx, .headerTooLarge), (.nginx, .malformedHeader),
            (.nginx, .noLiveUpstream):
            [502]
        case (.nginx, .hostUnreachable): [502, 504]
        case (.haproxy, .connectRefused), (.haproxy, .connectTimeout), (.haproxy, .acceptQueueOverflow),
            (.haproxy, .icmpPortUnreachable), (.haproxy, .icmpAdminProhibited), (.haproxy, .hostUnreachable),
            (.haproxy, .noLiveUpstream):
            [503]
        case (.haproxy, .responseTimeout): [504]
        case (.haproxy, .closedBeforeResponse), (.haproxy, .resetBeforeResponse), (.haproxy, .closedMidHead),
            (.haproxy, .resetMidHead), (.haproxy, .headerTooLarge), (.haproxy, .malformedHeader),
            (.haproxy, .malformedStatusLine), (.haproxy, .nonHTTPBanner):
            [502]
        default: nil
        }
    }

    /// A remark where clients got another status; nil where all agrees or nothing is known.
    static func mismatch(_ cause: Cause, _ incidents: [Incident]) -> String? {
        for incident in incidents {
            guard let kind = incident.kind, let status = incident.occurrence.client?.status, status >= 500,
                incident.request?.attempts.count == incident.attempts, let usual = expected(kind, cause),
                !usual.contains(status)
            else { continue }
            let names = usual.sorted().map(String.init).joined(separator: " or ")
            return
                "the client got \(status) where \(kind.rawValue) answers \(names) for this cause: a rewritten error page, "
                + "a further gateway, or a retry"
        }
        return nil
    }
}
