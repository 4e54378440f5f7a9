import Model

/// One search for a name's addresses, with all that was sent for it: A and AAAA, resends, a second server, TCP after a
/// truncated answer, the names of a search list.
struct Lookup {
    /// The name as the gateway knows it: of a search list the shortest.
    var name: String
    let asker: IPAddress
    let start: Timestamp
    /// In the order in which they were sent, at most 64.
    private(set) var queries: [Query] = []
    private(set) var lastSent: Timestamp

    struct Query {
        var name: String
        var id: UInt16
        var type: UInt16
        var server: Endpoint
        var sent: FrameReference
        var answer: Answer?
    }

    struct Answer {
        var frame: FrameReference
        var result: Result
    }

    enum Result {
        case good([IPAddress])
        case failed(Failure)
        /// TC=1 and no address: the question is open until it was asked over TCP (RFC 7766 §5).
        case truncated
    }

    /// Raw values are the variants of `dns-failure`. In the order in which the worse hides the better.
    enum Failure: String, Comparable {
        case nodata, nxdomain, notImplemented = "notimp", formatError = "formerr", refused, servfail, unreachable,
            timeout

        private var rank: Int {
            switch self {
            case .nodata: 0
            case .nxdomain: 1
            case .notImplemented: 2
            case .formatError: 3
            case .refused: 4
            case .servfail: 5
            case .unreachable: 6
            case .timeout: 7
            }
        }

        static func < (left: Failure, right: Failure) -> Bool { left.rank < right.rank }
    }

    enum State {
        case good([IPAddress])
        case failed(Failure, at: Timestamp)
        case pending
    }

    static let maximumQueries = 64
    /// The record types that lead to an address (RFC 1035 §3.2.2, RFC 3596 §2.1, RFC 2782).
    static let address: Set<UInt16> = [1, 28, 33]

    init(_ first: DNSFacts) {
        name = first.name
        asker = first.client.address
        start = first.frame.time
        lastSent = start
    }

    /// Returns the query's index; nil where the lookup is full.
    mutating func ask(_ message: DNSFacts) -> Int? {
        lastSent = max(lastSent, message.frame.time)
        if message.name.utf8.count < name.utf8.count { name = message.name }
        guard queries.count < Self.maximumQueries else { return nil }
        queries.append(
            Query(name: message.name, id: message.id, type: message.type, server: message.server, sent: message.frame)
        )
        return queries.count - 1
    }

    mutating func answer(_ query: Int, _ message: DNSFacts) {
        queries[query].answer = Answer(frame: message.frame, result: Self.result(message))
    }

    mutating func reject(_ query: Int, _ frame: FrameReference) {
        guard queries[query].answer == nil else { return }
        queries[query].answer = Answer(frame: frame, result: .failed(.unreachable))
    }

    /// RFC 1035 §4.1.1, RCODE; no record of the type asked for is "no data" (RFC 2308 §2.2).
    private static func result(_ message: DNSFacts) -> Result {
        if !message.addresses.isEmpty { return .good(message.addresses) }
        switch message.responseCode {
        // The records of a service name no address by themselves; those that the capture cut off may.
        case 0 where message.type == 33 || message.missingAnswers > 0 && !message.isTruncated: return .good([])
        case 0: return message.isTruncated ? .truncated : .failed(.nodata)
        case 1: return .failed(.formatError)
        case 2: return .failed(.servfail)
        case 3: return .failed(.nxdomain)
        case 4: return .failed(.notImplemented)
        case 5: return .failed(.refused)
        default: return .failed(.servfail)
        }
    }

    /// What the asker knew at that moment.
    func state(at time: Timestamp) -> State {
        var addresses: [IPAddress] = []
        var isGood = false
        /// The last word on each type: a later name of the search list, a later server or a resend replaces the one before.
        var last: [UInt16: Query] = [:]
        for query in queries where query.sent.time <= time {
            if let answer = query.answer, answer.frame.time <= time {
                if case .good(let found) = answer.result {
                    isGood = true
                    addresses += found
                }
            }
            last[query.type] = query
        }
        if isGood { return .good(addresses) }
        var worst: Failure?
        var decided = start
        for query in last.values {
            guard let answer = query.answer, answer.frame.time <= time, case .failed(let failure) = answer.result else {
                return .pending
            }
            worst = max(worst ?? failure, failure)
            decided = max(decided, answer.frame.time)
        }
        guard let worst else { return .pending }
        return .failed(worst, at: decided)
    }

    /// A query was sent between the two times.
    func hasQuery(from: Timestamp, until: Timestamp) -> Bool {
        queries.contains { $0.sent.time >= from && $0.sent.time <= until }
    }

    /// What a lookup without an answer has come to, once its asker gave up: an ICMP error to any of its queries tells why.
    func unanswered(at time: Timestamp) -> Failure {
        let isRejected = queries.contains { query in
            guard let answer = query.answer, answer.frame.time <= time, case .failed(.unreachable) = answer.result
            else {
                return false
            }
            return true
        }
        return isRejected ? .unreachable : .timeout
    }

    /// All addresses that any of its answers gave.
    var addresses: [IPAddress] {
        queries.flatMap { query -> [IPAddress] in
            guard case .good(let found) = query.answer?.result else { return [] }
            return found
        }
    }

    /// Time of the first good answer.
    var answered: FrameReference? {
        queries.lazy.compactMap { query -> FrameReference? in
            guard let answer = query.answer, case .good = answer.result else { return nil }
            return answer.frame
        }.first
    }

    /// Whether a further query belongs to this lookup: it is open, or was decided so shortly before that the asker went on to the next type,
    /// server, or name of its search list.
    func isContinued(by message: DNSFacts) -> Bool {
        let time = message.frame.time
        switch state(at: time) {
        case .pending:
            // The longest pause between resends: 5 s (nginx, glibc, Go); HAProxy 1 s.
            return time - lastSent <= .seconds(7)
        case .good:
            // The other type, asked beside the first.
            return time - start <= .milliseconds(50) && !hasAsked(message) || repeatsFailure(message)
        case .failed(_, let decided):
            guard time - decided <= .milliseconds(100) else { return false }
            // After an ICMP error glibc and c-ares send the same message again at once, from another port (httpd and Envoy, as run).
            return !hasAsked(message) || message.name != name || queries.contains { $0.id == message.id }
        }
    }

    /// Go asks again at once for the one type that a server could not answer, though the other gave an address.
    private func repeatsFailure(_ message: DNSFacts) -> Bool {
        guard let last = queries.last(where: { $0.name == message.name && $0.type == message.type }),
            let answer = last.answer, case .failed(let failure) = answer.result,
            failure != .nodata, failure != .nxdomain
        else { return false }
        return message.frame.time - answer.frame.time <= .milliseconds(100)
    }

    private func hasAsked(_ message: DNSFacts) -> Bool {
        queries.contains { $0.name == message.name && $0.type == message.type && $0.server == message.server }
    }
}
