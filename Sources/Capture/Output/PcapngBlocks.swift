import Model

/// The blocks of a pcapng file (draft-ietf-opsawg-pcapng), little endian on every machine, times in nanoseconds.
enum PcapngBlocks {
    /// - Parameter application: what the file says it was written by (shb_userappl).
    static func appendSection(application: String, comment: String?, to buffer: inout [UInt8]) {
        var body: [UInt8] = []
        body.append(little: 0x1A2B_3C4D as UInt32)
        body.append(little: 1 as UInt16)
        body.append(little: 0 as UInt16)
        // The section's length is not known.
        body.append(little: UInt64.max)
        if let comment { body.append(option: 1, text(comment)) }
        body.append(option: 4, text(application))
        body.append(little: 0 as UInt32)
        append(0x0A0D_0D0A, body, to: &buffer)
    }

    static func appendInterface(_ description: InterfaceDescription, to buffer: inout [UInt8]) {
        var body: [UInt8] = []
        body.append(little: UInt16(truncatingIfNeeded: description.linkType.rawValue))
        body.append(little: 0 as UInt16)
        body.append(little: UInt32(clamping: description.snapLength))
        if let name = description.name { body.append(option: 2, text(name)) }
        // if_tsresol: 10^-9 s.
        body.append(option: 9, [9])
        body.append(little: 0 as UInt32)
        append(1, body, to: &buffer)
    }

    /// - Parameters:
    ///   - index: of the interface's block among those of the section.
    ///   - largest: no more bytes of the packet are written.
    ///   - comment: shown by Wireshark at the packet; at most 65,535 bytes of it are kept.
    static func appendPacket(
        _ record: PacketRecord,
        _ bytes: RawSpan,
        interface index: Int,
        largest: Int = .max,
        comment: String? = nil,
        to buffer: inout [UInt8]
    ) {
        let nanoseconds = UInt64(clamping: record.timestamp.nanoseconds)
        let count = min(bytes.byteCount, largest)
        var options: [UInt8] = []
        if let comment {
            options.append(option: 1, text(comment))
            options.append(little: 0 as UInt32)
        }
        let length = 32 + (count + 3) & ~3 + options.count
        buffer.append(little: 6 as UInt32)
        buffer.append(little: UInt32(clamping: length))
        buffer.append(little: UInt32(clamping: index))
        buffer.append(little: UInt32(truncatingIfNeeded: nanoseconds >> 32))
        buffer.append(little: UInt32(truncatingIfNeeded: nanoseconds))
        buffer.append(little: UInt32(clamping: count))
        buffer.append(little: UInt32(clamping: max(record.wireLength, bytes.byteCount)))
        bytes.extracting(first: count).withUnsafeBytes { buffer.append(contentsOf: $0) }
        buffer.pad(count)
        buffer.append(contentsOf: options)
        buffer.append(little: UInt32(clamping: length))
    }

    /// A decryption secrets block with the text of a TLS key log.
    static func appendKeyLog(_ text: [UInt8], to buffer: inout [UInt8]) {
        var body: [UInt8] = []
        body.append(little: 0x544c_534b as UInt32)
        body.append(little: UInt32(clamping: text.count))
        body.append(contentsOf: text)
        body.pad(text.count)
        append(10, body, to: &buffer)
    }

    /// An interface statistics block: packets of the interface that were dropped since the capture began (isb_osdrop).
    static func appendDropped(_ count: Int, interface index: Int, at time: Timestamp, to buffer: inout [UInt8]) {
        let nanoseconds = UInt64(clamping: time.nanoseconds)
        var body: [UInt8] = []
        body.append(little: UInt32(clamping: index))
        body.append(little: UInt32(truncatingIfNeeded: nanoseconds >> 32))
        body.append(little: UInt32(truncatingIfNeeded: nanoseconds))
        var value: [UInt8] = []
        value.append(little: UInt64(clamping: count))
        body.append(option: 7, value)
        body.append(little: 0 as UInt32)
        append(5, body, to: &buffer)
    }

    private static func append(_ type: UInt32, _ body: [UInt8], to buffer: inout [UInt8]) {
        let length = UInt32(clamping: body.count + 12)
        buffer.append(little: type)
        buffer.append(little: length)
        buffer.append(contentsOf: body)
        buffer.append(little: length)
    }

    private static func text(_ text: String) -> [UInt8] { Array(text.utf8.prefix(Int(UInt16.max))) }
}

extension [UInt8] {
    fileprivate mutating func append(little value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    /// An option with its padding.
    fileprivate mutating func append(option code: UInt16, _ value: [UInt8]) {
        append(little: code)
        append(little: UInt16(clamping: value.count))
        append(contentsOf: value)
        pad(value.count)
    }

    /// What stood before `count` bytes was a multiple of four bytes long.
    fileprivate mutating func pad(_ count: Int) {
        for _ in 0..<(4 - count & 3) & 3 { append(0) }
    }
}
