private import CLibpcap
package import Model

/// A BPF expression (pcap-filter(7)), compiled once a link type.
package final class PacketFilter {
    package let expression: String
    private var programs: [LinkType: CompiledFilter] = [:]
    private var last: (linkType: LinkType, program: CompiledFilter)?

    package init(_ expression: String) {
        self.expression = expression
    }

    /// Compiles the expression for a link type.
    /// - Throws: `filterInvalid` with libpcap's words.
    package func prepare(_ linkType: LinkType) throws(CaptureError) {
        _ = try program(linkType)
    }

    /// Whether libpcap takes the expression for any of the link types that interfaces have: not all can be asked of each.
    package static func isValid(_ expression: String) -> Bool {
        let linkTypes: [LinkType] = [.ethernet, .linuxCooked, .linuxCooked2, .raw]
        return linkTypes.contains { (try? CompiledFilter(expression, linkType: $0)) != nil }
    }

    package func matches(_ record: PacketRecord, _ bytes: RawSpan) throws(CaptureError) -> Bool {
        try program(record.linkType).matches(bytes, wireLength: record.wireLength)
    }

    private func program(_ linkType: LinkType) throws(CaptureError) -> CompiledFilter {
        if let last, last.linkType == linkType { return last.program }
        if let known = programs[linkType] {
            last = (linkType, known)
            return known
        }
        let compiled = try CompiledFilter(expression, linkType: linkType)
        programs[linkType] = compiled
        last = (linkType, compiled)
        return compiled
    }
}

private final class CompiledFilter {
    private var program = bpf_program()

    init(_ expression: String, linkType: LinkType) throws(CaptureError) {
        guard let handle = pcap_open_dead(PcapLinkType.dataLink(linkType), Int32(SavefileLimit.packet)) else {
            throw CaptureError(.filterInvalid, "filter: out of memory")
        }
        defer { pcap_close(handle) }
        // No netmask: "ip broadcast" cannot be judged in a savefile and is refused by libpcap.
        guard pcap_compile(handle, &program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0 else {
            throw CaptureError(
                .filterInvalid,
                "filter \"\(expression)\": \(String(cString: pcap_geterr(handle)))",
                hint: "the syntax is that of tcpdump, see pcap-filter(7)"
            )
        }
    }

    deinit {
        pcap_freecode(&program)
    }

    func matches(_ bytes: RawSpan, wireLength: Int) -> Bool {
        bytes.withUnsafeBytes { buffer in
            // libpcap reads the packet through a pointer that must not be null, even for no bytes.
            guard let base = buffer.baseAddress else { return false }
            var header = pcap_pkthdr()
            header.caplen = UInt32(clamping: buffer.count)
            header.len = UInt32(clamping: wireLength)
            return pcap_offline_filter(&program, &header, base.assumingMemoryBound(to: UInt8.self)) != 0
        }
    }
}

/// Savefiles number link types alike everywhere (LINKTYPE_), libpcap's calls as the platform does (DLT_); they differ for a few
/// (pcap-common.c of libpcap).
enum PcapLinkType {
    private static let pairs: [(linkType: UInt32, dataLink: Int32)] = [
        (100, DLT_ATM_RFC1483), (101, DLT_RAW), (102, DLT_SLIP_BSDOS), (103, DLT_PPP_BSDOS), (104, DLT_C_HDLC),
        (106, DLT_ATM_CLIP), (50, DLT_PPP_SERIAL), (51, DLT_PPP_ETHER),
    ]

    static func dataLink(_ linkType: LinkType) -> Int32 {
        pairs.first { $0.linkType == linkType.rawValue }?.dataLink ?? Int32(clamping: linkType.rawValue)
    }

    static func linkType(_ dataLink: Int32) -> LinkType {
        let known = pairs.first { $0.dataLink == dataLink }?.linkType
        return LinkType(rawValue: known ?? UInt32(clamping: dataLink))
    }
}
