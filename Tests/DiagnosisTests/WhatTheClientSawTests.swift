import Model
import Testing

@testable import Diagnosis

@Suite("What the client saw")
struct WhatTheClientSawTests {
    private func saw(_ client: Line, _ leg: Line) throws -> ClientOutcome {
        let report = Scene.report([client, leg])
        #expect(report.findings.count == 1)
        return try #require(report.findings.first?.occurrences.first?.client)
    }

    private let asked = Scene.client().handshake(at: -1).request(at: 0)
    private let dialled = Scene.leg().handshake(at: 1).request(at: 2)

    @Test("An error that the gateway made")
    func made() throws {
        let outcome = try saw(asked.response(502, at: 60), dialled.fin(.fromServer, at: 50))
        #expect(outcome.saw == .gatewayError)
        #expect(outcome.status == 502)
    }

    @Test("An error that it passed on")
    func relayed() throws {
        let outcome = try saw(asked.response(503, at: 60), dialled.response(503, at: 50))
        #expect(outcome.saw == .relayedError)
    }

    @Test("A connection that was closed without a byte")
    func nothing() throws {
        let outcome = try saw(asked.fin(.fromServer, at: 60), dialled.fin(.fromServer, at: 50))
        #expect(outcome.saw == .nothing)
        #expect(outcome.status == nil)
    }
}
