import Dissection
import Model
import TestSupport
import Testing

@Suite struct ProtocolProbeTests {
    struct Case: CustomTestStringConvertible {
        var name: ProtocolName?
        var direction: Direction
        var bytes: [UInt8]
        var testDescription: String { "\(name?.rawValue ?? "unknown") \(direction) \(bytes.prefix(12))" }

        init(_ name: ProtocolName?, _ direction: Direction, _ text: String) {
            (self.name, self.direction, bytes) = (name, direction, Array(text.utf8))
        }

        init(_ name: ProtocolName?, _ direction: Direction, _ bytes: [UInt8]) {
            (self.name, self.direction, self.bytes) = (name, direction, bytes)
        }
    }

    static let cases = [
        Case(.http1, .fromClient, "GET / HTTP/1.1\r\n"),
        Case(.http1, .fromClient, "FROBNICATE /x HTTP/1.1\r\n"),
        Case(.http1, .fromClient, "CONNECT a:443 HTTP/1.1\r\n"),
        Case(.http1, .fromServer, "HTTP/1.1 200 OK\r\n"),
        Case(nil, .fromClient, "OPTIONS rtsp://a/b RTSP/1.0\r\n"),
        Case(nil, .fromClient, "OPTIONS sip:a SIP/2.0\r\n"),
        Case(nil, .fromClient, "USER ftp\r\n"),
        Case(.http2, .fromClient, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        Case(.http2, .fromServer, [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100]),
        Case(.tls, .fromClient, [22, 3, 1, 0, 200, 1, 0, 0, 196]),
        Case(.tls, .fromServer, [21, 3, 1, 0, 2, 2, 70]),
        Case(nil, .fromServer, [22, 9, 1, 0, 200, 1] + [UInt8](repeating: 0, count: 12)),
        Case(.ssh, .fromServer, "SSH-2.0-OpenSSH_9.2\r\n"),
        Case(.smtp, .fromServer, "220 mx.example.org ESMTP Postfix\r\n"),
        Case(.smtp, .fromServer, "220 mx.example.org ready\r\n"),
        Case(.ftp, .fromServer, "220 (vsFTPd 3.0.3)\r\n"),
        Case(.ftp, .fromServer, "220 Welcome\r\n"),
        Case(.smtp, .fromClient, "EHLO a.example\r\n"),
        Case(.pop3, .fromServer, "+OK Dovecot ready.\r\n"),
        Case(.redis, .fromServer, "+OK\r\n"),
        Case(.imap, .fromServer, "* OK [CAPABILITY IMAP4rev1] ready\r\n"),
        Case(.mysql, .fromServer, [74, 0, 0, 0, 10] + Array("8.0.36\u{0}".utf8)),
        Case(.mysql, .fromServer, [70, 0, 0, 0, 0xff, 0x6a, 0x04] + Array("Host".utf8)),
        Case(.postgresql, .fromClient, [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]),
        Case(.postgresql, .fromServer, [0x52, 0, 0, 0, 8, 0, 0, 0, 0]),
        Case(.postgresql, .fromServer, [0x45, 0, 0, 0, 0x66, 0x53] + Array("FATAL".utf8)),
        Case(.redis, .fromClient, "*1\r\n$4\r\nPING\r\n"),
        Case(.redis, .fromServer, "-ERR unknown command 'GET'\r\n"),
        Case(.redis, .fromServer, "$-1\r\n"),
        Case(.memcached, .fromServer, "ERROR\r\n"),
        Case(.mongodb, .fromClient, [58, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xd4, 7, 0, 0]),
        Case(.amqp, .fromServer, Array("AMQP".utf8) + [0, 0, 9, 1]),
        Case(.memcached, .fromServer, "SERVER_ERROR out of memory\r\n"),
        Case(.smtp, .fromServer, "554 a.example no\r\n"),
        Case(.redis, .fromServer, "-WRONGPASS invalid\r\n"),
        Case(.http2, .fromServer, [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        Case(.fastcgi, .fromClient, [1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
        Case(.fastcgi, .fromServer, [1, 6, 0, 1, 0, 40, 0, 0]),
        Case(.uwsgi, .fromClient, [0, 60, 1, 0, 14, 0] + Array("REQUEST_METHOD".utf8)),
        Case(.ajp, .fromClient, [0x12, 0x34, 0, 100, 2, 2]),
        Case(.ajp, .fromServer, [0x41, 0x42, 0, 20, 4]),
        Case(.proxyV1, .fromClient, "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"),
        Case(.proxyV2, .fromClient, HTTP1ConnectionTests.signature + [0x21, 0x11]),
        Case(nil, .fromServer, "<html><body>hello</body></html>\n"),
        Case(nil, .fromServer, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ]

    @Test(arguments: cases) func firstBytesTellTheProtocol(_ example: Case) {
        let answer = ProtocolProbe.examine(example.bytes, from: example.direction)
        #expect(answer == (example.name.map { .certain($0) } ?? .unknown))
    }

    @Test(arguments: cases) func fewerBytesAreUnsureAndNeverAnotherProtocol(_ example: Case) {
        guard let name = example.name else { return }
        for count in 0..<example.bytes.count {
            let answer = ProtocolProbe.examine(Array(example.bytes[..<count]), from: example.direction)
            #expect(answer == .unsure || answer == .certain(name), "after \(count) bytes")
        }
    }

    @Test func everyProtocolHasAnExample() {
        #expect(Set(Self.cases.compactMap(\.name)) == Set(ProtocolName.allCases))
    }
}
