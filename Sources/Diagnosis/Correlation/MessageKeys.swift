import Model

/// What was asked, in numbers: equal texts have equal numbers, so that a pair of requests is compared without a look at a text.
///
/// Which attempt was made for which request is weighed pair by pair, hundreds of pairs an attempt, and again with every look of a live run.
struct MessageKeys {
    /// The parts of a request target; number 0 is the empty text.
    struct Target {
        /// Of the whole.
        var number: Int
        var path: Int
        /// UTF-8 bytes.
        var pathLength: Int
        var pathHasSlash: Bool
        var lastSegment: Int
        /// The first segment of the path.
        var start: Int
        var query: Int
    }

    struct Question {
        var method: Int
        var target: Target
        var host: Int?
        /// Value of x-request-id.
        var identity: Int?
        /// Content-Length.
        var bodyLength: Int64?
        /// Times of the first and the last packet.
        var first: Timestamp
        var last: Timestamp
        fileprivate var fields: Range<Int>
    }

    private enum Kind {
        /// Made up for each request, and passed on.
        case identity
        /// The client's, and passed on as a rule.
        case clients
        case forwardedFor, realIP
    }

    private struct Field {
        var kind: Kind
        var name: Int
        var value: Int
    }

    private var numbers: [Substring: Int] = ["": 0]
    private var texts: [Substring] = [""]
    private var targets: [String: Int] = [:]
    private var parts: [Target] = []
    private var fields: [Field] = []
    /// Of all exchanges of all connections, one connection after the other.
    private var questions: [Question?] = []
    /// Per connection: where its exchanges begin in `questions`, and the number of its client's address as text.
    private var offsets: [Int] = []
    private var clients: [Int] = []

    init(_ facts: TrafficFacts) {
        offsets.reserveCapacity(facts.connections.count)
        clients.reserveCapacity(facts.connections.count)
        var addresses: [IPAddress: Int] = [:]
        for connection in facts.connections {
            offsets.append(questions.count)
            let client = connection.client.address
            let known = addresses[client] ?? number(Substring(client.description))
            addresses[client] = known
            clients.append(known)
            for exchange in connection.exchanges {
                if let request = exchange.request {
                    questions.append(question(request))
                } else {
                    questions.append(nil)
                }
            }
        }
    }

    /// Position of an exchange among all.
    func place(_ connection: Int, _ exchange: Int) -> Int { offsets[connection] + exchange }

    subscript(connection: Int, exchange: Int) -> Question? { questions[place(connection, exchange)] }

    func text(_ number: Int) -> Substring { texts[number] }

    // MARK: Numbering

    private mutating func number(_ text: Substring) -> Int {
        if let known = numbers[text] { return known }
        numbers[text] = texts.count
        texts.append(text)
        return texts.count - 1
    }

    private mutating func target(_ text: String) -> Target {
        if let known = targets[text] { return parts[known] }
        let path = TargetRelation.path(text)
        let target = Target(
            number: parts.count,
            path: number(path),
            pathLength: path.utf8.count,
            pathHasSlash: path.utf8.contains(UInt8(ascii: "/")),
            lastSegment: number(TargetRelation.lastSegment(path)),
            start: number(TargetRelation.start(text)),
            query: number(TargetRelation.query(text))
        )
        targets[text] = parts.count
        parts.append(target)
        return target
    }

    private mutating func question(_ request: RequestFacts) -> Question {
        let first = fields.count
        var identity: Int?
        for line in request.fields {
            guard let kind = Self.kind(line.name) else { continue }
            let field = Field(kind: kind, name: number(line.name[...]), value: number(line.value[...]))
            fields.append(field)
            if identity == nil, line.name == "x-request-id" { identity = field.value }
        }
        var bodyLength: Int64?
        if case .contentLength(let length) = request.body.framing { bodyLength = length }
        return Question(
            method: number(request.method[...]),
            target: target(request.target),
            host: request.host.map { number($0[...]) },
            identity: identity,
            bodyLength: bodyLength,
            first: request.firstFrame.time,
            last: request.lastFrame.time,
            fields: first..<fields.count
        )
    }

    private static func kind(_ name: String) -> Kind? {
        switch name {
        case "x-request-id", "traceparent", "x-amzn-trace-id", "cf-ray", "x-correlation-id", "x-cloud-trace-context":
            .identity
        case "cookie", "authorization", "user-agent", "range", "if-none-match", "content-type": .clients
        case "x-forwarded-for": .forwardedFor
        case "x-real-ip": .realIP
        default: nil
        }
    }

    // MARK: Comparing

    /// Gateways strip or replace prefixes and may drop the scheme and authority of an absolute form (RFC 9112 §3.2).
    func relation(_ left: Question, _ right: Question) -> TargetRelation {
        let (left, right) = (left.target, right.target)
        if left.number == right.number { return .equal }
        if left.path == right.path { return .samePath }
        let (long, short) = left.pathLength > right.pathLength ? (left, right) : (right, left)
        // What ends in a path with a slash ends in its last segment.
        if short.pathLength > 1, !short.pathHasSlash || long.lastSegment == short.lastSegment,
            texts[long.path].hasSuffix(texts[short.path])
        {
            return .suffix
        }
        if left.lastSegment != 0, left.lastSegment == right.lastSegment { return .lastSegment }
        return left.query != 0 && left.query == right.query ? .sameQuery : .unrelated
    }

    /// What the header fields of an upstream request say of whether it was made for that of a client.
    /// - Parameter connection: the client's.
    func fieldScore(_ wanted: Question, _ asked: Question, connection: Int) -> Int {
        var score = 0
        for field in fields[asked.fields] {
            switch field.kind {
            case .identity:
                if let mine = value(field.name, wanted) { score += mine == field.value ? 60 : -20 }
            case .clients:
                if let mine = value(field.name, wanted) { score += mine == field.value ? 3 : -8 }
            case .forwardedFor:
                let client = clients[connection]
                score += field.value == client || texts[field.value].hasSuffix(texts[client]) ? 8 : -8
            case .realIP:
                score += field.value == clients[connection] ? 8 : -8
            }
        }
        return score
    }

    /// Of the first field of that name.
    private func value(_ name: Int, _ question: Question) -> Int? {
        for field in fields[question.fields] where field.name == name { return field.value }
        return nil
    }
}

/// What was answered, as far as pairs are compared by it: without the texts, which cost most where it is copied.
struct ReplyKeys {
    var isComplete: Bool
    var status: Int?
    var first: Timestamp
    /// Body bytes and their digest.
    var seen: Int64
    var digest: UInt64
    /// A gateway may have refused it: then its own error has another status.
    var mayBeRefused: Bool

    init(_ response: ResponseFacts) {
        isComplete = response.completion == .complete
        status = response.status
        first = response.firstFrame.time
        seen = response.body.seen
        digest = response.body.digest
        mayBeRefused =
            !response.deviations.isEmpty || response.headBytes >= HeaderTooLarge.smallestLimit
            || response.fieldCount >= TooManyHeaders.smallestLimit
    }
}
