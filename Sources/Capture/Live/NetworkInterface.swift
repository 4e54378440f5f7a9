internal import CLibpcap

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A device that libpcap can capture on.
package struct NetworkInterface: Sendable {
    package var name: String
    package var description: String?
    package var isUp: Bool
    package var isRunning: Bool
    package var isLoopback: Bool
    /// Numeric, IPv6 with its zone where it has one.
    package var addresses: [String]

    /// The devices of this machine, in libpcap's order: those most likely of use come first.
    package static func all() throws(CaptureError) -> [NetworkInterface] {
        var list: UnsafeMutablePointer<pcap_if_t>?
        let (result, message) = withErrorBuffer { pcap_findalldevs(&list, $0) }
        guard result == 0 else {
            throw CaptureError(.interface, "interfaces cannot be listed: \(message)")
        }
        defer { pcap_freealldevs(list) }
        var found: [NetworkInterface] = []
        var next = list
        while let device = next {
            let value = device.pointee
            found.append(
                NetworkInterface(
                    name: String(cString: value.name),
                    description: value.description.map { String(cString: $0) },
                    isUp: value.flags & UInt32(PCAP_IF_UP) != 0,
                    isRunning: value.flags & UInt32(PCAP_IF_RUNNING) != 0,
                    isLoopback: value.flags & UInt32(PCAP_IF_LOOPBACK) != 0,
                    addresses: addresses(value.addresses)
                )
            )
            next = value.next
        }
        return found
    }

    private static func addresses(_ list: UnsafeMutablePointer<pcap_addr>?) -> [String] {
        var found: [String] = []
        var next = list
        while let entry = next {
            next = entry.pointee.next
            guard let address = entry.pointee.addr else { continue }
            let length: Int
            switch Int32(address.pointee.sa_family) {
            case AF_INET: length = MemoryLayout<sockaddr_in>.size
            case AF_INET6: length = MemoryLayout<sockaddr_in6>.size
            default: continue
            }
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let result = getnameinfo(
                address,
                socklen_t(length),
                &text,
                socklen_t(text.count),
                nil,
                0,
                NI_NUMERICHOST
            )
            if result == 0 { found.append(string(text)) }
        }
        return found
    }
}

/// Calls libpcap with room for its error text and returns that text as well.
func withErrorBuffer<Result>(_ body: (UnsafeMutablePointer<CChar>) -> Result) -> (result: Result, message: String) {
    var text = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    let result = text.withUnsafeMutableBufferPointer { body($0.baseAddress.unsafelyUnwrapped) }
    return (result, string(text))
}

/// The text before the terminating zero.
private func string(_ text: [CChar]) -> String {
    String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
