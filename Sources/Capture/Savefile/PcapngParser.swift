import Model

/// The pcapng savefile (draft-ietf-opsawg-pcapng): sections of blocks, each section with its byte order and interfaces.
///
/// Packet blocks and the few descriptive blocks used here are checked whole; every other block is passed over by its
/// length, without memory.
final class PcapngParser: SavefileParser {
    private enum BlockType {
        static let interfaceDescription: UInt32 = 1
        static let packet: UInt32 = 2
        static let simplePacket: UInt32 = 3
        static let interfaceStatistics: UInt32 = 5
        static let enhancedPacket: UInt32 = 6
        static let decryptionSecrets: UInt32 = 10
        /// Reads the same in both byte orders.
        static let sectionHeader: UInt32 = 0x0A0D_0D0A
    }

    private struct Interface {
        var linkType: LinkType
        var snapLength: UInt32
        var resolution = TimestampResolution.microseconds
        /// Seconds.
        var offset: Int64 = 0
        /// Over all sections.
        var index: Int
        /// From the last statistics block; nil where none said.
        var dropped: UInt64?
        /// Of that block, and how many packets of the file stand before it.
        var reported: Timestamp?
        var packetsBefore = 0
    }

    /// One section of a real capture has a few; the bound keeps a file of descriptions only from taking memory.
    private static let maximumInterfaces = 65_536
    /// Interfaces over all sections that are told apart; those beyond share the last index.
    private static let maximumIndex = (1 << 20) - 1
    /// Blocks that Wireshark lists as frames of their own: the systemd journal, Sysdig events, custom blocks.
    private static let frameBlocks: Set<UInt32> = [
        9, 0x204, 0x208, 0x216, 0x217, 0x221, 0x222, 0x0BAD, 0x4000_0BAD,
    ]

    private var isBigEndian = false
    private var interfaces: [Interface] = []
    private var interfaceCount = 0
    private var seenLinkTypes: Set<LinkType> = []
    private var droppedBefore: UInt64?
    private var lastTimestamp = Timestamp(nanoseconds: 0)
    private var packets = 0
    private(set) var borrowsTimes = false
    /// Where key logs go; nil where nobody asked for them.
    var secrets: TLSSecrets?

    let formatName = "pcapng"
    private(set) var linkTypes: [LinkType] = []
    private(set) var otherFrames = 0
    private(set) var losses: [CaptureLoss] = []

    var dropped: Int? {
        total().map { Int(clamping: $0) }
    }

    static func recognises(_ buffer: InputBuffer) -> Bool {
        buffer.uint32(at: 0, bigEndian: true) == BlockType.sectionHeader
    }

    /// Checks the first section header and leaves it to `next` to pass it.
    init(_ buffer: InputBuffer, name: String) throws(CaptureError) {
        guard try buffer.require(12) else { return }
        let magic = buffer.uint32(at: 8, bigEndian: true)
        guard let order = PcapngParser.byteOrder(magic) else {
            throw CaptureError(.notACapture, "\(name): not a packet capture (a pcapng without its byte order)")
        }
        guard try buffer.require(16) else { return }
        let major = buffer.uint16(at: 12, bigEndian: order)
        let minor = buffer.uint16(at: 14, bigEndian: order)
        guard PcapngParser.isKnown(major: major, minor: minor) else {
            throw CaptureError(.notACapture, "\(name): pcapng version \(major).\(minor) is not known")
        }
    }

    /// True for big endian; nil for a wrong magic number, which is given as read in big endian.
    private static func byteOrder(_ magic: UInt32) -> Bool? {
        switch magic {
        case 0x1A2B_3C4D: true
        case 0x4D3C_2B1A: false
        default: nil
        }
    }

    /// 1.2 was written by some tools and is the same as 1.0 (draft-ietf-opsawg-pcapng, section 4.1).
    private static func isKnown(major: UInt16, minor: UInt16) -> Bool {
        major == 1 && (minor == 0 || minor == 2)
    }

    func next(_ buffer: InputBuffer) throws(CaptureError) -> ParserStep {
        while true {
            guard try buffer.require(12) else { return cut(buffer) }
            let type = buffer.uint32(at: 0, bigEndian: isBigEndian)
            if type == BlockType.sectionHeader {
                guard let order = PcapngParser.byteOrder(buffer.uint32(at: 8, bigEndian: true)) else {
                    return damaged(buffer, "a section header without its byte order")
                }
                isBigEndian = order
            }
            let length = buffer.uint32(at: 4, bigEndian: isBigEndian)
            guard length >= 12 else { return damaged(buffer, "a block that claims \(length) bytes") }
            // Some writers leave the padding out of the length; Wireshark rounds up, too.
            let size = (Int(length) &+ 3) & ~3
            switch type {
            case BlockType.enhancedPacket, BlockType.packet, BlockType.simplePacket,
                BlockType.interfaceDescription, BlockType.interfaceStatistics, BlockType.sectionHeader:
                guard size <= SavefileLimit.block else {
                    return damaged(buffer, "a block that claims \(length) bytes")
                }
                guard try buffer.require(size) else { return cut(buffer) }
                guard buffer.uint32(at: size - 4, bigEndian: isBigEndian) == length else {
                    return damaged(buffer, "a block whose two lengths differ")
                }
                if let step = try use(type, size: size, buffer) { return step }
                buffer.consume(size)
            case BlockType.decryptionSecrets where secrets != nil && size >= 20:
                if let step = try decryptionSecrets(size: size, length: length, buffer) { return step }
            default:
                if let step = try passOver(size: size, length: length, buffer) { return step }
                if PcapngParser.frameBlocks.contains(type) { otherFrames += 1 }
            }
        }
    }

    /// Shows the text of a key log to `secrets`, as it comes: a block may claim gigabytes.
    private func decryptionSecrets(
        size: Int,
        length: UInt32,
        _ buffer: InputBuffer
    ) throws(CaptureError) -> ParserStep? {
        /// "TLSK" (draft-ietf-opsawg-pcapng, section 4.7); others are of other protocols.
        let keyLog: UInt32 = 0x544c_534b
        guard try buffer.require(16), buffer.uint32(at: 8, bigEndian: isBigEndian) == keyLog else {
            return try passOver(size: size, length: length, buffer)
        }
        let text = min(Int(buffer.uint32(at: 12, bigEndian: isBigEndian)), size - 20)
        let start = buffer.offset
        buffer.consume(16)
        var left = text
        while left > 0, try buffer.require(1) {
            let step = min(left, buffer.available)
            buffer.withBytes(at: 0, count: step) { secrets?.take($0) }
            buffer.consume(step)
            left -= step
        }
        secrets?.endLine()
        return try passOver(size: size, length: length, buffer, from: start)
    }

    /// - Parameter start: of the block, of which a part may be behind.
    private func passOver(
        size: Int,
        length: UInt32,
        _ buffer: InputBuffer,
        from start: Int64? = nil
    ) throws(CaptureError) -> ParserStep? {
        let start = start ?? buffer.offset
        guard try buffer.skip(size - 4 - Int(buffer.offset - start)), try buffer.require(4) else {
            if case .end(.clean) = cut(buffer) {
                return .end(.cut(atOffset: start, message: "cut short in the middle of the block at byte \(start)"))
            }
            return cut(buffer)
        }
        guard buffer.uint32(at: 0, bigEndian: isBigEndian) == length else {
            return damaged(buffer, "a block whose two lengths differ")
        }
        buffer.consume(4)
        return nil
    }

    /// Takes in a whole block; nil where the caller passes it.
    private func use(_ type: UInt32, size: Int, _ buffer: InputBuffer) throws(CaptureError) -> ParserStep? {
        switch type {
        case BlockType.enhancedPacket: return packet(headerLength: 28, size: size, buffer)
        case BlockType.packet: return packet(headerLength: 28, size: size, buffer, isObsolete: true)
        case BlockType.simplePacket: return simplePacket(size: size, buffer)
        case BlockType.interfaceDescription: return interfaceDescription(size: size, buffer)
        case BlockType.interfaceStatistics:
            interfaceStatistics(size: size, buffer)
            return nil
        default: return sectionHeader(size: size, buffer)
        }
    }

    private func sectionHeader(size: Int, _ buffer: InputBuffer) -> ParserStep? {
        let major = buffer.uint16(at: 12, bigEndian: isBigEndian)
        let minor = buffer.uint16(at: 14, bigEndian: isBigEndian)
        guard size >= 28 else { return damaged(buffer, "a section header of \(size) bytes") }
        guard PcapngParser.isKnown(major: major, minor: minor) else {
            return damaged(buffer, "a section of version \(major).\(minor)")
        }
        droppedBefore = total()
        interfaces.removeAll(keepingCapacity: true)
        return nil
    }

    private func interfaceDescription(size: Int, _ buffer: InputBuffer) -> ParserStep? {
        guard size >= 20 else { return damaged(buffer, "an interface description of \(size) bytes") }
        guard interfaces.count < PcapngParser.maximumInterfaces else {
            return damaged(buffer, "more than \(PcapngParser.maximumInterfaces) interfaces in one section")
        }
        var interface = Interface(
            linkType: LinkType(rawValue: UInt32(buffer.uint16(at: 8, bigEndian: isBigEndian))),
            snapLength: buffer.uint32(at: 12, bigEndian: isBigEndian),
            index: min(interfaceCount, PcapngParser.maximumIndex)
        )
        forEachOption(from: 16, to: size - 4, buffer) { code, position, length in
            if code == 9, length >= 1 {
                interface.resolution = TimestampResolution(option: buffer.byte(at: position))
            } else if code == 14, length >= 8 {
                interface.offset = buffer.load(Int64.self, at: position, bigEndian: isBigEndian)
            }
        }
        if seenLinkTypes.insert(interface.linkType).inserted { linkTypes.append(interface.linkType) }
        interfaces.append(interface)
        interfaceCount += 1
        return nil
    }

    private func interfaceStatistics(size: Int, _ buffer: InputBuffer) {
        guard size >= 24 else { return }
        let index = Int(buffer.uint32(at: 8, bigEndian: isBigEndian))
        guard index < interfaces.count else { return }
        var dropped: UInt64?
        // isb_ifdrop: by the interface; isb_osdrop: by the operating system.
        forEachOption(from: 20, to: size - 4, buffer) { code, position, length in
            if code == 5 || code == 7, length >= 8 {
                let value = buffer.load(UInt64.self, at: position, bigEndian: isBigEndian)
                dropped = PcapngParser.sum(dropped, value)
            }
        }
        guard let dropped else { return }
        let ticks =
            UInt64(buffer.uint32(at: 12, bigEndian: isBigEndian)) << 32
            | UInt64(buffer.uint32(at: 16, bigEndian: isBigEndian))
        noteLosses(
            index,
            dropped,
            at: interfaces[index].resolution.timestamp(ticks: ticks, offset: interfaces[index].offset)
        )
        interfaces[index].dropped = dropped
    }

    /// The counts are since the start of the capture, so that a later block tells what was lost between two.
    private func noteLosses(_ index: Int, _ dropped: UInt64, at time: Timestamp) {
        let before = interfaces[index]
        let lost = dropped.subtractingReportingOverflow(before.dropped ?? 0)
        // Writers that know no time leave it zero; a time before the packets is none.
        let isKnown = time >= lastTimestamp && (before.reported.map { $0 <= time } ?? true)
        if !lost.overflow {
            losses.note(
                CaptureLoss(
                    from: before.reported,
                    through: isKnown ? time : nil,
                    dropped: Int(clamping: lost.partialValue),
                    captured: packets - before.packetsBefore
                )
            )
        }
        interfaces[index].reported = isKnown ? time : nil
        interfaces[index].packetsBefore = packets
    }

    /// Walks the options of a block and stops at the end of options or at one that does not fit.
    private func forEachOption(
        from start: Int,
        to end: Int,
        _ buffer: InputBuffer,
        _ body: (_ code: UInt16, _ position: Int, _ length: Int) -> Void
    ) {
        var position = start
        while position + 4 <= end {
            let code = buffer.uint16(at: position, bigEndian: isBigEndian)
            let length = Int(buffer.uint16(at: position + 2, bigEndian: isBigEndian))
            if code == 0 || position + 4 + length > end { return }
            body(code, position + 4, length)
            position += 4 + (length + 3) & ~3
        }
    }

    /// An enhanced packet block, or the obsolete packet block, which has a 16-bit interface and a drop count.
    private func packet(headerLength: Int, size: Int, _ buffer: InputBuffer, isObsolete: Bool = false) -> ParserStep {
        guard size >= headerLength + 4 else { return damaged(buffer, "a packet block of \(size) bytes") }
        let index =
            isObsolete
            ? Int(buffer.uint16(at: 8, bigEndian: isBigEndian)) : Int(buffer.uint32(at: 8, bigEndian: isBigEndian))
        guard index < interfaces.count else {
            return damaged(buffer, "a packet of interface \(index), which is not described")
        }
        let ticks =
            UInt64(buffer.uint32(at: 12, bigEndian: isBigEndian)) << 32
            | UInt64(buffer.uint32(at: 16, bigEndian: isBigEndian))
        let captured = Int(buffer.uint32(at: 20, bigEndian: isBigEndian))
        let wire = Int(buffer.uint32(at: 24, bigEndian: isBigEndian))
        let interface = interfaces[index]
        guard captured <= size - headerLength - 4, captured <= SavefileLimit.packet(for: interface.linkType) else {
            return damaged(buffer, "a packet that claims \(captured) bytes")
        }
        packets += 1
        lastTimestamp = interface.resolution.timestamp(ticks: ticks, offset: interface.offset)
        return .record(
            ParsedRecord(
                timestamp: lastTimestamp,
                capturedLength: captured,
                wireLength: max(wire, captured),
                interface: interface.index,
                linkType: interface.linkType,
                position: headerLength,
                size: size
            )
        )
    }

    /// A simple packet block has no time stamp, so that it takes that of the packet before it, and belongs to interface 0,
    /// whose snap length says how much of it was captured.
    private func simplePacket(size: Int, _ buffer: InputBuffer) -> ParserStep {
        guard size >= 16 else { return damaged(buffer, "a packet block of \(size) bytes") }
        guard let interface = interfaces.first else {
            return damaged(buffer, "a packet of interface 0, which is not described")
        }
        let wire = Int(buffer.uint32(at: 8, bigEndian: isBigEndian))
        let snapped = interface.snapLength == 0 ? wire : min(wire, Int(interface.snapLength))
        let captured = min(snapped, size - 16)
        guard captured <= SavefileLimit.packet(for: interface.linkType) else {
            return damaged(buffer, "a packet of \(captured) bytes")
        }
        packets += 1
        borrowsTimes = true
        return .record(
            ParsedRecord(
                timestamp: lastTimestamp,
                capturedLength: captured,
                wireLength: wire,
                interface: interface.index,
                linkType: interface.linkType,
                position: 12,
                size: size
            )
        )
    }

    func scan(
        _ buffer: InputBuffer,
        limit: Int,
        _ batch: PacketBatch,
        _ body: (PacketBatch, RawSpan) -> Void
    ) -> Int {
        let isBig = isBigEndian
        let count = buffer.scan(limit: limit, batch, body) { window, start, batch in
            func word(_ position: Int) -> UInt32 {
                let value = window.unsafeLoadUnaligned(fromByteOffset: start &+ position, as: UInt32.self)
                return isBig ? UInt32(bigEndian: value) : UInt32(littleEndian: value)
            }
            guard window.byteCount &- start >= 32, word(0) == BlockType.enhancedPacket else { return 0 }
            let length = Int(word(4))
            let (index, captured) = (Int(word(8)), Int(word(20)))
            // Whatever is not as it should be is for `next` to judge.
            guard length >= 32, length & 3 == 0, length <= window.byteCount &- start,
                word(length &- 4) == word(4), index < interfaces.count, captured <= length &- 32,
                captured <= SavefileLimit.packet(for: interfaces[index].linkType)
            else { return 0 }
            if batch.count == 0 {
                batch.interface = interfaces[index].index
                batch.linkType = interfaces[index].linkType
            }
            guard batch.interface == interfaces[index].index else { return 0 }
            let ticks = UInt64(word(12)) << 32 | UInt64(word(16))
            lastTimestamp = interfaces[index].resolution.timestamp(ticks: ticks, offset: interfaces[index].offset)
            batch.append(
                PacketBatch.Packet(
                    timestamp: lastTimestamp,
                    offset: Int32(truncatingIfNeeded: start &+ 28),
                    capturedLength: Int32(truncatingIfNeeded: captured),
                    wireLength: max(word(24), UInt32(truncatingIfNeeded: captured))
                )
            )
            return length
        }
        packets += count
        return count
    }

    private func total() -> UInt64? {
        var total = droppedBefore
        for interface in interfaces {
            if let dropped = interface.dropped { total = PcapngParser.sum(total, dropped) }
        }
        return total
    }

    private static func sum(_ left: UInt64?, _ right: UInt64) -> UInt64 {
        let (sum, overflow) = (left ?? 0).addingReportingOverflow(right)
        return overflow ? .max : sum
    }

    private func cut(_ buffer: InputBuffer) -> ParserStep {
        .end(buffer.ending(inRecord: "a block after packet \(packets)"))
    }

    private func damaged(_ buffer: InputBuffer, _ what: String) -> ParserStep {
        .end(
            .damaged(
                atOffset: buffer.offset,
                message: "damaged after packet \(packets), at byte \(buffer.offset): \(what)"
            )
        )
    }
}
