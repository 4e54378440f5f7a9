import Diagnosis
import Model
import Testing

/// Causes that look alike on the wire, each side in captures of real gateways: the one is named in its own and not in the other's.
@Suite struct LookAlikePairsTests {
    @Test("each of a pair of look-alikes is named in its own captures, and never the other", arguments: LookAlike.sides)
    func areHeldApart(_ side: LookAlike) throws {
        let report = try side.report()
        let found = report.findings.filter { $0.severity > .note || $0.cause == .clientAbort }
        if let cause = side.shown.cause {
            let named = found.filter { $0.cause == cause }
            #expect(!named.isEmpty, "\(side): \(found.map(\.cause))")
            if case .variant(_, let variant) = side.shown {
                #expect(named.allSatisfy { $0.variant == variant }, "\(side): \(named.map(\.variant))")
            }
        } else {
            #expect(found.isEmpty, "\(side): \(found.map(\.cause))")
        }
        if let rival = side.rival.cause {
            let isNamed = found.contains { finding in
                guard finding.cause == rival else { return false }
                if case .variant(_, let variant) = side.rival { return finding.variant == variant }
                return true
            }
            #expect(!isNamed, "\(side)")
        }
    }

    @Test(
        "the report says why it is not the look-alike, or what would tell",
        arguments: LookAlike.sides.filter(\.names)
    )
    func saysWhy(_ side: LookAlike) throws {
        let rival = try #require(side.rival.cause)
        for finding in try side.report().findings where finding.cause == side.shown.cause {
            let isRuledOut = finding.ruledOut.contains { $0.cause == rival }
            #expect(isRuledOut || finding.missing.contains { $0.contains(rival.rawValue) }, "\(side)")
        }
    }

    @Test("every pair stands in captures of all five gateways, where they can show it", arguments: LookAlikePair.all)
    func isWide(_ pair: LookAlikePair) {
        for side in [pair.one, pair.other] {
            #expect(Set(side.captures.map(LookAlikePair.gateway)) == pair.gateways, "\(pair.name)")
        }
    }
}

/// One capture of one side of a pair.
struct LookAlike: Sendable, CustomStringConvertible {
    var pair: String
    var capture: String
    var shown: LookAlikePair.Shown
    var rival: LookAlikePair.Shown
    var names: Bool

    var description: String { "\(pair) \(capture)" }

    func report() throws -> Report {
        try #require(CommittedCase.all.first { $0.name == capture }, "\(capture) is not committed").report()
    }

    static let sides = LookAlikePair.all.flatMap { pair in
        [(pair.one, pair.other), (pair.other, pair.one)].flatMap { side, other in
            side.captures.map {
                LookAlike(pair: pair.name, capture: $0, shown: side.shown, rival: other.shown, names: side.names)
            }
        }
    }
}
