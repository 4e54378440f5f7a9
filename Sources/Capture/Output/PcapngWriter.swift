package import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes packets as pcapng (draft-ietf-opsawg-pcapng): one section, nanoseconds, little endian on every machine.
///
/// An interface is described before its first packet, so that a pipe can be read while it is written.
package final class PcapngWriter {
    private struct Key: Hashable {
        var interface: Int
        var linkType: LinkType
    }

    private struct Description {
        var snapLength: Int
        var name: String?
    }

    private static let flushSize = 64 << 10

    private let name: String
    private let descriptor: Int32
    private var isOpen: Bool
    private let closesDescriptor: Bool
    private var buffer: [UInt8] = []
    private var indices: [Key: Int] = [:]
    private var descriptions: [Int: Description] = [:]
    /// Bytes written, those in the buffer included.
    package private(set) var bytesWritten: Int64 = 0

    /// Creates a file, or empties the one that is there; "-" is standard output.
    /// - Parameter application: what the file says it was written by (shb_userappl).
    package convenience init(path: String, application: String) throws(CaptureError) {
        if path == "-" {
            self.init(descriptor: 1, name: "standard output", application: application)
            return
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            let code = errno
            throw CaptureError(
                code == EACCES || code == EPERM ? .permission : .writeFailed,
                "\(path): cannot be written: \(String(cString: strerror(code)))"
            )
        }
        self.init(descriptor: descriptor, name: path, application: application, closesDescriptor: true)
    }

    package init(descriptor: Int32, name: String, application: String, closesDescriptor: Bool = false) {
        self.descriptor = descriptor
        self.name = name
        self.closesDescriptor = closesDescriptor
        isOpen = true
        var body: [UInt8] = []
        body.append(little: 0x1A2B_3C4D as UInt32)
        body.append(little: 1 as UInt16)
        body.append(little: 0 as UInt16)
        // The section's length is not known.
        body.append(little: UInt64.max)
        body.append(option: 4, Array(application.utf8))
        body.append(little: 0 as UInt32)
        appendBlock(0x0A0D_0D0A, body)
    }

    deinit {
        if closesDescriptor, isOpen { _ = close(descriptor) }
    }

    /// Says what is known of an interface, before its first packet; without it a packet's interface has no name and no snap length.
    package func describe(interface: Int, snapLength: Int, name: String?) {
        descriptions[interface] = Description(snapLength: snapLength, name: name)
    }

    /// Appends a packet; it reaches the file with the next full buffer, `flush` or `finish`.
    /// - Parameter comment: shown by Wireshark at the packet; at most 65,535 bytes of it are kept.
    package func write(_ record: PacketRecord, _ bytes: RawSpan, comment: String? = nil) throws(CaptureError) {
        let index = interfaceIndex(record.interface, record.linkType)
        let nanoseconds = UInt64(clamping: record.timestamp.nanoseconds)
        let count = bytes.byteCount
        var options: [UInt8] = []
        if let comment {
            options.append(option: 1, Array(comment.utf8.prefix(Int(UInt16.max))))
            options.append(little: 0 as UInt32)
        }
        let length = 32 + (count + 3) & ~3 + options.count
        let before = buffer.count
        buffer.append(little: 6 as UInt32)
        buffer.append(little: UInt32(clamping: length))
        buffer.append(little: UInt32(clamping: index))
        buffer.append(little: UInt32(truncatingIfNeeded: nanoseconds >> 32))
        buffer.append(little: UInt32(truncatingIfNeeded: nanoseconds))
        buffer.append(little: UInt32(clamping: count))
        buffer.append(little: UInt32(clamping: max(record.wireLength, count)))
        bytes.withUnsafeBytes { buffer.append(contentsOf: $0) }
        buffer.pad()
        buffer.append(contentsOf: options)
        buffer.append(little: UInt32(clamping: length))
        bytesWritten &+= Int64(buffer.count - before)
        if buffer.count >= PcapngWriter.flushSize { try flush() }
    }

    /// Appends an interface statistics block: packets of the interface that were dropped since the capture began (isb_osdrop).
    package func writeDropped(
        _ count: Int,
        interface: Int,
        linkType: LinkType,
        at time: Timestamp
    ) throws(CaptureError) {
        let index = interfaceIndex(interface, linkType)
        let nanoseconds = UInt64(clamping: time.nanoseconds)
        var body: [UInt8] = []
        body.append(little: UInt32(clamping: index))
        body.append(little: UInt32(truncatingIfNeeded: nanoseconds >> 32))
        body.append(little: UInt32(truncatingIfNeeded: nanoseconds))
        var value: [UInt8] = []
        value.append(little: UInt64(clamping: count))
        body.append(option: 7, value)
        body.append(little: 0 as UInt32)
        appendBlock(5, body)
        if buffer.count >= PcapngWriter.flushSize { try flush() }
    }

    /// Writes out what is buffered.
    package func flush() throws(CaptureError) {
        var position = 0
        defer { buffer.removeFirst(position) }
        while position < buffer.count {
            let count = buffer.withUnsafeBytes { bytes in
                let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
                #if canImport(Glibc)
                    return Glibc.write(descriptor, rest.baseAddress, rest.count)
                #else
                    return Darwin.write(descriptor, rest.baseAddress, rest.count)
                #endif
            }
            if count >= 0 {
                position += count
            } else if errno != EINTR {
                throw CaptureError(.writeFailed, "\(name): cannot be written: \(String(cString: strerror(errno)))")
            }
        }
    }

    /// Writes out what is buffered and closes the file; the writer is of no use afterwards.
    package func finish() throws(CaptureError) {
        guard isOpen else { return }
        try flush()
        isOpen = false
        // A full disk may show only here (NFS, quotas).
        if closesDescriptor, close(descriptor) != 0 {
            throw CaptureError(.writeFailed, "\(name): cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    private func interfaceIndex(_ interface: Int, _ linkType: LinkType) -> Int {
        let key = Key(interface: interface, linkType: linkType)
        if let index = indices[key] { return index }
        let index = indices.count
        indices[key] = index
        let description = descriptions[interface]
        var body: [UInt8] = []
        body.append(little: UInt16(truncatingIfNeeded: linkType.rawValue))
        body.append(little: 0 as UInt16)
        body.append(little: UInt32(clamping: description?.snapLength ?? 0))
        if let name = description?.name { body.append(option: 2, Array(name.utf8.prefix(Int(UInt16.max)))) }
        // if_tsresol: 10^-9 s.
        body.append(option: 9, [9])
        body.append(little: 0 as UInt32)
        appendBlock(1, body)
        return index
    }

    private func appendBlock(_ type: UInt32, _ body: [UInt8]) {
        let length = UInt32(clamping: body.count + 12)
        buffer.append(little: type)
        buffer.append(little: length)
        buffer.append(contentsOf: body)
        buffer.append(little: length)
        bytesWritten &+= Int64(length)
    }
}

extension [UInt8] {
    fileprivate mutating func append(little value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    /// An option with its padding; everything before it is already a multiple of four bytes long.
    fileprivate mutating func append(option code: UInt16, _ value: [UInt8]) {
        append(little: code)
        append(little: UInt16(clamping: value.count))
        append(contentsOf: value)
        pad()
    }

    fileprivate mutating func pad() {
        while count % 4 != 0 { append(0) }
    }
}
