import Diagnosis
import Dissection

/// How much a live run holds, of everything that could grow with it.
package struct LiveFootprint: Sendable {
    package private(set) var counts: [String: Int] = [:]

    package init() {}

    init(_ counts: [String: Int]) {
        self.counts = counts
    }

    package mutating func formMaximum(_ other: LiveFootprint) {
        counts.merge(other.counts) { max($0, $1) }
    }

    /// Nothing is larger by more than a quarter and a little.
    package func isWithin(_ other: LiveFootprint) -> Bool {
        counts.allSatisfy { name, count in
            let before = other.counts[name] ?? 0
            return count <= before + before / 4 + 64
        }
    }
}

extension LiveEngine {
    package var footprint: LiveFootprint {
        LiveFootprint([
            "connections dissected": dissector.connectionCount,
            "connections followed": followed.count,
            "spans kept": reducer.keptCount,
            "events held by the reducer": reducer.heldCount,
            "archived bytes": archive.cost,
            "bytes that wait for others": dissector.bufferedBytes,
            "archived connections": archive.entries.count,
            "frames of connections": sieve.startsSize,
            "stream numbers": streams.count + oldNumbers.count,
            "checkpoints": checkpoints.count,
            "requests counted twice": wholeCounted.count,
            "totals": totals.size,
        ])
    }
}
