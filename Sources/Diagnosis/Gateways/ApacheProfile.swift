import Model

/// Apache httpd with mod_proxy_http, as run in version 2.4.71.
enum ApacheProfile: GatewayProfile {
    /// `ap_proxyerror` writes its own reason phrase and reason; what fails without it gets the page of `ErrorDocument`'s defaults
    /// (`http_protocol.c`, `get_canned_error_string`), which stands behind the document type.
    private static let pages = [
        "Error reading from remote server",
        "The proxy server received an invalid",
        "The server is temporarily unable to service your\nrequest due to maintenance downtime or capacity",
        "The gateway did not receive a timely response\nfrom the upstream server or application.",
    ]

    static func mark(in response: ResponseFacts) -> Fingerprint? {
        if response.firstLine.hasSuffix("Proxy Error") {
            return Fingerprint(.apache, .strong, "its reason phrase is Proxy Error")
        }
        guard pages.contains(where: response.bodyContains) else { return nil }
        return Fingerprint(.apache, .strong, "its error page is Apache httpd's")
    }

    /// `ProxyAddHeaders` is on by default; Traefik adds X-Real-Ip to the same. (`Connection: Keep-Alive` is Apache HttpClient's, too.)
    static func mark(in request: RequestFacts) -> Fingerprint? {
        guard request.field("x-forwarded-server") != nil, request.field("x-real-ip") == nil else { return nil }
        return Fingerprint(.apache, .strong, "it adds X-Forwarded-Server to requests")
    }

    /// A reset or close that comes on a connection of the client that is not its first request gets no answer at all.
    static func statuses(for cause: Cause) -> Set<Int>? {
        switch cause {
        case .connectRefused, .icmpPortUnreachable, .icmpAdminProhibited, .hostUnreachable, .connectTimeout,
            .noLiveUpstream, .noUpstreamAttempt:
            [503]
        case .responseTimeout, .lossStallRequest, .closedBeforeResponse, .resetBeforeResponse, .closedMidHead,
            .resetMidHead, .headerTooLarge, .staleKeepaliveReuse, .conflictingContentLength, .malformedStatusLine,
            .nonHTTPBanner, .plaintextToTLSUpstream, .earlyResponse, .requestTooLarge, .proxyProtocolMismatch,
            .unexpectedUpgrade:
            [502]
        // 500 as run (2.4.71), 502 before: `DNS lookup failure for`.
        case .dnsFailure: [500, 502]
        case .staleAddress: [503]
        // 503 where it waits for a 100 (`Expect` passed on) until its timer.
        case .interimResponse: [502, 503]
        // 503 from mod_proxy_fcgi and mod_proxy_http2 where they are answered in HTTP/1.
        case .applicationProtocolMismatch: [502, 503]
        // The race of the reset and the end of connect() decides.
        case .resetAfterAccept: [502, 503]
        // 504 where it could not send, 502 where it waited for the answer.
        case .zeroWindowStall, .resetDuringUpload: [502, 504]
        // 500 where a name or a value holds what does not belong there.
        case .malformedHeader: [500, 502]
        default: nil
        }
    }

    /// `ap_proxy_read_headers` (no colon, NUL) and `check_headers` of the output filter (the rest, 500).
    static func rejects(_ deviation: Deviation.Kind) -> Bool {
        [
            .missingColon, .emptyFieldName, .spaceBeforeColon, .invalidNameByte, .nulInValue, .controlInValue,
            .bareCarriageReturn,
        ].contains(deviation)
    }

    /// `ResponseFieldSize` is 8192 bytes for a line with its end; a head of 70 kB in short lines passes.
    static func refusesHead(of response: ResponseFacts) -> Bool { response.longestLine >= 8192 }

    /// A line that does not look like `HTTP/#.# ###` is the beginning of an HTTP/0.9 body, unless it holds a NUL.
    static func takesForBody(_ response: ResponseFacts) -> Bool {
        !response.firstLine.contains("\\x00")
    }

    /// `failonstatus` of a balancer.
    static var mayTakeErrorsForDeath: Bool { true }
}
