import Model
import Testing

@testable import Diagnosis

/// The thresholds by which a capture is judged, on both sides of each.
@Suite struct CaptureJudgementTests {
    private func quality(packets: Int = 100_000, _ change: (inout TrafficFacts) -> Void) -> CaptureQuality {
        var facts = Scene.facts((0..<8).flatMap { Scene.good(ports: 50_000 + $0, at: Double($0) * 20) })
        facts.counters.packets = packets
        facts.counters.wireBytes = 1_000_000
        change(&facts)
        return CaptureJudgement(facts).quality
    }

    @Test("nothing wrong is good and without a note, offload and a little disorder included")
    func good() {
        let sound = quality {
            $0.counters.offloadSegments = 5_000
            $0.counters.duplicatePackets = 9_000
            $0.counters.timeRegressions = 900
            $0.counters.largestRegression = 40_000
            $0.counters.largestStepBack = .milliseconds(900)
            for _ in 0..<4 { $0.connections[0].fromClient.repetitions.count(.outOfOrder, nil) }
            $0.connections[0].orientation = .payload
        }
        #expect(sound.verdict == .good)
        #expect(sound.notes == [])
        #expect(sound.offloadSegments == 5_000)
    }

    @Test(
        "drops: any are said, one proof in a hundred is fair, one in ten is poor",
        arguments: [
            (99, CaptureQuality.Verdict.good), (101, .fair), (999, .fair), (1_011, .poor),
        ]
    )
    func drops(_ dropped: Int, _ verdict: CaptureQuality.Verdict) {
        let judged = quality {
            $0.counters.losses = [CaptureLoss(from: nil, through: nil, dropped: dropped, captured: 100_000)]
        }
        #expect(judged.droppedPackets == dropped)
        #expect(judged.verdict == verdict)
        #expect(judged.notes.count == 1)
        #expect(judged.notes.first?.contains("-B") ?? false)
    }

    @Test(
        "acknowledged bytes that are missing: fair, from one in a hundred on poor",
        arguments: [
            (Int64(1), CaptureQuality.Verdict.fair), (10_000, .fair), (11_000, .poor), (.max, .poor),
        ]
    )
    func missed(_ bytes: Int64, _ verdict: CaptureQuality.Verdict) {
        let judged = quality { $0.connections[1].fromServer.missedBytes = bytes }
        #expect(judged.missedBytes == bytes)
        #expect(judged.verdict == verdict)
        #expect(judged.notes.count == 1)
    }

    @Test("a snap length that leaves the heads whole is fair, one that cuts them is poor")
    func snapped() {
        let bodies = quality {
            $0.counters.snappedPackets = 12
            $0.connections[0].fromServer.snappedBytes = 900
        }
        #expect(bodies.verdict == .fair)
        #expect(bodies.cutHeads == 0)
        let heads = quality {
            $0.counters.snappedPackets = 12
            $0.connections[0].fromServer.snappedBytes = 900
            $0.connections[0].exchanges[0].response?.headEnd = nil
            $0.connections[0].exchanges[0].response?.body.hasGap = true
        }
        #expect(heads.verdict == .poor)
        #expect(heads.cutHeads == 1)
        #expect(heads.notes.first?.contains("1 of 2 HTTP heads") ?? false)
        // The network lost it: that is a finding.
        let lost = quality {
            $0.connections[0].exchanges[0].response?.headEnd = nil
            $0.connections[0].exchanges[0].response?.body.hasGap = true
        }
        #expect(lost.cutHeads == 0)
        #expect(lost.notes == [])
    }

    @Test(
        "one direction of a connection is fair, of more than a quarter of them poor",
        arguments: [
            (1, CaptureQuality.Verdict.fair), (4, .fair), (5, .poor),
        ]
    )
    func oneWay(_ count: Int, _ verdict: CaptureQuality.Verdict) {
        let judged = quality { for index in 0..<count { $0.connections[index].fromClient = HalfConnectionFacts() } }
        #expect(judged.oneWayConnections == count)
        #expect(judged.verdict == verdict)
    }

    @Test("connections that were open at the start are said where most were, or where an exchange was under way")
    func beginnings() {
        let few = quality { for index in 0..<8 { $0.connections[index].orientation = .payload } }
        #expect(few.notes == [])
        let most = quality { for index in 0..<9 { $0.connections[index].orientation = .payload } }
        #expect(most.verdict == .good)
        #expect(most.notes == ["9 of 16 connections open when the capture began: begin before the fault"])
        let begun = quality {
            $0.connections[0].orientation = .payload
            $0.connections[0].exchanges[0].request = nil
        }
        #expect(
            begun.notes == [
                "1 of 16 connections open when the capture began, 1 of them in the middle of an exchange: begin before the fault"
            ]
        )
    }

    @Test("a clock that was set is fair; packets of several queues are, from one in a hundred on")
    func clock() {
        let step = quality {
            $0.counters.timeRegressions = 1
            $0.counters.largestRegression = .seconds(2)
            $0.counters.clockStepCount = 1
        }
        #expect(step.verdict == .fair)
        #expect(step.notes.first?.contains("run backwards on the same interface, once, by up to 2.00 s") ?? false)
        let queues = quality {
            $0.counters.timeRegressions = 1_001
            $0.counters.largestRegression = .milliseconds(3)
        }
        #expect(queues.verdict == .fair)
        #expect(queues.notes.count == 1)
        let blocks = quality { $0.counters.largestStepBack = .milliseconds(1_501) }
        #expect(blocks.verdict == .fair)
        #expect(blocks.notes.count == 1)
    }

    @Test("packets behind their own acknowledgment are said from five and from one in a hundred on")
    func disorder() {
        let few = quality { $0.connections[0].fromClient.acknowledgedEarly = 4 }
        #expect(few.notes == [])
        let many = quality { $0.connections[0].fromClient.acknowledgedEarly = 5 }
        #expect(many.verdict == .fair)
        #expect(many.notes.count == 1)
    }

    @Test("losses are kept within bounds, and their sum is right")
    func bounded() {
        var losses: [CaptureLoss] = []
        for number in 0..<1_000 {
            let time = Timestamp(nanoseconds: Int64(number))
            losses.note(CaptureLoss(from: time, through: time, dropped: 2, captured: 1))
        }
        #expect(losses.count == 256)
        #expect(losses.dropped == 2_000)
        #expect(losses.last?.through == Timestamp(nanoseconds: 999))
        losses.note(CaptureLoss(from: nil, through: nil, dropped: .max, captured: .max))
        #expect(losses.dropped == .max)
        #expect(losses.last?.through == nil)
    }
}
