package import Model

/// The parser of one connection, as the connection table makes and reads it.
package protocol ConnectionParser: ApplicationParser {
    /// - Parameter startsAtBeginning: the capture has the SYN or SYN-ACK, so offset 0 is the first byte of the stream.
    init(startsAtBeginning: Bool)
    /// Writes what the bytes told so far into `facts`; changes nothing, so that a snapshot may ask at any time.
    func state(into facts: inout ConnectionFacts)
    /// Ordinary exchanges were left out: both directions stand between messages, at these offsets.
    mutating func jump(client: Int64, server: Int64)
    /// What was over before `time` is not asked for any more.
    mutating func forget(before time: Timestamp)
    /// DNS messages that this connection, whose ends are `client` and `server`, carried.
    func dnsMessages(client: Endpoint, server: Endpoint) -> [DNSFacts]
}

extension ConnectionParser {
    package mutating func forget(before time: Timestamp) {}
}
