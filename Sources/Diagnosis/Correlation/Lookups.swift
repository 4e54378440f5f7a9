import Model

/// What the hosts of the capture asked of name servers, and which of it explains a failed request.
struct Lookups {
    /// By asking address, in the order in which they began.
    private var all: [IPAddress: [Lookup]] = [:]
    /// Positions in `all` of a name's lookups, by asking address.
    private var byName: [IPAddress: [String: [Int]]] = [:]
    /// Good lookups of a name by whoever asked, in the order of their answers. Not those of the gateways' clients, who may be told
    /// other addresses.
    private var answered: [String: [Lookup]] = [:]
    /// The names that were ever given for an address.
    private var names: [IPAddress: Set<String>] = [:]
    /// Addresses that ask listeners of the capture for something: their lookups are their own business.
    private let clients: Set<IPAddress>
    /// Halves of lookups, in time order: answers, and ICMP errors about queries, without the query.
    private var strays: [IPAddress: [Timestamp]] = [:]
    private let hosts: [IPAddress: Int]

    /// What a gateway's error may lag behind the answer that caused it (as run on a loaded machine: up to 0.1 s).
    private static let lag: Nanoseconds = .milliseconds(300)
    /// How long a query may be open before that counts as failure: name servers that must ask others take less.
    private static let patience: Nanoseconds = .milliseconds(900)
    /// Names whose state is looked at for one request, and lookups per request: bound the work.
    private static let reach = 256

    private struct Key: Hashable {
        var client: Endpoint
        var server: Endpoint
        var id: UInt16
        var type: UInt16
        var name: String
    }

    init(_ join: Join) {
        hosts = join.map.host
        clients = Set(join.requests.lazy.map(\.client.address).filter { !join.map.roles.gateways.contains($0) })
        var open: [Key: (asker: IPAddress, lookup: Int, query: Int)] = [:]
        var sockets: [Endpoint: (asker: IPAddress, lookup: Int, query: Int)] = [:]
        enum Event {
            case message(DNSFacts)
            case rejection(ICMPErrorFacts)
        }
        var events: [(frame: FrameReference, event: Event)] = join.facts.dns
            .filter { Lookup.address.contains($0.type) && !Self.isBesideTheMatter($0.name) }
            .map { ($0.frame, .message($0)) }
        events += join.facts.strayICMPErrors.filter { $0.quotedProtocol == 17 && $0.quotedDestination.port == 53 }
            .map { ($0.frame, .rejection($0)) }
        events.sort { ($0.frame.time, $0.frame.number) < ($1.frame.time, $1.frame.number) }
        for (frame, event) in events {
            switch event {
            case .rejection(let error):
                guard let place = sockets[error.quotedSource] else {
                    strays[error.quotedSource.address, default: []].append(frame.time)
                    continue
                }
                all[place.asker]?[place.lookup].reject(place.query, frame)
            case .message(let message):
                let key = Key(
                    client: message.client,
                    server: message.server,
                    id: message.id,
                    type: message.type,
                    name: message.name
                )
                guard message.isResponse else {
                    let lookup = place(message)
                    if let query = all[message.client.address]?[lookup].ask(message) {
                        open[key] = (message.client.address, lookup, query)
                        sockets[message.client] = (message.client.address, lookup, query)
                    }
                    continue
                }
                if let place = open.removeValue(forKey: key) {
                    all[place.asker]?[place.lookup].answer(place.query, message)
                } else {
                    strays[message.client.address, default: []].append(frame.time)
                }
            }
        }
        indexAnswers()
    }

    private mutating func indexAnswers() {
        for (asker, lookups) in all where !clients.contains(asker) {
            for lookup in lookups where !lookup.addresses.isEmpty {
                answered[lookup.name, default: []].append(lookup)
                for address in lookup.addresses { names[address, default: []].insert(lookup.name) }
            }
        }
        for name in answered.keys {
            answered[name]?.sort {
                ($0.answered?.time ?? $0.start, $0.start) < ($1.answered?.time ?? $1.start, $1.start)
            }
        }
    }

    /// Lookups that serve no dialling: reverse mapping (RFC 1035 §3.5, RFC 3596 §2.5) and the discovery of proxies and services.
    private static func isBesideTheMatter(_ name: String) -> Bool {
        name.hasSuffix(".arpa") || name.hasSuffix(".local") || name == "wpad" || name.hasPrefix("wpad.")
            || name.hasPrefix("_") && name.contains("._udp.")
    }

    /// The index of the lookup that a query belongs to, a new one where it begins one.
    private mutating func place(_ message: DNSFacts) -> Int {
        let asker = message.client.address
        if let index = open(for: message) {
            if byName[asker]?[message.name]?.last != index {
                byName[asker, default: [:]][message.name, default: []].append(index)
            }
            return index
        }
        let index = all[asker]?.count ?? 0
        all[asker, default: []].append(Lookup(message))
        byName[asker, default: [:]][message.name, default: []].append(index)
        return index
    }

    private func open(for message: DNSFacts) -> Int? {
        guard let known = all[message.client.address] else { return nil }
        if let index = byName[message.client.address]?[message.name]?.last, known[index].isContinued(by: message) {
            return index
        }
        // The next name of a search list: a part of it is the name that was asked for before, or it is a part of that one.
        return known.indices.suffix(8).last {
            Self.areOfOneSearch(known[$0].name, message.name) && known[$0].isContinued(by: message)
        }
    }

    private static func areOfOneSearch(_ left: String, _ right: String) -> Bool {
        left != right && (left.hasPrefix(right + ".") || right.hasPrefix(left + "."))
            || left.firstIndex(of: ".").map { right.hasPrefix(left[...$0]) && left != right } ?? false
    }

    /// The addresses from which a gateway may have asked: its own, and those of which nothing else is known.
    private func askers(_ host: Int) -> [IPAddress] {
        Set(all.keys).union(strays.keys).filter { asker in
            let own = hosts[asker] ?? -1
            return !clients.contains(asker) && (own == host || own == -1)
        }.sorted()
    }

    /// Whether the capture holds queries of that gateway: then it covers a side of it that is not the client's.
    func areSeen(_ host: Int, _ request: ClientRequest, _ join: Join) -> Bool {
        all.keys.contains { hosts[$0] == host && host >= 0 && !clients.contains($0) }
    }

    /// The capture holds only a half of some lookup of the gateway while the request was open: it may have failed.
    func isHalfSeen(_ request: ClientRequest, _ join: Join) -> Bool {
        guard let end = request.end else { return false }
        let (from, until) = (request.start - Join.slack, end + Join.slack)
        return askers(join.host(request.gateway.address)).contains { asker in
            let times = strays[asker] ?? []
            let next = times.partitionPoint { $0 >= from }
            if next < times.count, times[next] <= until { return true }
            let lookups = all[asker] ?? []
            let last = lookups.partitionPoint { $0.start > until }
            return lookups[..<last].suffix(Self.reach).contains { lookup in
                guard lookup.start >= from, case .pending = lookup.state(at: until) else { return false }
                return true
            }
        }
    }

    struct Found {
        var lookup: Lookup
        var failure: Lookup.Failure
        var isBackground: Bool
        var horizon: Timestamp
    }

    // MARK: For one request

    /// A lookup that failed while the request was open, and at whose failure the gateway gave up.
    func failure(during request: ClientRequest, _ join: Join) -> Found? {
        guard let end = request.end else { return nil }
        let until = end + Join.slack
        var best: (found: Found, distance: Nanoseconds)?
        for asker in askers(join.host(request.gateway.address)) {
            let lookups = all[asker] ?? []
            let next = lookups.partitionPoint { $0.start > until }
            for lookup in lookups[..<next].suffix(Self.reach).reversed() {
                guard let (failure, distance) = failure(of: lookup, request, end: end, until: until) else { continue }
                if best == nil || distance < best?.distance ?? 0 {
                    best = (Found(lookup: lookup, failure: failure, isBackground: false, horizon: until), distance)
                }
            }
        }
        return best?.found
    }

    private func failure(
        of lookup: Lookup,
        _ request: ClientRequest,
        end: Timestamp,
        until: Timestamp
    ) -> (Lookup.Failure, Nanoseconds)? {
        switch lookup.state(at: until) {
        case .good: return nil
        case .failed(.unreachable, _), .pending:
            // nginx waits on after an ICMP error, so that the error's time says nothing. A request that comes while another one's lookup
            // is open waits for the same.
            guard end - lookup.start >= Self.patience, end - max(request.start, lookup.start) >= Self.lag,
                lookup.start - request.start <= Self.lag || lookup.start - request.start <= (end - request.start) / 2,
                end - lookup.lastSent <= .seconds(31)
            else {
                guard case .failed(let failure, let decided) = lookup.state(at: until), decided >= request.start,
                    end - decided <= Self.lag, lookup.hasQuery(from: request.start - Join.slack, until: until)
                else { return nil }
                return (failure, end - decided)
            }
            return (lookup.unanswered(at: until), distance(lookup.start - request.start))
        case .failed(let failure, let decided):
            guard decided + Join.slack >= request.start, end - decided <= Self.lag else { return nil }
            return (failure, distance(end - decided))
        }
    }

    /// A name whose latest state before the request is failure, where the gateway resolves in the background and answered at once. Not
    /// one that had other addresses than those that requests like this one were sent to.
    func failure(before request: ClientRequest, _ join: Join, dialled: Set<IPAddress>) -> Found? {
        guard let end = request.end, let asked = join.request(of: request), end - asked.lastFrame.time <= .seconds(1)
        else { return nil }
        var best: (found: Found, since: Timestamp)?
        for asker in askers(join.host(request.gateway.address)) {
            for (_, indices) in (byName[asker] ?? [:]).sorted(by: { $0.key < $1.key }).prefix(Self.reach) {
                guard let found = state(of: indices, asker, at: request.start) else { continue }
                let given = Set(indices.suffix(64).flatMap { all[asker]?[$0].addresses ?? [] })
                if !dialled.isEmpty, !given.isEmpty, given.isDisjoint(with: dialled) { continue }
                if best == nil || found.lookup.start > best?.since ?? found.lookup.start {
                    best = (found, found.lookup.start)
                }
            }
        }
        return best?.found
    }

    /// The failure that a name had come to at that time; nil where its latest state was good, or nothing was known yet.
    private func state(of indices: [Int], _ asker: IPAddress, at time: Timestamp) -> Found? {
        guard let lookups = all[asker] else { return nil }
        let next = indices.partitionPoint { lookups[$0].start > time }
        for (age, index) in indices[..<next].suffix(8).reversed().enumerated() {
            let lookup = lookups[index]
            switch lookup.state(at: time) {
            case .good: return nil
            case .failed(let failure, _):
                return Found(lookup: lookup, failure: failure, isBackground: true, horizon: time)
            case .pending:
                // What was just asked may still be answered: the state is the one before. What is abandoned was in vain.
                guard age > 0 || time - lookup.start >= Self.patience else { continue }
                return Found(
                    lookup: lookup,
                    failure: lookup.unanswered(at: time),
                    isBackground: true,
                    horizon: time
                )
            }
        }
        return nil
    }

    // MARK: Without client leg

    /// Lookups that came to nothing, of that gateway, one an entry.
    func failures(of host: Int, until horizon: Timestamp, repeatsAtOnce: Bool) -> [Found] {
        var result: [Found] = []
        for asker in askers(host) where hosts[asker] == host {
            var found: [Found] = []
            for lookup in all[asker] ?? [] {
                switch lookup.state(at: horizon) {
                case .good: continue
                case .failed(let failure, _):
                    found.append(Found(lookup: lookup, failure: failure, isBackground: false, horizon: horizon))
                case .pending:
                    guard horizon - lookup.lastSent >= .seconds(2) else { continue }
                    found.append(
                        Found(
                            lookup: lookup,
                            failure: lookup.unanswered(at: horizon),
                            isBackground: false,
                            horizon: horizon
                        )
                    )
                }
            }
            result += repeatsAtOnce ? Self.withoutRepeats(found) : found
        }
        return result
    }

    // MARK: Addresses

    /// The names that had given that address to anybody before that time, with the newest answer to each at that time.
    func newest(for address: IPAddress, before time: Timestamp) -> [(name: String, given: Lookup, newest: Lookup)] {
        (names[address] ?? []).sorted().prefix(8).compactMap { name in
            guard let newest = newest(for: name, before: time),
                let given = latest(of: name, before: time, giving: address)
            else { return nil }
            return (name, given, newest)
        }
    }

    private func latest(of name: String, before time: Timestamp, giving address: IPAddress) -> Lookup? {
        let lookups = answered[name] ?? []
        let next = lookups.partitionPoint { ($0.answered?.time ?? $0.start) >= time }
        return lookups[..<next].last { $0.addresses.contains(address) }
    }

    /// The newest good answer for a name at that time.
    func newest(for name: String, before time: Timestamp) -> Lookup? {
        let lookups = answered[name] ?? []
        let next = lookups.partitionPoint { ($0.answered?.time ?? $0.start) >= time }
        return lookups[..<next].last
    }

    /// Whether the name was given that address again after that time.
    func isGivenAgain(_ address: IPAddress, for name: String, after time: Timestamp) -> Bool {
        let lookups = answered[name] ?? []
        let next = lookups.partitionPoint { ($0.answered?.time ?? $0.start) >= time }
        return lookups[next...].contains { $0.addresses.contains(address) }
    }

    // MARK: Repeats

    /// Go puts a question that a server could not answer a second time at once, as a new message and for each type by itself (`attempts`;
    /// Caddy 2.6.2 as run): the lookups are as many as the type that was asked most often began.
    private static func withoutRepeats(_ found: [Found]) -> [Found] {
        var begun: [String: [UInt16: [Int]]] = [:]
        var chains: [String: [UInt16: [Lookup.Query]]] = [:]
        var result: [Found] = []
        for (place, entry) in found.enumerated() {
            guard entry.failure != .nxdomain, entry.failure != .nodata, entry.failure != .timeout else {
                result.append(entry)
                continue
            }
            let name = entry.lookup.name
            for query in entry.lookup.queries where query.name == name {
                let chain = chains[name]?[query.type] ?? []
                if isRepeat(query, of: chain) {
                    chains[name]?[query.type]?.append(query)
                    continue
                }
                chains[name, default: [:]][query.type] = [query]
                begun[name, default: [:]][query.type, default: []].append(place)
            }
        }
        for types in begun.values {
            let most = types.sorted { $0.key < $1.key }.max { $0.value.count < $1.value.count }
            result += (most?.value ?? []).map { found[$0] }
        }
        return result.sorted { ($0.lookup.start, $0.lookup.name) < ($1.lookup.start, $1.lookup.name) }
    }

    private static func isRepeat(_ query: Lookup.Query, of chain: [Lookup.Query]) -> Bool {
        guard let answer = chain.last?.answer, case .failed = answer.result else { return false }
        let pause = query.sent.time - answer.frame.time
        return pause >= 0 && pause <= .milliseconds(5) && chain.count { $0.server == query.server } < 2
    }
}
