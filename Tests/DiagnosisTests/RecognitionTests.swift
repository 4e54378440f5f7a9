import Model
import Testing

@testable import Diagnosis

@Suite("Which product a gateway is")
struct RecognitionTests {
    private func software(page: String, asking: @escaping (inout RequestFacts) -> Void = { _ in }) -> [GatewaySoftware]
    {
        let client = Scene.client().handshake(at: -1).request(at: 0).response(502, at: 60, page: page)
        let leg = Scene.leg().handshake(at: 1).request(at: 2, asking).fin(.fromServer, at: 50)
        return Scene.report([client, leg]).roles.software
    }

    @Test("An error page names the product, with the mark it was told by")
    func page() throws {
        let found = software(page: "<hr><center>nginx/1.22.1</center>")
        #expect(found.map(\.name) == ["nginx"])
        #expect(found.first?.evidence == "its error page is signed nginx")
    }

    @Test("A page that nobody signs, and requests that anybody may send, name nobody")
    func nobody() {
        #expect(software(page: "out of order").isEmpty)
    }

    @Test("Marks of two products, equally many and equally strong, name neither")
    func contradiction() {
        let found = software(page: "<hr><center>nginx/1.22.1</center>") {
            $0.fields = [FieldLine(name: "x-envoy-attempt-count", value: "1")]
        }
        #expect(found.isEmpty)
    }

    private static let added = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"]

    @Test(
        "X-Forwarded-For, -Host and -Proto in Go's order are Caddy's, with other marks beside them they are not",
        arguments: [
            (["host", "user-agent", "accept"] + added + ["accept-encoding"], "Caddy"),
            (["host", "user-agent", "content-length", "accept", "cookie"] + added, "Caddy"),
            (["host"] + added + ["x-forwarded-server"], "Apache httpd"),
            (["host"] + added + ["x-envoy-attempt-count"], "Envoy"),
            (["host"] + added + ["x-forwarded-server", "x-real-ip"], "Traefik"),
            (["host", "x-forwarded-for", "x-forwarded-proto"], nil),
        ] as [([String], String?)]
    )
    func forwardedFields(names: [String], product: String?) {
        let found = software(page: "out of order") { $0.fields = names.map { FieldLine(name: $0, value: "1") } }
        #expect(found.map(\.name) == (product.map { [$0] } ?? []))
    }

    @Test("A mark that the client had sent already is no mark of the gateway's: it counts as a weak one")
    func passedOn() throws {
        let fields = [FieldLine(name: "x-envoy-attempt-count", value: "1")]
        let client = Scene.client().handshake(at: -1).request(at: 0) { $0.fields = fields }
            .response(502, at: 60, page: "<hr><center>nginx/1.22.1</center>")
        let leg = Scene.leg().handshake(at: 1).request(at: 2) { $0.fields = fields }.fin(.fromServer, at: 50)
        #expect(Scene.report([client, leg]).roles.software.map(\.name) == ["nginx"])
    }
}
