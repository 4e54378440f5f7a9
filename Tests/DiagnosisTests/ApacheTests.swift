import Model
import Testing

@testable import Diagnosis

/// What holds of Apache httpd as a gateway and of no other (docs/GATEWAYS.md).
@Suite("Apache httpd as the gateway")
struct ApacheTests {
    private static let forwarded = [FieldLine(name: "x-forwarded-server", value: "gateway.example")]
    private static let notice = "The proxy server received an invalid\r\nresponse from an upstream server.<br />"

    private func name(of gateway: [FieldLine], page: String = "") -> String? {
        let client = Scene.client().handshake(at: -1).request(at: 0).response(502, at: 60, page: page)
        let leg = Scene.leg().handshake(at: 1).request(at: 2, fields: gateway).fin(.fromServer, at: 50)
        return Scene.report([client, leg]).roles.software.first?.name
    }

    @Test("It is known by X-Forwarded-Server; with X-Real-Ip beside it that is Traefik")
    func requests() {
        #expect(name(of: Self.forwarded) == "Apache httpd")
        #expect(name(of: Self.forwarded + [FieldLine(name: "x-real-ip", value: "192.0.2.10")]) == "Traefik")
    }

    @Test("It is known by the pages of errors that it makes itself")
    func pages() { #expect(name(of: [], page: Self.notice) == "Apache httpd") }

    /// A line of `length` bytes on a connection that nobody's client leg explains.
    private func report(longest length: Int, by gateway: [FieldLine], asksAgain: Bool = false) -> Report {
        var leg = Scene.leg().handshake(at: 1).request(at: 2, fields: gateway)
            .response(200, at: 3, head: Int64(length) + 90) { $0.longestLine = length }
        if asksAgain { leg = leg.request("/b", at: 4, fields: gateway).response(200, at: 5) }
        return Scene.report([leg.fin(.fromServer, at: 6).fin(.fromClient, at: 6.2)])
    }

    @Test("A head line of its limit is refused, also where no client is seen; of a gateway unknown nobody can say")
    func longLine() {
        #expect(report(longest: 8192, by: Self.forwarded).findings.map(\.cause) == [.headerTooLarge])
        #expect(report(longest: 8191, by: Self.forwarded).findings.isEmpty)
        #expect(report(longest: 8192, by: []).findings.isEmpty)
    }

    @Test("A gateway that goes on with the connection took the long line")
    func longLineTaken() {
        #expect(report(longest: 8192, by: Self.forwarded, asksAgain: true).findings.isEmpty)
    }

    /// An SSH server's greeting of 20 bytes, and a 200 with so many of them to the client.
    private func greeting(given bytes: Int64) -> [String] {
        let client = Scene.client().handshake(at: -1).request(at: 0).response(200, at: 60, body: bytes)
        let leg = Scene.leg().handshake(at: 1).request(at: 2).banner("SSH-2.0-OpenSSH_9.2p", .ssh, at: 20)
            .fin(.fromServer, at: 21)
        return Scene.report([client, leg]).outline
    }

    @Test("What it passes on as an HTTP/0.9 body is a note; a page of its own in place of it is a failure")
    func passedOn() {
        #expect(greeting(given: 20) == ["note non-http-banner 1/1"])
        // It drops the end of the first line.
        #expect(greeting(given: 18) == ["note non-http-banner 1/1"])
        #expect(greeting(given: 17) == ["failure non-http-banner 1/1"])
        #expect(greeting(given: 300) == ["failure non-http-banner 1/1"])
    }

    @Test("Without the client's leg its habit decides: text is passed on, a NUL byte is not")
    func passedOnUnseen() {
        func outline(_ text: String, by gateway: [FieldLine]) -> [String] {
            let leg = Scene.leg().handshake(at: 1).request(at: 2, fields: gateway).banner(text, at: 20)
                .fin(.fromServer, at: 21)
            return Scene.report([leg]).outline
        }
        #expect(outline("Traceback", by: Self.forwarded) == ["note malformed-status-line 1/1"])
        #expect(outline("\\x00\\x9f", by: Self.forwarded) == ["failure malformed-status-line 1/1"])
        #expect(outline("Traceback", by: []) == ["failure malformed-status-line 1/1"])
    }

    @Test("It may take a server for dead that answered 503 (failonstatus); others do not")
    func failOnStatus() {
        func causes(_ gateway: [FieldLine]) -> [Cause] {
            let before = [
                Scene.failing(port: 49_000, at: 0, status: 503, answered: 9),
                Scene.leg().handshake(at: 1).request(at: 2, fields: gateway).response(503, at: 8),
            ]
            // Another target: the same error for the same one could be a cached one.
            let after = Scene.failing("/b", at: 1000, status: 503, answered: 1000.5)
            return Scene.report(before + [after]).findings.map(\.cause)
        }
        #expect(Set(causes(Self.forwarded)) == [.upstreamErrorResponse, .noLiveUpstream])
        #expect(Set(causes([])) == [.upstreamErrorResponse, .noUpstreamAttempt])
    }

    @Test("Its health check that is answered 503 fails nobody; a client's request with more than a Host does")
    func healthCheck() {
        func outline(_ fields: Int) -> [String] {
            let probe = Scene.leg().handshake(at: 1).request("/healthz", at: 2) {
                $0.version = "HTTP/1.0"
                $0.fieldCount = fields
            }
            return Scene.report([probe.response(503, at: 3).fin(.fromServer, at: 4)]).outline
        }
        #expect(outline(1).isEmpty)
        #expect(outline(2) == ["failure upstream-error-response 1/1"])
    }
}
