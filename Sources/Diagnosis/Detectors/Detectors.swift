import Model

/// Recognises one cause in one failed attempt. Pure: facts in, verdict out.
protocol Detector: SendableMetatype {
    static var cause: Cause { get }
    static func examine(_ attempt: AttemptContext) -> Verdict?
}

/// Precedence among causes: the first that answers wins (the catalogue's order, with what it says of its exceptions).
enum Detectors {
    static let ordered: [any Detector.Type] = [
        // The client left first: nothing that happens afterwards is the upstream's fault.
        ClientAbort.self,
        // Nor is what a gateway does that waits for its client.
        ClientSlow.self,
        // Connect.
        ICMPPortUnreachable.self,
        ICMPAdminProhibited.self,
        HostUnreachable.self,
        // A forged refusal is known by its origin only: before the closed port that it imitates.
        HandshakeResetByFirewall.self,
        ConnectRefused.self,
        StaleTuple.self,
        AcceptQueueOverflow.self,
        ConnectTimeout.self,
        // Patterns of a whole port beat what they do to a single connection.
        ProxyProtocolMismatch.self,
        ApplicationProtocolMismatch.self,
        SurplusBytes.self,
        // What the first bytes of the upstream were beats how the connection ended.
        NonHTTPBanner.self,
        MalformedStatusLine.self,
        // Whose reset it was comes before what it did; and idleness before that, where a new connection works.
        IdleStateExpired.self,
        MiddleboxReset.self,
        // Only large heads end so: before the close or reset that the limit causes.
        RequestTooLarge.self,
        InterimResponseTrouble.self,
        FastCGIEmptyResponse.self,
        ResetAfterAccept.self,
        // Reused connections before the general close and reset.
        StaleKeepaliveReuse.self,
        EarlyResponse.self,
        // Full-size segments vanish: before the close or the silence that follows from it.
        PMTUBlackhole.self,
        ResetDuringUpload.self,
        ZeroWindowStall.self,
        ClosedBeforeResponse.self,
        ResetBeforeResponse.self,
        // Loss before the timeout that it causes.
        LossStallRequest.self,
        LossStallResponse.self,
        // The gateway refuses the head, before anything else that may be wrong with the exchange.
        UnexpectedUpgrade.self,
        // Many short fields may pass both limits that heads have: the number is met first.
        TooManyHeaders.self,
        HeaderTooLarge.self,
        ConflictingContentLength.self,
        MalformedHeader.self,
        ResponseTimeout.self,
        ClosedMidHead.self,
        ResetMidHead.self,
        UpstreamErrorResponse.self,
        BadChunkSize.self,
        TruncatedBodyFin.self,
        TruncatedBodyReset.self,
        BodyTimeout.self,
        GatewayRejectedResponse.self,
    ]

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        for detector in ordered {
            if let verdict = detector.examine(attempt) { return verdict }
        }
        return nil
    }
}
