import Capture
import Diagnosis
import Model
import Pipeline

/// A savefile read as if it were an interface: every packet goes through the ring.
struct Replay {
    /// Packets between two looks.
    var step = 64
    /// Every how many steps the findings so far are diagnosed.
    var looksEvery = 4
    /// For how many steps a look goes on while more is read.
    var lookSteps = 0
    var ringBytes = 16 << 20
    var window = LiveWindow()
    /// Packets after which it ends.
    var limit = Int.max
    /// What was told, in its order.
    var told: [String] = []

    mutating func report(on path: String, _ request: AnalysisRequest) throws -> Report {
        let ring = PacketRing(bytes: ringBytes)
        var window = window
        window.stretch = step
        // In a file the packets of an interface stand in blocks.
        window.disorder = .seconds(1)
        let engine = LiveEngine(request, ring: ring, window: window)
        let input = try CaptureInput(paths: [path], filter: request.filter)
        var emission = Emission()
        var waiting = 0
        var steps = 0
        var look: (snapshot: LiveSnapshot, due: Int)?
        while engine.statistics.packets + waiting < limit, let record = try input.advance() {
            input.withPacket { bytes in precondition(ring.append(record, bytes), "the ring is too small") }
            waiting += 1
            guard waiting == step else { continue }
            waiting = 0
            _ = engine.readStretch()
            steps += 1
            if look == nil, steps % looksEvery == 0, let last = engine.statistics.last {
                look = (engine.snapshot(horizon: last), steps + lookSteps)
            }
            guard let (snapshot, due) = look, steps >= due else { continue }
            look = nil
            let findings = engine.conclude(snapshot, snapshot.examine().examination).findings
            // Two looks: a verdict has to stand.
            for moment in [0.0, 1.0] {
                _ = emission.emit(findings, at: moment) { occurrence, finding in
                    told.append(Self.line(occurrence, finding))
                    return true
                }
            }
        }
        while engine.readStretch() {}
        let (_, report) = engine.finish()
        return report
    }

    private static func line(_ occurrence: Occurrence, _ finding: Finding) -> String {
        "\(finding.cause.rawValue) \(finding.upstream ?? "-") \(finding.severity.rawValue) \(occurrence.stream ?? -1)"
    }
}
