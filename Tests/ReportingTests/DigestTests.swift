import Model
import Testing

@testable import Reporting

@Suite("Digests and Community ID")
struct DigestTests {
    @Test(
        "SHA-1 gives the digests of RFC 3174 §7.3 and FIPS 180",
        arguments: [
            ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
            ),
            (String(repeating: "a", count: 1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
            (
                String(repeating: "0123456701234567012345670123456701234567012345670123456701234567", count: 10),
                "dea356a2cddd90c7a7ecedc5ebb563934f460452"
            ),
        ]
    )
    func sha1(_ message: String, _ digest: String) {
        #expect(SHA1.hexadecimal(Array(message.utf8)) == digest)
    }

    /// The digest of the digests of 300 messages, one of each length, as Python's hashlib has it.
    @Test("SHA-1 gives what another implementation gives, whatever the length")
    func sha1EveryLength() {
        let digests = (0..<300).flatMap { count in
            SHA1.digest((0..<count).map { UInt8(truncatingIfNeeded: $0 * 7 + count) })
        }
        #expect(SHA1.hexadecimal(digests) == "dfc942b5ddc5fe6421ccada9be50fa42e873926c")
    }

    @Test(
        "Base 64 gives the texts of RFC 4648 §10",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ]
    )
    func base64(_ bytes: String, _ text: String) {
        #expect(Base64.encoded(Array(bytes.utf8)) == text)
    }

    struct Vector: Sendable {
        var transport: UInt8
        var one: String
        var other: String
        var id: String
    }

    /// baseline/baseline_deflt.json of the specification: what gwsniff has flows of.
    static let vectors = [
        Vector(
            transport: 6,
            one: "128.232.110.120:34855",
            other: "66.35.250.204:80",
            id: "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
        ),
        Vector(
            transport: 6,
            one: "[2001:470:e5bf:dead:4957:2174:e82c:4887]:63943",
            other: "[2607:f8b0:400c:c03::1a]:25",
            id: "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="
        ),
        Vector(transport: 17, one: "192.168.1.52:54585", other: "8.8.8.8:53", id: "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
        Vector(
            transport: 132,
            one: "192.168.170.8:7",
            other: "192.168.170.56:7",
            id: "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="
        ),
    ]

    @Test("Community ID gives the specification's own ids, from both ends", arguments: vectors)
    func communityID(_ vector: Vector) throws {
        let one = try #require(AddressPrefix(vector.one))
        let other = try #require(AddressPrefix(vector.other))
        let ends = try [one, other].map { Endpoint(address: $0.address, port: try #require($0.port)) }
        #expect(CommunityID.of(ends[0], ends[1], transport: vector.transport) == vector.id)
        #expect(CommunityID.of(ends[1], ends[0], transport: vector.transport) == vector.id)
        #expect(CommunityID.of(ends[0], ends[1], transport: vector.transport, seed: 1) != vector.id)
    }

    @Test("Where the addresses are the same, the ports decide the order")
    func sameAddress() {
        let address = IPAddress(v4: 127, 0, 0, 1)
        let ends = (Endpoint(address: address, port: 80), Endpoint(address: address, port: 34_855))
        #expect(CommunityID.of(ends.0, ends.1) == CommunityID.of(ends.1, ends.0))
    }

    @Test("A fingerprint stays while counts and times change, and differs for another problem")
    func fingerprint() {
        let finding = Sample.resetFinding()
        var later = finding
        later.id = "F9"
        later.count += 1
        later.first = later.first + .seconds(86_400)
        later.occurrences = []
        later.confidence = .low
        #expect(Fingerprint.of(later) == Fingerprint.of(finding))
        for change in [
            { $0.cause = .connectRefused }, { $0.upstream = "10.0.3.8:8080" }, { $0.severity = .nearMiss },
        ] as [(inout Finding) -> Void] {
            var other = finding
            change(&other)
            #expect(Fingerprint.of(other) != Fingerprint.of(finding))
        }
    }
}
