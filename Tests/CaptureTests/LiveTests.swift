import Capture
import Foundation
import Model
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Capturing on the loopback device, which every machine has.
struct LiveTests {
    private static let mayCapture: Bool = {
        do {
            _ = try LiveCapture(interfaces: ["lo"], options: LiveOptions())
            return true
        } catch {
            return (error as? CaptureError)?.code != .permission
        }
    }()

    private static let isDue = mayCapture || ProcessInfo.processInfo.environment["CI"] == "true"

    /// Sends datagrams to the loopback address; the port has no listener, which does not matter.
    private func send(_ payload: [UInt8], to port: UInt16, count: Int = 1) {
        let socket = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(socket) }
        for _ in 0..<count {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = sendto(socket, payload, payload.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
    }

    /// Waits for packets and gives up after many empty waits, so that a failure ends.
    private func receive(_ count: Int, from live: LiveCapture) -> [ReadPacket] {
        var packets: [ReadPacket] = []
        var waits = 0
        while packets.count < count, waits < 100 {
            switch live.advance(timeoutMilliseconds: 100) {
            case .packet(let record): packets.append(ReadPacket(record, live.withPacket(copy)))
            case .idle: waits += 1
            case .ended: return packets
            }
        }
        return packets
    }

    @Test(.enabled(if: isDue, "no permission to capture: run as root or with cap_net_raw"))
    func packetsArriveWholeAndNumbered() throws {
        let options = LiveOptions(bufferMebibytes: 4, filter: "udp dst port 47111")
        let live = try LiveCapture(interfaces: ["lo"], options: options)
        send(Array("a datagram".utf8), to: 47111, count: 3)
        let packets = receive(3, from: live)
        #expect(packets.map(\.number) == [1, 2, 3])
        for packet in packets {
            #expect(packet.linkType == LinkType.ethernet.rawValue)
            #expect(packet.bytes.suffix(10) == Array("a datagram".utf8)[...])
            // After 2020: the clock's unit was understood.
            #expect(packet.nanoseconds > 1_577_836_800_000_000_000)
        }
        let summary = try #require(live.summaries.first)
        #expect(summary.format == "live")
        #expect(summary.packets == 3)
        #expect(summary.dropped == 0)
    }

    @Test(.enabled(if: isDue, "no permission to capture: run as root or with cap_net_raw"))
    func severalInterfacesAreTakenTogetherAndAnyIsCooked() throws {
        let options = LiveOptions(snapLength: 40, isPromiscuous: false, filter: "udp dst port 47112")
        let live = try LiveCapture(interfaces: ["lo", "any"], options: options)
        send([UInt8](repeating: 1, count: 100), to: 47112)
        // Once on the device; on "any" as sent and as received.
        let packets = receive(2, from: live)
        #expect(Set(packets.map(\.interface)) == [0, 1])
        #expect(Set(packets.map(\.linkType)) == [LinkType.ethernet.rawValue, LinkType.linuxCooked2.rawValue])
        for packet in packets {
            #expect(packet.bytes.count == 40)
            #expect(packet.wireLength >= 142)
        }
    }

    @Test(.enabled(if: isDue, "no permission to capture: run as root or with cap_net_raw"))
    func aWrongFilterIsRefused() {
        let error = #expect(throws: CaptureError.self) {
            try LiveCapture(interfaces: ["lo"], options: LiveOptions(filter: "port and"))
        }
        #expect(error?.code == .filterInvalid)
    }

    @Test(.enabled(if: isDue, "no permission to capture: run as root or with cap_net_raw"))
    func anInterfaceThatIsNotThereIsNamed() {
        let error = #expect(throws: CaptureError.self) {
            try LiveCapture(interfaces: ["nothere0"], options: LiveOptions())
        }
        #expect(error?.code == .interface)
        #expect(error?.message.contains("nothere0") == true)
    }

    @Test func theListHasTheLoopbackDeviceWithItsAddress() throws {
        let loopback = try NetworkInterface.all().first { $0.isLoopback }
        #expect(loopback?.addresses.contains("127.0.0.1") == true)
        #expect(loopback?.isUp == true)
    }
}
