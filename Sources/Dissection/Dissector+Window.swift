package import Model

/// What is to become of the facts of a connection whose last packet is old.
package enum ConnectionStanding: Equatable {
    /// They go.
    case over
    /// More of it is to come, or is waited for: exchanges that are over go.
    case followed
    /// A request of it is not settled: what was over before `since` goes.
    case awaited(since: Timestamp)
    /// All of it stays.
    case context
}

/// A dissector that is handed parts of connections as they turn out to matter, and forgets what is over.
extension Dissector {
    /// Takes a packet of a connection.
    /// - Parameters:
    ///   - span: where it goes on, if a part of it was left out.
    ///   - isAgain: it was taken before, and what became of it discarded; it is no duplicate of itself.
    package func process(_ record: PacketRecord, _ bytes: RawSpan, resuming span: FlowSpan?, isAgain: Bool) {
        let deliver = { [self] (segment: Segment, packet: RawSpan) in
            if let span { table.resume(segment, span) }
            table.accept(segment, record, packet)
        }
        if isAgain {
            again.decode(record, bytes, deliver: deliver)
        } else {
            decoder.decode(record, bytes, deliver: deliver)
        }
    }

    /// Packets that were taken before follow, in the order of the capture.
    package func beginAgain() { again = PacketDecoder() }

    /// What was dissected of the connection is to be dissected anew from the packets.
    /// - Parameter first: the first frame that was handed over of it.
    package func discard(first: Int) { table.discard(first: first) }

    /// What was over before `time` is not asked for any more.
    package func forget(
        before time: Timestamp,
        standing: (_ first: Int) -> ConnectionStanding
    ) -> (missedBytes: Int64, droppedExchanges: Int) {
        dns.removeAll { $0.frame.time < time }
        decoder.neighbourTable.forget(before: time)
        return table.forget(before: time, standing: standing, left: { _ in })
    }

    /// Of connections that were dissected as far as they matter, what was over before `time` is not asked for any more, and what may still come
    /// of them is not looked at. For a dissector that reads files by chosen spans; names and neighbours stay.
    package func settle(
        before time: Timestamp,
        standing: (_ first: Int) -> ConnectionStanding
    ) -> (missedBytes: Int64, droppedExchanges: Int) {
        var left: Set<FlowKey> = []
        let gone = table.forget(before: time, standing: standing) { left.insert($0) }
        settled.formUnion(left.filter { !table.isLive($0) })
        return gone
    }

    /// What is known now; open connections as they stand. Errors that came before the packets that they quote are tied to them.
    package func currentFacts() -> TrafficFacts {
        table.tieStrays()
        return facts(final: false)
    }

    /// Payload that waits for what is missing before it, in bytes, all told.
    package var bufferedBytes: Int { table.bufferedCost }

    /// Connections of which facts are kept.
    package var connectionCount: Int { table.finished.count + table.entries.count }
}
