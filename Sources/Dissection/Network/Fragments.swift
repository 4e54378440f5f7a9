import Model

/// IP datagrams that wait for their fragments (RFC 791 §3.2, RFC 8200 §4.5).
///
/// Overlaps are tolerated, the bytes that came first stay. A datagram is given up 30 s of packet time after its first
/// fragment (Linux `ipfrag_time`), or as the oldest when a limit is reached.
struct FragmentTable {
    static let maximumLength = 65_535
    static let maximumDatagrams = 256
    /// Buffered bytes over all datagrams.
    static let maximumBytes = 4 << 20
    /// Separate runs of bytes per datagram: more is an attack, not a network.
    static let maximumRuns = 256
    static let timeout = Nanoseconds.seconds(30)

    struct Key: Hashable {
        var source: IPAddress
        var destination: IPAddress
        var identification: UInt32
        var transport: UInt8
    }

    struct Outcome {
        /// The payload of the completed datagram.
        var datagram: [UInt8]?
        /// Datagrams given up on the way.
        var dropped = 0
    }

    private struct Datagram {
        var bytes: [UInt8] = []
        /// What has arrived: ascending, disjoint, not touching.
        var runs: [Range<Int>] = []
        var length: Int?
        var started: Timestamp
        /// Order of arrival.
        var serial: UInt64
    }

    /// A datagram as it began. Stays behind when the datagram is over, until it is passed over.
    private struct Arrival {
        var key: Key
        var serial: UInt64
    }

    private var datagrams: [Key: Datagram] = [:]
    /// The oldest first, from `firstArrival`: a flood of first fragments must not look at all that wait, each time.
    private var arrivals: [Arrival] = []
    private var firstArrival = 0
    private var bufferedBytes = 0
    private var serial: UInt64 = 0

    /// Stores `bytes[range]` at `offset` of the datagram `key`; `isLast` is the datagram's length where this fragment
    /// is its last.
    mutating func insert(
        _ bytes: RawSpan,
        _ range: Range<Int>,
        _ key: Key,
        at offset: Int,
        isLast length: Int?,
        time: Timestamp
    ) -> Outcome {
        var outcome = Outcome()
        // Time may run backwards between queues: the distance counts, not its sign.
        if let old = datagrams[key], (time - old.started).magnitude > UInt64(Self.timeout) {
            remove(key)
            outcome.dropped += 1
        }
        if datagrams[key] == nil { outcome.dropped += makeRoom(at: time) }
        serial &+= 1
        var datagram = datagrams.removeValue(forKey: key) ?? begin(key, at: time)
        bufferedBytes -= datagram.bytes.count
        if let length { datagram.length = max(length, datagram.length ?? 0) }
        guard Self.store(bytes, range, at: offset, in: &datagram) else {
            outcome.dropped += 1
            return outcome
        }
        if let length = datagram.length, datagram.runs.count == 1, datagram.runs[0] == 0..<length {
            outcome.datagram = datagram.bytes
            return outcome
        }
        bufferedBytes += datagram.bytes.count
        datagrams[key] = datagram
        while bufferedBytes > Self.maximumBytes, dropOldest() { outcome.dropped += 1 }
        return outcome
    }

    /// Gives up all; returns how many there were.
    mutating func removeAll() -> Int {
        defer {
            datagrams = [:]
            arrivals = []
            firstArrival = 0
            bufferedBytes = 0
        }
        return datagrams.count
    }

    private mutating func remove(_ key: Key) {
        if let old = datagrams.removeValue(forKey: key) { bufferedBytes -= old.bytes.count }
    }

    private mutating func begin(_ key: Key, at time: Timestamp) -> Datagram {
        arrivals.append(Arrival(key: key, serial: serial))
        if arrivals.count >= 4 * Self.maximumDatagrams {
            arrivals = arrivals[firstArrival...].filter {
                datagrams[$0.key]?.serial == $0.serial || $0.serial == serial
            }
            firstArrival = 0
        }
        return Datagram(started: time, serial: serial)
    }

    /// Called per new datagram: drops the expired, and the oldest when the table is full. Time may run backwards; what
    /// expired behind one that did not goes with it.
    private mutating func makeRoom(at time: Timestamp) -> Int {
        var dropped = 0
        while let oldest = oldest() {
            let isExpired = (time - oldest.started).magnitude > UInt64(Self.timeout)
            guard isExpired || datagrams.count >= Self.maximumDatagrams else { break }
            if dropOldest() { dropped += 1 }
        }
        return dropped
    }

    private mutating func oldest() -> Datagram? {
        while firstArrival < arrivals.count {
            let arrival = arrivals[firstArrival]
            if let datagram = datagrams[arrival.key], datagram.serial == arrival.serial { return datagram }
            firstArrival += 1
        }
        return nil
    }

    private mutating func dropOldest() -> Bool {
        guard oldest() != nil else { return false }
        remove(arrivals[firstArrival].key)
        firstArrival += 1
        return true
    }

    private static func store(
        _ bytes: RawSpan,
        _ range: Range<Int>,
        at offset: Int,
        in datagram: inout Datagram
    ) -> Bool {
        let end = offset &+ range.count
        if datagram.bytes.count < end {
            datagram.bytes.append(contentsOf: repeatElement(0, count: end - datagram.bytes.count))
        }
        var position = offset
        for run in datagram.runs where run.upperBound > position {
            if run.lowerBound >= end { break }
            copy(bytes, from: range.lowerBound &- offset, to: position..<max(position, run.lowerBound), &datagram.bytes)
            position = run.upperBound
        }
        copy(bytes, from: range.lowerBound &- offset, to: position..<max(position, end), &datagram.bytes)
        return merge(offset..<end, into: &datagram.runs)
    }

    /// Copies `target` of the datagram; `shift` added to a position in the datagram is one in the packet.
    private static func copy(_ bytes: RawSpan, from shift: Int, to target: Range<Int>, _ buffer: inout [UInt8]) {
        for position in target { buffer[position] = bytes.byte(position &+ shift) }
    }

    private static func merge(_ new: Range<Int>, into runs: inout [Range<Int>]) -> Bool {
        guard !new.isEmpty else { return true }
        var merged = new
        var index = 0
        while index < runs.count, runs[index].upperBound < merged.lowerBound { index += 1 }
        let first = index
        while index < runs.count, runs[index].lowerBound <= merged.upperBound {
            let lower = min(merged.lowerBound, runs[index].lowerBound)
            merged = lower..<max(merged.upperBound, runs[index].upperBound)
            index += 1
        }
        runs.replaceSubrange(first..<index, with: CollectionOfOne(merged))
        return runs.count <= maximumRuns
    }
}
