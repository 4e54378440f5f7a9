import Model

/// The decisive packets of one occurrence, one a row, between the columns of those who sent them.
struct Ladder {
    enum Span {
        case toClient, fromClient, toUpstream, fromUpstream
        /// No connection's packet: a name query, ARP, an ICMP error.
        case beside
    }

    struct Row {
        /// Empty where it is not known.
        var frame: String
        /// Nil where it is not known, as for the client's answer that is no packet of the verdict.
        var time: Timestamp?
        /// Milliseconds since the first row.
        var offset: String
        var span: Span
        var isReset: Bool
        var role: String
    }

    private(set) var rows: [Row] = []
    private(set) var hasClient = false

    /// More rows than this are cut in the middle: a ladder that needs scrolling shows nothing.
    static let rowLimit = 10

    init(_ occurrence: Occurrence, rowLimit: Int = Ladder.rowLimit) {
        let client = occurrence.client
        // Where nothing was dialled, the connection is the client's own.
        let isClientLeg = client != nil && (occurrence.stream == nil || occurrence.stream == client?.stream)
        let start = occurrence.frames.first?.time
        for frame in occurrence.frames {
            let isOutcome = frame.number == client?.frame
            let span: Span =
                switch frame.direction {
                case nil: isOutcome ? .toClient : .beside
                case .fromClient?: isClientLeg ? .fromClient : .toUpstream
                case .fromServer?: isClientLeg || isOutcome ? .toClient : .fromUpstream
                }
            rows.append(
                Row(
                    frame: String(frame.number),
                    time: frame.time,
                    offset: start.map { Numbers.offset(frame.time - $0) } ?? "",
                    span: span,
                    isReset: frame.role.contains("RST"),
                    role: SafeText.terminal(TargetMask.maskedText(frame.role), limit: 160)
                )
            )
        }
        if rows.count > rowLimit, rowLimit > 6 {
            let cut = rows.count - rowLimit + 1
            let gap = Row(
                frame: "...",
                time: nil,
                offset: "",
                span: .beside,
                isReset: false,
                role: "\(cut) more packets"
            )
            rows.replaceSubrange(5..<(5 + cut), with: [gap])
        }
        // Said last where none of the rows that are left shows it.
        if let client, !rows.contains(where: { $0.frame == client.frame.map(String.init) }) {
            let outcome = Phrases.outcome(client)
            rows.append(
                Row(
                    frame: client.frame.map(String.init) ?? "",
                    time: nil,
                    offset: "",
                    span: .toClient,
                    isReset: false,
                    role: outcome
                )
            )
        }
        hasClient = rows.contains { $0.span == .toClient || $0.span == .fromClient }
    }

    /// - Returns: a heading and the rows; empty without packets.
    func lines(width: Int, indent: Int, unicode: Bool) -> [String] {
        guard !rows.isEmpty else { return [] }
        let frameWidth = max(5, rows.map(\.frame.count).max() ?? 0)
        let offsetWidth = max(8, rows.map(\.offset.count).max() ?? 0)
        let lead = String(repeating: " ", count: indent)
        let heading =
            lead + Layout.padLeft("frame", frameWidth) + "  " + Layout.padLeft("ms", offsetWidth) + "   "
            + (hasClient ? "client   " : "") + "gateway  upstream"
        let margin = indent + frameWidth + 2 + offsetWidth + 3 + (hasClient ? 9 : 0) + 19
        return [heading]
            + rows.flatMap { row in
                let left =
                    lead + Layout.padLeft(row.frame, frameWidth) + "  " + Layout.padLeft(row.offset, offsetWidth)
                    + "   " + rails(row, unicode: unicode)
                return Layout.wrap(row.role, width: width - margin).enumerated().map { index, text in
                    Layout.pad(index == 0 ? left : "", margin) + text
                }
            }
    }

    /// Three rails, nine columns apart, under the fourth letter of their names.
    private func rails(_ row: Row, unicode: Bool) -> String {
        let bar = unicode ? "│" : "|"
        let line = unicode ? "─" : "-"
        let left = row.isReset ? (unicode ? "✗" : "X") : (unicode ? "◀" : "<")
        let right = row.isReset ? (unicode ? "✗" : "X") : (unicode ? "▶" : ">")
        let shaft = String(repeating: line, count: 7)
        let space = String(repeating: " ", count: 8)
        let clientLeg: String
        switch row.span {
        case .toClient: clientLeg = bar + left + shaft
        case .fromClient: clientLeg = bar + shaft + right
        default: clientLeg = bar + space
        }
        let upstreamLeg: String
        switch row.span {
        case .toUpstream: upstreamLeg = bar + shaft + right + bar
        case .fromUpstream: upstreamLeg = bar + left + shaft + bar
        case .beside: upstreamLeg = bar + "   " + (unicode ? "·" : ".") + "    " + bar
        default: upstreamLeg = bar + space + bar
        }
        return "   " + (hasClient ? clientLeg : "") + upstreamLeg
    }
}
