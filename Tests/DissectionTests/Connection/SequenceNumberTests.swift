import Testing

@testable import Dissection

struct SequenceNumberTests {
    @Test(arguments: [
        (UInt32(5), UInt32(9), Int64(4)),
        (9, 5, -4),
        (0xffff_fff0, 0x10, 0x20),
        (0x10, 0xffff_fff0, -0x20),
        (0, 0x8000_0000, -0x8000_0000),
        (0, 0x7fff_ffff, 0x7fff_ffff),
        (7, 7, 0),
    ])
    func `a distance is signed and survives the wrap`(start: UInt32, end: UInt32, distance: Int64) {
        #expect(SequenceNumber.distance(from: start, to: end) == distance)
    }

    @Test(arguments: [Int64(0), 1, 0xffff_fffe, 0x1_0000_0000, 0x5_8000_0001, 0x1234_5678_9abc])
    func `an offset is found again from its sequence number near the reference`(offset: Int64) {
        let origin: UInt32 = 0xdead_beef
        let sequence = origin &+ UInt32(truncatingIfNeeded: offset)
        for reference in [offset, offset - 0x7fff_0000, offset + 0x7fff_0000] {
            #expect(SequenceNumber.offset(of: sequence, origin: origin, near: reference) == offset)
        }
    }

    @Test
    func `extreme references do not trap`() {
        for reference in [Int64.min, .max] {
            let near = SequenceNumber.offset(of: 0x8000_0000, origin: 1, near: reference)
            #expect(UInt32(truncatingIfNeeded: near) == 0x7fff_ffff)
        }
    }
}
