import Model

/// Requests that ask the same at the same time: of two attempts that were taken for tries of one of them, either may have been another's.
struct Twins {
    private struct Key: Hashable {
        var gateway: Endpoint
        var method: String
        var target: String
    }

    private struct Entry {
        var start: Timestamp
        var end: Timestamp
        /// When its attempts began.
        var attempts: [Timestamp]
    }

    /// Requests with several attempts of which one failed, in the order of their starts.
    private var entries: [Key: [Entry]] = [:]
    /// The latest few suffice, and bound the work.
    private static let reach = 64

    init(_ join: Join) {
        for request in join.requests where request.attempts.count > 1 {
            let attempts = request.attempts.map { join.attempts[$0] }
            guard let key = Self.key(request, join), attempts.contains(where: { $0.verdict != nil }) else { continue }
            let id = join.request(of: request)?.field("x-request-id")
            entries[key, default: []].append(
                Entry(
                    start: request.start,
                    end: request.end ?? Timestamp(nanoseconds: .max),
                    // One that carries the request's own id is certainly its own.
                    attempts: attempts.filter { id == nil || join.request(of: $0)?.field("x-request-id") != id }
                        .map(\.start)
                )
            )
        }
        for key in entries.keys { entries[key]?.sort { $0.start < $1.start } }
    }

    private static func key(_ request: ClientRequest, _ join: Join) -> Key? {
        join.request(of: request).map { Key(gateway: request.gateway, method: $0.method, target: $0.target) }
    }

    /// One of a twin's attempts began while this request was open.
    func mayHaveAttempt(of request: ClientRequest, _ join: Join) -> Bool {
        guard let key = Self.key(request, join), let same = entries[key] else { return false }
        let end = request.end ?? Timestamp(nanoseconds: .max)
        return same[..<same.partitionPoint { $0.start > end }].suffix(Self.reach).contains { twin in
            twin.end >= request.start && twin.attempts.contains { $0 >= request.start && $0 <= end }
        }
    }
}
