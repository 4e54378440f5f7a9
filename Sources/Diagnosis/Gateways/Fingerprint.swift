import Model

/// What one message gives away about the gateway that made it.
struct Fingerprint {
    enum Strength: Int, Comparable {
        /// Others could send it too: a client that speaks HTTP/1.0, one that writes its field names in lower case.
        case weak
        /// Only this product does it by itself.
        case strong

        static func < (left: Strength, right: Strength) -> Bool { left.rawValue < right.rawValue }
    }

    var kind: GatewayKind
    var strength: Strength
    /// What was seen, as the end of a sentence: "its error page is signed nginx".
    var evidence: String

    init(_ kind: GatewayKind, _ strength: Strength, _ evidence: String) {
        self.kind = kind
        self.strength = strength
        self.evidence = evidence
    }

    /// The maker of an error response of its own.
    init?(response: ResponseFacts) {
        guard let status = response.status, status >= 400 else { return nil }
        let marks = GatewayKind.allCases.lazy.compactMap { $0.profile.mark(in: response) }
        guard let best = marks.max(by: { $0.strength < $1.strength }) else { return nil }
        self = best
    }

    /// The sender of a request, by what gateways add to it or change in it.
    init?(request: RequestFacts) {
        let marks = GatewayKind.allCases.lazy.compactMap { $0.profile.mark(in: request) }
        guard let best = marks.max(by: { $0.strength < $1.strength }) else { return nil }
        self = best
    }
}

/// What one product does that can be seen from outside, each with the version in which it was seen.
protocol GatewayProfile {
    /// An error response that this product made itself (GATEWAYS.md, "Who made this answer").
    static func mark(in response: ResponseFacts) -> Fingerprint?
    /// A request that this product sent upstream.
    static func mark(in request: RequestFacts) -> Fingerprint?
    /// What it answers its client for a cause by default; nil where that is not known or depends on settings.
    static func statuses(for cause: Cause) -> Set<Int>?
    /// It refuses a response head with this deviation whatever its configuration.
    static func rejects(_ deviation: Deviation.Kind) -> Bool
    /// It refuses a head of this size by default.
    static func refusesHead(of response: ResponseFacts) -> Bool
    /// It takes bytes that are no status line for the body of an HTTP/0.9 answer, and gives them to its client with a 200.
    static func takesForBody(_ response: ResponseFacts) -> Bool
    /// It can be told to take a server for dead that answers errors.
    static var mayTakeErrorsForDeath: Bool { get }
}

extension GatewayProfile {
    static func mark(in response: ResponseFacts) -> Fingerprint? { nil }
    static func mark(in request: RequestFacts) -> Fingerprint? { nil }
    static func statuses(for cause: Cause) -> Set<Int>? { nil }
    static func rejects(_ deviation: Deviation.Kind) -> Bool { false }
    static func refusesHead(of response: ResponseFacts) -> Bool { false }
    static func takesForBody(_ response: ResponseFacts) -> Bool { false }
    static var mayTakeErrorsForDeath: Bool { false }
}

extension ResponseFacts {
    func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    /// Whether the first bytes of the body hold `text`. Bounded: at most 512 bytes are kept.
    func bodyContains(_ text: String) -> Bool {
        let needle = Array(text.utf8)
        guard !needle.isEmpty, bodyPrefix.count >= needle.count else { return false }
        return (0...(bodyPrefix.count - needle.count)).contains {
            bodyPrefix[$0..<($0 + needle.count)].elementsEqual(needle)
        }
    }

    var server: String { field("server")?.lowercased() ?? "" }
}

extension RequestFacts {
    /// Without what Envoy writes anew for each try (x-envoy-attempt-count, x-envoy-expected-rq-timeout-ms).
    var fieldsOfTheClient: [FieldLine] { fields.filter { !$0.name.hasPrefix("x-envoy-") } }

    func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }
}
