import Model

/// How connections end, and what is left to say of them then.
extension SieveLane {
    mutating func reset(_ index: Int, _ isUp: Bool) -> Bool {
        if !isUp { note(index) { $0.resets += 1 } }
        guard table.states[index].verdict == .ordinary else { return true }
        if table.states[index].isInExchange {
            tell(index, .exchange)
        } else if table.states[index].exchanges == 0, !table.states[index].isMidstream,
            !table.states[index].isDisturbed
        {
            tell(index, .connect)
        } else if isUp {
            judgeClose(index)
        }
        return true
    }

    mutating func finish(_ index: Int, _ isUp: Bool) -> Bool {
        if isUp { table.withState(index) { $0.upward.sawFIN = true } }
        if !isUp { table.withState(index) { $0.downward.sawFIN = true } }
        if table.states[index].verdict == .ordinary {
            if !isUp, table.states[index].responsePhase == .untilClose,
                table.states[index].requestPhase == .betweenMessages
            {
                let outcome = table.withState(index) { $0.endByClose() }
                act(on: outcome, index, false)
            } else if table.states[index].isInExchange {
                tell(index, .exchange)
            } else if isUp {
                judgeClose(index)
            }
        }
        return isUp ? table.states[index].downward.sawFIN : table.states[index].upward.sawFIN
    }

    /// The client ends the connection after a good answer, as far as the server's bytes tell.
    private mutating func judgeClose(_ index: Int) {
        guard table.states[index].exchanges > 0 else { return }
        if table.states[index].isAnswerUnacknowledged {
            // The answer never arrived as a whole.
            tell(index, .exchange, isInExchange: true)
        } else if table.states[index].wasCutShort, isWorthTelling(cutOf: index) {
            harvest.found.suspects.append(
                table.states[index].suspect(.cut, through: .max, ends(index), isInExchange: true)
            )
        }
    }

    /// Where it is a habit of the clients, a few of each server say so, ever rarer.
    private mutating func isWorthTelling(cutOf index: Int) -> Bool {
        let number = Int(table.states[index].serverNumber)
        guard number >= 0, number < Self.largestServerCount else { return true }
        while cuts.count <= number { cuts.append(0) }
        cuts[number] = cuts[number].addingSaturating(1)
        return cuts[number] <= Self.cutsPerServer || cuts[number].nonzeroBitCount == 1
    }

    enum Ending {
        case closed, seen, captureEnd
    }

    /// States what is left to say of a connection and lets it go.
    mutating func end(_ index: Int, _ ending: Ending) {
        guard table.states[index].flow >= 0 else { return }
        switch table.states[index].verdict {
        case .ordinary: judgeEnd(index, ending)
        case .foreign: tell(index, .foreign)
        case .told: break
        }
        note(index) { $0.connections += 1 }
        // A SYN that nobody answers is no hole in the capture.
        if !table.states[index].upward.hasSent || !table.states[index].downward.hasSent,
            table.states[index].upward.hasBrought || table.states[index].downward.hasBrought
        {
            oneWay += 1
        }
        release(index)
        if table.states[index].words.isWide { wide[table.states[index].words] = nil }
        table.remove(index)
    }

    private mutating func judgeEnd(_ index: Int, _ ending: Ending) {
        if table.states[index].isInExchange {
            tell(index, .exchange)
        } else if table.states[index].isAnswerUnacknowledged, ending != .closed {
            tell(index, .exchange, isInExchange: true)
        } else if table.states[index].upward.hasHole || table.states[index].downward.hasHole {
            tell(index, .odd)
        } else if table.states[index].exchanges == 0, table.states[index].disturbances == 0 {
            let isOpened = table.states[index].isConnected && table.states[index].downward.hasSent
            tell(index, isOpened || table.states[index].isMidstream ? .foreign : .connect)
        }
    }

    /// Lets the longest silent connections go, an eighth of all: their places are needed.
    mutating func evict() {
        var times = table.states.lazy.filter { $0.flow >= 0 }.map(\.lastTime)
            .sorted()
        guard !times.isEmpty else { return }
        let limit = times[times.count / 8]
        times = []
        for index in table.states.indices where table.states[index].flow >= 0 && table.states[index].lastTime <= limit {
            evicted += 1
            end(index, .seen)
        }
    }

    /// A request may cross the reset of an idle connection, or the reset be forged: the connection is looked at for a while yet.
    mutating func linger(_ index: Int) {
        guard !table.states[index].isLingering else { return }
        table.withState(index) { $0.isLingering = true }
        lingering.append(
            Lingering(index: index, flow: table.states[index].flow, time: table.states[index].lastTime)
        )
        if lingering.count - firstLingering > Self.largestLingeringCount { leave() }
    }

    /// The one that lingers longest goes.
    private mutating func leave() {
        let (index, flow) = (lingering[firstLingering].index, lingering[firstLingering].flow)
        firstLingering += 1
        if firstLingering * 2 > lingering.count {
            lingering.removeFirst(firstLingering)
            firstLingering = 0
        }
        // Not if something came after all.
        if table.states[index].flow == flow, table.states[index].isLingering { end(index, .closed) }
    }

    /// Packet time moved on: what was silent for two hours goes.
    mutating func sweep(at now: Timestamp) {
        while firstLingering < lingering.count,
            now.nanoseconds.subtractingSaturating(lingering[firstLingering].time) > Self.lingeringTime
        {
            leave()
        }
        guard lastSweep == .min || now.nanoseconds &- lastSweep > Self.idleTime / 8 else { return }
        lastSweep = now.nanoseconds
        for index in table.states.indices
        where table.states[index].flow >= 0 && now.nanoseconds &- table.states[index].lastTime > Self.idleTime {
            end(index, .seen)
        }
    }

    /// The capture is over.
    mutating func finish() {
        for index in table.states.indices where table.states[index].flow >= 0 { end(index, .captureEnd) }
    }
}
