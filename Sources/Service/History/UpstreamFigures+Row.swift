import GRDB

extension UpstreamFigures {
    /// A row of `upstream_minute`. Buckets of another version are left out.
    init(_ row: Row) {
        self.init()
        connections = row["connections"] ?? 0
        exchanges = row["exchanges"] ?? 0
        failures = row["failures"] ?? 0
        resets = row["resets"] ?? 0
        retransmissions = row["retransmissions"] ?? 0
        connectTimes = BucketCounts(text: row["connect_buckets"], total: row["connect_total"])
        firstByteTimes = BucketCounts(text: row["first_byte_buckets"], total: row["first_byte_total"])
    }
}

extension BucketCounts {
    /// "0,3,1".
    var text: String { counts.map(String.init).joined(separator: ",") }

    fileprivate init(text: String?, total: Int64?) {
        let counts = (text ?? "").split(separator: ",").map { Int($0) ?? -1 }
        self = BucketCounts(counts: counts, total: total ?? 0) ?? BucketCounts()
    }
}
