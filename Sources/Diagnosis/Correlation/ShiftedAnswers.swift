import Model

extension TrafficFacts {
    /// The same facts without the answers that may be another request's: who asks again over HTTP/1 has had its answer, so one that came only
    /// after the next request belongs to that, where the capture missed bytes among which the right one was. The last one moves with those
    /// before it.
    func withoutShiftedAnswers() -> TrafficFacts {
        var result = self
        for index in connections.indices where connections[index].fromServer.missedBytes > 0 {
            for position in connections[index].shiftedAnswers() {
                result.connections[index].exchanges[position].hideResponse()
            }
        }
        return result
    }
}

extension ConnectionFacts {
    fileprivate func shiftedAnswers() -> [Int] {
        var next: [FrameReference?] = []
        var latest: FrameReference?
        for exchange in exchanges.reversed() {
            next.append(latest)
            latest = exchange.request?.firstFrame ?? latest
        }
        var positions: [Int] = []
        var isShifted = false
        for (position, follower) in next.reversed().enumerated() {
            guard exchanges[position].request != nil, let response = exchanges[position].response else { continue }
            if let follower { isShifted = follower.number < response.firstFrame.number }
            if isShifted { positions.append(position) }
        }
        return positions
    }
}

extension ExchangeFacts {
    /// There was an answer, and nothing is known of it.
    fileprivate mutating func hideResponse() {
        guard let known = response else { return }
        var hidden = ResponseFacts(start: known.start, firstFrame: known.firstFrame)
        hidden.body.hasGap = true
        response = hidden
    }
}
