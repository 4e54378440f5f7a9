import Capture
import Model
import Pipeline
import Reporting
import TestSupport
import Testing

/// What the second reading does not even read must not be missed.
@Suite struct LeftOutTests {
    private static let start = Timestamp(seconds: 1_700_000_000)

    /// Much good traffic in large packets, and a failure now and then. Some frames have a VLAN tag, also in the midst of connections
    /// whose other frames have none.
    private static func capture(_ seed: UInt64, tagged: Int, in scratch: Scratch) throws -> String {
        var random = SeededGenerator(seed: seed)
        var day = SimulatedDay(start: start)
        day.filling = 900
        var image = PcapngImage(application: "test", comment: nil)
        var number = 0
        for step in 1...1_200 {
            let now = start + .milliseconds(Int64(step) * 20)
            var frames = step % 7 == 0 ? day.kept(at: now) : day.ordinary(at: now)
            if Int.random(in: 0..<60, using: &random) == 0 { frames += day.fault(at: now + .milliseconds(15)) }
            for frame in frames.sorted(by: { $0.time < $1.time }) {
                number += 1
                var frame = frame
                if Int.random(in: 0..<100, using: &random) < tagged {
                    frame.bytes.insert(contentsOf: [0x81, 0, 0, 7], at: 12)
                }
                image.append(frame.record(number: number), frame.bytes.span.bytes)
            }
        }
        return try scratch.write(image, to: "day.pcapng")
    }

    @Test("the report is that of a reading that leaves nothing out", arguments: [1, 2], [0, 1, 30])
    func same(threads: Int, tagged: Int) throws {
        let scratch = try Scratch()
        let path = try Self.capture(UInt64(tagged + 3), tagged: tagged, in: scratch)
        var request = AnalysisRequest()
        request.largestWhole = 0
        request.sampleCount = 8
        request.threads = threads
        let report = JSONReport.render(try OfflineRun.report(on: [path], request))
        // With a filter all of it is read.
        request.filter = "greater 1"
        #expect(JSONReport.render(try OfflineRun.report(on: [path], request)) == report)
    }
}
