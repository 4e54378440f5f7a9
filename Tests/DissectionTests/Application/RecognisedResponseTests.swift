import Dissection
import Model
import TestSupport
import Testing

/// Answers in another protocol, and what is recognised in them.
struct RecognisedResponseTests {
    struct Case: CustomTestStringConvertible {
        var name: ProtocolName?
        var bytes: [UInt8]
        var testDescription: String { "\(name?.rawValue ?? "nothing") in \(bytes.prefix(16))" }

        init(_ name: ProtocolName?, _ text: String) {
            (self.name, bytes) = (name, Array(text.utf8))
        }

        init(_ name: ProtocolName?, _ bytes: [UInt8]) {
            (self.name, self.bytes) = (name, bytes)
        }
    }

    static let cases = [
        Case(.smtp, "220 mail ESMTP"),
        Case(.smtp, "220 mail.example.org ready"),
        Case(.smtp, "421 mail.example.org Service not available\r\n"),
        Case(.smtp, "554 mail.example.org ESMTP not accepting messages\r\n"),
        Case(.ftp, "220-FTP server\r\n220 ready\r\n"),
        Case(.ftp, "220-FTP"),
        Case(.ftp, "421 Too many FTP users\r\n"),
        Case(.redis, "-ERR unknown command 'GET'\r\n"),
        Case(.redis, "-ERR unknown"),
        Case(.redis, "-DENIED Redis is running in protected mode\r\n"),
        Case(.redis, "-WRONGPASS invalid\r\n"),
        Case(.redis, "-MISCONF x\r\n"),
        Case(.pop3, "+OK ready\r\n"),
        Case(.imap, "* OK ready\r\n"),
        Case(.ssh, "SSH-2.0-OpenSSH_9.2\r\n"),
        // The protocol version of MySQL's greeting is a line feed to HTTP.
        Case(.mysql, [74, 0, 0, 0, 10] + Array("8.0.36\u{0}".utf8) + [UInt8](repeating: 1, count: 60)),
        Case(.mysql, [70, 0, 0, 0, 0xff, 0x6a, 0x04] + Array("Host is not allowed".utf8)),
        Case(.postgresql, [0x45, 0, 0, 0, 0x66, 0x53] + Array("FATAL".utf8)),
        Case(.memcached, "ERROR\r\n"),
        Case(.memcached, "SERVER_ERROR out of memory\r\n"),
        Case(.tls, [21, 3, 1, 0, 2, 2, 70]),
        Case(.tls, [21, 3, 3, 0, 2, 2, 22, 21, 3, 3, 0, 2, 1, 0]),
        Case(.http2, [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100]),
        Case(.http2, [0, 0, 0, 4, 0, 0, 0, 0, 0]),
        Case(.http2, [0, 0, 10, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x62, 0x61]),
        Case(.fastcgi, [1, 11, 0, 0, 0, 8, 0, 0]),
        Case(.amqp, Array("AMQP".utf8) + [0, 0, 9, 1]),
        Case(nil, "this is no protocol at all\r\n"),
        Case(nil, "<html><body>hello</body></html>\n"),
        Case(nil, "2200 bottles\r\n"),
        Case(nil, "ERROR: no such page\r\n"),
        Case(nil, "ICY 200 OK\r\n"),
        Case(nil, "{\"status\": 502}"),
        Case(nil, [UInt8](repeating: 0, count: 40)),
        Case(nil, [0xff, 0xfe, 0xfd, 0x80, 0x81, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0]),
        Case(nil, "http/1.1 200 OK\r\n\r\n"),
        Case(nil, "HTTP/2.0.1 200 OK\r\n\r\n"),
        Case(nil, "HTTP/1.1 2x0 OK\r\n\r\n"),
    ]

    @Test(arguments: cases)
    func `first bytes that are no HTTP tell their protocol whatever the segments`(_ example: Case) {
        everySplit(of: example.bytes) { pieces in
            var stream = Stream()
            stream.client("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            for piece in pieces { stream.send(piece, .fromServer) }
            #expect(stream.response?.recognised == example.name)
            #expect(stream.response?.completion != .complete)
        }
    }

    @Test
    func `an HTTP response is not another protocol`() {
        let response = Stream<HTTP1Parser>.answering("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 7\r\n\r\nERROR\r\n")
        #expect(response?.recognised == nil)
    }

    @Test
    func `what follows a gap is not taken for first bytes`() {
        var stream = Stream()
        stream.client("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        stream.server("ERR")
        stream.gap(2, .fromServer)
        stream.server("OR\r\n")
        #expect(stream.response?.completion == .notHTTP)
        #expect(stream.response?.recognised == nil)
    }

    @Test
    func `a greeting before the request is recognised in its answer`() {
        var stream = Stream()
        stream.server("SSH-2.0-x\r\n")
        stream.client("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(stream.exchanges.count == 1)
        #expect(stream.request?.method == "GET")
        #expect(stream.response?.recognised == .ssh)
    }
}
