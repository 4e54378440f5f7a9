import Model

/// The ladder of one occurrence as a drawing: a line down the page for each host, an arrow for each packet.
struct LadderDrawing {
    private let ladder: Ladder
    /// By time, those of unknown time last: of several flows the packets are listed flow by flow.
    private let rows: [Ladder.Row]
    private let wait: LongestWait?
    private let occurrence: Occurrence
    private let id: String

    /// More packets than this are cut in the middle.
    static let rowLimit = 24

    private static let width = 480.0
    private static let right = 462.0
    private static let labelLeft = 132.0
    private static let lineHeight = 15.0
    /// Of a letter of the page's sans-serif at 12.5 px, on average and rather too much.
    private static let characterWidth = 7.0
    /// Characters of a role that fit beside the numbers.
    private static let labelColumns = 40

    init(_ occurrence: Occurrence, id: String) {
        self.occurrence = occurrence
        self.id = id
        ladder = Ladder(occurrence, rowLimit: LadderDrawing.rowLimit)
        rows = LadderDrawing.byTime(ladder.rows)
        wait = LongestWait(rows)
    }

    /// As it is where a row in the middle stands for packets that were left out.
    static func byTime(_ rows: [Ladder.Row]) -> [Ladder.Row] {
        let timed = rows.prefix { $0.time != nil }
        guard rows[timed.endIndex...].allSatisfy({ $0.time == nil }) else { return rows }
        let sorted = timed.enumerated().sorted {
            ($0.element.time?.nanoseconds ?? .max, $0.offset) < ($1.element.time?.nanoseconds ?? .max, $1.offset)
        }
        return sorted.map(\.element) + rows[timed.endIndex...]
    }

    private var clientX: Double { LadderDrawing.labelLeft + 16 }
    private var gatewayX: Double { ladder.hasClient ? 306 : LadderDrawing.labelLeft + 16 }
    private var upstreamX: Double { LadderDrawing.right - 14 }

    /// Empty without packets.
    func markup() -> Markup {
        guard !rows.isEmpty else { return .empty }
        var parts: [Markup] = []
        var y = 58.0
        for (index, row) in rows.enumerated() {
            if let wait, wait.standsOut, index > 0, row.time == wait.end, wait.behind.frame == row.frame {
                parts.append(gap(wait, y))
                y += 34
            }
            let lines = Layout.wrap(row.role, width: LadderDrawing.labelColumns)
            let arrow = y + Double(max(lines.count, 1)) * LadderDrawing.lineHeight + 3
            parts += labels(row, lines, y)
            parts.append(arrowhead(row, arrow))
            y = arrow + 13
        }
        let height = y + 8
        return Drawing.image(
            id,
            width: LadderDrawing.width,
            height: height,
            title: "Ladder of the packets that decide",
            description: description,
            .joined([heading(), rails(from: 46, to: height - 4)] + parts)
        )
    }

    private var description: String {
        let steps = rows.map { row -> String in
            let number = row.frame.isEmpty ? "" : "frame \(row.frame), "
            let offset = row.offset.isEmpty ? "" : " at \(row.offset) ms"
            return "\(number)\(LadderDrawing.way(row.span)): \(row.role)\(offset)"
        }
        return steps.joined(separator: "; ") + "."
    }

    /// "client to gateway"; for packets of no connection "beside the connections".
    static func way(_ span: Ladder.Span) -> String {
        switch span {
        case .toClient: "gateway to client"
        case .fromClient: "client to gateway"
        case .toUpstream: "gateway to upstream"
        case .fromUpstream: "upstream to gateway"
        case .beside: "beside the connections"
        }
    }

    private func heading() -> Markup {
        var parts = [
            Drawing.text(44, 22, "frame", "head", anchor: "end"),
            Drawing.text(116, 22, "ms", "head", anchor: "end"),
            Drawing.text(gatewayX, 22, "gateway", "head", anchor: ladder.hasClient ? "middle" : "start"),
            Drawing.text(LadderDrawing.right + 14, 22, "upstream", "head", anchor: "end"),
        ]
        if ladder.hasClient { parts.append(Drawing.text(clientX - 18, 22, "client", "head")) }
        let isUpstreamLeg = occurrence.client.map { $0.stream != occurrence.stream } ?? true
        if isUpstreamLeg, let from = occurrence.from, let to = occurrence.to {
            parts.append(
                Drawing.text(gatewayX, 38, from.description, "address", anchor: ladder.hasClient ? "middle" : "start")
            )
            // Two long addresses would lie over each other.
            if from.description.count + to.description.count < 44 {
                parts.append(Drawing.text(LadderDrawing.right + 14, 38, to.description, "address", anchor: "end"))
            }
        }
        return .joined(parts)
    }

    private func rails(from top: Double, to bottom: Double) -> Markup {
        let all = ladder.hasClient ? [clientX, gatewayX, upstreamX] : [gatewayX, upstreamX]
        return .joined(all.map { Drawing.line($0, top, $0, bottom, "rail") })
    }

    /// A role stands over its arrow where it fits there; else it ends where its leg ends.
    private func labels(_ row: Ladder.Row, _ lines: [String], _ y: Double) -> [Markup] {
        let first = y + 11
        let isClientLeg = row.span == .toClient || row.span == .fromClient
        let leg = isClientLeg ? (clientX, gatewayX) : (gatewayX, upstreamX)
        let room = Int((leg.1 - leg.0 - 12) / LadderDrawing.characterWidth)
        let fits = isClientLeg || lines.allSatisfy { $0.count <= room }
        var parts = lines.enumerated().map { index, line in
            Drawing.text(
                fits ? leg.0 + 8 : leg.1 - 8,
                first + Double(index) * LadderDrawing.lineHeight,
                line,
                row.isReset ? "role reset" : "role",
                anchor: fits ? "start" : "end"
            )
        }
        parts.append(Drawing.text(44, first, row.frame, "frame", anchor: "end"))
        parts.append(Drawing.text(116, first, row.offset, "offset", anchor: "end"))
        return parts
    }

    private func arrowhead(_ row: Ladder.Row, _ y: Double) -> Markup {
        let ends: (from: Double, to: Double)
        switch row.span {
        case .toClient: ends = (gatewayX, clientX)
        case .fromClient: ends = (clientX, gatewayX)
        case .toUpstream: ends = (gatewayX, upstreamX)
        case .fromUpstream: ends = (upstreamX, gatewayX)
        case .beside: return beside(y)
        }
        let way = ends.to > ends.from ? 1.0 : -1.0
        let kind = row.isReset ? "arrow reset" : "arrow"
        let tip = ends.to - way * 1.5
        let shaft = Drawing.line(ends.from, y, tip - way * (row.isReset ? 6 : 8), y, kind)
        func point(_ x: Double, _ y: Double) -> String { "\(Drawing.number(x)) \(Drawing.number(y))" }
        if row.isReset {
            let centre = tip - way * 6
            let cross =
                "M\(point(centre - 4.5, y - 4.5))L\(point(centre + 4.5, y + 4.5))"
                + "M\(point(centre - 4.5, y + 4.5))L\(point(centre + 4.5, y - 4.5))"
            return .joined([shaft, Drawing.path(cross, "cross")])
        }
        let head = "M\(point(tip, y))L\(point(tip - way * 9, y - 4.5))L\(point(tip - way * 9, y + 4.5))Z"
        return .joined([shaft, Drawing.path(head, "tip")])
    }

    /// No connection's packet: a dotted line between gateway and upstream, without a direction that nobody knows.
    private func beside(_ y: Double) -> Markup {
        Drawing.line(gatewayX + 6, y, upstreamX - 6, y, "beside")
    }

    private func gap(_ wait: LongestWait, _ y: Double) -> Markup {
        .joined([
            Drawing.rectangle(
                LadderDrawing.labelLeft,
                y - 2,
                LadderDrawing.right - LadderDrawing.labelLeft + 14,
                24,
                "wait"
            ),
            Drawing.text(LadderDrawing.labelLeft + 8, y + 14, "\(Numbers.duration(wait.length)) wait", "waiting"),
        ])
    }
}
