import Testing

@testable import Evidence

@Suite struct SHA256Tests {
    @Test("gives the digests of FIPS 180-4's examples, whatever the pieces")
    func examples() {
        #expect(
            SHA256.hexadecimal(of: Array("abc".utf8))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        #expect(
            SHA256.hexadecimal(of: [])
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        )
        let million = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        #expect(SHA256.hexadecimal(of: million) == expected)
        var pieces = SHA256()
        var position = 0
        for length in 1...1_413 {
            let end = min(position + length, million.count)
            pieces.update(Array(million[position..<end]))
            position = end
        }
        pieces.update(Array(million[position...]))
        #expect(pieces.finish() == SHA256.digest(of: million))
    }

    @Test("gives the codes of RFC 4231's test cases 1 and 6")
    func authentication() {
        let short = SHA256.authentication(of: Array("Hi There".utf8), key: [UInt8](repeating: 0x0b, count: 20))
        #expect(short.prefix(4) == [0xb0, 0x34, 0x4c, 0x61])
        #expect(short.suffix(4) == [0x2e, 0x32, 0xcf, 0xf7])
        let message = Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)
        let long = SHA256.authentication(of: message, key: [UInt8](repeating: 0xaa, count: 131))
        #expect(long.prefix(4) == [0x60, 0xe4, 0x31, 0x59])
        #expect(long.suffix(4) == [0x0e, 0xe3, 0x7f, 0x54])
    }
}
