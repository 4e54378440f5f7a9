import Diagnosis
import Foundation
import Model
import Pipeline
import TestSupport
import Testing

/// A damaged capture may tell less, and must not tell otherwise.
///
/// `GWSNIFF_DAMAGE_SEEDS=50` runs that many seeds of each kind, `GWSNIFF_DAMAGE_FIRST_SEED=7` begins at another, and
/// `GWSNIFF_DAMAGE_CASES=clean/` runs only cases whose name contains that.
@Suite struct DamageTests {
    @Test("a decisive packet that is missing moves no verdict sideways", arguments: DamagedCases.chosen)
    func withoutDecisivePacket(_ sample: CommittedCase) throws {
        let bench = try DamageBench(sample)
        bench.expectRule(under: bench.decisiveFrames.map { .withoutFrame($0) })
    }

    @Test("packets that are missing, doubled or swapped move no verdict sideways", arguments: DamagedCases.chosen)
    func disturbed(_ sample: CommittedCase) throws {
        let bench = try DamageBench(sample)
        bench.expectRule(
            under: bench.seeds.flatMap { seed -> [Damage] in
                [
                    .drops(perMille: 20, seed: seed), .drops(perMille: 150, seed: seed),
                    .duplicates(perMille: 200, seed: seed), .swaps(perMille: 100, seed: seed),
                ]
            }
        )
    }

    @Test("a capture that begins late or ends early moves no verdict sideways", arguments: DamagedCases.chosen)
    func cut(_ sample: CommittedCase) throws {
        let bench = try DamageBench(sample)
        bench.expectRule(under: bench.seeds.flatMap { [.truncated(seed: $0), .started(seed: $0)] })
    }

    @Test("a short snap length, a missing direction or leg moves no verdict sideways", arguments: DamagedCases.chosen)
    func blinded(_ sample: CommittedCase) throws {
        let bench = try DamageBench(sample)
        let oneWay = [Damage.Leg.client, .upstream].flatMap { leg in
            [Damage.oneWay(leg, without: .fromClient), .oneWay(leg, without: .fromServer)]
        }
        bench.expectRule(under: [.snapped(96)])
        // Which of the two the only leg is cannot always be told from it: then it must be said who the gateway is.
        bench.expectRule(under: [.withoutLeg(.client), .withoutLeg(.upstream)] + oneWay, isGatewayGiven: true)
    }

    @Test("a clock that is set back moves no verdict sideways", arguments: DamagedCases.chosen)
    func clock(_ sample: CommittedCase) throws {
        let bench = try DamageBench(sample)
        // Roles are inferred from which exchange begins inside which, by time. A step that is shorter than the silence around it leaves
        // no trace in the time stamps.
        bench.expectRule(
            under: bench.seeds.flatMap { seed -> [Damage] in
                let frames = bench.frames(seed: seed)
                return [
                    .clockSetBack(.milliseconds(200), atFrame: frames.0),
                    .clockSetBack(.seconds(3), atFrame: frames.1),
                ]
            },
            isGatewayGiven: true,
            where: { $0.quality.clockSteps > 0 }
        )
    }

    @Test("a clock that is set forward moves no verdict sideways", arguments: DamagedCases.chosen)
    func clockForward(_ sample: CommittedCase) throws {
        let bench = try DamageBench(sample)
        bench.expectRule(
            under: bench.seeds.flatMap { seed -> [Damage] in
                let frames = bench.frames(seed: seed)
                return [
                    .clockSetForward(.seconds(3), atFrame: frames.0),
                    .clockSetForward(.seconds(75), atFrame: frames.1),
                ]
            },
            isGatewayGiven: true,
            where: { $0.quality.clockAdvances > 0 }
        )
    }
}

enum DamagedCases {
    static let environment = ProcessInfo.processInfo.environment

    static let chosen: [CommittedCase] = {
        guard let part = environment["GWSNIFF_DAMAGE_CASES"] else { return CommittedCase.all }
        return CommittedCase.all.filter { $0.name.contains(part) }
    }()

    static func number(_ name: String) -> UInt64? { environment[name].flatMap { UInt64($0) } }
}

/// One committed case, judged once undamaged and then under each damage.
struct DamageBench {
    let sample: CommittedCase
    private let packets: [CapturedPacket]
    private let request: DiagnosisOptions
    private let undamaged: JudgedCapture
    private let rule: DamageRule
    private let upstreams: Set<Endpoint>

    init(_ sample: CommittedCase) throws {
        self.sample = sample
        packets = try CapturedPacket.all(of: sample.capture)
        request = try sample.request().diagnosis
        undamaged = JudgedCapture(packets, request)
        rule = DamageRule(undamaged, of: sample.name)
        upstreams = Set(undamaged.report.roles.upstreams)
    }

    /// The packets that the findings point to.
    var decisiveFrames: [Int] {
        let frames = undamaged.report.findings.flatMap { finding in
            finding.occurrences.flatMap { $0.frames.map(\.number) }
        }
        return Set(frames).sorted()
    }

    /// The same ones every time.
    var seeds: [UInt64] {
        let first = DamagedCases.number("GWSNIFF_DAMAGE_FIRST_SEED") ?? 1
        let count = DamagedCases.number("GWSNIFF_DAMAGE_SEEDS") ?? 1
        return Array(first..<(first + count))
    }

    /// Two of the packets, by chance.
    func frames(seed: UInt64) -> (Int, Int) {
        var random = SeededGenerator(seed: seed)
        func any() -> Int {
            packets.isEmpty ? 0 : packets[Int.random(in: packets.indices, using: &random)].record.number
        }
        return (any(), any())
    }

    /// - Parameters:
    ///   - isGatewayGiven: the run is told who is who, as by `--gateway` and `--upstream`.
    ///   - isJudged: of the damaged captures, those that the rule is asked of.
    func expectRule(
        under damages: [Damage],
        isGatewayGiven: Bool = false,
        where isJudged: (Report) -> Bool = { _ in true }
    ) {
        var options = request
        if isGatewayGiven, options.gateways.isEmpty, options.upstreams.isEmpty {
            options.gateways = undamaged.report.roles.gateways.map {
                AddressPrefix(address: $0, length: $0.isIPv6 ? 128 : 32, port: nil)
            }
            options.upstreams = undamaged.report.roles.upstreams.map {
                AddressPrefix(address: $0.address, length: $0.address.isIPv6 ? 128 : 32, port: $0.port)
            }
        }
        for damage in damages {
            let damaged = JudgedCapture(damage.applied(to: packets, upstreams: upstreams), options)
            guard isJudged(damaged.report) else { continue }
            let violations = rule.violations(damaged)
            // One line each, whole by itself, for they are many when a rule breaks.
            let lines = violations.map { "\(sample.name), \(damage): \($0)" }
            #expect(violations.isEmpty, "\(lines.joined(separator: "\n"))")
        }
    }
}
