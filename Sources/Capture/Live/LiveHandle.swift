internal import CLibpcap
import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// One activated libpcap handle.
final class LiveHandle {
    enum Step {
        case packet(PacketRecord)
        case nothing
        /// The device is gone or failed; libpcap's words.
        case failed(String)
    }

    let name: String
    let linkType: LinkType
    private let handle: OpaquePointer
    private let fractionUnit: Int64
    private let index: Int
    private var data: UnsafePointer<UInt8>?
    private var dataCount = 0
    private(set) var packets = 0
    private(set) var bytes: Int64 = 0

    /// For poll(2); nil where the device must be asked now and then instead.
    let descriptor: Int32?

    init(_ name: String, index: Int, options: LiveOptions) throws(CaptureError) {
        self.name = name
        self.index = index
        let (created, message) = withErrorBuffer { pcap_create(name, $0) }
        guard let created else { throw CaptureError(.interface, "\(name): cannot capture: \(message)") }
        handle = created
        pcap_set_snaplen(created, Int32(clamping: options.snapLength))
        pcap_set_promisc(created, options.isPromiscuous ? 1 : 0)
        pcap_set_timeout(created, LiveOptions.deliveryMilliseconds)
        if let mebibytes = options.bufferMebibytes {
            pcap_set_buffer_size(created, Int32(clamping: mebibytes &* (1 << 20)))
        }
        // Refused by devices without nanoseconds, which then give microseconds.
        pcap_set_tstamp_precision(created, PCAP_TSTAMP_PRECISION_NANO)
        let activated = pcap_activate(created)
        guard activated >= 0 else {
            let error = LiveHandle.activationError(name, activated, created)
            pcap_close(created)
            throw error
        }
        // Cooked version 2 names the device of each packet; the choice must come before the filter is compiled.
        if pcap_datalink(created) == DLT_LINUX_SLL { pcap_set_datalink(created, DLT_LINUX_SLL2) }
        linkType = PcapLinkType.linkType(pcap_datalink(created))
        fractionUnit = pcap_get_tstamp_precision(created) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000
        let selectable = pcap_get_selectable_fd(created)
        descriptor = selectable >= 0 ? selectable : nil
        // From here on every property is set, so that an error runs deinit, which closes the handle.
        if let filter = options.filter { try LiveHandle.apply(filter, to: created) }
        let (result, reason) = withErrorBuffer { pcap_setnonblock(created, 1, $0) }
        if result != 0 { throw CaptureError(.interface, "\(name): cannot capture: \(reason)") }
    }

    deinit {
        pcap_close(handle)
    }

    private static func apply(_ filter: String, to handle: OpaquePointer) throws(CaptureError) {
        var program = bpf_program()
        let isCompiled = pcap_compile(handle, &program, filter, 1, PCAP_NETMASK_UNKNOWN) == 0
        defer { if isCompiled { pcap_freecode(&program) } }
        guard isCompiled, pcap_setfilter(handle, &program) == 0 else {
            throw CaptureError(
                .filterInvalid,
                "filter \"\(filter)\": \(String(cString: pcap_geterr(handle)))",
                hint: "the syntax is that of tcpdump, see pcap-filter(7)"
            )
        }
    }

    private static func activationError(_ name: String, _ code: Int32, _ handle: OpaquePointer) -> CaptureError {
        let detail = String(cString: pcap_geterr(handle))
        let reason = detail.isEmpty ? String(cString: pcap_statustostr(code)) : detail
        switch code {
        case PCAP_ERROR_PERM_DENIED, PCAP_ERROR_PROMISC_PERM_DENIED:
            return CaptureError(
                .permission,
                "\(name): no permission to capture",
                hint: "run it with sudo, or once: sudo setcap cap_net_raw=eip \(executablePath())"
            )
        case PCAP_ERROR_NO_SUCH_DEVICE:
            return CaptureError(.interface, "\(name): no such interface", hint: "gwsniff -D lists them")
        case PCAP_ERROR_IFACE_NOT_UP:
            return CaptureError(.interface, "\(name): the interface is not up")
        default:
            return CaptureError(.interface, "\(name): cannot capture: \(reason)")
        }
    }

    private static func executablePath() -> String {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count)
        guard count > 0 else { return "$(command -v gwsniff)" }
        return String(decoding: path.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The next packet that the kernel has ready. Does not wait.
    func next() -> Step {
        data = nil
        dataCount = 0
        var header: UnsafeMutablePointer<pcap_pkthdr>?
        var bytes: UnsafePointer<UInt8>?
        let result = pcap_next_ex(handle, &header, &bytes)
        guard result == 1, let header, let bytes else {
            return result < 0 ? .failed(String(cString: pcap_geterr(handle))) : .nothing
        }
        let captured = Int(header.pointee.caplen)
        let wire = max(Int(header.pointee.len), captured)
        data = bytes
        dataCount = captured
        return .packet(
            PacketRecord(
                number: 0,
                timestamp: Timestamp(
                    seconds: Int64(header.pointee.ts.tv_sec),
                    nanoseconds: Int64(header.pointee.ts.tv_usec) &* fractionUnit
                ),
                capturedLength: captured,
                wireLength: wire,
                interface: index,
                linkType: linkType,
                source: index
            )
        )
    }

    /// Notes that a packet was handed over.
    func count(_ record: PacketRecord) {
        packets &+= 1
        bytes &+= Int64(record.wireLength)
    }

    /// libpcap keeps a packet until the next one is asked for.
    func withPacket<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: data, count: dataCount).bytes)
    }

    struct Counts {
        var received = 0
        var kernel = 0
        var interface = 0
    }

    private var last = Counts()

    /// Packets since the start that passed the filter, and those that the kernel and the device dropped; nil where they do not say.
    ///
    /// The system counts in 32 bits, which wrap within hours.
    var counts: Counts? {
        var statistics = pcap_stat()
        guard pcap_stats(handle, &statistics) == 0 else { return nil }
        last.received = Self.extended(last.received, statistics.ps_recv)
        last.kernel = Self.extended(last.kernel, statistics.ps_drop)
        last.interface = Self.extended(last.interface, statistics.ps_ifdrop)
        return last
    }

    private static func extended(_ before: Int, _ now: UInt32) -> Int {
        before &+ Int(now &- UInt32(truncatingIfNeeded: before))
    }
}
