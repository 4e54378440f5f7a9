package import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes packets as pcapng: one section, nanoseconds.
///
/// An interface is described before its first packet, so that a pipe can be read while it is written.
package final class PcapngWriter {
    private struct Key: Hashable {
        var interface: Int
        var linkType: LinkType
    }

    private static let flushSize = 64 << 10

    private let name: String
    private let descriptor: Int32
    private var isOpen: Bool
    private let closesDescriptor: Bool
    private var buffer: [UInt8] = []
    private var indices: [Key: Int] = [:]
    private var descriptions: [Int: (snapLength: Int, name: String?)] = [:]
    private var flushed: Int64 = 0
    /// Bytes written, those in the buffer included.
    package var bytesWritten: Int64 { flushed &+ Int64(buffer.count) }

    /// Creates a file, or empties the one that is there; "-" is standard output.
    /// - Parameter application: what the file says it was written by (shb_userappl).
    package convenience init(path: String, application: String) throws(CaptureError) {
        if path == "-" {
            self.init(descriptor: 1, name: "standard output", application: application)
            return
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw CaptureError(unwritable: path) }
        self.init(descriptor: descriptor, name: path, application: application, closesDescriptor: true)
    }

    package init(descriptor: Int32, name: String, application: String, closesDescriptor: Bool = false) {
        self.descriptor = descriptor
        self.name = name
        self.closesDescriptor = closesDescriptor
        isOpen = true
        PcapngBlocks.appendSection(application: application, comment: nil, to: &buffer)
    }

    deinit {
        if closesDescriptor, isOpen { _ = close(descriptor) }
    }

    /// Says what is known of an interface, before its first packet; without it a packet's interface has no name and no snap length.
    package func describe(interface: Int, snapLength: Int, name: String?) {
        descriptions[interface] = (snapLength, name)
    }

    /// Appends a packet; it reaches the file with the next full buffer, `flush` or `finish`.
    /// - Parameter comment: shown by Wireshark at the packet; at most 65,535 bytes of it are kept.
    package func write(_ record: PacketRecord, _ bytes: RawSpan, comment: String? = nil) throws(CaptureError) {
        PcapngBlocks.appendPacket(
            record,
            bytes,
            interface: interfaceIndex(record.interface, record.linkType),
            comment: comment,
            to: &buffer
        )
        if buffer.count >= PcapngWriter.flushSize { try flush() }
    }

    /// Appends how many packets of the interface were dropped since the capture began.
    package func writeDropped(
        _ count: Int,
        interface: Int,
        linkType: LinkType,
        at time: Timestamp
    ) throws(CaptureError) {
        let index = interfaceIndex(interface, linkType)
        PcapngBlocks.appendDropped(count, interface: index, at: time, to: &buffer)
        if buffer.count >= PcapngWriter.flushSize { try flush() }
    }

    /// Writes out what is buffered.
    package func flush() throws(CaptureError) {
        let count = buffer.withUnsafeBytes { FileDescriptor.write($0, to: descriptor) }
        let isWhole = count == buffer.count
        let code = errno
        buffer.removeFirst(count)
        flushed &+= Int64(count)
        guard isWhole else { throw CaptureError(unwritable: name, code) }
    }

    /// Writes out what is buffered and closes the file; the writer is of no use afterwards.
    package func finish() throws(CaptureError) {
        guard isOpen else { return }
        try flush()
        isOpen = false
        // A full disk may show only here (NFS, quotas).
        if closesDescriptor, close(descriptor) != 0 { throw CaptureError(unwritable: name) }
    }

    private func interfaceIndex(_ interface: Int, _ linkType: LinkType) -> Int {
        let key = Key(interface: interface, linkType: linkType)
        if let index = indices[key] { return index }
        let index = indices.count
        indices[key] = index
        let known = descriptions[interface]
        PcapngBlocks.appendInterface(
            InterfaceDescription(
                name: known?.name,
                linkType: linkType,
                snapLength: known?.snapLength ?? 0
            ),
            to: &buffer
        )
        return index
    }
}
