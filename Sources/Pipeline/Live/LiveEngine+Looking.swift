package import Diagnosis
import Dissection
package import Model

/// What a live run knew at one moment, to be looked at beside it: nothing of it changes any more.
package struct LiveSnapshot {
    fileprivate let facts: TrafficFacts
    fileprivate let options: DiagnosisOptions
    fileprivate let totals: RunningTotals?
    fileprivate let horizon: Timestamp
    /// The newest packet's time.
    fileprivate let now: Timestamp?
    fileprivate let isWhole: Bool

    /// What was found, and the report on all so far where it was asked for.
    package func examine() -> (examination: Examination, report: Report?) {
        let examination = Examination(facts, options)
        return (examination, totals?.report(with: examination))
    }
}

extension LiveEngine {
    /// What is known now, with nothing concluded from what may still come after `horizon`; what is settled is counted for good.
    package func look(horizon: Timestamp) -> Examination {
        let snapshot = snapshot(horizon: horizon)
        return conclude(snapshot, snapshot.examine().examination)
    }

    /// What is known now, for a look that may go on while more is read; one at a time.
    /// - Parameter reports: the report on all so far is wanted too.
    package func snapshot(horizon: Timestamp, reports: Bool = false) -> LiveSnapshot {
        hasNews = false
        // What goes was over a second before the look.
        lookReach = (lastFrame, (statistics.last ?? horizon) - Self.pressedSettling)
        late = []
        var options = request.options(firstPacket: statistics.first)
        options.horizon = horizon
        return LiveSnapshot(
            facts: currentFacts(isFinal: false, withServers: reports),
            options: options,
            totals: reports ? totals : nil,
            horizon: horizon,
            now: statistics.last,
            isWhole: isWhole
        )
    }

    /// Takes what a look found: what is settled is counted for good, once it is time for that.
    package func conclude(_ snapshot: LiveSnapshot, _ found: Examination) -> Examination {
        defer { lookReach = nil }
        var examination = found
        examination.leaveOut(totals)
        clientErrorCount = totals.clientErrorCount(with: examination)
        guard !snapshot.isWhole, let now = snapshot.now else { return examination }
        foldIfDue(examination, at: now)
        lastHorizon = snapshot.horizon
        return examination
    }

    /// Room for spans is short: a look would make some.
    package var needsLook: Bool {
        guard !isWhole, reducer.isCrowded, let now = statistics.last else { return false }
        return lastFold.map { now - $0 >= pressedPause } ?? true
    }

    /// The capture is over. What was found last, and the report on all of it.
    package func finish() -> (examination: Examination, report: Report) {
        finishReading()
        let options = request.options(firstPacket: statistics.first)
        var examination = Examination(currentFacts(isFinal: true, withServers: true), options)
        examination.leaveOut(totals)
        return (examination, totals.report(with: examination))
    }

    private func currentFacts(isFinal: Bool, withServers: Bool = false) -> TrafficFacts {
        var facts = isFinal ? dissector.facts(final: true) : dissector.currentFacts()
        facts.counters.losses = losses
        facts.counters.clockAdvances = Sieve.clockAdvances([sieve])
        guard !isWhole else { return facts }
        var counted = TrafficFacts()
        var background = BackgroundFacts()
        sieve.state(into: &counted, &background, withServers: withServers)
        background.forgottenConnections -= sieve.forgottenNames
        reducer.state(into: &background)
        background.counted.formUnion(wholeCounted)
        let advances = facts.counters.clockAdvances
        background.joined.merge(totals.joins) { _, decided in decided }
        facts.counters = counted.counters
        facts.counters.losses = losses
        facts.counters.clockAdvances = advances
        facts.background = background
        numberFollowed()
        for place in facts.connections.indices {
            if let stream = streams[facts.connections[place].first.number] { facts.connections[place].stream = stream }
        }
        facts.connections.sort { ($0.stream, $0.first.number) < ($1.stream, $1.first.number) }
        return facts
    }

    /// Numbers the connections of which something was handed over since the last look.
    private func numberFollowed() {
        var isCounted = false
        for state in followed.values where state.firstFed >= 0 && streams[state.firstFed] == nil {
            if let known = oldNumbers[state.flow] {
                streams[state.firstFed] = known
                continue
            }
            if !isCounted { sieve.countStarts() }
            isCounted = true
            streams[state.firstFed] = sieve.number(of: state.flow)
        }
    }

    // MARK: Folding

    /// - Parameter now: the newest packet's time when the look began.
    private func foldIfDue(_ examination: Examination, at now: Timestamp) {
        let isCrowded = dissector.connectionCount > window.largestConnectionCount
        let isPressed = reducer.isCrowded
        guard let last = lastFold else {
            lastFold = now
            return
        }
        guard
            now - last >= window.step || isCrowded && now - last >= Self.shortestStep
                || isPressed && now - last >= pressedPause
        else { return }
        lastFold = now
        var settled = now - window.settling
        var gone = now - window.length
        if isCrowded {
            let ends = examination.connectionEnds.sorted()
            let middle = ends.isEmpty ? settled : ends[ends.count / 2]
            settled = max(settled, min(middle, now - Self.shortestStep))
            gone = max(gone, settled - Self.shortestStep)
        }
        if isPressed {
            // What was settled for a moment and could be told: there was a look before that showed it, and it has stood since.
            let latest = min(now - Self.pressedSettling, lastHorizon - Self.pressedStanding)
            let ends = examination.spanEnds.sorted()
            let middle = ends.isEmpty ? settled : ends[ends.count / 2]
            settled = max(settled, min(middle, latest))
            gone = max(gone, settled)
        }
        totals.fold(examination, before: settled)
        var context = gone > now - window.length ? examination.contextConnections(before: gone) : []
        // Of these something was read since that is older than the look, and not counted yet.
        for flow in late { if let first = followed[flow]?.firstFed { context.insert(first) } }
        forget(before: gone, examination, but: examination.unsettledConnections(at: settled), keeping: context)
        // What is not over cannot go, however often one looks.
        pressedPause = reducer.isCrowded ? min(pressedPause * 2, Self.shortestStep) : Self.pressedStep
    }

    private static var shortestStep: Nanoseconds { .seconds(5) }
    /// While room for spans is short: how often what is settled goes, for how long it was at least, and for how long a look had shown it.
    static var pressedStep: Nanoseconds { .milliseconds(250) }
    private static var pressedSettling: Nanoseconds { .seconds(1) }
    private static var pressedStanding: Nanoseconds { .milliseconds(100) }

    /// Of what is over for the sieve, nothing more is to come that would matter.
    private func letEndedGo(before time: Timestamp, frame: Int) {
        for (flow, words) in active {
            guard sieve.openFlow(words) != flow, let state = followed[flow], state.lookedThrough < frame else {
                continue
            }
            active[flow] = nil
        }
    }

    /// What was over before `time` is counted; its facts go.
    /// - Parameter context: first frames of connections whose facts stay beside what comes.
    private func forget(
        before time: Timestamp,
        _ examination: Examination,
        but unsettled: [Int: Timestamp],
        keeping context: Set<Int>
    ) {
        let place = checkpoints.lastIndex { $0.time <= time }
        guard let place else { return }
        let frame = checkpoints[place].frame
        checkpoints.removeFirst(place)
        letEndedGo(before: time, frame: frame)
        let open = Set(active.keys.compactMap { followed[$0]?.firstFed })
        let known = Set(examination.connections.lazy.map(\.first))
        let gone = dissector.forget(before: time) { first in
            // What came since was not looked at.
            if context.contains(first) || !known.contains(first) { return .context }
            if let since = unsettled[first] { return .awaited(since: since) }
            return open.contains(first) ? .followed : .over
        }
        totals.letGo(missedBytes: gone.missedBytes, droppedExchanges: gone.droppedExchanges)
        let facts = dissector.facts(final: false)
        var firsts: Set<Int> = []
        var requests: Set<Int> = []
        for connection in facts.connections {
            firsts.insert(connection.first.number)
            for exchange in connection.exchanges {
                if let number = exchange.request?.firstFrame.number { requests.insert(number) }
            }
        }
        let isNewWindow = (statistics.last ?? time) - windowStart >= window.length
        if isNewWindow { windowStart = statistics.last ?? time }
        reducer.forget(before: time, frame: frame, isNewWindow: isNewWindow, present: requests) { [sieve] span in
            sieve.openFlow(FlowWords(low: span.ends.low, high: span.ends.high)) == span.flow
        }
        wholeCounted = wholeCounted.filter { requests.contains($0) }
        for flow in followed.keys where !late.contains(flow) {
            followed[flow]?.forget(before: frame)
            guard let state = followed[flow], !firsts.contains(state.firstFed), !state.needsPackets else { continue }
            if state.lookedThrough < frame || state.isOver {
                followed[flow] = nil
                active[flow] = nil
            }
        }
        streams = streams.filter { firsts.contains($0.key) }
        if frame - lastForgotten > window.frameStep {
            lastForgotten = frame
            sieve.forgetStarts(before: frame, keeping: &oldNumbers)
        }
    }
}
