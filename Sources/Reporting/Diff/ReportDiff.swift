/// What changed between two reports, for before and after a change.
package struct ReportDiff: Sendable {
    package enum Change: String, Sendable, CaseIterable {
        case new, worse, same, better, gone
    }

    struct Amount: Sendable, Equatable {
        var count: Int
        /// Of these many requests (or exchanges); nil where a report does not say.
        var total: Int?
    }

    struct Cause: Sendable {
        var cause: String
        var upstream: String?
        var isNearMiss: Bool
        var title: String?
        var blame: String?
        var before: Amount
        var after: Amount
        var change: Change
        /// Whether the requests are enough to say so, and not chance.
        var isCertain: Bool
    }

    struct Upstream: Sendable {
        var endpoint: String
        var before: ReportFile.Upstream?
        var after: ReportFile.Upstream?
        /// Of failures by exchanges.
        var change: Change
        var isCertain: Bool
        /// Of the median first byte time; nil where either is not known.
        var speed: Change?
    }

    let before: ReportFile
    let after: ReportFile
    /// Of failed requests by all requests.
    let whole: (change: Change, isCertain: Bool)
    /// The worst change first.
    let causes: [Cause]
    let upstreams: [Upstream]

    package init(_ before: ReportFile, _ after: ReportFile) {
        self.before = before
        self.after = after
        whole = ReportDiff.change(
            Amount(count: before.failed ?? 0, total: before.requests),
            Amount(count: after.failed ?? 0, total: after.requests)
        )
        causes = ReportDiff.causes(before, after)
        upstreams = ReportDiff.upstreams(before, after)
    }

    /// Something is new or worse, and not by chance: what `--fail-on worse` fails on.
    package var isWorse: Bool {
        causes.contains { !$0.isNearMiss && ($0.change == .new || $0.change == .worse && $0.isCertain) }
            || whole.change == .worse && whole.isCertain
    }

    private struct Key: Hashable {
        var cause: String
        var upstream: String?
        var isNearMiss: Bool
    }

    private static func causes(_ before: ReportFile, _ after: ReportFile) -> [Cause] {
        func sums(_ file: ReportFile) -> [Key: (count: Int, finding: ReportFile.Finding)] {
            var sums: [Key: (count: Int, finding: ReportFile.Finding)] = [:]
            for finding in file.findings {
                let key = Key(cause: finding.cause, upstream: finding.upstream, isNearMiss: finding.isNearMiss)
                sums[key] = ((sums[key]?.count ?? 0) &+ finding.count, finding)
            }
            return sums
        }
        let (old, new) = (sums(before), sums(after))
        let found = Set(old.keys).union(new.keys).map { key -> Cause in
            let then = Amount(count: old[key]?.count ?? 0, total: before.requests)
            let now = Amount(count: new[key]?.count ?? 0, total: after.requests)
            var (change, isCertain) = change(then, now)
            if old[key] == nil { (change, isCertain) = (.new, true) }
            if new[key] == nil { change = .gone }
            let finding = new[key]?.finding ?? old[key]?.finding
            return Cause(
                cause: key.cause,
                upstream: key.upstream,
                isNearMiss: key.isNearMiss,
                title: finding?.title,
                blame: finding?.blame,
                before: then,
                after: now,
                change: change,
                isCertain: isCertain
            )
        }
        func rank(_ cause: Cause) -> (Int, Int, Int, String) {
            (
                cause.isNearMiss ? 1 : 0, Change.allCases.firstIndex(of: cause.change) ?? 0,
                -max(cause.before.count, cause.after.count), "\(cause.cause) \(cause.upstream ?? "")"
            )
        }
        return found.sorted { rank($0) < rank($1) }
    }

    private static func upstreams(_ before: ReportFile, _ after: ReportFile) -> [Upstream] {
        Set(before.upstreams.keys).union(after.upstreams.keys).sorted().map { endpoint in
            let (old, new) = (before.upstreams[endpoint], after.upstreams[endpoint])
            var (change, isCertain) = change(
                Amount(count: old?.failures ?? 0, total: old?.exchanges),
                Amount(count: new?.failures ?? 0, total: new?.exchanges)
            )
            if old == nil { (change, isCertain) = (.new, true) }
            if new == nil { (change, isCertain) = (.gone, true) }
            return Upstream(
                endpoint: endpoint,
                before: old,
                after: new,
                change: change,
                isCertain: isCertain,
                speed: speed(old?.firstByte, new?.firstByte)
            )
        }
    }

    /// Half as much again, or two thirds, and a millisecond at least: less is weather.
    private static func speed(_ before: ReportFile.Times?, _ after: ReportFile.Times?) -> Change? {
        guard let old = before?.median, let new = after?.median else { return nil }
        let difference = Double(new) - Double(old)
        guard difference.magnitude >= 1_000_000 else { return .same }
        if Double(new) >= Double(old) * 1.5 { return .worse }
        return Double(new) * 1.5 <= Double(old) ? .better : .same
    }

    /// Rates are compared where both totals are known, counts elsewhere. Certain is a difference of two standard errors of
    /// the pooled rate, which chance gives once in twenty times (the test of two proportions).
    static func change(_ before: Amount, _ after: Amount) -> (change: Change, isCertain: Bool) {
        let (old, new) = (Double(before.count), Double(after.count))
        guard let oldTotal = before.total, let newTotal = after.total, oldTotal > 0, newTotal > 0 else {
            // Of Poisson counts the difference has their sum as its variance.
            let isCertain = (new - old).magnitude >= 2 * (new + old).squareRoot()
            return (new > old ? .worse : new < old ? .better : .same, new == old || isCertain)
        }
        let (m, n) = (Double(max(oldTotal, before.count)), Double(max(newTotal, after.count)))
        let difference = new / n - old / m
        let pooled = (new + old) / (m + n)
        let error = (pooled * (1 - pooled) * (1 / m + 1 / n)).squareRoot()
        if difference == 0 { return (.same, true) }
        return (difference > 0 ? .worse : .better, difference.magnitude >= 2 * error)
    }
}
