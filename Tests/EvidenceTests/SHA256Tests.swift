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

    @Test(
        "gives the digests of FIPS 180-4's second example and of NIST's short messages (CAVP, SHA256ShortMsg)",
        arguments: [
            (
                Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            ([0xd3], "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"),
            ([0x11, 0xaf], "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98"),
        ]
    )
    func vectors(message: [UInt8], expected: String) {
        #expect(SHA256.hexadecimal(of: message) == expected)
    }

    /// The digest of the digests of 300 messages, one of each length, as Python's hashlib has it.
    @Test("gives what another implementation gives, whatever the length")
    func everyLength() {
        var all = SHA256()
        for count in 0..<300 {
            all.update(SHA256.digest(of: (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7 + count) }))
        }
        let hexadecimal = all.finish().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(hexadecimal == "d5238871a46ac4a1a75ac3fb19d645b0b3b9e5f35f5f720e2b240d605c6b694e")
    }

    @Test(
        "gives the codes of RFC 4231's test cases 1, 2 and 6",
        arguments: [
            (
                [UInt8](repeating: 0x0b, count: 20), "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
        ]
    )
    func authentication(key: [UInt8], message: String, expected: String) {
        let code = SHA256.authentication(of: Array(message.utf8), key: key)
        #expect(code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == expected)
    }
}
