import Model
import TestSupport
import Testing

@testable import Evidence

/// Secrets planted in conversations are in no byte of the evidence, however they were cut, repeated and disordered.
@Suite struct PlantedSecretsTests {
    /// What is planted, and the secrets in it.
    private struct Planted {
        var request: [UInt8]
        var response: [UInt8]
        var secrets: [String]
    }

    private static let heads: Planted = {
        let request =
            "GET http://Quentin:Wq7zuserinfo@shop.example/a;jsessionid=Jq8wsezzion/b?token=Tk9xqueryval&Zb4barequery&n=1#Fr3fragment"
            + " HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Basic QmFzaWNBdXRoU2VjcmV0\r\n"
            + "Cookie: sid=Ck5kukivalq; theme=Dk6darkmode\r\n folded=Fo7fqldedkuki\r\n\tand=Gp8moreofit\r\n"
            + "proxy-authorization: Digest username=\"Pa9prqxyuzer\"\r\nX-Api-Key: Ak0apqkeyvalqe\r\n"
            + "Cookie : spaced=Sp1spacecolon\r\nX-Csrf-Token:Cs2czrftokqn\r\nno colon but Nc3nocolonsecret\r\n"
            + "Referer: https://ref.example/p?email=Rf4rqfervalqe&x=y\r\nX-Trace: Bearer Be5bqarerzecret\r\n"
            + "From: Mailbox.Name77@mail.example\r\nX-Customer: card 4111 1111 1111 1111 of him\r\n"
            + "X-Jwt-Copy: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJKd3R0cGF5bG9hZCJ9.Sg6signaturepart\r\n"
            + "X-Other: see eyJraWQiOiJPdGhlciJ9.eyJvIjoiT3RoZXJwYXlsb2FkIn0.Ot7othersign\r\n\r\n"
        let response =
            "HTTP/1.1 200 Sent to Rp8reason@mail.example\r\nContent-Length: 25\r\n"
            + "Set-Cookie: sid=St9zetkuki; Path=/\r\n continued=Cn0zetfqlded\r\n"
            + "Location: https://u:Lp1lokatpazz@host.example/?code=Lc2lokatqode\r\n\r\nBd3bodysecret-in-the-body"
        let secrets = [
            "Wq7zuserinfo", "Jq8wsezzion", "Tk9xqueryval", "Zb4barequery", "Fr3fragment", "QmFzaWNBdXRoU2VjcmV0",
            "Ck5kukivalq", "Dk6darkmode", "Fo7fqldedkuki", "Gp8moreofit", "Pa9prqxyuzer", "Ak0apqkeyvalqe",
            "Sp1spacecolon", "Cs2czrftokqn", "Nc3nocolonsecret", "Rf4rqfervalqe", "Be5bqarerzecret", "Mailbox.Name77",
            "4111 1111 1111 1111", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJKd3R0cGF5bG9hZCJ9.Sg6signaturepart",
            "eyJraWQiOiJPdGhlciJ9.eyJvIjoiT3RoZXJwYXlsb2FkIn0.Ot7othersign", "Rp8reason", "St9zetkuki",
            "Cn0zetfqlded", "Lp1lokatpazz", "Lc2lokatqode", "Bd3bodysecret-in-the-body",
        ]
        return Planted(request: Array(request.utf8), response: Array(response.utf8), secrets: secrets)
    }()

    private static let bodies: Planted = {
        let request =
            "POST /pay HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "1a;sig=\"Ex4extension\"\r\npassword=Pw5zazzwortvaluq&\r\n5\r\nCh6qz\r\n9\r\nvkydzecrx\r\n0\r\n"
            + "X-Auth-Token: Tr7trqilertokqn\r\n\r\n"
            + "PUT /next HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\r\nNb8nextbody-secret"
        let response =
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "20\r\n<hr><center>nginx Er9errorsecret\r\n0\r\n\r\n"
            + "HTTP/1.1 200 OK\r\n\r\nUntil the end: Uc0untilclosesecret"
        return Planted(
            request: Array(request.utf8),
            response: Array(response.utf8),
            secrets: [
                "Ex4extension", "Pw5zazzwortvaluq", "Ch6qz", "vkydzecrx", "Tr7trqilertokqn",
                "Nb8nextbody-secret", "Er9errorsecret", "Uc0untilclosesecret",
            ]
        )
    }()

    /// Where a list of names, or of places, was too short.
    private static let names: Planted = {
        let token = "kX9vQ2mT7bR4wZ1cY8nL5dF3gH6jK0pS"
        let request =
            "GET /reset/Rs1kX9vQ2mT7bR4wZ/a;v=Pv2paramvalq;Pb3bareparam/b%3Bsid=Ep4esqapedparam/\(token)0/access_key=Ak5patqkey"
            + " HTTP/1.1\r\nHost: shop.example\r\nOcp-Apim-Subscription-Key: Oa6zubzqripzion\r\n"
            + "X-Functions-Key: Fk7funqtionz\r\nX-Pass: Xp8pazzvalq\r\nX-Pwd: Xw9pwdvalq\r\nX-Sid: Xs1sidvalq\r\n"
            + "X-Client-Auth: Xa2authvalq\r\nX-PIN: 73914682\r\nX-Login: Xl3loginvalq\r\n"
            + "Custom: Token Ct4quztomtoqen, second=Ct5quztomzek\r\nX-Note: a=b; session=Xn6notezezzjon; c=d\r\n"
            + "X-Json: {\"user\": 1, \"password\": \"Xj7jsonpazz, Xh1jsonword\\\" Xh2jsonmark\"}\r\n"
            + "X-Inner: {\\\"password\\\": \\\"Xi3innerpazz Xi4innerword\\\"}\r\n"
            + "X-List: {\"tokens\": [\"Xt5listzeq\", \"Xt6listzeqond\"]}\r\nX-Say: pin='Xz7 Xz8quoteword', key=\"\",otp=\"Xe9 Xe9word\"\r\n"
            + "Referer: https://Re8uzer:pazz@ref.example/p;jsessionid=Rj9refsezzion/\(token)1?x=y\r\n"
            + "Origin: https://Or1uzer@origin.example\r\nX-Link: see </l;s=Xk2linkparam>; rel=next\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            + "Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.\(token)2\r\n\r\n"
            + "CONNECT Co3uzer:pazz@shop.example:443 HTTP/1.1\r\n\r\n"
        let response =
            "HTTP/1.1 302 Found\r\nLocation: next;jsessionid=Lj4loqsezzion\r\n"
            + "Content-Location: //Cl5uzer:pazz@h.example/a;t=Cl6param\r\nRefresh: 0;url=/n;x=Rx7refreqparam/m\r\nWWW-Authenticate: Digest nonce=\"Wa7nonqevalq\"\r\n"
            + "Content-Type: text/html; charset=utf-8\r\nContent-Length: 0\r\n\r\n"
        let secrets = [
            "Rs1kX9vQ2mT7bR4wZ", "Pv2paramvalq", "Pb3bareparam", "Ep4esqapedparam", token, "Ak5patqkey",
            "Oa6zubzqripzion",
            "Fk7funqtionz", "Xp8pazzvalq", "Xw9pwdvalq", "Xs1sidvalq", "Xa2authvalq", "73914682", "Xl3loginvalq",
            "Ct4quztomtoqen", "Ct5quztomzek", "Xn6notezezzjon", "Xj7jsonpazz", "Xh1jsonword",
            "Xh2jsonmark", "Xi3innerpazz", "Xi4innerword", "Xt5listzeq", "Xt6listzeqond", "Xz8quoteword", "Xe9word",
            "Re8uzer",
            "Rj9refsezzion", "Or1uzer",
            "Xk2linkparam", "Co3uzer", "Lj4loqsezzion", "Cl5uzer", "Cl6param", "Wa7nonqevalq", "Rx7refreqparam",
        ]
        return Planted(request: Array(request.utf8), response: Array(response.utf8), secrets: secrets)
    }()

    /// Over FastCGI.
    private static let scripts: Planted = {
        func record(_ type: UInt8, _ content: [UInt8] = [], padding: [UInt8] = []) -> [UInt8] {
            [1, type, 0, 1, UInt8(content.count >> 8), UInt8(content.count & 255), UInt8(padding.count), 0] + content
                + padding
        }
        let pairs = [
            ("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/a/b?token=Fq1queryval"),
            ("QUERY_STRING", "token=Fq1queryval"),
            ("SCRIPT_FILENAME", "/srv/Fs2rootpath/a.php"), ("CONTENT_LENGTH", "21"), ("HTTP_HOST", "shop.example"),
            ("HTTP_COOKIE", "sid=Fc3kukivalq" + String(repeating: "z", count: 200)),
            ("HTTP_AUTHORIZATION", "Basic RmE0YXV0aHNlY3JldA=="), ("DB_PASSWORD", "Fp5databazeword"),
            ("HTTP_REFERER", "https://ref.example/p?email=Fr6rqfervalqe"),
        ]
        let variables = pairs.flatMap { name, value -> [UInt8] in
            let size = value.utf8.count
            return [UInt8(name.utf8.count)] + (size < 128 ? [UInt8(size)] : [0x80, 0, 0, UInt8(size)])
                + Array(name.utf8) + Array(value.utf8)
        }
        let half = variables.count / 2
        return Planted(
            request: record(1, [0, 1, 1, 0, 0, 0, 0, 0]) + record(4, Array(variables[..<half]), padding: [0, 0, 0])
                + record(4, Array(variables[half...])) + record(4) + record(5, Array("Fi7inputsecret-of-them".utf8))
                + record(5),
            response: record(7, Array("PHP Fatal: Fe8stderrsecret".utf8), padding: Array("Fg9padd".utf8))
                + record(6, Array("Status: 200 Fh1reason@mail.example\r\nSet-Cookie: sid=Fk2zet".utf8))
                + record(6, Array("kuki; Path=/\r\nLocation: /x?code=Fl3lokatqode\r\n\r\nFb4bodysecret-in-it".utf8))
                + record(6, Array("Fb5bodysecret-behind".utf8)) + record(3, [UInt8](repeating: 0, count: 8)),
            secrets: [
                "Fq1queryval", "Fs2rootpath", "Fc3kukivalq", "RmE0YXV0aHNlY3JldA", "Fp5databazeword", "Fr6rqfervalqe",
                "Fi7inputsecret", "Fe8stderrsecret", "Fg9padd", "Fh1reason", "Fk2zetkuki", "Fl3lokatqode",
                "Fb4bodysecret",
                "Fb5bodysecret",
            ]
        )
    }()

    private static let all = [heads, bodies, names, scripts]

    @Test("of FastCGI stay the records, their order and what was asked for")
    func scripts() {
        var wire = Wire(seed: 1)
        wire.handshake()
        wire.segment(.fromClient, at: 0, Self.scripts.request)
        wire.segment(.fromServer, at: 0, Self.scripts.response)
        let (_, after) = wire.evidence()
        let text = after.packets.map { String(decoding: $0.bytes, as: UTF8.self) }.joined()
        for words in [
            "REQUEST_METHOD", "POST", "/a/b?token=", "HTTP_HOST", "shop.example", "Status: 200", "Location: /x",
        ]
        where !text.contains(words) {
            Issue.record("\(words)")
        }
    }

    @Test("what decides and what nobody minds stays")
    func harmless() {
        var wire = Wire(seed: 1)
        wire.handshake()
        wire.segment(.fromClient, at: 0, Self.names.request)
        wire.segment(.fromServer, at: 0, Self.names.response)
        let after = wire.evidence().after
        let text = after.packets.map { String(decoding: $0.bytes, as: UTF8.self) }.joined()
        for words in [
            "GET /reset/", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
            "WWW-Authenticate: Digest ", "Referer: https://", "@ref.example/p;jsessionid=", "Custom: Token ",
            "X-Note: a=b; session=", "; c=d\r\n", "\r\nLocation: next;jsessionid=",
        ] where !text.contains(words) {
            Issue.record("\(words)")
        }
    }

    @Test("in whatever pieces it came", arguments: 0..<60 as Range<UInt64>)
    func pieces(seed: UInt64) {
        for planted in Self.all {
            var wire = Wire(seed: seed)
            wire.handshake()
            wire.exchange(planted.request, planted.response)
            let (before, after) = wire.evidence()
            #expect(!before.leaks(planted.secrets).isEmpty)
            #expect(after.leaks(planted.secrets) == [], "seed \(seed)")
            #expect(after.packets.count == before.packets.count)
        }
    }

    @Test("line ends, framing and error pages stay; the same bytes become the same bytes")
    func kept() throws {
        for planted in Self.all {
            var wire = Wire(seed: 1)
            wire.handshake()
            wire.segment(.fromClient, at: 0, planted.request)
            wire.segment(.fromClient, at: 0, planted.request)
            wire.segment(.fromServer, at: 0, planted.response)
            let after = wire.evidence().after
            let request = Array(after.packets[2].bytes[54...])
            #expect(after.packets[3].bytes[54...].elementsEqual(request))
            let response = Array(after.packets[4].bytes[54...])
            for (old, new) in [(planted.request, request), (planted.response, response)] {
                for (one, other) in zip(old, new) where [0x0d, 0x0a].contains(one) || [0x0d, 0x0a].contains(other) {
                    #expect(one == other)
                }
            }
        }
        var wire = Wire(seed: 1)
        wire.handshake()
        wire.segment(.fromClient, at: 0, Self.bodies.request)
        wire.segment(.fromServer, at: 0, Self.bodies.response)
        let after = wire.evidence().after
        let request = String(decoding: after.packets[2].bytes[54...], as: UTF8.self)
        let response = String(decoding: after.packets[3].bytes[54...], as: UTF8.self)
        #expect(request.hasPrefix("POST /pay HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1a;"))
        #expect(request.contains("\r\nContent-Length: 18\r\n"))
        #expect(
            response.contains("HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n<hr><center>nginx")
        )
    }

    @Test("in data that travels with the SYN, in quotes of ICMP errors, in bytes that differ when sent again")
    func oddPlaces() {
        let secret = "Cookie: a=Sy1synsecretvalue\r\n"
        let request = Array("GET / HTTP/1.1\r\n\(secret)\r\n".utf8)
        var wire = Wire(seed: 2)
        wire.append(Wire.packet(.fromClient, wire.sequence(.fromClient, -1), request, [.syn]))
        wire.segment(.fromServer, at: -1, [], [.syn, .ack])
        wire.segment(.fromClient, at: 0, request)
        wire.segment(.fromClient, at: 0, Array("GET / HTTP/1.1\r\nXyokie: b=Df2differentbytes\r\n\r\n".utf8))
        let quoted = Array(Wire.packet(.fromClient, wire.sequence(.fromClient, 0), request, [.ack])[14...])
        wire.append(
            PacketBuilder.ethernet(
                PacketBuilder.ipv4(
                    PacketBuilder.icmp(type: 3, code: 13, quoted),
                    protocol: 1,
                    source: PacketBuilder.server,
                    destination: PacketBuilder.client
                )
            )
        )
        let (before, after) = wire.evidence()
        #expect(before.packets.count == 5)
        #expect(before.leaks(["Sy1synsecretvalue"]).count > 30)
        #expect(after.leaks(["Sy1synsecretvalue", "Df2differentbytes"]) == [])
        // The target stays readable in the quote.
        #expect(String(decoding: after.packets[4].bytes, as: UTF8.self).contains("GET / HTTP/1.1"))
    }

    @Test(
        "where the stream cannot be followed: no beginning, holes, cut packets, another protocol",
        arguments: 0..<40 as Range<UInt64>
    )
    func unknown(seed: UInt64) {
        for planted in Self.all {
            var middle = Wire(seed: seed)
            middle.exchange(
                Array(planted.request.dropFirst(9)),
                Array(planted.response.dropFirst(9)),
                isDisordered: false
            )
            #expect(middle.evidence().after.leaks(planted.secrets) == [], "no beginning, seed \(seed)")

            var holes = Wire(seed: seed)
            holes.handshake()
            holes.exchange(planted.request, planted.response)
            let lost = Int(seed % UInt64(holes.packets.count - 3)) + 2
            holes.packets.remove(at: lost)
            #expect(holes.evidence().after.leaks(planted.secrets) == [], "a hole, seed \(seed)")

            var cut = Wire(seed: seed)
            cut.handshake()
            cut.exchange(planted.request, planted.response)
            let whole = cut.packets
            cut.packets = []
            for packet in whole { cut.append(packet.bytes, captured: 54 + Int(cut.random.next() % 80)) }
            #expect(cut.evidence().after.leaks(planted.secrets) == [], "cut packets, seed \(seed)")
        }
        var other = Wire(seed: seed)
        other.handshake()
        let smtp = "EHLO me\r\nAUTH PLAIN Au3authplainsecret\r\n"
        other.exchange(Array(smtp.utf8), Array("220 mx.example ESMTP Bn4bannersecret\r\n".utf8))
        let (_, after) = other.evidence()
        #expect(after.leaks(["Au3authplainsecret", "Bn4bannersecret"]) == [])
    }

    @Test("right checksums stay right, wrong ones wrong by as much")
    func checksums() {
        var wire = Wire(seed: 3)
        wire.handshake()
        wire.exchange(Self.heads.request, Self.heads.response)
        for index in wire.packets.indices where index % 3 == 0 {
            wire.packets[index].bytes[50] ^= UInt8(index & 0x7f) | 1
        }
        let (before, after) = wire.evidence()
        var changed = 0
        for (old, new) in zip(before.packets, after.packets) {
            #expect(Wire.checksumError(old.bytes) == Wire.checksumError(new.bytes))
            if old.bytes != new.bytes { changed += 1 }
        }
        #expect(changed > 10)
    }

    @Test("bodies that are alike stay alike and others different, and so do query values")
    func distinctions() {
        func exchange(_ value: String, _ body: String) -> EvidencePackets {
            var wire = Wire(seed: 4)
            wire.handshake()
            let request = "POST /a?v=\(value)&w=\(value) HTTP/1.1\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            wire.segment(.fromClient, at: 0, Array((request + request.replacing(value, with: "other")).utf8))
            return wire.evidence().after
        }
        let text = String(decoding: exchange("value", "same body").packets[2].bytes[54...], as: UTF8.self)
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
        let targets = lines.filter { $0.contains("POST") }.map { $0.split(separator: " ")[1] }
        #expect(targets.count == 2)
        #expect(targets.first != targets.last)
        let values = targets[0].split(separator: "?")[1].split(separator: "&").map { $0.split(separator: "=")[1] }
        #expect(values[0] == values[1])
    }
}

extension String {
    fileprivate func replacing(_ old: String, with new: String) -> String {
        var result = ""
        var rest = self[...]
        while let range = rest.firstRange(of: old) {
            result += rest[..<range.lowerBound] + new
            rest = rest[range.upperBound...]
        }
        return result + rest
    }
}
