/// How a live run's `--max-memory` is shared out; the ring has its own.
///
/// What is left is for what has a bound of its own: the reducer's exchanges that wait for their partner (some 60 MiB when all of it is used), the
/// flow index (8 MiB) and the totals.
struct LiveMemory {
    /// Bytes for names and states of connections.
    var sieve: Int
    /// Bytes for packets that left the ring.
    var archive: Int
    /// Bytes of payload that waits for what is missing before it.
    var reassembly: Int
    /// Parts of connections that may be dissected.
    var spanCount: Int

    /// Bytes of one, with its share of a look.
    private static let spanCost = 24 << 10

    init(_ bytes: Int) {
        sieve = bytes / 4
        archive = bytes / 16 * 3
        reassembly = bytes / 16
        spanCount = max(256, bytes / 16 * 6 / Self.spanCost)
    }
}
