import Model

/// All that a detector may look at: one attempt, its connection, and what is known around it. Facts only.
struct AttemptContext {
    let connection: ConnectionFacts
    let exchange: ExchangeFacts?
    let timeline: ConnectionTimeline
    /// The client request that it was made for, where the join found one.
    let client: ClientRequest?
    /// When the gateway began the next attempt for the same client request.
    let nextAttempt: Timestamp?
    /// What that client was sent.
    let clientResponse: ResponseFacts?
    /// The capture missed bytes that the gateway sent to that client.
    let clientAnswerMayBeMissed: Bool
    /// True where this is the connection's first request and the connection's beginning was captured.
    let isFirst: Bool
    /// From the end of the previous response to this request; nil on a first request.
    let idleBefore: Nanoseconds?
    /// The gateway's software, where its requests show it.
    let kind: GatewayKind?
    let habit: ClosingHabit
    /// Offset after the previous response on the connection, 0 on a first exchange.
    let previousResponseEnd: Int64
    let port: PortActivity
    /// How the port has answered everybody who spoke to it.
    let conduct: PortConduct
    /// The answer before this one on the connection.
    let previousResponse: ResponseFacts?
    let hosts: HostProfiles
    let sizes: SegmentSizes
    /// The capture provably lacks packets that servers sent to this gateway: all of a connection, or many of them.
    let isServerSideMissed: Bool
    /// Why an answer to the attempt's SYN may only have escaped the capture; nil where none did.
    let hiddenAnswer: String?
    /// End of the capture or of what may be judged yet.
    let horizon: Timestamp
    /// The capture is over: what has not come will not come.
    let isFinal: Bool

    var request: RequestFacts? { exchange?.request }

    /// The response as the gateway had it when somebody ended the exchange: nil where nothing of it had arrived.
    var response: ResponseFacts? {
        guard let response = exchange?.response else { return nil }
        if let ending, ending.direction == .fromClient, response.firstFrame.number > ending.frame.number,
            // Its acknowledgment tells better than the order of packets.
            ending.acknowledgedOffset ?? 0 <= response.start
        {
            return nil
        }
        if let end = receivedEnd, end <= response.start { return nil }
        return response
    }

    /// Up to where the gateway had the upstream's bytes: what its own close acknowledged, or the hole that never closed. Nil where nothing
    /// limits it.
    private var receivedEnd: Int64? {
        var limit: Int64?
        if let ending, ending.direction == .fromClient, let acknowledged = ending.acknowledgedOffset {
            limit = acknowledged
        }
        // What the upstream sent on after a reset in its name found no socket any more.
        if let ending, ending.isFromServer, ending.isReset, facts(ending)?.wentOn != nil {
            limit = min(limit ?? .max, ending.offset)
        }
        // Seen from the upstream: it goes on resending, and nobody answers any more.
        if self.ending == nil, client == nil, !stalledRepeats.isEmpty { limit = connection.fromServer.acknowledgedEnd }
        if hasOpenHole { limit = min(limit ?? .max, connection.fromServer.contiguousEnd) }
        return limit
    }

    /// A response that began only after the gateway had closed.
    var lateResponse: ResponseFacts? {
        guard let response = exchange?.response, self.response == nil else { return nil }
        return response
    }

    /// What the capture knows of a reset beyond its header.
    private func facts(_ reset: TCPEvent) -> ResetFacts? {
        connection.resets.first { $0.event.frame == reset.frame && $0.event.direction == reset.direction }
    }

    func origin(_ reset: TCPEvent) -> ResetOrigin {
        ResetOrigin(reset, on: connection, timeline, hosts)
    }

    /// The close or reset that ended this exchange. A FIN of the upstream beyond a hole that never closed did not reach the
    /// gateway's reader.
    var ending: TCPEvent? {
        timeline.endings.first { event in
            guard event.isFromServer, !event.isReset else { return true }
            if hasOpenHole, event.offset > connection.fromServer.contiguousEnd { return false }
            // Seen from the upstream: its bytes before the FIN repeat and are never acknowledged.
            return event.offset <= connection.fromServer.acknowledgedEnd
                || unacknowledgedRepeats(atLeast: 3, over: .seconds(1)).isEmpty
        }
    }

    /// When the gateway's part was over, as far as the packets tell: its own close, or the client's error.
    private var over: (frame: Int, time: Timestamp) {
        let ending = self.ending
        let end = client?.isFailed == true ? client?.end : nil
        return (
            ending?.frame.number ?? .max,
            min(ending?.frame.time ?? Timestamp(nanoseconds: .max), end ?? Timestamp(nanoseconds: .max))
        )
    }

    /// The packet came before the gateway gave up.
    func isInTime(_ frame: FrameReference) -> Bool {
        let over = over
        return frame.number < over.frame && frame.time <= over.time
    }

    /// The upstream's numbers moved past the previous answer although the capture shows nothing of this one.
    private var hasMissedResponse: Bool {
        guard response == nil else { return false }
        if hasUnclaimedResponse { return true }
        let start = max(previousEnd, exchange?.interimEnd ?? 0)
        // A reset's acknowledgment tells as well what its sender had, though it acknowledges nothing.
        let read = max(timeline.clientReset?.acknowledgedOffset ?? 0, timeline.clientFin?.acknowledgedOffset ?? 0)
        // Of an answer that came too late, what came in time can only lie before.
        if let late = exchange?.response { return read > start && late.start > start }
        let fin = timeline.serverFin?.offset ?? 0
        // The FIN itself takes a number.
        let acknowledged = connection.fromServer.acknowledgedEnd - (timeline.inferred.contains(.fromServer) ? 1 : 0)
        let bytes = max(fin, acknowledged, read - (timeline.serverFin == nil ? 0 : 1))
        return bytes > start
    }

    /// An answer came after this request that none of those seen was taken for: it may be this one's.
    private var hasUnclaimedResponse: Bool {
        guard let request, exchange?.response == nil else { return false }
        return connection.exchanges.contains { other in
            guard other.request == nil, let response = other.response else { return false }
            return response.firstFrame.number > request.firstFrame.number
        }
    }

    /// Where the previous answer ended: where the capture does not show its end, what the gateway had acknowledged when it asked again.
    private var previousEnd: Int64 {
        guard previousResponseEnd == .max, let request else { return previousResponseEnd }
        let acknowledged = connection.events.compactMap { event -> Int64? in
            guard !event.isFromServer, event.frame.number <= request.firstFrame.number else { return nil }
            return event.acknowledgedOffset
        }
        return acknowledged.max() ?? .max
    }

    /// The capture missed bytes between the previous answer and what it shows of this one: another message, or a part of it.
    var hasHiddenStart: Bool {
        guard let response else { return false }
        return response.start > max(previousEnd, exchange?.interimEnd ?? 0)
    }

    /// Four repeats and more of response bytes that were never acknowledged, over two seconds and more; else none.
    var stalledRepeats: [TCPEvent] { unacknowledgedRepeats(atLeast: 4, over: .seconds(2)) }

    private func unacknowledgedRepeats(atLeast count: Int, over span: Nanoseconds) -> [TCPEvent] {
        let end = connection.fromServer.acknowledgedEnd
        let repeats = retransmissions(.fromServer, from: exchange?.response?.start ?? 0).filter {
            $0.offset + Int64($0.length) > end
        }
        guard repeats.count >= count, let first = repeats.first, let last = repeats.last,
            last.frame.time - first.frame.time >= span
        else { return [] }
        return repeats
    }

    /// How much of the response was there when the exchange ended.
    var stage: Stage {
        guard let response else { return hasMissedResponse ? .unseen : .nothing }
        switch response.completion {
        case .notHTTP: return .notHTTP
        case .invalidStatusLine: return .invalidStatusLine
        // A head that the capture cut or missed is not one that the upstream cut.
        case .incompleteHead: return response.body.hasGap ? .unseen : .partialHead
        case .brokenBody: return .brokenBody
        case .incompleteBody, .complete:
            let received = receivedEnd ?? .max
            if let head = response.headEnd, head > received { return .partialHead }
            if let end = response.end, end > received { return .partialBody }
            if let ending, ending.direction == .fromClient, ending.acknowledgedOffset == nil {
                if let head = response.headFrame, head.number > ending.frame.number { return .partialHead }
                if response.lastFrame.number > ending.frame.number { return .partialBody }
            }
            if response.completion == .complete || response.isEnded(by: ending) { return .complete }
            return response.mayHaveEndedUnseen && !hasOpenHole ? .unseen : .partialBody
        }
    }

    enum Stage {
        case nothing, unseen, notHTTP, invalidStatusLine, partialHead, partialBody, brokenBody, complete
    }

    /// What the capture holds of the connection begins with this request: whether it was the first one is not known.
    var isBeginningUnseen: Bool { !isFirst && idleBefore == nil && timeline.syns.isEmpty }

    /// The connection was used before, how fast an answer can come is not known, and these bytes came without an acknowledgment of the request:
    /// they may be what is left of the answer before.
    var mayHoldRemains: Bool {
        guard !isFirst, roundTrip == nil, let response else { return false }
        return request?.acknowledged.map { $0.number > response.firstFrame.number } ?? true
    }

    var roundTrip: Nanoseconds? { timeline.roundTrip }

    /// What the path's round trip takes at least: of this connection, or to any port of the host.
    var leastRoundTrip: Nanoseconds? {
        if let roundTrip { return roundTrip }
        let host = hosts[connection.server.address]
        return host.openings > 0 ? host.shortestOpening : nil
    }

    /// "Too fast to have been read": the handshake's round trip and a millisecond.
    var tooFast: Nanoseconds { (roundTrip ?? 0).addingSaturating(.milliseconds(1)) }

    /// Bytes of the response beyond a hole that never closed.
    var hasOpenHole: Bool { connection.fromServer.highestEnd > connection.fromServer.contiguousEnd }

    /// The upstream's own numbers moved past bytes that never arrived and were never acknowledged.
    var leap: TCPEvent? {
        let server = connection.fromServer
        // A FIN takes a number, too.
        let end = max(server.acknowledgedEnd, server.contiguousEnd) + 1
        return connection.events.last { $0.kind == .lostSegment && $0.isFromServer && $0.offset > end }
    }

    /// Not a packet of the upstream on an open connection: the capture has one direction only. Where it began later, a gateway that repeats
    /// itself had indeed no answer.
    var isUpstreamUnseen: Bool {
        connection.fromServer.packets == 0 && timeline.isEstablished(connection)
            && (!timeline.syns.isEmpty || retransmissions(.fromClient, from: request?.start ?? 0).count < 2)
    }

    /// Timers are set in whole or half seconds, and gateways close within milliseconds of them (up to 15 ms late and 2 ms early as run):
    /// what lasted longer than that beyond one was ended by something else.
    func isRoundTimer(_ elapsed: Nanoseconds) -> Bool {
        (elapsed &+ .milliseconds(10)) % .milliseconds(500) <= max(.milliseconds(70), elapsed / 200)
    }

    /// The upstream acknowledged the whole request before the exchange was ended.
    var isRequestAcknowledged: Bool {
        guard let request else { return false }
        // Of a request that was never complete, all that was sent.
        if request.end == nil, connection.fromClient.acknowledgedEnd < connection.fromClient.highestEnd { return false }
        if let frame = request.acknowledged { return isInTime(frame) }
        let end = request.end ?? request.headEnd ?? request.start
        guard connection.fromClient.acknowledgedEnd >= end, end > request.start else { return false }
        return connection.fromClient.acknowledgedFrame.map(isInTime) ?? false
    }

    /// The client left before the attempt was over.
    var clientLeft: FrameReference? {
        guard let client, case .aborted(let frame, _) = client.outcome else { return nil }
        return frame
    }

    /// The gateway ended the exchange at once, its own request half sent: nothing that an upstream does. Caddy 2.6 does so where it
    /// repeats a request whose body the try before has used up; without the client's leg it may have left as well.
    var wasGivenUpUnsent: Bool {
        guard let request, request.headEnd != nil, request.end == nil, !request.body.hasGap, stage == .nothing,
            let ending, ending.direction == .fromClient, client?.attempts.count ?? 2 > 1
        else { return false }
        return ending.frame.time - request.firstFrame.time < ResponseTimeout.shortestTimer
    }

    /// The last packet of the upstream before the gateway ended the exchange: since when there was silence.
    var lastUpstreamProgress: Timestamp? {
        if let response {
            guard let ending, response.lastFrame.number > ending.frame.number else { return response.lastFrame.time }
            let begun = (response.headFrame ?? response.firstFrame).time
            // More came after the close. What had come before it, the gateway's last acknowledgment tells.
            guard let read = connection.fromServer.acknowledgedFrame, read.number < ending.frame.number else {
                return begun
            }
            return max(begun, read.time)
        }
        return request?.lastFrame.time
    }

    /// From the last progress to the gateway's close.
    var silence: Nanoseconds? {
        guard let ending, ending.direction == .fromClient, let progress = lastUpstreamProgress else { return nil }
        return ending.frame.time - progress
    }

    /// The gateway answered its client with an error of its own making, or the like.
    var clientFailed: Bool { client?.isFailed ?? true }

    /// The same, or what became of the client was not captured.
    var clientMayHaveFailed: Bool {
        if case .open? = client?.outcome { return true }
        return clientFailed
    }

    var gateway: String { connection.client.address.description }
    var upstream: String { connection.server.description }
}

/// When a port of an upstream was provably alive.
struct PortActivity {
    /// Packets of the port that only a live listener sends (SYN-ACKs, data), with their connection's stream.
    var proofs: [(time: Timestamp, stream: Int, frame: FrameReference)] = []
    /// Responses under way: the port was alive all the time between their first and last byte.
    var responses: [(from: Timestamp, to: Timestamp, stream: Int, frame: FrameReference)] = []
    /// Connections that were accepted by the kernel and whose request was acknowledged and not answered yet: they wait
    /// in the accept queue, or for a worker.
    var waiting: [(from: Timestamp, to: Timestamp, stream: Int, frame: FrameReference)] = []
    /// Connections that were accepted, by the time of their SYN.
    var openings: [(syn: Timestamp, accepted: FrameReference, stream: Int)] = []
    /// Resets by which the port refused a SYN.
    var refusals: [Timestamp] = []
    /// SYNs to which nothing came back.
    var unanswered: [(from: Timestamp, to: Timestamp)] = []
    /// How the path treated the connections that the port had accepted, by their starts.
    var paths: [(from: Timestamp, to: Timestamp, losses: Int, isLossy: Bool)] = []
    /// The longest time that a connection of this port was idle and then carried an answer all the same.
    var longestSurvivedIdleness: Nanoseconds?

    /// Brings both lists into time order, as the look-ups need them.
    mutating func sort() {
        proofs.sort { ($0.time, $0.frame.number) < ($1.time, $1.frame.number) }
        responses.sort { ($0.from, $0.frame.number) < ($1.from, $1.frame.number) }
        waiting.sort { ($0.from, $0.frame.number) < ($1.from, $1.frame.number) }
        openings.sort { ($0.syn, $0.accepted.number) < ($1.syn, $1.accepted.number) }
        unanswered.sort { $0.from < $1.from }
        paths.sort { ($0.from, $0.to) < ($1.from, $1.to) }
        refusals.sort()
    }

    func refused(from: Timestamp, to: Timestamp) -> Bool {
        let index = refusals.partitionPoint { $0 >= from }
        return index < refusals.count && refusals[index] <= to
    }

    /// A SYN that nobody answered between the two times may have been lost like others: at least half of the connections of the time lost every
    /// twentieth packet.
    func losesPackets(from: Timestamp, to: Timestamp) -> Bool {
        let near = Nanoseconds.seconds(5)
        let end = paths.partitionPoint { $0.from > to + near }
        let beside = paths[..<end].suffix(Self.reach).filter { $0.to >= from - near }
        // One loss alone may be anything.
        return beside.reduce(0) { $0 + $1.losses } > 1 && beside.count(where: \.isLossy) * 2 >= beside.count
    }

    /// Connections that are looked at: bounds the work where thousands are open.
    private static let reach = 64

    /// A proof on another connection between the two times.
    func proof(from: Timestamp, to: Timestamp, except stream: Int) -> FrameReference? {
        var index = proofs.partitionPoint { $0.time >= from }
        while index < proofs.count, proofs[index].time <= to {
            if proofs[index].stream != stream { return proofs[index].frame }
            index += 1
        }
        let end = responses.partitionPoint { $0.from > to }
        // The latest few suffice, and bound the work.
        for entry in responses[..<end].suffix(64) where entry.stream != stream && entry.to >= from {
            return entry.frame
        }
        return nil
    }

    /// The first other connection that was dialled between the two times and accepted.
    func opening(from: Timestamp, to: Timestamp, except stream: Int) -> FrameReference? {
        var index = openings.partitionPoint { $0.syn >= from }
        while index < openings.count, openings[index].syn <= to {
            if openings[index].stream != stream { return openings[index].accepted }
            index += 1
        }
        return nil
    }

    /// A SYN was on its way between the two times and nothing came back: more than one connection was affected.
    func hasUnansweredSyn(from: Timestamp, to: Timestamp) -> Bool {
        let end = unanswered.partitionPoint { $0.from > to }
        // The latest few suffice, and bound the work.
        return unanswered[..<end].suffix(64).contains { $0.to >= from }
    }

    func waiting(at time: Timestamp, except stream: Int) -> FrameReference? {
        let end = waiting.partitionPoint { $0.from > time }
        // The latest few suffice, and bound the work.
        for entry in waiting[..<end].suffix(64) where entry.stream != stream && entry.to >= time {
            return entry.frame
        }
        return nil
    }
}

extension Array {
    /// The first index whose element satisfies the predicate, in an array where all that do stand behind all that do not.
    func partitionPoint(_ belongsBehind: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if belongsBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
