package import Model

/// Tells which packets of a second reading are to be dissected, and which parts of the file have none of them, by the headers of plain packets alone.
///
/// It follows the same connections as the dissector does, so that another thread may ask it first.
package final class FlowGate {
    private let flows: KeptFlows
    private let active: ActiveFlows
    private let beginnings: [Int]
    private var next = 0
    /// A span begins with a packet whose ends are not known: from then on everything is read.
    private var isBlind = false

    package init(_ flows: KeptFlows) {
        self.flows = flows
        active = ActiveFlows(flows)
        beginnings = flows.beginnings
    }

    /// Which packets of a batch are to be dissected: a bit each.
    package func wanted(_ batch: PacketBatch, _ window: RawSpan) -> UInt32 {
        guard batch.linkType == .ethernet else {
            for index in 0..<batch.count { beginOther(at: batch.firstNumber &+ index) }
            return .max
        }
        var wanted: UInt32 = 0
        for index in 0..<batch.count {
            let frame = batch.firstNumber &+ index
            let bit: UInt32 = 1 << UInt32(truncatingIfNeeded: index)
            guard let head = PlainHead(batch[index], in: window) else {
                beginOther(at: frame)
                wanted |= bit
                continue
            }
            if active.isStranger(head.words, frame: frame) { continue }
            if take(head, frame) { wanted |= bit }
        }
        return wanted
    }

    /// The same of one packet.
    package func isWanted(_ record: PacketRecord, _ bytes: RawSpan) -> Bool {
        guard let head = PlainHead(record, bytes) else {
            beginOther(at: record.number)
            return true
        }
        return take(head, record.number)
    }

    private func take(_ head: PlainHead, _ frame: Int) -> Bool {
        let answer = active.examine(
            head.words,
            sourceIsLow: head.sourceIsLow,
            frame: frame,
            hasPayload: head.hasPayload
        )
        // The dissector has to see what ends a span, too.
        if case .skip = answer { return false }
        return true
    }

    /// A span that begins with a packet that is no plain one may go on with plain ones.
    private func beginOther(at frame: Int) {
        guard let span = flows.span(from: frame) else { return }
        guard span.ends != (0, 0) else {
            isBlind = true
            return
        }
        _ = active.start(span, FlowWords(low: span.ends.low, high: span.ends.high))
    }

    /// Whether something in a passage may be wanted. Passages are to be asked for in their order.
    package func needs(_ passage: PassageMap.Passage, of map: PassageMap) -> Bool {
        if passage.mustBeRead || isBlind { return true }
        while next < beginnings.count, beginnings[next] < passage.firstNumber { next &+= 1 }
        if next < beginnings.count, beginnings[next] < passage.firstNumber &+ Int(passage.count) { return true }
        return map.contains(passage) { active.isFollowed($0) }
    }
}
