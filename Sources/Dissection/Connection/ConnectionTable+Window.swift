import Model

/// A table that is asked about the recent past only: what is over goes, so that it does not grow with the run.
extension ConnectionTable {
    /// The connection that begins with frame `first` was dissected in part and is to be dissected anew. Rare, so that it may be looked for.
    mutating func discard(first: Int) {
        for (key, entry) in entries {
            guard case .live(let connection) = entry, connection.first.number == first else { continue }
            retire(connection)
            if recent === connection { recent = nil }
            entries[key] = nil
            return
        }
        removeFinished { $0.first.number == first }
    }

    /// Connections whose last packet stands before `time` go, with what they told, where `standing` says that they are over;
    /// of those that are followed the exchanges that were over before `time`.
    /// - Returns: the facts of those that went, as far as totals need them.
    mutating func forget(
        before time: Timestamp,
        standing: (_ first: Int) -> ConnectionStanding,
        left: (FlowKey) -> Void
    ) -> (missedBytes: Int64, droppedExchanges: Int) {
        var gone: (missedBytes: Int64, droppedExchanges: Int) = (0, 0)
        for (key, entry) in entries {
            guard case .live(let connection) = entry else { continue }
            let standing = standing(connection.first.number)
            if connection.last.time < time, standing == .over {
                let facts = connection.snapshot()
                gone.missedBytes = gone.missedBytes.addingSaturating(facts.missedBytes)
                gone.droppedExchanges &+= facts.droppedExchanges
                left(FlowKey(facts.client, facts.server))
                retire(connection)
                if recent === connection { recent = nil }
                entries[key] = nil
            } else if case .awaited(let since) = standing {
                connection.forget(before: min(time, since))
            } else if standing != .context {
                connection.forget(before: time)
            }
        }
        for facts in finished where facts.last.time < time && standing(facts.first.number) == .over {
            gone.missedBytes = gone.missedBytes.addingSaturating(facts.missedBytes)
            gone.droppedExchanges &+= facts.droppedExchanges
            left(FlowKey(facts.client, facts.server))
        }
        removeFinished { $0.last.time < time && standing($0.first.number) == .over }
        finishedDNS.removeAll { $0.frame.time < time }
        strayICMPErrors.removeAll { $0.frame.time < time }
        if quotedStreams.count >= Self.largestStrayCount / 2 { quotedStreams = [:] }
        return gone
    }

    /// Whether a connection is there that packets between these ends belong to.
    func isLive(_ key: FlowKey) -> Bool {
        if case .live = entries[key] { return true }
        return false
    }

    private mutating func removeFinished(_ isOver: (ConnectionFacts) -> Bool) {
        var places: [Int: Int] = [:]
        var kept: [ConnectionFacts] = []
        for (place, facts) in finished.enumerated() where !isOver(facts) {
            places[place] = kept.count
            kept.append(facts)
        }
        guard kept.count < finished.count else { return }
        finished = kept
        for (key, entry) in entries {
            switch entry {
            case .gone(var former):
                if let place = places[former.index] {
                    former.index = place
                    entries[key] = .gone(former)
                } else {
                    entries[key] = nil
                }
            case .live(let connection):
                connection.previousLife = connection.previousLife.flatMap { places[$0] }
            }
        }
    }
}

extension ConnectionFacts {
    fileprivate var missedBytes: Int64 { fromClient.missedBytes.addingSaturating(fromServer.missedBytes) }
}

extension Connection {
    /// Exchanges that were over before `time` are not asked for any more.
    func forget(before time: Timestamp) { parser?.forget(before: time) }
}
