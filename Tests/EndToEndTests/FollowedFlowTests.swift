import Dissection
import Model
import Testing

@testable import Pipeline

/// What is handed to the dissector of a connection whose packets left the ring.
@Suite struct FollowedFlowTests {
    private static func span(from: Int, through: Int = .max) -> FlowSpan {
        var span = FlowSpan(flow: 1, from: from, through: through)
        span.clientIsLow = true
        span.ends = (1, 2)
        return span
    }

    private static func archived(_ number: Int, _ flags: UInt8 = 0) -> FollowedFlow.Candidate {
        FollowedFlow.Candidate(number: number, flags: FlowIndex.Flag.isSegment | flags, isArchived: true)
    }

    private static func handsOver(_ step: FollowedFlow.Step) -> Bool {
        if case .skip = step { return false }
        return true
    }

    @Test("behind an opening from the archive nothing is handed over that need not have followed it")
    func remainsInTheArchive() {
        var flow = FollowedFlow(Self.span(from: 100))
        _ = flow.take(Self.span(from: 100))
        let request = FlowIndex.Flag.sourceIsLow | FlowIndex.Flag.hasPayload
        #expect(Self.handsOver(flow.step(Self.archived(1, FlowIndex.Flag.isSYN | FlowIndex.Flag.isStart))))
        #expect(Self.handsOver(flow.step(Self.archived(2, FlowIndex.Flag.isSYN))))
        #expect(Self.handsOver(flow.step(Self.archived(3, FlowIndex.Flag.isHandshake))))
        // Of an exchange whose request is not there any more.
        #expect(!Self.handsOver(flow.step(Self.archived(60))))
        #expect(!Self.handsOver(flow.step(Self.archived(61, FlowIndex.Flag.hasPayload))))
        guard case .resume(let span) = flow.step(Self.archived(100, request)) else {
            Issue.record("it does not go on where the span says")
            return
        }
        #expect(span.from == 100)
        #expect(Self.handsOver(flow.step(FollowedFlow.Candidate(number: 101, flags: FlowIndex.Flag.hasPayload))))
    }

    @Test("behind an opening that is still in the ring all is handed over up to the client's first word")
    func greeting() {
        var flow = FollowedFlow(Self.span(from: 100))
        _ = flow.take(Self.span(from: 100))
        let inRing = { (number: Int, flags: UInt8) in FollowedFlow.Candidate(number: number, flags: flags) }
        #expect(Self.handsOver(flow.step(inRing(1, FlowIndex.Flag.isSYN | FlowIndex.Flag.isStart))))
        #expect(Self.handsOver(flow.step(inRing(2, FlowIndex.Flag.isSYN))))
        #expect(Self.handsOver(flow.step(inRing(3, 0))))
        #expect(Self.handsOver(flow.step(inRing(4, FlowIndex.Flag.hasPayload))))
        #expect(!Self.handsOver(flow.step(inRing(5, FlowIndex.Flag.sourceIsLow | FlowIndex.Flag.hasPayload))))
    }
}
