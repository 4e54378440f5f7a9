import Model

/// How an upstream fares of late.
struct UpstreamHealth {
    enum State: Int, Comparable {
        /// Nothing was asked of it.
        case idle
        case good
        /// Some attempts failed.
        case degraded
        /// Half of them or more.
        case failing

        static func < (left: State, right: State) -> Bool { left.rawValue < right.rawValue }

        var name: String { "\(self)" }
    }

    /// Minutes that count as late.
    static let minutes = 5

    let recent: UpstreamFigures
    let state: State

    init(_ upstream: Picture.Upstream, at minute: Int64) {
        var sum = UpstreamFigures()
        for entry in upstream.minutes where entry.minute > minute - Int64(Self.minutes) { sum.add(entry.figures) }
        recent = sum
        // A connect that failed is an attempt without an exchange.
        let attempts = max(sum.exchanges, sum.failures)
        if attempts == 0 && sum.connections == 0 {
            state = .idle
        } else if sum.failures == 0 {
            state = .good
        } else {
            state = sum.failures * 2 >= attempts ? .failing : .degraded
        }
    }
}
