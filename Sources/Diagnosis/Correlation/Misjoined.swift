import Model

extension ConnectionFacts {
    /// A response came before the request that it stands beside: it answers one that the capture missed, and so may all that follow. Or it
    /// came after the next request, and gateways ask one thing at a time: the one before had its answer.
    func isMisjoined(_ position: Int) -> Bool {
        guard fromClient.missedBytes > 0 || fromServer.missedBytes > 0 else { return false }
        var earlier: FrameReference?
        for exchange in exchanges[...min(position + 1, exchanges.count - 1)] {
            guard let request = exchange.request?.firstFrame else { continue }
            if let earlier, request.isBefore(earlier) { return true }
            guard exchange.index <= position, let response = exchange.response?.firstFrame else { continue }
            if response.isBefore(request) { return true }
            earlier = response
        }
        return false
    }
}

extension FrameReference {
    fileprivate func isBefore(_ other: FrameReference) -> Bool { number < other.number && time < other.time }
}
