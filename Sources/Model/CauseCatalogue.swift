/// The six causes that general advice on a 502 names; the numbers are what reports carry.
package enum GeneralCause: Int, Sendable, CaseIterable, Hashable {
    case disruptedNetwork = 1
    case gatewayFault = 2
    case timeout = 3
    case configuration = 4
    case maintenance = 5
    case firewall = 6

    package var name: String {
        switch self {
        case .disruptedNetwork: "disrupted network"
        case .gatewayFault: "gateway or proxy fault"
        case .timeout: "timeout"
        case .configuration: "incorrect configuration"
        case .maintenance: "maintenance or update"
        case .firewall: "strict firewall"
        }
    }
}

/// Where in the life of an upstream attempt a cause strikes: the order and the headings of the catalogue.
package enum CauseGroup: String, Sendable, CaseIterable {
    case nameResolution = "Name resolution"
    case connect = "Connect"
    case tls = "TLS"
    case request = "Sending the request"
    case waiting = "Waiting for the response"
    case head = "Response head"
    case body = "Response body"
    case reuse = "Connection reuse"
    case protocols = "HTTP/2, gRPC, FastCGI, WebSocket"
    case ends = "Gateway, client, nested"
}

/// What is fixed about a cause, whatever the capture.
package struct CauseEntry: Sendable {
    package var group: CauseGroup
    /// A sentence without its full stop, in which `{upstream}` stands for the endpoint.
    var template: String
    /// RFC 9209 §2.3 proxy error types, the usual one first; empty where none fits.
    package var proxyErrors: [String]
    /// Sides that it may lie on; the first where the evidence does not say.
    package var blames: [Blame]
    package var general: [GeneralCause]

    init(
        _ group: CauseGroup,
        _ template: String,
        _ proxyErrors: [String],
        _ blames: [Blame],
        _ general: [GeneralCause]
    ) {
        self.group = group
        self.template = template
        self.proxyErrors = proxyErrors
        self.blames = blames
        self.general = general
    }
}

extension Cause {
    /// A sentence without its full stop, fit to be read aloud: "10.0.3.7:8080 refused the connection".
    ///
    /// - Parameter upstream: "address:port" or a name; "the upstream" is said where it is nil.
    package func title(upstream: String?) -> String {
        let template = entry.template
        let mark = "{upstream}"
        var result = ""
        var rest = Substring(template)
        while let start = Cause.firstRange(of: mark, in: rest) {
            result += rest[..<start.lowerBound]
            result += upstream ?? (result.isEmpty ? "The upstream" : "the upstream")
            rest = rest[start.upperBound...]
        }
        return result + rest
    }

    /// The RFC 9209 error type; nil where the RFC has none.
    package var proxyStatus: String? { proxyStatus(variant: nil) }

    /// The RFC 9209 error type for a variant: a resolver that never answered is a `dns_timeout` (RFC 9209 §2.3.1).
    package func proxyStatus(variant: String?) -> String? {
        if self == .dnsFailure, variant == "timeout" { return "dns_timeout" }
        return entry.proxyErrors.first
    }

    package var blames: [Blame] { entry.blames }
    package var defaultBlame: Blame { entry.blames.first ?? .unknown }
    package var generalCauses: [GeneralCause] { entry.general }
    package var group: CauseGroup { entry.group }

    /// The coarser causes that a damaged capture, or one without the baseline, may move this verdict to.
    /// `undetermined` is always one more.
    package var fallsBackTo: [Cause] {
        switch self {
        case .handshakeResetByFirewall: [.connectRefused]
        case .acceptQueueOverflow: [.connectTimeout, .resetAfterAccept, .responseTimeout]
        case .resetAfterAccept, .middleboxReset: [.resetBeforeResponse, .truncatedBodyReset]
        case .staleKeepaliveReuse: [.resetBeforeResponse, .closedBeforeResponse]
        case .idleStateExpired: [.lossStallRequest, .staleKeepaliveReuse, .middleboxReset]
        case .pmtuBlackhole: [.lossStallRequest, .lossStallResponse]
        case .lossStallResponse: [.bodyTimeout, .responseTimeout]
        case .lossStallRequest, .zeroWindowStall: [.responseTimeout]
        case .proxyProtocolMismatch, .plaintextToTLSUpstream: [.closedBeforeResponse, .resetBeforeResponse]
        case .tlsToPlaintextUpstream: [.tlsHandshakeTimeout]
        case .tlsUnknownCA, .tlsExpiredCert, .tlsHostnameMismatch: [.tlsCertificateRejected]
        case .fastcgiEmptyResponse: [.closedBeforeResponse, .resetBeforeResponse]
        case .noLiveUpstream: [.noUpstreamAttempt]
        default: []
        }
    }

    /// Everything that damage may move this verdict to, over as many steps of `fallsBackTo` as it takes; itself included.
    /// `undetermined` is always one more.
    package var fallbacks: Set<Cause> {
        var reached: Set<Cause> = [self]
        var waiting = [self]
        while let next = waiting.popLast() {
            for coarser in next.fallsBackTo where reached.insert(coarser).inserted { waiting.append(coarser) }
        }
        return reached
    }

    private static func firstRange(of mark: String, in text: Substring) -> Range<String.Index>? {
        var index = text.startIndex
        while index < text.endIndex {
            if text[index...].hasPrefix(mark) {
                return index..<(text.index(index, offsetBy: mark.count, limitedBy: text.endIndex) ?? text.endIndex)
            }
            index = text.index(after: index)
        }
        return nil
    }
}
