import Model

/// The classic savefile: a file header of 24 bytes, then records (draft-ietf-opsawg-pcap), with the variants of libpcap's
/// sf-pcap.c and Wireshark's wiretap/libpcap.c.
final class PcapParser: SavefileParser {
    /// What the magic number says; the other byte order follows from how it reads.
    private enum Variant {
        case standard
        case nanoseconds
        /// Alexey Kuznetsov's patches to Red Hat's libpcap of 1999 add 8 bytes to each record header: interface index,
        /// protocol and packet type, one byte of padding.
        case patched
        /// Ixia's lcap: four bytes more behind the file header.
        case ixia

        init?(magic: UInt32) {
            switch magic {
            case 0xA1B2_C3D4: self = .standard
            case 0xA1B2_3C4D: self = .nanoseconds
            case 0xA1B2_CD34: self = .patched
            case 0x1C00_01AB, 0x1C00_01AC: self = .ixia
            default: return nil
            }
        }

        var fileHeaderLength: Int { self == .ixia ? 28 : 24 }
        var recordHeaderLength: Int { self == .patched ? 24 : 16 }
    }

    /// Versions before 2.3 wrote the wire length before the captured length; 2.3 was written both ways.
    private enum LengthOrder {
        case capturedFirst, wireFirst, either
    }

    private static let headerLength = 24

    private let variant: Variant
    private let isBigEndian: Bool
    private let lengthOrder: LengthOrder
    private let linkType: LinkType
    private let fractionUnit: Int64
    private var headerLeft: Int
    private var packets = 0

    let formatName: String
    /// Nil where the file was cut before the link type.
    let linkTypes: [LinkType]
    var dropped: Int? { nil }
    var borrowsTimes: Bool { false }
    var losses: [CaptureLoss] { [] }
    var otherFrames: Int { 0 }

    /// True where a file with these first four bytes is of this format.
    static func recognises(_ buffer: InputBuffer) -> Bool {
        Variant(magic: buffer.uint32(at: 0, bigEndian: true)) != nil
            || Variant(magic: buffer.uint32(at: 0, bigEndian: false)) != nil
    }

    /// Reads the file header at the start of the window and leaves it to `next` to pass it.
    init(_ buffer: InputBuffer, name: String) throws(CaptureError) {
        let big = Variant(magic: buffer.uint32(at: 0, bigEndian: true))
        guard let variant = big ?? Variant(magic: buffer.uint32(at: 0, bigEndian: false)) else {
            throw CaptureError(.notACapture, "\(name): not a packet capture")
        }
        self.variant = variant
        isBigEndian = big != nil
        headerLeft = variant.fileHeaderLength
        let isWhole = try buffer.require(PcapParser.headerLength)
        let major = buffer.uint16(at: 4, bigEndian: isBigEndian)
        let minor = buffer.uint16(at: 6, bigEndian: isBigEndian)
        // 543.0 is what Digital UNIX and others wrote; libpcap reads it with the lengths of old versions.
        let isOther = major == 543 && minor == 0
        if isWhole, major != 2, !isOther {
            throw CaptureError(.notACapture, "\(name): pcap version \(major).\(minor) is not known")
        }
        lengthOrder = isOther || minor < 3 ? .wireFirst : minor == 3 ? .either : .capturedFirst
        // The upper six bits say whether and how long a frame check sequence follows each packet.
        let type = buffer.uint32(at: 20, bigEndian: isBigEndian) & 0x03FF_FFFF
        let aix = major == 2 && minor == 2 ? PcapParser.linkType(ofAIX: type) : nil
        linkType = aix ?? LinkType(rawValue: type)
        linkTypes = isWhole ? [linkType] : []
        let isNanoseconds = aix != nil || variant == .nanoseconds
        fractionUnit = isNanoseconds ? 1 : 1000
        formatName = variant == .patched ? "pcap (modified header)" : isNanoseconds ? "pcap (nanoseconds)" : "pcap"
    }

    /// AIX writes version 2.2 with nanoseconds and interface types (RFC 1573, ifType) as link types; so Wireshark reads it.
    private static func linkType(ofAIX type: UInt32) -> LinkType? {
        switch type {
        case 6: .ethernet
        case 9: LinkType(rawValue: 6)
        case 15: LinkType(rawValue: 10)
        case 24: .null
        default: nil
        }
    }

    func next(_ buffer: InputBuffer) throws(CaptureError) -> ParserStep {
        if headerLeft > 0 {
            guard try buffer.require(headerLeft) else { return .end(buffer.ending(inRecord: "the file header")) }
            buffer.consume(headerLeft)
            headerLeft = 0
        }
        let headerLength = variant.recordHeaderLength
        guard try buffer.require(headerLength) else {
            return .end(buffer.ending(inRecord: "packet \(packets + 1)"))
        }
        let seconds = Int64(buffer.uint32(at: 0, bigEndian: isBigEndian))
        let fraction = Int64(buffer.uint32(at: 4, bigEndian: isBigEndian))
        var captured = Int(buffer.uint32(at: 8, bigEndian: isBigEndian))
        var wire = Int(buffer.uint32(at: 12, bigEndian: isBigEndian))
        if lengthOrder == .wireFirst || (lengthOrder == .either && captured > wire) { swap(&captured, &wire) }
        guard captured <= SavefileLimit.packet(for: linkType) else {
            return .end(
                .damaged(
                    atOffset: buffer.offset,
                    message: "damaged: packet \(packets + 1), at byte \(buffer.offset), claims \(captured) bytes"
                )
            )
        }
        guard try buffer.require(headerLength + captured) else {
            return .end(buffer.ending(inRecord: "packet \(packets + 1)"))
        }
        packets += 1
        return .record(
            ParsedRecord(
                timestamp: Timestamp(seconds: seconds, nanoseconds: fraction * fractionUnit),
                capturedLength: captured,
                wireLength: max(wire, captured),
                interface: 0,
                linkType: linkType,
                position: headerLength,
                size: headerLength + captured
            )
        )
    }

    func scan(
        _ buffer: InputBuffer,
        limit: Int,
        _ batch: PacketBatch,
        _ body: (PacketBatch, RawSpan) -> Void
    ) -> Int {
        guard headerLeft == 0, variant != .patched, lengthOrder == .capturedFirst else { return 0 }
        let (isBig, unit) = (isBigEndian, fractionUnit)
        (batch.linkType, batch.interface) = (linkType, 0)
        let largest = SavefileLimit.packet(for: linkType)
        let count = buffer.scan(limit: limit, batch, body) { window, offset, batch in
            guard window.byteCount &- offset >= 16 else { return 0 }
            @inline(__always) func word(_ position: Int) -> UInt32 {
                // Inside the header, which is inside the window.
                let value = window.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ position, as: UInt32.self)
                return isBig ? UInt32(bigEndian: value) : UInt32(littleEndian: value)
            }
            let captured = Int(word(8))
            guard captured <= largest, window.byteCount &- offset &- 16 >= captured else { return 0 }
            // Far from the ends of the range, whatever the words are.
            let time = Int64(word(0)) &* 1_000_000_000 &+ Int64(word(4)) &* unit
            batch.append(
                PacketBatch.Packet(
                    timestamp: Timestamp(nanoseconds: time),
                    offset: Int32(truncatingIfNeeded: offset &+ 16),
                    capturedLength: Int32(truncatingIfNeeded: captured),
                    wireLength: max(word(12), UInt32(truncatingIfNeeded: captured))
                )
            )
            return 16 &+ captured
        }
        packets += count
        return count
    }
}
