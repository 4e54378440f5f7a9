import Capture
import Model

/// A savefile, whole or in any state of damage, plain or compressed: read to its end.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let input = Input(data, size)
    var packets = 0
    do {
        // Small blocks, so that records lie across their borders.
        let reader = try SavefileReader(path: MemoryFile.path(input.all), blockSize: 4096)
        var sum: UInt8 = 0
        while let record = try reader.advance() {
            packets += 1
            guard record.number >= packets else { fail("packet \(packets) has number \(record.number)") }
            reader.withPacket { bytes in
                guard bytes.byteCount == record.capturedLength else { fail("a packet without all its bytes") }
                for position in 0..<bytes.byteCount {
                    sum &+= bytes.unsafeLoad(fromByteOffset: position, as: UInt8.self)
                }
            }
        }
        guard reader.ending != nil else { fail("ended without saying how") }
        guard reader.summary.packets == packets else { fail("miscounted") }
    } catch {
        // An error is an answer.
    }
    Share.count(packets > 0, "got past the savefile header to a packet")
    return 0
}
