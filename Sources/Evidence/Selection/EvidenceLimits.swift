/// How much evidence is kept.
package struct EvidenceLimits: Sendable {
    /// Packets and captured bytes of a finding; decisive packets are kept beyond that.
    package var packets = 20_000
    package var bytes = 16 << 20
    /// Captured bytes of all findings together; where there are many, each gets its share.
    package var totalBytes = 64 << 20
    /// Listed occurrences of a finding whose packets are kept.
    package var occurrences = Int.max
    /// Payload that is kept of no packet: headers only.
    package var dropsPayload = false

    package init() {}

    static let smallestShare = 256 << 10

    func share(of findings: Int) -> Int {
        min(bytes, max(Self.smallestShare, totalBytes / max(1, findings)))
    }
}
