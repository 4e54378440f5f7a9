package import Model

/// A whole pcapng file in memory, for what is small and has to be hashed, sized or packed before it is written.
///
/// The same packets give the same bytes: there is no clock and no name of a machine in it.
package struct PcapngImage {
    package private(set) var bytes: [UInt8] = []
    private var interfaces: [Key: Int] = [:]

    private struct Key: Hashable {
        var interface: Int
        var linkType: LinkType
    }

    /// - Parameters:
    ///   - application: what the file says it was written by (shb_userappl).
    ///   - comment: of the section.
    ///   - keyLog: TLS secrets, which have to stand before the packets that they open; empty for none.
    package init(application: String, comment: String?, keyLog: [UInt8] = []) {
        PcapngBlocks.appendSection(application: application, comment: comment, to: &bytes)
        if !keyLog.isEmpty { PcapngBlocks.appendKeyLog(keyLog, to: &bytes) }
    }

    /// - Parameter largest: no more bytes of the packet are written.
    package mutating func append(
        _ record: PacketRecord,
        _ packet: RawSpan,
        largest: Int = .max,
        comment: String? = nil
    ) {
        let key = Key(interface: record.interface, linkType: record.linkType)
        let index = interfaces[key] ?? interfaces.count
        if interfaces[key] == nil {
            interfaces[key] = index
            let description = InterfaceDescription(name: nil, linkType: record.linkType, snapLength: 0)
            PcapngBlocks.appendInterface(description, to: &bytes)
        }
        PcapngBlocks.appendPacket(record, packet, interface: index, largest: largest, comment: comment, to: &bytes)
    }
}
