import Capture
import Diagnosis
import Foundation
import Model
import Pipeline
import TestSupport
import Testing

/// What is wrong with a capture is said, and nothing where nothing is.
@Suite struct QualityTests {
    /// Cases whose captures were made to be bad, by a part of their names.
    private static let bad = [
        "-snapped", "-any-device-of-a-router", "-seen-on-a-router", "-seen-on-the-switch", "-client-held-back",
        "client-slow/",
    ]

    @Test("a sound capture is good, without a note", arguments: CommittedCase.all)
    func sound(_ sample: CommittedCase) throws {
        guard !Self.bad.contains(where: sample.name.contains) else { return }
        let quality = try sample.report().quality
        #expect(quality.verdict == .good, "\(sample.name)")
        #expect(quality.notes == [], "\(sample.name)")
    }

    @Test(
        "a large capture is judged as it is when it is dissected whole, with one, two and four threads",
        arguments: CommittedCase.all.filter { sample in bad.contains(where: sample.name.contains) }
    )
    func reduced(_ sample: CommittedCase) throws {
        let whole = try sample.report().quality
        for threads in [1, 2, 4] {
            let reduced = try sample.report(threads: threads).quality
            #expect(reduced.verdict == whole.verdict, "\(sample.name)")
            #expect(reduced.snappedPackets == whole.snappedPackets)
            #expect(reduced.notes.count == whole.notes.count, "\(sample.name)")
            #expect(reduced.duplicatePackets <= whole.duplicatePackets)
            #expect(reduced.backwardPackets == whole.backwardPackets)
            #expect(reduced.oneWayConnections == whole.oneWayConnections)
            #expect(reduced.midstreamConnections == whole.midstreamConnections)
            #expect(reduced.offloadSegments == whole.offloadSegments)
        }
    }

    struct Expected: CustomTestStringConvertible, Sendable {
        var damage: Damage
        var verdict: CaptureQuality.Verdict
        /// How the only note reads, in part.
        var note: String
        var isCounted: @Sendable (CaptureQuality) -> Bool

        var testDescription: String { damage.description }
    }

    private static let damages: [Expected] = [
        Expected(
            damage: .snapped(96),
            verdict: .poor,
            note: "HTTP heads on those connections incomplete: capture with -s 0"
        ) {
            $0.snappedPackets > 0 && $0.cutHeads > 0
        },
        Expected(damage: .snapped(66), verdict: .fair, note: "was not recognised: capture with -s 0") {
            $0.snappedPackets > 0 && $0.cutHeads == 0
        },
        Expected(damage: .duplicates(perMille: 1000, seed: 1), verdict: .good, note: "captured more than once") {
            $0.duplicatePackets > 0
        },
        Expected(damage: .oneWay(.upstream, without: .fromServer), verdict: .poor, note: "seen in one direction only") {
            $0.oneWayConnections > 0
        },
        Expected(
            damage: .drops(perMille: 150, seed: 1),
            verdict: .poor,
            note: "were acknowledged and are not in the capture"
        ) {
            $0.missedBytes > 0
        },
        Expected(
            damage: .clockSetBack(.seconds(5), atFrame: 40),
            verdict: .fair,
            note: "time stamps run backwards on the same interface, 2 times"
        ) {
            $0.clockSteps == 2 && $0.largestBackwardStep > .seconds(4)
        },
        Expected(
            damage: .clockSetForward(.seconds(5), atFrame: 50),
            verdict: .fair,
            note: "the clock was set forward, once, by up to 5."
        ) {
            $0.clockAdvances == 1
        },
    ]

    @Test("each damage is told by a note of its own", arguments: damages)
    func damaged(_ expected: Expected) throws {
        let sample = try #require(CommittedCase.all.first { $0.name == "clean/nginx-shop-traffic" })
        let packets = try CapturedPacket.all(of: sample.capture)
        let options = try sample.request().diagnosis
        let upstreams = Set(JudgedCapture(packets, options).report.roles.upstreams)
        let quality = JudgedCapture(expected.damage.applied(to: packets, upstreams: upstreams), options).report.quality
        #expect(quality.verdict == expected.verdict)
        #expect(quality.notes.contains { $0.contains(expected.note) }, "\(quality.notes)")
        #expect(expected.isCounted(quality), "\(quality)")
    }

    @Test(
        "a damaged file is judged the same when it is read in batches and reduced",
        arguments: [
            Damage.clockSetBack(.seconds(5), atFrame: 40), .clockSetBack(.milliseconds(200), atFrame: 70),
            .clockSetForward(.seconds(60), atFrame: 50),
            .drops(perMille: 150, seed: 1), .snapped(96),
        ]
    )
    func damagedFile(_ damage: Damage) throws {
        let sample = try #require(CommittedCase.all.first { $0.name == "clean/nginx-shop-traffic" })
        let scratch = try Scratch()
        var image = PcapngImage(application: "gwsniff tests", comment: nil)
        for packet in damage.applied(to: try CapturedPacket.all(of: sample.capture), upstreams: []) {
            image.append(packet.record, packet.bytes.span.bytes)
        }
        try scratch.write(image, to: "damaged")
        var request = try sample.request()
        let whole = try OfflineRun.report(on: [scratch.file("damaged")], request).quality
        #expect(whole.verdict > .good)
        request.largestWhole = 0
        request.sampleCount = 0
        for threads in [1, 2, 4] {
            request.threads = threads
            let reduced = try OfflineRun.report(on: [scratch.file("damaged")], request).quality
            #expect(reduced.verdict == whole.verdict)
            #expect(reduced.notes.count == whole.notes.count, "\(reduced.notes) \(whole.notes)")
            #expect(reduced.backwardPackets == whole.backwardPackets)
            #expect(reduced.largestBackwardStep == whole.largestBackwardStep)
            #expect(reduced.clockSteps == whole.clockSteps)
            #expect(reduced.clockAdvances == whole.clockAdvances)
            #expect(reduced.snappedPackets == whole.snappedPackets)
            #expect(reduced.missedBytes > 0 || whole.missedBytes == 0)
        }
    }

    // MARK: Findings

    /// What the damage does to the finding of a case.
    private func finding(
        _ name: String,
        _ cause: Cause,
        losses: [CaptureLoss] = [],
        _ damage: ([CapturedPacket]) -> [CapturedPacket] = { $0 }
    ) throws -> Finding {
        let sample = try #require(CommittedCase.all.first { $0.name == name })
        let packets = try CapturedPacket.all(of: sample.capture)
        let report = JudgedCapture(damage(packets), try sample.request().diagnosis, losses: losses).report
        return try #require(report.findings.first { $0.cause == cause && $0.severity == .failure })
    }

    private let heavy = CaptureLoss(from: nil, through: nil, dropped: 40, captured: 100)

    @Test("drops lower what rests on silence: a timeout is not more than likely, a refusal stays certain")
    func drops() throws {
        #expect(try finding("response-timeout/nginx-ipv6", .responseTimeout).confidence == .high)
        let timeout = try finding("response-timeout/nginx-ipv6", .responseTimeout, losses: [heavy])
        #expect(timeout.confidence == .medium)
        #expect(timeout.missing.contains { $0.contains("dropped before the capture") })
        let refusal = try finding("connect-refused/nginx-closed-port", .connectRefused, losses: [heavy])
        #expect(refusal.confidence == .high)
        #expect(!refusal.missing.contains { $0.contains("dropped") })
    }

    @Test("drops of another time, or too few of them, lower nothing")
    func dropsElsewhere() throws {
        let early = Timestamp(nanoseconds: 1)
        let elsewhere = CaptureLoss(from: early, through: early + 1, dropped: 40, captured: 100)
        let few = CaptureLoss(from: nil, through: nil, dropped: 1, captured: 100_000)
        for loss in [elsewhere, few] {
            #expect(
                try finding("response-timeout/nginx-ipv6", .responseTimeout, losses: [loss]).confidence == .high
            )
        }
    }

    @Test("a clock that is set inside a wait makes it uncertain, one that is set outside of it does not")
    func clock() throws {
        let whole = try finding("response-timeout/nginx-ipv6", .responseTimeout)
        #expect(whole.confidence == .high)
        let waits = whole.occurrences.map { $0.frames.map(\.number) }
        let starts = waits.compactMap { $0.min() }
        #expect(starts.count == 3)
        func set(_ frames: [Int]) throws -> Finding {
            try finding("response-timeout/nginx-ipv6", .responseTimeout) { packets in
                frames.reduce(packets) {
                    Damage.clockSetBack(.milliseconds(100), atFrame: $1).applied(to: $0, upstreams: [])
                }
            }
        }
        let inside = try set(starts.map { $0 + 1 })
        #expect(inside.confidence == .medium)
        #expect(inside.missing.contains { $0.contains("a clock that runs on") })
        // Two of the three waits are whole, and prove it.
        let once = try set([starts[0] + 1])
        #expect(once.confidence == .high)
        let last = try #require(waits.joined().max())
        let outside = try set([last + 1])
        #expect(outside.confidence == .high)
        #expect(!outside.missing.contains { $0.contains("clock") })
    }

    @Test("duplicates take nothing from a refusal")
    func duplicates() throws {
        let doubled = try finding("connect-refused/nginx-closed-port", .connectRefused) {
            Damage.duplicates(perMille: 1000, seed: 1).applied(to: $0, upstreams: [])
        }
        #expect(doubled.confidence == .high)
    }
}
