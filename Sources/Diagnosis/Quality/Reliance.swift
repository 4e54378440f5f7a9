import Model

/// What a verdict rests on besides the packets that it names. Damage to the capture matters to it only there.
struct Reliance: OptionSet, Sendable {
    let rawValue: UInt8

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Something was not sent: an answer, the rest of a body, another attempt. One packet that was missed makes it wrong.
    static let silence = Reliance(rawValue: 1)
    /// Which of two packets came first, or how long one waited for the other.
    static let order = Reliance(rawValue: 2)
    /// The bytes of a message, all of them.
    static let content = Reliance(rawValue: 4)
    /// The connection from its first packet on: whether it had served before.
    static let beginning = Reliance(rawValue: 8)
    /// What other connections did at the same time, or an instant: where the time stamps are wrong, nothing is left of it.
    static let simultaneity = Reliance(rawValue: 16)

    /// Of packets that are there (a RST in answer to a SYN, an ICMP error, an alert, a malformed line) nothing is in this list.
    init(_ cause: Cause) {
        switch cause {
        case .connectRefused, .handshakeResetByFirewall, .icmpPortUnreachable, .icmpAdminProhibited, .staleTuple,
            .tlsToPlaintextUpstream, .plaintextToTLSUpstream, .tlsProtocolVersion, .tlsHandshakeFailure,
            .tlsUnrecognizedName, .tlsUnknownCA, .tlsExpiredCert, .tlsHostnameMismatch, .tlsCertificateRejected,
            .tlsClientCertRequired, .tlsALPNMismatch, .nonHTTPBanner, .applicationProtocolMismatch, .requestTooLarge,
            .earlyResponse, .middleboxReset, .interimResponse, .malformedHeader,
            .conflictingContentLength, .unexpectedUpgrade, .tooManyHeaders, .h2Goaway, .h2RstStream, .h2ProtocolError,
            .fastcgiBadRecord, .upstreamErrorResponse, .proxyLoop, .undetermined:
            self = []
        case .hostUnreachable, .connectTimeout, .acceptQueueOverflow, .tlsHandshakeReset,
            .proxyProtocolMismatch, .resetDuringUpload, .zeroWindowStall, .closedBeforeResponse, .resetBeforeResponse,
            .lossStallRequest, .lossStallResponse, .pmtuBlackhole, .grpcIncomplete, .fastcgiEmptyResponse,
            .websocketCut, .truncatedBodyFin, .truncatedBodyReset:
            self = .silence
        case .dnsFailure, .staleAddress, .noLiveUpstream, .noUpstreamAttempt, .cachedError:
            self = [.silence, .simultaneity]
        case .tlsHandshakeTimeout, .responseTimeout, .bodyTimeout, .clientAbort, .clientSlow:
            self = [.silence, .order]
        case .resetAfterAccept, .gatewayReload:
            self = [.order, .simultaneity]
        case .closedMidHead, .resetMidHead:
            self = [.silence, .content]
        case .gatewayRejectedResponse:
            self = [.silence, .content, .simultaneity]
        case .headerTooLarge, .badChunkSize, .surplusBytes:
            self = .content
        case .malformedStatusLine:
            // Bytes that came before the request are the surplus of another answer.
            self = .order
        case .staleKeepaliveReuse, .idleStateExpired:
            self = [.order, .beginning]
        }
    }
}
