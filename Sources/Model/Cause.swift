/// Whose side the evidence puts a failure on.
package enum Blame: String, Sendable, CaseIterable {
    case upstream, network, firewall, gateway, client, dns, unknown
}

package enum Confidence: String, Sendable, Comparable, CaseIterable {
    case low, medium, high

    package static func < (left: Confidence, right: Confidence) -> Bool {
        left.rank < right.rank
    }

    private var rank: Int {
        switch self {
        case .low: 0
        case .medium: 1
        case .high: 2
        }
    }
}

package enum Severity: String, Sendable, Comparable, CaseIterable {
    /// Worth knowing, failed nothing.
    case note
    /// An attempt failed and a retry hid it.
    case nearMiss
    /// A client's request failed, or the attempt failed and no client leg is visible.
    case failure

    package static func < (left: Severity, right: Severity) -> Bool {
        left.rank < right.rank
    }

    private var rank: Int {
        switch self {
        case .note: 0
        case .nearMiss: 1
        case .failure: 2
        }
    }
}

/// The catalogue of causes. Raw values are the fixed ids that reports, captures and tickets use.
package enum Cause: String, Sendable, CaseIterable, Hashable {
    // Name resolution
    case dnsFailure = "dns-failure"
    case staleAddress = "stale-address"
    // Connect
    case connectRefused = "connect-refused"
    case handshakeResetByFirewall = "handshake-reset-by-firewall"
    case icmpPortUnreachable = "icmp-port-unreachable"
    case icmpAdminProhibited = "icmp-admin-prohibited"
    case hostUnreachable = "host-unreachable"
    case connectTimeout = "connect-timeout"
    case acceptQueueOverflow = "accept-queue-overflow"
    case resetAfterAccept = "reset-after-accept"
    case staleTuple = "stale-tuple"
    case pmtuBlackhole = "pmtu-blackhole"
    // TLS
    case tlsToPlaintextUpstream = "tls-to-plaintext-upstream"
    case plaintextToTLSUpstream = "plaintext-to-tls-upstream"
    case tlsHandshakeTimeout = "tls-handshake-timeout"
    case tlsHandshakeReset = "tls-handshake-reset"
    case tlsProtocolVersion = "tls-protocol-version"
    case tlsHandshakeFailure = "tls-handshake-failure"
    case tlsUnrecognizedName = "tls-unrecognized-name"
    case tlsUnknownCA = "tls-unknown-ca"
    case tlsExpiredCert = "tls-expired-cert"
    case tlsHostnameMismatch = "tls-hostname-mismatch"
    case tlsCertificateRejected = "tls-certificate-rejected"
    case tlsClientCertRequired = "tls-client-cert-required"
    case tlsALPNMismatch = "tls-alpn-mismatch"
    // Sending the request
    case resetDuringUpload = "reset-during-upload"
    case earlyResponse = "early-response"
    case zeroWindowStall = "zero-window-stall"
    case proxyProtocolMismatch = "proxy-protocol-mismatch"
    case nonHTTPBanner = "non-http-banner"
    case applicationProtocolMismatch = "application-protocol-mismatch"
    case requestTooLarge = "request-too-large"
    // Waiting for the response
    case closedBeforeResponse = "closed-before-response"
    case resetBeforeResponse = "reset-before-response"
    case responseTimeout = "response-timeout"
    case lossStallRequest = "loss-stall-request"
    case middleboxReset = "middlebox-reset"
    case interimResponse = "interim-response"
    // Response head
    case closedMidHead = "closed-mid-head"
    case resetMidHead = "reset-mid-head"
    case headerTooLarge = "header-too-large"
    case malformedHeader = "malformed-header"
    case malformedStatusLine = "malformed-status-line"
    case conflictingContentLength = "conflicting-content-length"
    case unexpectedUpgrade = "unexpected-upgrade"
    case tooManyHeaders = "too-many-headers"
    case gatewayRejectedResponse = "gateway-rejected-response"
    // Response body
    case truncatedBodyFin = "truncated-body-fin"
    case truncatedBodyReset = "truncated-body-reset"
    case badChunkSize = "bad-chunk-size"
    case bodyTimeout = "body-timeout"
    case lossStallResponse = "loss-stall-response"
    case surplusBytes = "surplus-bytes"
    // Connection reuse
    case staleKeepaliveReuse = "stale-keepalive-reuse"
    case idleStateExpired = "idle-state-expired"
    // HTTP/2, gRPC, FastCGI, WebSocket
    case h2Goaway = "h2-goaway"
    case h2RstStream = "h2-rst-stream"
    case h2ProtocolError = "h2-protocol-error"
    case grpcIncomplete = "grpc-incomplete"
    case fastcgiEmptyResponse = "fastcgi-empty-response"
    case fastcgiBadRecord = "fastcgi-bad-record"
    case websocketCut = "websocket-cut"
    // Gateway, client, nested
    case noLiveUpstream = "no-live-upstream"
    case noUpstreamAttempt = "no-upstream-attempt"
    case gatewayReload = "gateway-reload"
    case clientAbort = "client-abort"
    case clientSlow = "client-slow"
    case upstreamErrorResponse = "upstream-error-response"
    case cachedError = "cached-error"
    case proxyLoop = "proxy-loop"
    case undetermined
}
