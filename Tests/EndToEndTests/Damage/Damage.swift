import Model
import TestSupport

/// One way in which a capture can be worse than what went over the wire.
enum Damage: CustomStringConvertible, Sendable {
    /// The packet with this number is missing.
    case withoutFrame(Int)
    /// Packets are missing at random, this many in a thousand.
    case drops(perMille: Int, seed: UInt64)
    /// Packets stand twice, the second a few microseconds later, as behind a mirror port.
    case duplicates(perMille: Int, seed: UInt64)
    /// Packets have changed places with the next one; the time stamps stay in order.
    case swaps(perMille: Int, seed: UInt64)
    /// The capture ended early. A file of several interfaces holds them in blocks: it is cut by time, as by stopping.
    case truncated(seed: UInt64)
    /// The capture began late.
    case started(seed: UInt64)
    /// Each packet is cut to this many bytes.
    case snapped(Int)
    /// Of one leg, only one direction was captured.
    case oneWay(Leg, without: Direction)
    /// One leg was not captured.
    case withoutLeg(Leg)
    /// From this packet's time on, time stamps lie so much earlier, as where the clock was set.
    case clockSetBack(Nanoseconds, atFrame: Int)
    case clockSetForward(Nanoseconds, atFrame: Int)

    enum Leg: Sendable { case client, upstream }

    var description: String {
        switch self {
        case .withoutFrame(let number): "without frame \(number)"
        case .drops(let rate, let seed): "drops \(rate) per mille, seed \(seed)"
        case .duplicates(let rate, let seed): "duplicates \(rate) per mille, seed \(seed)"
        case .swaps(let rate, let seed): "swaps \(rate) per mille, seed \(seed)"
        case .truncated(let seed): "truncated, seed \(seed)"
        case .started(let seed): "started late, seed \(seed)"
        case .snapped(let length): "snapped to \(length) bytes"
        case .oneWay(let leg, let direction):
            "\(leg) leg without what the \(direction == .fromClient ? "client" : "server") end sent"
        case .withoutLeg(let leg): "without the \(leg) leg"
        case .clockSetBack(let amount, let frame): "clock set back by \(amount) ns at frame \(frame)"
        case .clockSetForward(let amount, let frame): "clock set forward by \(amount) ns at frame \(frame)"
        }
    }

    /// The damaged copy. `upstreams` are the endpoints whose connections are the upstream leg.
    func applied(to packets: [CapturedPacket], upstreams: Set<Endpoint>) -> [CapturedPacket] {
        switch self {
        case .withoutFrame(let number):
            return packets.filter { $0.record.number != number }
        case .drops(let rate, let seed):
            var random = SeededGenerator(seed: seed)
            return packets.filter { _ in Int.random(in: 0..<1000, using: &random) >= rate }
        case .duplicates(let rate, let seed):
            var random = SeededGenerator(seed: seed)
            return packets.flatMap { packet -> [CapturedPacket] in
                guard Int.random(in: 0..<1000, using: &random) < rate else { return [packet] }
                var copy = packet
                copy.record.timestamp = packet.record.timestamp + 3_000
                return [packet, copy]
            }
        case .swaps(let rate, let seed):
            var random = SeededGenerator(seed: seed)
            return swapped(packets) {
                Int.random(in: 0..<1000, using: &random) < rate
            }
        case .truncated(let seed):
            var random = SeededGenerator(seed: seed)
            let times = packets.map(\.record.timestamp).sorted()
            let count = Int.random(in: 1...max(1, packets.count), using: &random)
            guard let last = times.prefix(count).last else { return [] }
            return packets.filter { $0.record.timestamp <= last }
        case .started(let seed):
            var random = SeededGenerator(seed: seed)
            let times = packets.map(\.record.timestamp).sorted()
            let count = Int.random(in: 1...max(1, packets.count), using: &random)
            guard let first = times.suffix(count).first else { return [] }
            return packets.filter { $0.record.timestamp >= first }
        case .snapped(let length):
            return packets.map { packet in
                var copy = packet
                copy.bytes = Array(packet.bytes.prefix(length))
                return copy
            }
        case .oneWay(let leg, let direction):
            return packets.filter { packet in
                // Address resolution, name service and ICMP count as the upstream's side.
                guard let ends = packet.ends else { return leg == .client }
                guard Self.leg(ends, upstreams) == leg else { return true }
                return Self.direction(ends, upstreams, leg) != direction
            }
        case .withoutLeg(let leg):
            return packets.filter { packet in (packet.ends.map { Self.leg($0, upstreams) } ?? .upstream) != leg }
        case .clockSetForward(let amount, let frame):
            return Damage.clockSetBack(-amount, atFrame: frame).applied(to: packets, upstreams: upstreams)
        case .clockSetBack(let amount, let frame):
            guard let start = packets.first(where: { $0.record.number == frame })?.record.timestamp else {
                return packets
            }
            return packets.map { packet in
                guard packet.record.timestamp >= start else { return packet }
                var copy = packet
                copy.record.timestamp = packet.record.timestamp - amount
                return copy
            }
        }
    }

    private func swapped(_ packets: [CapturedPacket], _ isChosen: () -> Bool) -> [CapturedPacket] {
        var result = packets
        var index = 0
        while index + 1 < result.count {
            // What lies further apart, or in another interface's block of the file, does not change places.
            let apart = result[index + 1].record.timestamp - result[index].record.timestamp
            guard apart >= 0, apart <= .milliseconds(1), isChosen() else {
                index += 1
                continue
            }
            let (first, second) = (result[index], result[index + 1])
            result[index] = second
            result[index].record.timestamp = first.record.timestamp
            result[index + 1] = first
            result[index + 1].record.timestamp = second.record.timestamp
            index += 2
        }
        return result
    }

    private static func leg(_ ends: CapturedPacket.Ends, _ upstreams: Set<Endpoint>) -> Leg {
        upstreams.contains(ends.source) || upstreams.contains(ends.destination) ? .upstream : .client
    }

    /// On the client's leg the lower port serves.
    private static func direction(_ ends: CapturedPacket.Ends, _ upstreams: Set<Endpoint>, _ leg: Leg) -> Direction {
        switch leg {
        case .upstream: upstreams.contains(ends.destination) ? .fromClient : .fromServer
        case .client: ends.destination.port < ends.source.port ? .fromClient : .fromServer
        }
    }
}
