import Dissection
import Model

/// A few packets of one link type, through link, network and transport; fragments and tunnels meet among them.
///
/// The decoder serves many inputs, because making one costs more than an input does: an hour of packet time lies between
/// two, after which nothing of the former counts.
///
/// Input: link type (index), interface bits, then packets: length (2), bytes the wire had more (1), bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    var input = Input(data, size)
    let linkTypes: [UInt32] = [1, 113, 276, 101, 0, 108, 228, 229, 9, 12, 14, 50, 51, 1, 1, 147]
    let linkType = LinkType(rawValue: linkTypes[Int(input.uint8() & 15)])
    let interfaces = input.uint8()
    if Served.inputs & 4095 == 0 { Served.decoder = PacketDecoder() }
    Served.inputs += 1
    let start = Int64(Served.inputs & 4095) * 3_600_000_000_000
    let before = Served.decoder.counters.packets
    var number = 0
    var segments = 0
    while !input.isAtEnd, number < 64 {
        number += 1
        let length = Int(input.uint16() & 0x7ff)
        let missing = Int(input.uint8())
        let packet = input.take(length)
        let record = PacketRecord(
            number: number,
            timestamp: Timestamp(nanoseconds: start + Int64(number) * 30_000),
            capturedLength: packet.count,
            wireLength: packet.count + (missing > 250 ? missing << 16 : missing > 200 ? missing : 0),
            interface: interfaces & 1 << (number & 7) != 0 ? 1 : 0,
            linkType: linkType,
            source: 0
        )
        Served.decoder.decode(record, packet.bytes) { segment, bytes in
            segments += 1
            let payload = segment.payload
            guard payload.lowerBound >= 0, payload.upperBound <= bytes.byteCount else {
                fail("payload \(payload) outside \(bytes.byteCount) bytes")
            }
            guard segment.wirePayloadLength >= payload.count else { fail("more captured than sent") }
        }
        _ = Served.decoder.drainICMPErrors()
        _ = Served.decoder.drainDNS()
    }
    Served.decoder.finish()
    guard Served.decoder.counters.packets - before == number else { fail("miscounted") }
    Share.count(segments > 0, "got past link and network to a TCP segment")
    return 0
}

private enum Served {
    nonisolated(unsafe) static var decoder = PacketDecoder()
    nonisolated(unsafe) static var inputs = 0
}
