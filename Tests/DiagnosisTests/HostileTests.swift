import Diagnosis
import Model
import Testing

/// Times come from the file and may be anything (pcapng: a signed offset of 64 bits per interface).
@Suite struct HostileTests {
    @Test("A FIN ages before the request that it crossed does not trap")
    func earlyFin() async {
        // -distance of Int64.min: StaleKeepaliveReuse.
        await #expect(processExitsWith: .success) {
            var leg = EarlyEndTests.reused.fin(.fromServer, at: 1.9).request(at: 2, isAcknowledged: false)
            for index in leg.facts.events.indices where leg.facts.events[index].kind == .fin {
                leg.facts.events[index].frame.time = Timestamp(nanoseconds: .min)
            }
            _ = Diagnosis.report(on: Scene.facts([Scene.failing(answered: 60), EarlyEndTests.earlier, leg]))
        }
    }

    @Test("An attempt that ends ages after its client left does not trap")
    func lateEnd() async {
        // abs of Int64.min: Join.chainCost.
        await #expect(processExitsWith: .success) {
            let start = Timestamp(nanoseconds: .min + 10)
            var client = Scene.client().handshake(at: -1).request(at: 0).fin(.fromClient, at: 1)
            var leg = Scene.leg().syn(0.5).rst(.fromServer, at: 70)
            client.facts.first.time = Timestamp(nanoseconds: .min)
            client.facts.exchanges[0].request?.firstFrame.time = Timestamp(nanoseconds: .min)
            client.facts.exchanges[0].request?.lastFrame.time = Timestamp(nanoseconds: .min)
            for index in client.facts.events.indices { client.facts.events[index].frame.time = start }
            leg.facts.first.time = start
            for index in leg.facts.events.indices { leg.facts.events[index].frame.time = start }
            leg.facts.events[1].frame.time = Timestamp(nanoseconds: .max)
            leg.facts.last.time = Timestamp(nanoseconds: .max)
            let facts = Scene.facts([client, leg])
            var options = DiagnosisOptions()
            options.gateways = [
                AddressPrefix(address: Scene.front.address), AddressPrefix(address: Scene.dialler),
            ]
            _ = Diagnosis.report(on: facts, options: options)
        }
    }

    @Test("A handshake over ages does not trap")
    func longHandshake() async {
        // Int64.max and a millisecond: AttemptContext.tooFast.
        await #expect(processExitsWith: .success) {
            var leg = Scene.leg().handshake(at: 1).request(at: 2).rst(.fromServer, at: 3)
            leg.facts.events[0].frame.time = Timestamp(nanoseconds: .min)
            leg.facts.events[2].frame.time = Timestamp(nanoseconds: .max)
            _ = Diagnosis.report(on: Scene.facts([Scene.failing(answered: 60), leg]))
        }
    }
}
