package import Model

/// From captured packets to facts about connections, names, neighbours and the capture itself.
///
/// One owner; nothing is shared. Packet time is the only clock. Memory is bounded by what is open plus the facts of
/// what is over.
package final class Dissector {
    private var decoder = PacketDecoder()
    private var table = ConnectionTable<ApplicationDispatcher>()
    private var dns: [DNSFacts] = []
    private var isFinished = false

    package init() {}

    /// Takes one packet, in the order of the capture. `bytes` are only used during the call.
    package func process(_ record: PacketRecord, _ bytes: RawSpan) {
        decoder.decode(record, bytes) { segment, packet in
            table.accept(segment, record, packet)
        }
        for error in decoder.drainICMPErrors() { table.attach(error) }
        dns += decoder.drainDNS()
    }

    /// The capture is over: what still waits is delivered as far as it goes. Packets after it are still taken.
    package func finish() {
        guard !isFinished else { return }
        isFinished = true
        decoder.finish()
        table.finish()
    }

    /// Everything stated so far; open connections as they stand, `isClosed` false. A snapshot disturbs nothing.
    ///
    /// - Parameter final: finish first.
    package func facts(final: Bool) -> TrafficFacts {
        if final { finish() }
        var facts = TrafficFacts()
        facts.dns = dns
        facts.neighbours = decoder.neighbours
        facts.counters = decoder.counters
        table.state(into: &facts)
        return facts
    }
}

extension ApplicationDispatcher: ConnectionParser {}
