import Model

extension Join {
    /// A connection that was asked for and is still unanswered: SYNs, and nothing that came back or ended it by `time`.
    func isPending(_ attempt: Attempt, at time: Timestamp) -> Bool {
        let timeline = timelines[attempt.connection]
        guard attempt.exchange == nil, !timeline.syns.isEmpty, attempt.end.map({ $0 > time }) ?? true else {
            return false
        }
        return timeline.synAcks.allSatisfy { $0.frame.time > time }
    }

    /// Envoy (1.40, as run) neither gives up a connect whose request ran into its own timer, nor dials anew for the next
    /// request of that cluster: this one waits for the old SYN, and fails as the first did. It counts as a try of its own.
    mutating func matchPending() {
        var pending: [Int: [Int]] = [:]
        for (index, attempt) in attempts.enumerated() where attempt.exchange == nil && !attempt.isHealthCheck {
            guard let parent = attempt.parent, let over = requests[parent].end, requests[parent].isFailed,
                isPending(attempt, at: over)
            else { continue }
            pending[host(attempt.dialler), default: []].append(index)
        }
        guard !pending.isEmpty else { return }
        for index in requests.indices where requests[index].attempts.isEmpty && requests[index].isFailed {
            let request = requests[index]
            // The latest few: a gateway has no more connects under way to one upstream.
            let candidates = pending[host(request.gateway.address)]?.suffix(Self.reach) ?? []
            guard let end = request.end, let found = candidates.last(where: { waits(request, for: $0, until: end) })
            else { continue }
            var attempt = attempts[found]
            attempt.start = request.start
            attempt.parent = index
            requests[index].attempts = [attempts.count]
            attempts.append(attempt)
        }
    }

    private func waits(_ request: ClientRequest, for index: Int, until end: Timestamp) -> Bool {
        let attempt = attempts[index]
        guard attempt.start < request.start, isPending(attempt, at: request.start), let parent = attempt.parent,
            let asked = self.request(of: request), let before = self.request(of: requests[parent]),
            asked.host == before.host, TargetRelation.haveSameStart(asked.target, before.target)
        else { return false }
        guard let over = attempt.end else {
            // The next SYN is due after at most twice the time since the first.
            let last = timelines[attempt.connection].syns.last?.frame.time ?? attempt.start
            return request.start - last <= max(last - attempt.start, .seconds(1)) + .milliseconds(100)
        }
        return over + Self.slack >= end || end - over <= .milliseconds(5)
    }
}
