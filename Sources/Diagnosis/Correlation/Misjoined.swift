import Model

extension ConnectionFacts {
    /// The first exchange from which on request and response need not belong together; beyond all of them where nothing speaks for that.
    ///
    /// A response came before the request that it stands beside: it answers one that the capture missed, and so may all that follow. Or it
    /// came after the next request, and gateways ask one thing at a time: the one before had its answer.
    var firstMisjoined: Int {
        guard hasMissedBytes else { return .max }
        var earlier: FrameReference?
        for exchange in exchanges {
            guard let request = exchange.request?.firstFrame else { continue }
            if let earlier, request.isBefore(earlier) { return exchange.index - 1 }
            guard let response = exchange.response?.firstFrame else { continue }
            if response.isBefore(request) { return exchange.index }
            earlier = response
        }
        return .max
    }
}

extension FrameReference {
    fileprivate func isBefore(_ other: FrameReference) -> Bool { number < other.number && time < other.time }
}
