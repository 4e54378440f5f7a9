import Model

/// The headers of what nearly every packet is: Ethernet, IPv4 without options and fragments, TCP, with all of the headers, and lengths that
/// agree.
///
/// Read in words of eight bytes after one check of where they lie: it is made for every packet.
struct PlainHead {
    let words: FlowWords
    let sourceIsLow: Bool
    let sequence: UInt32
    let acknowledgment: UInt32
    /// Bytes of the IP packet, and of its IP and TCP headers.
    let total: Int
    let headerLength: Int
    let identification: UInt16
    let flags: UInt16
    /// The sender's clock (TSval, RFC 7323 §3.2) where the options stand as nearly everyone writes them (appendix A); else nil.
    let clock: UInt32?
    /// Captured payload, as a range of the bytes that were handed over.
    let payload: Range<Int>

    /// Ethernet, IPv4 and TCP without options.
    private static let shortest = 54

    /// - Parameters:
    ///   - offset: where the packet begins in the bytes.
    ///   - captured: bytes of the packet from there on.
    ///   - wire: bytes that it had on the wire.
    /// - Returns: nil for any other packet.
    @inline(__always)
    init?(_ bytes: RawSpan, _ offset: Int, captured: Int, wire: Int) {
        guard captured >= Self.shortest, offset >= 0, offset <= bytes.byteCount &- captured else { return nil }
        @inline(__always) func load(_ position: Int) -> UInt64 {
            // Inside the packet, which is inside the bytes.
            bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ position, as: UInt64.self).bigEndian
        }
        // Type, version and header length, service, total length, identification.
        let link = load(12)
        // Fragment, time to live, protocol, checksum, the upper half of the source.
        let network = load(20)
        guard link >> 40 == 0x0800_45, network >> 32 & 0xff == UInt64(ProtocolNumber.tcp), network >> 48 & 0x3fff == 0
        else { return nil }
        total = Int(link >> 16 & 0xffff)
        // Acknowledgment, header length and flags, window.
        let transport = load(42)
        let size = Int(transport >> 28 & 0xf) &* 4
        guard size >= 20, total >= 20 &+ size, 14 &+ total <= wire, 34 &+ size <= captured else { return nil }
        headerLength = 20 &+ size
        let addresses = load(26)
        let ports = load(34)
        let (source, destination) = (
            UInt32(truncatingIfNeeded: addresses >> 32), UInt32(truncatingIfNeeded: addresses)
        )
        let pair = UInt32(truncatingIfNeeded: ports >> 32)
        sourceIsLow = FlowWords.isSourceLow(source, destination, pair)
        words = FlowWords(source, destination, pair, sourceIsLow: sourceIsLow)
        sequence = UInt32(truncatingIfNeeded: ports)
        acknowledgment = UInt32(truncatingIfNeeded: transport >> 32)
        identification = UInt16(truncatingIfNeeded: link)
        flags = UInt16(truncatingIfNeeded: transport >> 16) & 0xff
        // Two no-operations, kind 8, length 10.
        let options = size >= 32 ? load(54) : 0
        clock = options >> 32 == 0x0101_080a ? UInt32(truncatingIfNeeded: options) : nil
        let start = offset &+ 34 &+ size
        payload = start..<max(start, offset &+ min(captured, 14 &+ total))
    }

    /// - Parameter bytes: the packet's.
    @inline(__always)
    init?(_ record: PacketRecord, _ bytes: RawSpan) {
        guard record.linkType == .ethernet else { return nil }
        self.init(bytes, 0, captured: bytes.byteCount, wire: record.wireLength)
    }

    /// - Parameter window: has the packet's bytes.
    @inline(__always)
    init?(_ packet: PacketBatch.Packet, in window: RawSpan) {
        self.init(
            window,
            Int(packet.offset),
            captured: Int(packet.capturedLength),
            wire: Int(packet.wireLength)
        )
    }

    /// It carries more than headers.
    @inline(__always)
    var hasPayload: Bool { total > headerLength }
}
