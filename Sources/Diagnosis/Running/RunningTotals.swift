package import Model

/// What a run has found so far, of requests whose facts need not be there any more: bounded, however long the run.
package struct RunningTotals: Sendable {
    /// Client errors of which all is told; more are counted.
    package static let largestErrorCount = 1_000
    private static let largestRoleCount = 4_096

    private struct Requests {
        var total = 0
        var failed = 0
    }

    private struct UnresolvedError {
        var error: ClientError
        var keys: [FindingKey]
        /// Why no cause is named; nil where the finding says so.
        var why: String?
    }

    private struct Upstream {
        var exchanges = 0
        var failures = 0
        var firstBytes = DurationHistogram()
    }

    private var groups: [FindingKey: FindingTally] = [:]
    private var clients = Requests()
    private var unseen = Requests()
    private var seesClients = false
    private var errors: [UnresolvedError] = []
    private var errorCount = 0
    private var statuses: [Int: Int] = [:]
    private var upstreams: [Endpoint: Upstream] = [:]
    private var listeners: Set<Endpoint> = []
    private var roles = Roles()
    private var missedBytes: Int64 = 0
    private var droppedExchanges = 0
    /// First frames of requests and attempts that are counted here and may still be among the facts.
    private(set) var folded: Set<Int> = []
    /// Of them, for whom: of attempts the first frame of the request; of requests -1, as they want no other attempt. What belongs together is
    /// decided once: later a part of it is gone, and the rest must not be taken for somebody else's.
    package private(set) var joins: [Int: Int] = [:]
    private var hasFolded = false

    package init() {}

    /// Entries of all that it keeps.
    package var size: Int {
        groups.count + upstreams.count + listeners.count + roles.upstreams.count + folded.count + joins.count
    }

    private var failedRequests: Int { seesClients ? clients.failed : unseen.failed }

    /// Client errors that were taken and those that `examination` shows besides.
    package func clientErrorCount(with examination: Examination) -> Int {
        let join = examination.incidents.join
        return examination.requests.reduce(errorCount) { count, request in
            guard request.isOutermost, request.isSelected, let place = request.request,
                !folded.contains(request.identity.frame), join.requests[place].isClientError
            else { return count }
            return count + 1
        }
    }

    /// Takes the requests that were settled before `time`, each once.
    package mutating func fold(_ examination: Examination, before time: Timestamp) {
        let numbers = takeIncidents(examination, before: time)
        takeRequests(examination, numbers, before: time)
        takeAttempts(examination, before: time)
        note(examination)
        var present: Set<Int> = []
        for request in examination.requests {
            present.insert(request.identity.frame)
            if request.identity.settled < time, folded.insert(request.identity.frame).inserted {
                joins[request.identity.frame] = -1
            }
        }
        for (place, attempt) in examination.attempts.enumerated() {
            present.insert(attempt.frame)
            guard attempt.settled < time, folded.insert(attempt.frame).inserted else { continue }
            guard let parent = examination.incidents.join.attempts[place].parent else { continue }
            joins[attempt.frame] = examination.requests[parent].identity.frame
        }
        folded.formIntersection(present)
        joins = joins.filter { present.contains($0.key) }
        hasFolded = true
    }

    /// Bytes that were missed on connections whose facts go.
    package mutating func letGo(missedBytes: Int64, droppedExchanges: Int) {
        self.missedBytes = self.missedBytes.addingSaturating(missedBytes)
        self.droppedExchanges &+= droppedExchanges
    }

    private func isDue(_ identity: Examination.Identity, before time: Timestamp) -> Bool {
        identity.settled < time && !folded.contains(identity.frame)
    }

    // MARK: Findings

    /// The findings of each request taken, in no order.
    private mutating func takeIncidents(_ examination: Examination, before time: Timestamp) -> [Int: [FindingKey]] {
        var members: [FindingKey: [Incident]] = [:]
        var keys: [Int: [FindingKey]] = [:]
        for incident in examination.selected where isDue(examination.identity(of: incident), before: time) {
            let key = FindingKey(incident)
            members[key, default: []].append(incident)
            if keys[incident.requestNumber]?.contains(key) != true {
                keys[incident.requestNumber, default: []].append(key)
            }
        }
        guard !members.isEmpty else { return keys }
        let sequences = SequencePoints(examination.facts.connections)
        for (key, incidents) in members {
            var tally = groups.removeValue(forKey: key) ?? FindingTally(key)
            tally.add(incidents)
            tally.add(sequences)
            groups[key] = tally
        }
        return keys
    }

    // MARK: Requests

    private mutating func takeRequests(
        _ examination: Examination,
        _ keys: [Int: [FindingKey]],
        before time: Timestamp
    ) {
        for (number, request) in examination.requests.enumerated() {
            let isFailed = keys[number]?.contains { $0.severity == .failure } ?? false
            if request.isOutermost { seesClients = true }
            guard isDue(request.identity, before: time) else { continue }
            guard request.isOutermost, let place = request.request else {
                if request.request == nil { unseen.total += 1 }
                if isFailed { unseen.failed += 1 }
                continue
            }
            guard request.isSelected else { continue }
            // Good ones are counted already.
            if !request.isCounted { clients.total += 1 }
            if isFailed {
                clients.failed += 1
                unseen.failed += 1
            }
            takeError(examination, place, keys[number] ?? [])
        }
        // Numbers beyond all that are listed.
        for (number, keys) in keys where number >= examination.requests.count {
            if keys.contains(where: { $0.severity == .failure }) { unseen.failed += 1 }
        }
    }

    private mutating func takeError(_ examination: Examination, _ number: Int, _ keys: [FindingKey]) {
        let incidents = examination.incidents
        let join = incidents.join
        let request = join.requests[number]
        // Of a loop whose first request was missed no client is known.
        guard request.isClientError, incidents.loops.roots[number]?.isHeadless != true else { return }
        errorCount += 1
        // Whatever a gateway answers: three digits.
        statuses[request.status ?? 0, default: 0] += 1
        guard errors.count < Self.largestErrorCount || examination.options.horizon == nil && !hasFolded else { return }
        errors.append(
            UnresolvedError(
                error: ClientError(
                    time: request.end ?? request.start,
                    status: request.status,
                    request: join.request(of: request).map(incidents.summary),
                    stream: join.facts.connections[request.connection].stream,
                    frame: join.response(of: request)?.firstFrame.number
                ),
                keys: keys,
                why: request.whyUnexplained
            )
        )
    }

    // MARK: Attempts

    private mutating func takeAttempts(_ examination: Examination, before time: Timestamp) {
        let join = examination.incidents.join
        for (index, attempt) in join.attempts.enumerated() where isDue(examination.attempts[index], before: time) {
            let exchange = join.request(of: attempt)
            let isCounted = exchange.map { examination.counted.contains($0.firstFrame.number) } ?? false
            if attempt.parent == nil, !attempt.isHealthCheck, isCounted { unseen.total -= 1 }
            guard upstreams[attempt.upstream] != nil || upstreams.count < Self.largestRoleCount else { continue }
            if attempt.verdict.map({ $0.cause != .clientAbort }) ?? false {
                upstreams[attempt.upstream, default: Upstream()].failures += 1
            }
            guard let exchange, !(join.facts.background?.counted.contains(exchange.firstFrame.number) ?? false) else {
                continue
            }
            upstreams[attempt.upstream, default: Upstream()].exchanges += 1
            if let response = join.response(of: attempt) {
                upstreams[attempt.upstream, default: Upstream()].firstBytes.add(
                    max(0, response.firstFrame.time - exchange.lastFrame.time)
                )
            }
        }
    }

    // MARK: Roles

    private mutating func note(_ examination: Examination) {
        let join = examination.incidents.join
        var known = join.map.roles
        known.software = examination.software
        if roles.gateways.isEmpty {
            roles = known
        } else {
            for (place, gateway) in known.gateways.enumerated()
            where !roles.gateways.contains(gateway) && roles.gateways.count < 64 {
                roles.gateways.append(gateway)
                if known.reasons.indices.contains(place) { roles.reasons.append(known.reasons[place]) }
            }
            let seen = Set(roles.upstreams)
            let new = known.upstreams.filter { !seen.contains($0) }
            if !new.isEmpty, roles.upstreams.count < Self.largestRoleCount {
                roles.upstreams = (roles.upstreams + new).sorted()
            }
            for software in known.software
            where !roles.software.contains(where: { $0.gateway == software.gateway }) && roles.software.count < 64 {
                roles.software.append(software)
            }
        }
        for (index, connection) in join.facts.connections.enumerated()
        where join.map.isClientLeg[index] && !join.map.isUpstreamLeg[index] && listeners.count < Self.largestRoleCount {
            listeners.insert(connection.server)
        }
    }

    // MARK: Report

    /// The report on everything that was taken and on what `examination` still shows.
    package func report(with examination: Examination) -> Report {
        var totals = self
        totals.fold(examination, before: Timestamp(nanoseconds: .max))
        let facts = examination.facts
        let join = examination.incidents.join
        let grouped = Grouping.findings(of: totals.groups)
        var report = Report()
        report.packets = facts.counters.packets
        report.firstPacket = facts.counters.first
        report.lastPacket = facts.counters.last
        report.quality = CaptureJudgement(facts).quality
        report.quality.add(missedBytes: missedBytes, droppedExchanges: droppedExchanges)
        report.roles = totals.roles
        report.isSelective = !examination.options.selection.selectsEverything
        report.findings = grouped.map(\.finding)
        report.countsClientRequests = totals.seesClients
        report.totalRequests = (totals.seesClients ? totals.clients : totals.unseen).total
        report.failedRequests = totals.failedRequests
        if let background = facts.background {
            let counted = totals.seesClients ? totals.listeners : Set(totals.roles.upstreams)
            let exchanges = background.selected ?? background.servers.mapValues(\.exchanges)
            report.totalRequests += exchanges.reduce(0) { $0 + (counted.contains($1.key) ? $1.value : 0) }
            // What was asked, and when, is not known of these: a report on some requests leaves them out.
            if !report.isSelective {
                report.notLookedAt = background.givenUpExchanges.reduce(0) {
                    $0 &+ (counted.contains($1.key) ? $1.value : 0)
                }
                report.totalRequests += report.notLookedAt
            }
        }
        report.clientErrors = totals.clientErrors(grouped)
        report.clientErrorStatuses = totals.statuses
        report.clientErrorsLeftOut = totals.errorCount - report.clientErrors.count
        if report.clientErrorsLeftOut > 0 {
            report.quality.notes.append(
                "\(report.clientErrorsLeftOut) further client errors are counted and not listed"
            )
        }
        if !hasFolded {
            report.upstreams =
                facts.background.map { Summaries.upstreams(join, $0) } ?? Summaries.upstreams(join)
        } else {
            report.upstreams = totals.upstreamSummaries(facts.background ?? BackgroundFacts(), join)
        }
        return report
    }

    private func clientErrors(_ grouped: [(key: FindingKey, finding: Finding)]) -> [ClientError] {
        var places: [FindingKey: Int] = [:]
        for (place, group) in grouped.enumerated() { places[group.key] = place }
        return errors.map { entry in
            let own = entry.keys.compactMap { places[$0] }.sorted().map { grouped[$0].finding }
            let determined = own.filter { $0.cause != .undetermined }
            var error = entry.error
            error.findings = determined.map(\.id)
            if determined.isEmpty {
                error.why = entry.why ?? own.first?.missing.first ?? "nothing in the capture explains it"
            }
            return error
        }.sorted { $0.time < $1.time }
    }

    private func upstreamSummaries(_ background: BackgroundFacts, _ join: Join) -> [UpstreamSummary] {
        var repetitions: [Endpoint: RepetitionCounts] = [:]
        for (index, connection) in join.facts.connections.enumerated() where join.map.isUpstreamLeg[index] {
            repetitions[connection.server, default: RepetitionCounts()] +=
                connection.fromClient.repetitions
            repetitions[connection.server, default: RepetitionCounts()] += connection.fromServer.repetitions
        }
        return roles.upstreams.map { endpoint in
            let known = background.servers[endpoint] ?? ServerStatistics()
            let own = upstreams[endpoint] ?? Upstream()
            var summary = UpstreamSummary(endpoint: endpoint)
            summary.connections = known.connections
            summary.exchanges = known.exchanges + own.exchanges
            summary.failures = own.failures
            summary.resets = known.resets
            summary.retransmissions = known.retransmissions
            summary.repetitions += repetitions[endpoint] ?? RepetitionCounts()
            summary.connectTime = DurationSummary(known.connectTimes)
            var firstBytes = known.firstByteTimes
            firstBytes.add(own.firstBytes)
            summary.firstByteTime = DurationSummary(firstBytes)
            summary.connectTimes = known.connectTimes
            summary.firstByteTimes = firstBytes
            return summary
        }.sorted { $0.endpoint < $1.endpoint }
    }
}

extension ClientRequest {
    fileprivate var isClientError: Bool {
        switch outcome {
        case .error, .noAnswer, .garbage: true
        case .aborted(_, let status): status == nil
        case .crossedClose: true
        case .answered, .cut, .open: false
        }
    }

    /// Why no finding names a cause, where none is needed to say so.
    fileprivate var whyUnexplained: String? {
        if case .crossedClose = outcome {
            return "the gateway's close of an idle client connection crossed the request; the client may repeat it"
        }
        if case .aborted = outcome { return "the client closed before any upstream was tried" }
        return nil
    }
}

extension Examination {
    /// One entry a product and host: a host of several addresses is named by its first.
    fileprivate var software: [GatewaySoftware] {
        var seen: Set<Int> = []
        return incidents.join.map.roles.gateways.compactMap { gateway in
            let host = incidents.join.host(gateway)
            guard let mark = incidents.gateways.marks[host], seen.insert(host).inserted else { return nil }
            return GatewaySoftware(gateway: gateway, name: mark.kind.rawValue, evidence: mark.evidence)
        }
    }
}

extension CaptureQuality {
    /// What is to be said of connections whose facts are not there any more.
    fileprivate mutating func add(missedBytes count: Int64, droppedExchanges: Int) {
        missedBytes = missedBytes.addingSaturating(count)
        if droppedExchanges > 0 {
            notes.append("\(droppedExchanges) exchanges of connections with very many were let go, for want of memory")
        }
        if count > 0, verdict == .good { verdict = .fair }
    }
}
