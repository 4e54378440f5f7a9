package import Model

/// What a capture that never ends asks of the reducer: what is new, what must not wait, and to forget.
extension Reducer {
    /// From now on `takeChanges` tells what is new.
    package mutating func noteChanges() { kept.notesChanges = true }

    /// Spans that are new or not what they were at the last call, each once.
    package mutating func takeChanges() -> [FlowSpan] {
        guard !kept.changes.isEmpty else { return [] }
        var seen: Set<Int> = []
        let result = kept.changes.compactMap { from in seen.insert(from).inserted ? kept.spans[from] : nil }
        kept.changes.removeAll(keepingCapacity: true)
        return result
    }

    /// Keeps at once what else would be kept when the order of events is certain, and what they may have been given: somebody waits for the
    /// verdict.
    package mutating func hasten(_ suspects: [Suspect]) {
        for suspect in suspects where suspect.kind == .exchange || suspect.kind == .connect || suspect.kind == .odd {
            guard keep(suspect) else { continue }
            guard suspect.kind != .connect else { continue }
            for inner in pending.nested(in: suspect, slack: slack) {
                keep(inner.span, for: suspect.server, at: suspect.end)
            }
        }
    }

    /// Exchanges that may be kept yet, for what else becomes known: their packets are worth remembering.
    package var remembered: [FlowSpan] {
        var spans: [FlowSpan] = []
        for server in servers.prefix(4_096) {
            guard let pair = server.recent else { continue }
            spans.append(pair.inner)
            if let outer = pair.outer { spans.append(outer) }
        }
        // Where the clients' leg is not seen, nobody claims any.
        if !passings.isEmpty { spans += pending.unclaimed(4_096) }
        return spans
    }

    /// Forgets what concerns frames before `frame`, which were over before `time`.
    /// - Parameters:
    ///   - isNewWindow: what stands beside a failure is wanted as often again as in the beginning.
    ///   - present: first frames of requests of which facts are still there.
    ///   - isOpen: whether the connection that begins with a frame is still there.
    package mutating func forget(
        before time: Timestamp,
        frame: Int,
        isNewWindow: Bool,
        present: Set<Int>,
        isOpen: (FlowSpan) -> Bool
    ) {
        kept.forget(before: frame, present: present, isOpen: isOpen)
        givenUp.forget(before: time)
        suspects.removeAll { $0.end < time }
        unresolved.removeAll { $0.end < time }
        waited.removeAll { $0.to < time }
        nextWaited = 0
        oddities = oddities.compactMapValues { entries in
            let left = entries.filter { $0.suspect.end >= time }
            return left.isEmpty ? nil : left
        }
        sampled = sampled.filter { $0.key >= frame }
        oddQuestions = WordFilter()
        for question in oddities.keys { oddQuestions.insert(question) }
        // A flood of invented servers must not cost the real ones their places for good.
        if servers.count >= Self.largestServerCount {
            serverNumbers = NumberTable<Endpoint>(largest: Self.largestServerCount)
            servers = []
        }
        for number in servers.indices {
            let recent = servers[number].recent.flatMap { $0.inner.through >= frame ? $0 : nil }
            guard isNewWindow else {
                servers[number].recent = recent
                continue
            }
            let nextBeat = servers[number].nextBeat
            servers[number] = Server()
            servers[number].nextBeat = nextBeat
            servers[number].recent = recent
        }
    }

    /// Less than half of the room for spans is left: what is settled should be counted and go.
    package var isCrowded: Bool { kept.isHalfFull }

    /// Parts of connections that are kept.
    package var keptCount: Int { kept.spans.count + kept.flows.count + kept.counted.count + kept.own.count }

    /// What waits for something else to become known.
    package var heldCount: Int {
        suspects.count + unresolved.count + waited.count + oddities.count + sampled.count + passings.count
            + servers.count + diallers.keys.count
    }
}

extension KeptSpans {
    mutating func forget(before frame: Int, present: Set<Int>, isOpen: (FlowSpan) -> Bool) {
        spans = spans.filter { from, span in
            if span.through == .max { return from >= frame || isOpen(span) }
            return span.through >= frame
        }
        recountLoads()
        touched.forget(before: frame)
        touchedFrom = max(touchedFrom, frame)
        let flowsLeft = Set(spans.values.map(\.flow))
        flows = flows.filter { flowsLeft.contains($0.key) }
        let isThere = { (number: Int) in number >= frame || present.contains(number) }
        counted = counted.filter(isThere)
        partners = partners.filter { isThere($0.key) }
        own = own.filter(isThere)
        bystanders = bystanders.filter(isThere)
    }
}
