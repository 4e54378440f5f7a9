import Model

/// What the sieve looks at of a TCP segment.
struct SieveSegment {
    var words = FlowWords(low: 0, high: 0)
    var time: Int64 = 0
    var frame = 0
    var sequence: UInt32 = 0
    var acknowledgment: UInt32 = 0
    /// Payload bytes on the wire.
    var length: UInt32 = 0
    /// The sender's (TSval); 0 where there is none.
    var clock: UInt32 = 0
    /// 0 where there is none.
    var identification: UInt16 = 0
    var interface: UInt16 = 0
    var flags = TCPFlags(rawValue: 0)
    var sourceIsLow = false
    /// Bytes of IP and TCP header; 0 where it does not matter any more.
    var headerLength: UInt8 = 0
    /// Payload bytes that were captured, as a range of the bytes handed over beside it.
    var payload = 0..<0

    init() {}

    @inline(__always)
    init(_ head: PlainHead, time: Int64, frame: Int, interface: Int) {
        words = head.words
        sourceIsLow = head.sourceIsLow
        self.time = time
        self.frame = frame
        sequence = head.sequence
        acknowledgment = head.acknowledgment
        length = UInt32(truncatingIfNeeded: head.total &- head.headerLength)
        headerLength = UInt8(truncatingIfNeeded: head.headerLength)
        clock = head.clock ?? 0
        identification = head.identification
        self.interface = UInt16(truncatingIfNeeded: interface)
        flags = TCPFlags(rawValue: head.flags)
        payload = head.payload
    }

    init(_ segment: Segment, _ record: PacketRecord) {
        words = FlowWords(segment.source, segment.destination)
        time = record.timestamp.nanoseconds
        frame = record.number
        sequence = segment.sequence
        acknowledgment = segment.acknowledgment
        length = UInt32(truncatingIfNeeded: segment.wirePayloadLength)
        clock = segment.timestampValue ?? 0
        identification = segment.identification ?? 0
        interface = UInt16(truncatingIfNeeded: record.interface)
        flags = segment.flags
        sourceIsLow = segment.source < segment.destination
        payload = segment.payload
    }
}
