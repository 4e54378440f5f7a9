import Model

/// Verdicts on damaged captures that nobody could avoid who has these packets only, each with its reason.
struct AcceptedDamage {
    /// What the undamaged capture says of the request; nil where it has nothing.
    private var planned: Cause?
    private var named: Set<Cause>
    /// How the case's name begins.
    private var cases = ""
    private var reason: String

    static func covers(_ name: String, _ planned: Set<Cause>, _ named: Cause) -> Bool {
        all.contains { accepted in
            accepted.named.contains(named) && name.hasPrefix(accepted.cases)
                && (accepted.planned.map { planned.contains($0) } ?? planned.isEmpty)
        }
    }

    private static let all: [AcceptedDamage] = [
        AcceptedDamage(
            planned: .staleAddress,
            named: [.connectRefused, .connectTimeout, .handshakeResetByFirewall, .hostUnreachable],
            reason: "without the name server's answers the address is like any other, and how it failed is true"
        ),
        AcceptedDamage(
            named: [.proxyLoop, .upstreamErrorResponse, .responseTimeout, .undetermined],
            cases: "proxy-loop/",
            reason: "without the first pass, the next one is the request of some client"
        ),
        AcceptedDamage(
            named: [.connectRefused, .connectTimeout, .hostUnreachable, .resetAfterAccept],
            cases: "no-live-upstream/",
            reason: "without the client's leg, failing checks look like requests whose connection failed"
        ),
        AcceptedDamage(
            planned: .proxyProtocolMismatch,
            named: [.resetAfterAccept],
            reason: "the port's other exchanges are missing, and its reset is as fast as one of a closing acceptor"
        ),
        AcceptedDamage(
            planned: .closedBeforeResponse,
            named: [.proxyProtocolMismatch],
            reason: "the exchanges that the port answered are missing: it closes on all that is left, at once"
        ),
        AcceptedDamage(
            planned: .connectRefused,
            named: [.staleAddress],
            reason: "the later answer that gives the address again is missing: until then it looks withdrawn"
        ),
        AcceptedDamage(
            named: [.connectRefused],
            cases: "clean/haproxy-failing-checks",
            reason: "fewer checks are left than make a series, and without a request a dial is like any other"
        ),
        AcceptedDamage(
            planned: .requestTooLarge,
            named: [.resetAfterAccept, .resetBeforeResponse, .closedBeforeResponse],
            reason: "the smaller requests that passed are missing, which tell that the size decides"
        ),
        AcceptedDamage(
            planned: .applicationProtocolMismatch,
            named: [.resetAfterAccept, .resetBeforeResponse, .closedBeforeResponse],
            reason: "the port's answers in its own protocol are missing, which tell that it is no HTTP server"
        ),
        AcceptedDamage(
            planned: .closedBeforeResponse,
            named: [.proxyProtocolMismatch],
            reason: "every answer of the port is missing: until then it had closed each connection at once"
        ),
        AcceptedDamage(
            planned: .clientAbort,
            named: [.responseTimeout],
            reason: "the client's close is missing, and the gateway's came after a round time of waiting"
        ),
        AcceptedDamage(
            planned: .icmpAdminProhibited,
            named: [.connectTimeout],
            reason: "all ICMP errors are missing, and the SYN was repeated: what is left is silence"
        ),
        AcceptedDamage(
            planned: .hostUnreachable,
            named: [.connectTimeout],
            reason: "all ICMP errors are missing, and the SYN was repeated: what is left is silence"
        ),
        AcceptedDamage(
            named: [.connectRefused],
            cases: "clean/haproxy-failing-checks",
            reason: "without the client's leg and the other checks, failing checks look like requests that were refused"
        ),
        AcceptedDamage(
            planned: .gatewayReload,
            named: [.responseTimeout, .bodyTimeout],
            reason: "one of the closes at the same instant is missing: the other one alone looks like a timer's"
        ),
        AcceptedDamage(
            planned: .interimResponse,
            named: [.responseTimeout],
            reason: "the field line by which the gateway waits for leave is missing"
        ),
        AcceptedDamage(
            planned: .dnsFailure,
            named: [.noUpstreamAttempt],
            cases: "dns-failure/haproxy-",
            reason: "it resolves in the background, and the lookup was before the capture began"
        ),
        AcceptedDamage(
            planned: .dnsFailure,
            named: [.noUpstreamAttempt],
            cases: "dns-failure/envoy-",
            reason: "it resolves in the background, and the lookup was before the capture began"
        ),
        AcceptedDamage(
            planned: .cachedError,
            named: [.noUpstreamAttempt],
            reason: "the field lines that tell of the cache are missing"
        ),
        AcceptedDamage(
            planned: .connectRefused,
            named: [.noLiveUpstream],
            cases: "reset-mid-head/nginx-busy-mix",
            reason: "by the packets' times the refused connect came before the request, and belonged to the one before"
        ),
    ]
}
