import Model
import Testing

@Suite struct AddressParsingTests {
    @Test(
        "an address reads back as its canonical form",
        arguments: [
            ("10.0.3.7", "10.0.3.7"),
            ("255.255.255.255", "255.255.255.255"),
            ("::", "::"),
            ("::1", "::1"),
            ("fe80::", "fe80::"),
            ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("1::8", "1::8"),
            ("::ffff:10.0.0.1", "::ffff:a00:1"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ]
    )
    func canonical(text: String, expected: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == expected)
    }

    @Test(
        "what is no address is refused",
        arguments: [
            "", "10.0.0", "10.0.0.256", "10.0.0.01", "10.0.0.1.", "a.b.c.d", ":", ":::", "1::2::3", "12345::",
            "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "fe80::1%eth0", "::1.2.3", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:",
            "::+1",
        ]
    )
    func refused(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(
        "a prefix takes a length and a port",
        arguments: [
            ("10.0.0.0/8", "10.0.0.0", 8, nil),
            ("10.0.0.1", "10.0.0.1", 32, nil),
            ("10.0.0.1:8080", "10.0.0.1", 32, 8080),
            ("10.0.0.0/24:80", "10.0.0.0", 24, 80),
            ("fd00::/8", "fd00::", 8, nil),
            ("fd00::1", "fd00::1", 128, nil),
            ("[fd00::1]:8080", "fd00::1", 128, 8080),
            ("[fd00::]/64:8080", "fd00::", 64, 8080),
        ] as [(String, String, Int, UInt16?)]
    )
    func prefix(text: String, address: String, length: Int, port: UInt16?) throws {
        let prefix = try #require(AddressPrefix(text))
        #expect(prefix.address.description == address)
        #expect(prefix.length == length)
        #expect(prefix.port == port)
    }

    @Test(
        "what is no prefix is refused",
        arguments: [
            "", "10.0.0.0/33", "10.0.0.0/", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:65536", "[10.0.0.1]:80",
            "[::1", "::1/129", "10.0.0.0/8x", "10.0.0.0/+8", "host:80",
        ]
    )
    func prefixRefused(text: String) {
        #expect(AddressPrefix(text) == nil)
    }
}
