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

    /// Of a packet that is plain, at `range` of the bytes.
    @inline(__always)
    init(plain bytes: RawSpan, _ range: Range<Int>, time: Timestamp, frame: Int, interface: Int) {
        let offset = range.lowerBound
        let source = bytes.uint32(offset &+ 26)
        let destination = bytes.uint32(offset &+ 30)
        let ports = bytes.uint32(offset &+ 34)
        sourceIsLow = FlowWords.isSourceLow(source, destination, ports)
        words = FlowWords(source, destination, ports, sourceIsLow: sourceIsLow)
        self.time = time.nanoseconds
        self.frame = frame
        sequence = bytes.uint32(offset &+ 38)
        acknowledgment = bytes.uint32(offset &+ 42)
        let total = Int(bytes.uint16(offset &+ 16))
        let header = Int(bytes.byte(offset &+ 46) >> 4) &* 4
        length = UInt32(truncatingIfNeeded: total &- 20 &- header)
        headerLength = UInt8(truncatingIfNeeded: 20 &+ header)
        identification = bytes.uint16(offset &+ 18)
        self.interface = UInt16(truncatingIfNeeded: interface)
        flags = TCPFlags(rawValue: bytes.uint16(offset &+ 46) & 0xff)
        let start = offset &+ 34 &+ header
        payload = start..<max(start, offset &+ min(range.count, 14 &+ total))
    }

    init(_ segment: Segment, _ record: PacketRecord) {
        words = FlowWords(segment.source, segment.destination)
        time = record.timestamp.nanoseconds
        frame = record.number
        sequence = segment.sequence
        acknowledgment = segment.acknowledgment
        length = UInt32(truncatingIfNeeded: segment.wirePayloadLength)
        identification = segment.identification ?? 0
        interface = UInt16(truncatingIfNeeded: record.interface)
        flags = segment.flags
        sourceIsLow = segment.source < segment.destination
        payload = segment.payload
    }
}
