import Model
import TestSupport

/// A gateway's traffic as packets, for as long as one likes: clients of one request, one client and one upstream that keep their
/// connections all day, and two faults by turns.
struct SimulatedDay {
    struct Frame {
        var time: Timestamp
        var bytes: [UInt8]

        /// As the only interface of a capture has it.
        func record(number: Int) -> PacketRecord {
            PacketRecord(
                number: number,
                timestamp: time,
                capturedLength: bytes.count,
                wireLength: bytes.count,
                interface: 0,
                linkType: .ethernet,
                source: 0
            )
        }
    }

    /// Bytes that are added to the body of a good answer.
    var filling = 0
    private(set) var requests = 0
    private(set) var refused = 0
    private(set) var reset = 0
    private var port: UInt16 = 20_000
    private var sequence: UInt32 = 1

    private static let gateway = IPAddress(v4: 10, 0, 0, 5)
    private static let listener = Endpoint(address: gateway, port: 80)
    static let good = Endpoint(address: IPAddress(v4: 10, 0, 2, 7), port: 8_080)
    static let refusing = Endpoint(address: IPAddress(v4: 10, 0, 2, 8), port: 8_081)
    static let resetting = Endpoint(address: IPAddress(v4: 10, 0, 2, 9), port: 8_082)

    private var keptClient: Conversation
    private var keptUpstream: Conversation

    init(start: Timestamp) {
        keptClient = Conversation(
            client: Endpoint(address: IPAddress(v4: 10, 9, 9, 9), port: 9_999),
            server: Self.listener,
            time: start
        )
        keptUpstream = Conversation(
            client: Endpoint(address: Self.gateway, port: 9_998),
            server: Self.good,
            time: start
        )
        keptClient.handshake()
        keptUpstream.handshake()
    }

    private mutating func conversation(_ client: IPAddress, _ server: Endpoint, at time: Timestamp) -> Conversation {
        // Ports come round as the system's do.
        port = port >= 60_000 ? 20_000 : port + 1
        sequence = sequence &+ 64_000
        return Conversation(
            client: Endpoint(address: client, port: port),
            server: server,
            clientISN: sequence,
            serverISN: sequence &+ 7,
            time: time
        )
    }

    /// One request with a good answer, each leg on a connection of its own.
    mutating func ordinary(at time: Timestamp) -> [Frame] {
        requests += 1
        var client = ask("/item/\(requests)", at: time)
        var upstream = conversation(Self.gateway, Self.good, at: client.time)
        upstream.handshake()
        pass("/item/\(requests)", &upstream)
        answer(&upstream, "200 OK", body: "fine" + String(repeating: " ", count: filling))
        client.time = upstream.time
        answer(&client, "200 OK", body: "fine" + String(repeating: " ", count: filling))
        close(&client)
        close(&upstream)
        return Self.frames(client, upstream)
    }

    /// One request over the two connections that are kept.
    mutating func kept(at time: Timestamp) -> [Frame] {
        requests += 1
        keptClient.time = max(time, keptClient.time)
        keptClient.send(.fromClient, "GET /kept/\(requests) HTTP/1.1\r\nHost: day\r\n\r\n")
        keptUpstream.time = keptClient.time
        pass("/kept/\(requests)", &keptUpstream)
        answer(&keptUpstream, "200 OK", body: "kept" + String(repeating: " ", count: filling))
        keptUpstream.acknowledge(.fromClient)
        keptClient.time = keptUpstream.time
        answer(&keptClient, "200 OK", body: "kept" + String(repeating: " ", count: filling))
        keptClient.acknowledge(.fromClient)
        defer {
            keptClient.packets = []
            keptUpstream.packets = []
        }
        return Self.frames(keptClient, keptUpstream)
    }

    /// A request whose upstream refuses the connection or, by turns, resets it.
    mutating func fault(at time: Timestamp) -> [Frame] { fault(at: time, isRefused: refused <= reset) }

    mutating func fault(at time: Timestamp, isRefused: Bool) -> [Frame] {
        requests += 1
        var client = ask("/fault/\(requests)", at: time)
        var upstream = conversation(Self.gateway, isRefused ? Self.refusing : Self.resetting, at: client.time)
        if isRefused {
            refused += 1
            upstream.syn()
            upstream.refuse()
        } else {
            reset += 1
            upstream.handshake()
            pass("/fault/\(requests)", &upstream)
            upstream.acknowledge(.fromServer)
            upstream.wait(.milliseconds(700))
            upstream.rst(.fromServer)
        }
        client.time = upstream.time
        answer(&client, "502 Bad Gateway", body: "oops")
        close(&client)
        return Self.frames(client, upstream)
    }

    private mutating func ask(_ path: String, at time: Timestamp) -> Conversation {
        var client = conversation(
            IPAddress(v4: 10, 7, UInt8(truncatingIfNeeded: requests >> 8), UInt8(truncatingIfNeeded: requests)),
            Self.listener,
            at: time
        )
        client.handshake()
        client.send(.fromClient, "GET \(path) HTTP/1.1\r\nHost: day\r\n\r\n")
        return client
    }

    private func pass(_ path: String, _ upstream: inout Conversation) {
        upstream.send(.fromClient, "GET \(path) HTTP/1.1\r\nHost: day\r\n\r\n")
    }

    private func answer(_ leg: inout Conversation, _ status: String, body: String) {
        leg.serverAcknowledges = leg.clientNext
        leg.send(.fromServer, "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        leg.clientAcknowledges = leg.serverNext
    }

    private func close(_ leg: inout Conversation) {
        leg.acknowledge(.fromClient)
        leg.fin(.fromClient)
        leg.serverAcknowledges = leg.clientNext
        leg.fin(.fromServer)
        leg.acknowledge(.fromClient)
    }

    static func frames(_ conversations: Conversation...) -> [Frame] {
        conversations.flatMap(\.packets).map { packet in
            Frame(
                time: packet.record.timestamp,
                bytes: PacketBuilder.ethernet(
                    PacketBuilder.ipv4(
                        PacketBuilder.tcp(
                            packet.payload,
                            sourcePort: packet.source.port,
                            destinationPort: packet.destination.port,
                            sequence: packet.sequence,
                            acknowledgment: packet.acknowledgment,
                            flags: packet.flags
                        ),
                        source: packet.source.address,
                        destination: packet.destination.address
                    )
                )
            )
        }.sorted { $0.time < $1.time }
    }
}
