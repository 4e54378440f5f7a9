package import Model

/// Which parts of which connections of a capture are dissected, by what the sieve found.
package struct KeptFlows: Sendable {
    /// First frames of all connections, and of ICMP errors that named one before.
    private var starts: FrameSet
    /// First frames of the spans.
    private var froms = FrameSet()
    private var spans: [Int: FlowSpan] = [:]
    /// Connections that an ICMP error had numbered before their first frame.
    private let numberedEarlier: [Int: Int]

    package init(starts: FrameSet, spans: [FlowSpan], numberedEarlier: [Int: Int]) {
        self.starts = starts
        self.numberedEarlier = numberedEarlier
        self.starts.countRanks()
        for span in spans {
            froms.insert(span.from)
            let known = self.spans[span.from]
            if known == nil || known?.through ?? 0 < span.through { self.spans[span.from] = span }
        }
    }

    /// The span that begins with this frame.
    @inline(__always)
    func span(from frame: Int) -> FlowSpan? { froms.contains(frame) ? spans[frame] : nil }

    /// First frames of all spans, ascending.
    var beginnings: [Int] { spans.keys.sorted() }

    /// A span begins with this frame.
    @inline(__always)
    func isBeginning(_ frame: Int) -> Bool { froms.contains(frame) }

    @inline(__always)
    func startsConnection(_ frame: Int) -> Bool { starts.contains(frame) }

    /// Wireshark's number of the connection that begins with this frame.
    package func stream(startingAt frame: Int) -> Int {
        starts.rank(numberedEarlier[frame] ?? frame)
    }
}
