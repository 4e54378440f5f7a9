import Model
import Testing

@testable import Diagnosis

/// Damage to the capture lowers a finding where the finding rests on what is damaged, and nowhere else.
@Suite struct ReservationsTests {
    private static let asked = Scene.leg().handshake(at: 1).request(at: 2)
    private static let timeout = [
        Scene.failing(status: 504, answered: 60_003),
        asked.fin(.fromClient, at: 60_002).ack(.fromServer, at: 60_003),
    ]
    private static let reused = Scene.leg().handshake(at: -500).request("/b", at: -499).response(200, at: -490)
    private static let stale = [
        Scene.failing(answered: 60), Scene.failing("/b", port: 50_001, at: -499.5, status: 200, answered: -489),
        reused.request(at: 2, isAcknowledged: false).fin(.fromServer, at: 2.1, acknowledging: 120)
            .rst(.fromServer, at: 2.3),
    ]
    private static let refused = [
        Scene.failing(answered: 3), Scene.leg().syn(1).rst(.fromServer, at: 1.2),
        Scene.leg(41_000).handshake(at: -20).request(at: -19).response(200, at: -15),
    ]
    private static let large = [
        Scene.failing(answered: 22), asked.response(200, at: 20, head: 9_000).fin(.fromClient, at: 21),
    ]

    /// The finding of the scene, with the damage done to its facts; `leg` is the upstream connection that failed.
    private func finding(
        _ lines: [Line],
        _ cause: Cause,
        _ damage: (inout TrafficFacts, _ leg: Int) -> Void = { _, _ in }
    ) throws -> Finding {
        var facts = Scene.facts(lines)
        let port: UInt16 = 40_000
        let leg = try #require(facts.connections.firstIndex { $0.client.port == port })
        damage(&facts, leg)
        return try #require(Diagnosis.report(on: facts).findings.first { $0.cause == cause })
    }

    private func step(at time: Double, interface: Int = 0) -> ClockStep {
        ClockStep(frame: frame(time), interface: interface, amount: .seconds(1))
    }

    @Test("undamaged, all of them are certain")
    func undamaged() throws {
        for (lines, cause) in [
            (Self.timeout, Cause.responseTimeout), (Self.stale, .staleKeepaliveReuse), (Self.large, .headerTooLarge),
        ] {
            #expect(try finding(lines, cause).confidence == .high, "\(cause)")
        }
    }

    @Test("every cause rests on something that is named, or on nothing but its packets")
    func reliance() {
        #expect(Reliance(.connectRefused) == [])
        #expect(Reliance(.icmpAdminProhibited) == [])
        #expect(Reliance(.responseTimeout) == [.silence, .order])
        #expect(Reliance(.staleKeepaliveReuse) == [.order, .beginning])
        #expect(Reliance(.gatewayRejectedResponse) == [.silence, .content, .simultaneity])
        #expect(Cause.allCases.contains { Reliance($0) == .content })
    }

    @Test(
        "drops matter to silence, at their time, from one in a thousand packets on",
        arguments: [
            (nil, nil, 100, 90_000, true), (0.0, 70_000.0, 100, 90_000, true), (70_000.0, 80_000.0, 100, 90_000, false),
            (nil, nil, 89, 90_000, false), (-900.0, -800.0, 50_000, 1, false), (59_000.0, nil, 1, 0, true),
        ] as [(Double?, Double?, Int, Int, Bool)]
    )
    func drops(_ from: Double?, _ through: Double?, _ dropped: Int, _ captured: Int, _ matters: Bool) throws {
        let loss = CaptureLoss(
            from: from.map { frame($0).time },
            through: through.map { frame($0).time },
            dropped: dropped,
            captured: captured
        )
        let timeout = try finding(Self.timeout, .responseTimeout) { facts, _ in facts.counters.losses = [loss] }
        #expect((timeout.confidence == .medium) == matters)
        #expect(timeout.missing.contains { $0.contains("dropped before the capture") } == matters)
        let whole = try finding(Self.refused, .connectRefused)
        let refused = try finding(Self.refused, .connectRefused) { facts, _ in facts.counters.losses = [loss] }
        #expect(refused.confidence == whole.confidence)
        #expect(refused.missing == whole.missing)
    }

    @Test("a clock that was set forward matters between the packets of a wait")
    func advance() throws {
        func report(_ lines: [Line], after frame: (ConnectionFacts) -> Int?) throws -> Report {
            var facts = Scene.facts(lines)
            let leg = try #require(facts.connections.first { $0.client.port == 40_000 })
            facts.counters.clockAdvances = [
                ClockAdvance(
                    frame: FrameReference(number: try #require(frame(leg)) + 1, time: Timestamp(nanoseconds: .min)),
                    amount: .seconds(60)
                )
            ]
            return Diagnosis.report(on: facts)
        }
        for (lines, cause) in [(Self.timeout, Cause.responseTimeout), (Self.stale, .staleKeepaliveReuse)] {
            let sound = try report(lines) { _ in -1 }.findings.first { $0.cause == cause }
            #expect(sound?.confidence == .high)
        }
        let stale = try report(Self.stale) { $0.exchanges.last?.request?.firstFrame.number }
        let doubted = try #require(stale.findings.first { $0.cause == .staleKeepaliveReuse })
        #expect(doubted.confidence == .medium && doubted.missing.contains { $0.contains("set forward") })
        // How long the wait was is all that speaks for it.
        let timeout = try report(Self.timeout) { $0.exchanges.last?.request?.firstFrame.number }
        #expect(timeout.findings.map(\.cause) == [.undetermined])
    }

    @Test("a clock step matters between the packets of a wait, on an interface that saw them")
    func clock() throws {
        func isDoubted(_ step: ClockStep) throws -> Bool {
            let finding = try finding(Self.timeout, .responseTimeout) { facts, leg in
                facts.connections[leg].interfaces = [0]
                facts.counters.clockSteps = [step]
                facts.counters.clockStepCount = 1
            }
            #expect(finding.missing.contains { $0.contains("a clock that runs on") } == (finding.confidence == .medium))
            return finding.confidence == .medium
        }
        #expect(try isDoubted(step(at: 30_000)))
        #expect(try !isDoubted(step(at: -5)))
        #expect(try !isDoubted(step(at: 60_010)))
        #expect(try !isDoubted(step(at: 30_000, interface: 3)))
        // A refusal is what it is at any time.
        let refused = try finding(Self.refused, .connectRefused) { facts, _ in
            facts.counters.clockSteps = [step(at: 1.1)]
        }
        #expect(!refused.missing.contains { $0.contains("clock") })
    }

    @Test("what was told from other connections at the same time is given up where the time stamps are folded")
    func folded() throws {
        func causes(_ step: ClockStep?) -> [Cause] {
            var facts = Scene.facts([
                Scene.failing(answered: 60), Scene.failing("/b", port: 50_001, at: -499.5, status: 200, answered: -489),
                Self.reused,
            ])
            if let step {
                facts.counters.clockSteps = [step]
                facts.counters.clockStepCount = 1
            }
            return Diagnosis.report(on: facts).findings.filter { $0.severity == .failure }.map(\.cause)
        }
        #expect(causes(nil) == [.noUpstreamAttempt])
        #expect(causes(step(at: -900)) == [.undetermined])
        #expect(causes(step(at: 30)) == [.undetermined])
        #expect(causes(step(at: -5_000)) == [.noUpstreamAttempt])
        #expect(causes(step(at: 70)) == [.noUpstreamAttempt])
        // The interface that shows the step was silent before it, another one was not.
        let far = ClockStep(frame: frame(-5_000), interface: 0, amount: .seconds(1), latest: frame(5).time)
        #expect(causes(far) == [.undetermined])
    }

    @Test("where more steps were made than are kept, those beyond are taken to be anywhere behind")
    func manySteps() throws {
        let finding = try finding(Self.timeout, .responseTimeout) { facts, _ in
            facts.counters.clockSteps = [step(at: -50)]
            facts.counters.clockStepCount = 900
        }
        #expect(finding.confidence == .medium)
    }

    @Test("which of two packets came first is doubted where packets stand behind their own acknowledgment")
    func order() throws {
        let stale = try finding(Self.stale, .staleKeepaliveReuse) { facts, leg in
            facts.connections[leg].fromServer.acknowledgedEarly = 1
        }
        #expect(stale.confidence == .medium)
        #expect(stale.missing.contains { $0.contains("behind their own acknowledgment") })
        let large = try finding(Self.large, .headerTooLarge) { facts, leg in
            facts.connections[leg].fromServer.acknowledgedEarly = 1
        }
        #expect(large.confidence == .high)
    }

    @Test("a gap in a message matters where its bytes are the proof, and says whose it is")
    func content() throws {
        for (snapped, text) in [(Int64(900), "snap length"), (0, "that the capture missed")] {
            let large = try finding(Self.large, .headerTooLarge) { facts, leg in
                facts.connections[leg].fromServer.snappedBytes = snapped
                facts.connections[leg].exchanges[0].response?.body.hasGap = true
            }
            #expect(large.confidence == .medium)
            #expect(large.missing.contains { $0.contains(text) })
        }
        // Another message of the connection was cut, not this one.
        let other = try finding(Self.large, .headerTooLarge) { facts, leg in
            facts.connections[leg].fromServer.snappedBytes = 900
        }
        #expect(other.confidence == .high)
    }

    @Test("one occurrence that was captured whole proves the finding")
    func oneOfTwo() throws {
        let second = [
            Scene.failing("/c", port: 50_002, at: 70_000, status: 504, answered: 130_003),
            Scene.leg(40_002).handshake(at: 70_001).request("/c", at: 70_002).fin(.fromClient, at: 130_002)
                .ack(.fromServer, at: 130_003),
        ]
        let loss = CaptureLoss(from: frame(-9).time, through: frame(60_010).time, dropped: 9, captured: 90)
        let both = try finding(Self.timeout + second, .responseTimeout) { facts, _ in facts.counters.losses = [loss] }
        #expect(both.count == 2)
        #expect(both.confidence == .high)
        #expect(!both.missing.contains { $0.contains("dropped") })
    }
}
