import Capture
import Diagnosis
import Foundation
import Model
import Pipeline
import Testing

/// What the flight recorder writes names the cause again.
@Suite struct RecorderTests {
    private static let cases = CommittedCase.all.filter { sample in
        [
            "connect-refused/nginx", "reset-before-response/haproxy", "truncated-body-fin/nginx",
            "stale-keepalive-reuse/nginx",
        ]
        .contains { sample.name.hasPrefix($0) }
    }

    private func records(_ sample: CommittedCase, in directory: String, _ options: RecorderOptions) throws -> Recorder {
        let ring = PacketRing(bytes: 16 << 20)
        let engine = LiveEngine(try sample.request(), ring: ring)
        let input = try CaptureInput(paths: [sample.capture])
        var interfaces: [InterfaceDescription] = []
        while let record = try input.advance() {
            while interfaces.count <= record.interface {
                interfaces.append(InterfaceDescription(name: nil, linkType: record.linkType, snapLength: 0))
            }
            let isTaken = input.withPacket { ring.append(record, $0) }
            #expect(isTaken)
        }
        let recorder = Recorder(options, ring: ring, interfaces: interfaces)
        while engine.readStretch() {}
        let (examination, _) = engine.finish()
        for finding in examination.findings {
            for occurrence in finding.occurrences {
                recorder.trigger(occurrence, finding, at: engine.statistics.last ?? occurrence.time)
            }
        }
        recorder.finish(through: engine.position)
        #expect(recorder.takeWarnings().isEmpty)
        return recorder
    }

    @Test(
        "the evidence of an incident is one file, marked where it decides, that gives the same findings",
        arguments: cases
    )
    func again(_ sample: CommittedCase) throws {
        let scratch = try Scratch()
        var options = RecorderOptions()
        options.directory = scratch.path
        options.before = .seconds(3_600)
        let recorder = try records(sample, in: scratch.path, options)
        let files = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
        #expect(files.count == 1)
        #expect(recorder.count == 1)
        let path = scratch.file(try #require(files.first))
        #expect(path == recorder.lastPath)
        let offline = try sample.report()
        let again = try OfflineRun.report(on: [path], sample.request())
        #expect(ReductionTests.lines(again) == ReductionTests.lines(offline))
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for finding in offline.findings where finding.severity > .note {
            #expect(bytes.range(of: Data("gwsniff: \(finding.cause.rawValue): ".utf8)) != nil)
        }
    }

    @Test("an incident is recorded once in a while, and no more than so many are within an hour")
    func isLimited() throws {
        let scratch = try Scratch()
        var options = RecorderOptions()
        options.directory = scratch.path
        options.mostPerHour = 3
        let recorder = run(2_000, options) { recorder, second, now in
            recorder.trigger("failed", of: "one.log", at: now)
            if second > 100 { recorder.trigger("failed", of: "two.log", at: now) }
        }
        #expect(recorder.count == 3)
        let warnings = recorder.takeWarnings()
        #expect(warnings.count == 1)
        #expect(warnings.first?.message.contains("3 evidence files") == true)
    }

    /// A packet a second, and what `body` does then.
    private func run(_ seconds: Int, _ options: RecorderOptions, _ body: (Recorder, Int, Timestamp) -> Void) -> Recorder
    {
        let ring = PacketRing(bytes: 0)
        let bytes = [UInt8](repeating: 1, count: 60)
        let recorder = Recorder(
            options,
            ring: ring,
            interfaces: [InterfaceDescription(name: "eth0", linkType: .ethernet, snapLength: 0)]
        )
        for second in 0..<seconds {
            let now = Timestamp(seconds: 1_700_000_000) + .seconds(Int64(second))
            let record = PacketRecord(
                number: second + 1,
                timestamp: now,
                capturedLength: 60,
                wireLength: 60,
                interface: 0,
                linkType: .ethernet,
                source: 0
            )
            let isTaken = bytes.withUnsafeBytes { ring.append(record, $0.bytes) }
            #expect(isTaken)
            body(recorder, second, now)
            recorder.step(through: ring.end)
        }
        recorder.finish(through: ring.end)
        return recorder
    }

    @Test("who asks gets a file as often as that is; why it was asked for while one was written stands in that one")
    func onRequest() throws {
        let scratch = try Scratch()
        var options = RecorderOptions()
        options.directory = scratch.path
        let recorder = run(120, options) { recorder, second, now in
            if second == 10 || second == 60 { recorder.trigger("odd latency", at: now) }
            if second == 15 { recorder.trigger("the phone rang", at: now) }
            if second == 16 { recorder.trigger("upstream timed out", of: "/var/log/error.log", at: now) }
        }
        #expect(recorder.count == 2)
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted()
        #expect(names.count == 2)
        let first = try Data(contentsOf: URL(fileURLWithPath: scratch.file(names[0])))
        for text in ["odd latency", "the phone rang", "a line of /var/log/error.log: upstream timed out"] {
            #expect(first.range(of: Data(text.utf8)) != nil, "\(text)")
        }
    }

    @Test("when the next file may be begun is known, and only while none may")
    func rest() throws {
        let scratch = try Scratch()
        var options = RecorderOptions()
        options.directory = scratch.path
        options.mostPerHour = 2
        var rests: [Int: Timestamp] = [:]
        _ = run(200, options) { recorder, second, now in
            if second == 10 || second == 60 { recorder.trigger("why", at: now) }
            rests[second] = recorder.restsUntil(at: now)
        }
        #expect(rests[30] == nil)
        #expect(rests[65] == nil)
        #expect(rests[100] == Timestamp(seconds: 1_700_003_610))
    }

    @Test("a place that cannot be written is said")
    func cannotWrite() throws {
        var options = RecorderOptions()
        options.directory = "/nonexistent"
        let recorder = Recorder(options, ring: PacketRing(bytes: 0), interfaces: [])
        recorder.trigger("signal", at: Timestamp(seconds: 1))
        #expect(recorder.takeWarnings().count == 1)
    }
}
