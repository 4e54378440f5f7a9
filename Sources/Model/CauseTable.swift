extension Cause {
    /// The catalogue itself, in its order.
    package var entry: CauseEntry {
        switch self {
        // Name resolution
        case .dnsFailure:
            CauseEntry(
                .nameResolution,
                "The name of the upstream could not be resolved",
                ["dns_error", "dns_timeout"],
                [.dns],
                [.configuration]
            )
        case .staleAddress:
            CauseEntry(
                .nameResolution,
                "The gateway dialled {upstream}, an address that DNS no longer gives for the name",
                ["destination_not_found"],
                [.dns],
                [.configuration, .maintenance]
            )
        // Connect
        case .connectRefused:
            CauseEntry(
                .connect,
                "{upstream} refused the connection",
                ["connection_refused"],
                [.upstream],
                [.maintenance]
            )
        case .handshakeResetByFirewall:
            CauseEntry(
                .connect,
                "A firewall reset the connection attempt to {upstream}",
                ["connection_refused"],
                [.firewall],
                [.firewall]
            )
        case .icmpPortUnreachable:
            CauseEntry(
                .connect,
                "A filter rejected the connection to {upstream} (ICMP port unreachable)",
                ["connection_refused"],
                [.firewall],
                [.firewall]
            )
        case .icmpAdminProhibited:
            CauseEntry(
                .connect,
                "A filter prohibited the connection to {upstream} (ICMP administratively prohibited)",
                ["destination_ip_prohibited"],
                [.firewall],
                [.firewall]
            )
        case .hostUnreachable:
            CauseEntry(
                .connect,
                "{upstream} could not be reached: no route, or no neighbour answered",
                ["destination_ip_unroutable"],
                [.network],
                [.disruptedNetwork, .maintenance]
            )
        case .connectTimeout:
            CauseEntry(
                .connect,
                "{upstream} never answered the connection attempt",
                ["connection_timeout"],
                [.firewall, .network],
                [.firewall, .timeout]
            )
        case .acceptQueueOverflow:
            CauseEntry(
                .connect,
                "{upstream} is alive but accepted no more connections",
                ["connection_timeout"],
                [.upstream],
                [.timeout]
            )
        case .resetAfterAccept:
            CauseEntry(
                .connect,
                "{upstream} accepted the connection and reset it at once",
                ["connection_terminated"],
                [.upstream],
                [.maintenance]
            )
        case .staleTuple:
            CauseEntry(
                .connect,
                "{upstream} still held an old connection on the same ports",
                ["connection_timeout"],
                [.upstream, .network],
                [.gatewayFault]
            )
        case .pmtuBlackhole:
            CauseEntry(
                .connect,
                "Full-size packets to or from {upstream} vanish on the path",
                ["connection_timeout"],
                [.network],
                [.disruptedNetwork, .firewall]
            )
        // TLS
        case .tlsToPlaintextUpstream:
            CauseEntry(
                .tls,
                "The gateway speaks TLS to {upstream}, which does not",
                ["tls_protocol_error"],
                [.gateway],
                [.configuration]
            )
        case .plaintextToTLSUpstream:
            CauseEntry(
                .tls,
                "The gateway speaks plain HTTP to {upstream}, which wants TLS",
                ["http_protocol_error"],
                [.gateway],
                [.configuration]
            )
        case .tlsHandshakeTimeout:
            CauseEntry(
                .tls,
                "{upstream} went silent in the TLS handshake",
                ["connection_timeout"],
                [.upstream],
                [.timeout]
            )
        case .tlsHandshakeReset:
            CauseEntry(
                .tls,
                "The TLS handshake with {upstream} was cut off without an alert",
                ["connection_terminated"],
                [.upstream, .firewall],
                [.firewall]
            )
        case .tlsProtocolVersion:
            CauseEntry(
                .tls,
                "The gateway and {upstream} share no TLS version",
                ["tls_alert_received"],
                [.gateway, .upstream],
                [.configuration]
            )
        case .tlsHandshakeFailure:
            CauseEntry(
                .tls,
                "The gateway and {upstream} share no TLS cipher, group or signature",
                ["tls_alert_received"],
                [.gateway, .upstream],
                [.configuration]
            )
        case .tlsUnrecognizedName:
            CauseEntry(
                .tls,
                "{upstream} does not know the server name of the TLS handshake, or got none",
                ["tls_alert_received"],
                [.gateway],
                [.configuration]
            )
        case .tlsUnknownCA:
            CauseEntry(
                .tls,
                "The gateway does not trust the certificate chain of {upstream}",
                ["tls_certificate_error"],
                [.gateway],
                [.configuration]
            )
        case .tlsExpiredCert:
            CauseEntry(
                .tls,
                "The certificate of {upstream} is not valid at this time",
                ["tls_certificate_error"],
                [.upstream],
                [.maintenance]
            )
        case .tlsHostnameMismatch:
            CauseEntry(
                .tls,
                "The certificate of {upstream} does not cover the name asked for",
                ["tls_certificate_error"],
                [.gateway, .upstream],
                [.configuration]
            )
        case .tlsCertificateRejected:
            CauseEntry(
                .tls,
                "The gateway rejected the certificate of {upstream}",
                ["tls_certificate_error"],
                [.gateway],
                [.configuration]
            )
        case .tlsClientCertRequired:
            CauseEntry(
                .tls,
                "{upstream} wants a client certificate that the gateway did not give",
                ["tls_alert_received"],
                [.gateway],
                [.configuration]
            )
        case .tlsALPNMismatch:
            CauseEntry(
                .tls,
                "The gateway and {upstream} share no application protocol (ALPN)",
                ["tls_alert_received"],
                [.gateway],
                [.configuration]
            )
        // Sending the request
        case .resetDuringUpload:
            CauseEntry(
                .request,
                "{upstream} reset the connection while the request body was being sent",
                ["connection_terminated"],
                [.upstream],
                [.configuration]
            )
        case .earlyResponse:
            CauseEntry(
                .request,
                "{upstream} answered before the request body ended, and then reset the connection",
                ["http_response_incomplete"],
                [.upstream],
                [.configuration]
            )
        case .zeroWindowStall:
            CauseEntry(
                .request,
                "{upstream} stopped reading the request (zero window)",
                ["connection_write_timeout"],
                [.upstream],
                [.timeout]
            )
        case .proxyProtocolMismatch:
            CauseEntry(
                .request,
                "The gateway and {upstream} disagree about the PROXY protocol header",
                ["http_protocol_error"],
                [.gateway],
                [.configuration]
            )
        case .nonHTTPBanner:
            CauseEntry(
                .request,
                "{upstream} speaks another protocol than HTTP",
                ["http_protocol_error"],
                [.gateway],
                [.configuration]
            )
        case .applicationProtocolMismatch:
            CauseEntry(
                .request,
                "The gateway and {upstream} speak different application protocols",
                ["http_protocol_error"],
                [.gateway],
                [.configuration]
            )
        case .requestTooLarge:
            CauseEntry(
                .request,
                "The request head is larger than {upstream} accepts",
                ["http_request_error"],
                [.upstream],
                [.configuration]
            )
        // Waiting for the response
        case .closedBeforeResponse:
            CauseEntry(
                .waiting,
                "{upstream} closed the connection without answering",
                ["connection_terminated"],
                [.upstream],
                [.maintenance]
            )
        case .resetBeforeResponse:
            CauseEntry(
                .waiting,
                "{upstream} reset the connection before answering",
                ["connection_terminated"],
                [.upstream],
                [.maintenance]
            )
        case .responseTimeout:
            CauseEntry(
                .waiting,
                "{upstream} did not answer before the gateway's timeout",
                ["http_response_timeout"],
                [.upstream],
                [.timeout]
            )
        case .lossStallRequest:
            CauseEntry(
                .waiting,
                "The request to {upstream} was lost on the network",
                ["connection_timeout"],
                [.network],
                [.disruptedNetwork]
            )
        case .middleboxReset:
            CauseEntry(
                .waiting,
                "A device on the path reset the connection to {upstream}",
                ["connection_terminated"],
                [.firewall],
                [.firewall]
            )
        case .interimResponse:
            CauseEntry(
                .waiting,
                "Interim (1xx) answers of {upstream} broke the exchange",
                ["http_response_incomplete"],
                [.upstream],
                [.configuration]
            )
        // Response head
        case .closedMidHead:
            CauseEntry(
                .head,
                "{upstream} closed the connection inside the response head",
                ["http_response_incomplete"],
                [.upstream],
                [.maintenance]
            )
        case .resetMidHead:
            CauseEntry(
                .head,
                "{upstream} reset the connection inside the response head",
                ["http_response_incomplete"],
                [.upstream],
                [.maintenance]
            )
        case .headerTooLarge:
            CauseEntry(
                .head,
                "The response head of {upstream} is larger than the gateway accepts",
                ["http_response_header_section_size"],
                [.gateway],
                [.configuration]
            )
        case .malformedHeader:
            CauseEntry(
                .head,
                "{upstream} sent a header line that the gateway rejects",
                ["http_protocol_error"],
                [.upstream],
                [.configuration]
            )
        case .malformedStatusLine:
            CauseEntry(
                .head,
                "{upstream} sent no valid HTTP status line",
                ["http_protocol_error"],
                [.upstream],
                [.configuration]
            )
        case .conflictingContentLength:
            CauseEntry(
                .head,
                "{upstream} sent contradicting lengths for the response body",
                ["http_protocol_error"],
                [.upstream],
                [.configuration]
            )
        case .unexpectedUpgrade:
            CauseEntry(
                .head,
                "The protocol upgrade with {upstream} failed",
                ["http_upgrade_failed"],
                [.upstream, .gateway],
                [.configuration]
            )
        case .tooManyHeaders:
            CauseEntry(
                .head,
                "{upstream} sent more header fields than the gateway accepts",
                ["http_response_header_section_size"],
                [.gateway],
                [.configuration]
            )
        case .gatewayRejectedResponse:
            CauseEntry(
                .head,
                "The gateway refused a complete and legal answer of {upstream}",
                ["proxy_internal_response"],
                [.gateway],
                [.gatewayFault]
            )
        // Response body
        case .truncatedBodyFin:
            CauseEntry(
                .body,
                "{upstream} closed the connection before the end of the response body",
                ["http_response_incomplete"],
                [.upstream],
                [.maintenance]
            )
        case .truncatedBodyReset:
            CauseEntry(
                .body,
                "{upstream} reset the connection before the end of the response body",
                ["http_response_incomplete"],
                [.upstream],
                [.maintenance]
            )
        case .badChunkSize:
            CauseEntry(
                .body,
                "{upstream} sent broken chunked encoding",
                ["http_response_transfer_coding"],
                [.upstream],
                [.configuration]
            )
        case .bodyTimeout:
            CauseEntry(
                .body,
                "{upstream} stopped inside the response body until the gateway's timeout",
                ["connection_read_timeout"],
                [.upstream],
                [.timeout]
            )
        case .lossStallResponse:
            CauseEntry(
                .body,
                "The response of {upstream} was lost on the network",
                ["connection_read_timeout"],
                [.network],
                [.disruptedNetwork]
            )
        case .surplusBytes:
            CauseEntry(
                .body,
                "{upstream} sent bytes after the end of its response",
                ["http_protocol_error"],
                [.upstream],
                [.configuration]
            )
        // Connection reuse
        case .staleKeepaliveReuse:
            CauseEntry(
                .reuse,
                "The gateway reused a connection that {upstream} was closing",
                ["connection_terminated"],
                [.gateway, .upstream],
                [.configuration]
            )
        case .idleStateExpired:
            CauseEntry(
                .reuse,
                "A device on the path to {upstream} forgot the idle connection",
                ["connection_terminated"],
                [.firewall, .network],
                [.firewall]
            )
        // HTTP/2, gRPC, FastCGI, WebSocket
        case .h2Goaway:
            CauseEntry(
                .protocols,
                "{upstream} sent GOAWAY before it served the stream",
                ["http_protocol_error"],
                [.upstream],
                [.maintenance]
            )
        case .h2RstStream:
            CauseEntry(
                .protocols,
                "{upstream} reset the HTTP/2 stream",
                ["http_protocol_error"],
                [.upstream],
                [.maintenance]
            )
        case .h2ProtocolError:
            CauseEntry(
                .protocols,
                "{upstream} broke the HTTP/2 protocol",
                ["http_protocol_error"],
                [.upstream],
                [.configuration]
            )
        case .grpcIncomplete:
            CauseEntry(
                .protocols,
                "{upstream} ended the call without grpc-status",
                ["http_response_incomplete"],
                [.upstream],
                [.configuration]
            )
        case .fastcgiEmptyResponse:
            CauseEntry(
                .protocols,
                "The FastCGI application at {upstream} ended without a response head",
                ["http_response_incomplete"],
                [.upstream],
                [.maintenance]
            )
        case .fastcgiBadRecord:
            CauseEntry(
                .protocols,
                "{upstream} sent a FastCGI record that is not valid",
                ["http_protocol_error"],
                [.upstream],
                [.configuration]
            )
        case .websocketCut:
            CauseEntry(
                .protocols,
                "The WebSocket to {upstream} was cut off",
                ["connection_terminated"],
                [.upstream, .gateway],
                [.timeout]
            )
        // Gateway, client, nested
        case .noLiveUpstream:
            CauseEntry(
                .ends,
                "The gateway held all its upstreams to be dead and tried none",
                ["destination_unavailable"],
                [.gateway],
                [.gatewayFault]
            )
        case .noUpstreamAttempt:
            CauseEntry(
                .ends,
                "The gateway answered with an error of its own and tried no upstream",
                ["proxy_internal_error"],
                [.gateway],
                [.gatewayFault]
            )
        case .gatewayReload:
            CauseEntry(
                .ends,
                "The gateway closed its connections, as on a reload or stop",
                ["proxy_internal_error"],
                [.gateway],
                [.maintenance]
            )
        case .clientAbort:
            CauseEntry(.ends, "The client left before the answer", [], [.client], [.gatewayFault])
        case .clientSlow:
            CauseEntry(.ends, "The client stopped sending or reading", ["http_request_error"], [.client], [.timeout])
        case .upstreamErrorResponse:
            CauseEntry(.ends, "{upstream} itself answered with the error", [], [.upstream], [.gatewayFault])
        case .cachedError:
            CauseEntry(.ends, "The error came out of a cache", [], [.gateway], [.gatewayFault])
        case .proxyLoop:
            CauseEntry(
                .ends,
                "The request passed the same gateway twice",
                ["proxy_loop_detected"],
                [.gateway],
                [.configuration]
            )
        case .undetermined:
            CauseEntry(.ends, "The packets do not decide the cause", [], [.unknown], [])
        }
    }
}
