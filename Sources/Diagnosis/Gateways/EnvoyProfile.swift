import Model

/// Envoy, as run in version 1.40.0, and what is built of it (Istio).
enum EnvoyProfile: GatewayProfile {
    /// It writes its name over the upstream's Server (`server_header_transformation: OVERWRITE`), and tells of every answer
    /// that came from upstream how long that took: one without is its own.
    static func mark(in response: ResponseFacts) -> Fingerprint? {
        guard response.server == "envoy" || response.server == "istio-envoy",
            response.field("x-envoy-upstream-service-time") == nil
        else { return nil }
        return Fingerprint(.envoy, .strong, "it answers with Server: \(response.server) and a text of its own")
    }

    /// `x-envoy-expected-rq-timeout-ms` where the route has a timer; `x-request-id` and `x-forwarded-proto` always.
    static func mark(in request: RequestFacts) -> Fingerprint? {
        if let name = request.fields.first(where: { $0.name.hasPrefix("x-envoy-") })?.name {
            return Fingerprint(.envoy, .strong, "it adds \(name) to requests")
        }
        guard request.lowerCaseNames, request.field("x-request-id") != nil, request.field("x-forwarded-proto") != nil
        else { return nil }
        return Fingerprint(
            .envoy,
            .weak,
            "it writes field names in lower case and adds x-request-id and x-forwarded-proto to requests"
        )
    }

    /// Its page after a single try names how that ended; true where no connection came about, nil where it does not say.
    static func tellsOfConnect(_ response: ResponseFacts) -> Bool? {
        guard response.server == "envoy" || response.server == "istio-envoy",
            response.bodyContains("before headers. reset reason: ")
        else { return nil }
        return ["connection failure", "connection timeout"].contains(where: response.bodyContains)
    }

    static func statuses(for cause: Cause) -> Set<Int>? {
        switch cause {
        case .connectRefused, .icmpPortUnreachable, .icmpAdminProhibited, .resetAfterAccept, .closedBeforeResponse,
            .resetBeforeResponse, .resetDuringUpload, .staleKeepaliveReuse, .noLiveUpstream, .noUpstreamAttempt,
            .dnsFailure, .earlyResponse, .requestTooLarge, .proxyProtocolMismatch:
            [503]
        case .interimResponse: [503, 504]
        // Its buffers' limit (`per_connection_buffer_limit_bytes`).
        case .gatewayRejectedResponse: [500]
        // The route's timer runs while it connects, and may end first.
        case .connectTimeout, .hostUnreachable, .acceptQueueOverflow, .staleAddress: [503, 504]
        case .responseTimeout, .lossStallRequest, .zeroWindowStall: [504]
        case .closedMidHead, .resetMidHead, .headerTooLarge, .malformedHeader, .malformedStatusLine, .nonHTTPBanner,
            .conflictingContentLength, .plaintextToTLSUpstream, .applicationProtocolMismatch, .tooManyHeaders,
            .surplusBytes:
            [502]
        default: nil
        }
    }

    /// Folded lines and a bare CR it takes. Length and chunks together only where `allow_chunked_length` says so.
    /// Outlier detection, `consecutive_5xx`.
    static var mayTakeErrorsForDeath: Bool { true }

    static func rejects(_ deviation: Deviation.Kind) -> Bool {
        [
            .spaceBeforeColon, .invalidNameByte, .emptyFieldName, .missingColon, .nulInValue, .controlInValue,
            .duplicateContentLength, .conflictingContentLength, .invalidContentLength, .unknownTransferEncoding,
        ]
        .contains(deviation)
    }
}
