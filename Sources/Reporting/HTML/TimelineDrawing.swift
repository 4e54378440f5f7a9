import Model

/// The same packets on an axis of time that is true to scale, a lane for each sender: what the ladder, which gives every
/// packet the same room, cannot show.
struct TimelineDrawing {
    private enum Lane: Int, CaseIterable {
        case client, gateway, upstream, beside

        var name: String {
            switch self {
            case .client: "client"
            case .gateway: "gateway"
            case .upstream: "upstream"
            case .beside: "other"
            }
        }
    }

    private struct Mark {
        var time: Timestamp
        var lane: Lane
        var isReset: Bool
        var frame: String
        var role: String
    }

    private let marks: [Mark]
    private let wait: LongestWait?
    private let id: String

    private static let width = 480.0
    private static let left = 76.0
    private static let right = 462.0
    private static let laneHeight = 26.0

    init(_ occurrence: Occurrence, id: String) {
        self.id = id
        let rows = Ladder(occurrence, rowLimit: LadderDrawing.rowLimit).rows
        wait = LongestWait(rows)
        marks = rows.compactMap { row in
            guard let time = row.time else { return nil }
            let lane: Lane =
                switch row.span {
                case .toClient, .toUpstream: .gateway
                case .fromClient: .client
                case .fromUpstream: .upstream
                case .beside: .beside
                }
            return Mark(time: time, lane: lane, isReset: row.isReset, frame: row.frame, role: row.role)
        }
    }

    /// Empty where all packets lie within a millisecond: there is nothing to see.
    func markup() -> Markup {
        guard let wait, wait.whole >= 1_000_000, marks.count > 1, let start = marks.map(\.time).min() else {
            return .empty
        }
        let lanes = Lane.allCases.filter { lane in marks.contains { $0.lane == lane } }
        let top = 26.0
        let bottom = top + Double(lanes.count) * TimelineDrawing.laneHeight
        func x(_ time: Timestamp) -> Double {
            let share = Double(time - start) / Double(max(1, wait.whole))
            return TimelineDrawing.left + share * (TimelineDrawing.right - TimelineDrawing.left)
        }
        func y(_ lane: Lane) -> Double {
            top + (Double(lanes.firstIndex(of: lane) ?? 0) + 0.5) * TimelineDrawing.laneHeight
        }
        var parts = [shade(wait, x(wait.start), x(wait.end), top, bottom)]
        for lane in lanes {
            parts.append(Drawing.text(TimelineDrawing.left - 12, y(lane) + 4, lane.name, "head", anchor: "end"))
            parts.append(Drawing.line(TimelineDrawing.left, y(lane), TimelineDrawing.right, y(lane), "rail"))
        }
        parts += axis(wait.whole, bottom)
        for mark in marks { parts.append(draw(mark, x(mark.time), y(mark.lane))) }
        return Drawing.image(
            id,
            width: TimelineDrawing.width,
            height: bottom + 30,
            title: "The same packets in time, true to scale",
            description: "\(marks.count) packets over \(Numbers.duration(wait.whole)). \(wait.sentence)",
            .joined(parts)
        )
    }

    private func shade(_ wait: LongestWait, _ from: Double, _ to: Double, _ top: Double, _ bottom: Double) -> Markup {
        guard wait.standsOut else { return .empty }
        let label = Numbers.duration(wait.length)
        // Near an end of the axis the label would leave the drawing.
        let middle = min(max((from + to) / 2, TimelineDrawing.left + 24), TimelineDrawing.right - 24)
        return .joined([
            Drawing.rectangle(from, top - 2, to - from, bottom - top + 2, "wait"),
            Drawing.text(middle, top - 8, label, "waiting", anchor: "middle"),
        ])
    }

    private func draw(_ mark: Mark, _ x: Double, _ y: Double) -> Markup {
        func point(_ dx: Double, _ dy: Double) -> String { "\(Drawing.number(x + dx)) \(Drawing.number(y + dy))" }
        let label = Markup.element("title", [:], .text("frame \(mark.frame): \(mark.role)"))
        let shape: Markup =
            mark.isReset
            ? Drawing.path("M\(point(-5, -5))L\(point(5, 5))M\(point(-5, 5))L\(point(5, -5))", "cross")
            : .element(
                "circle",
                ["class": "mark", "cx": Drawing.number(x), "cy": Drawing.number(y), "r": "4.5"],
                .empty
            )
        return tag("g") {
            label
            shape
        }
    }

    /// Four to seven ticks at round steps of 1, 2 or 5.
    private func axis(_ whole: Nanoseconds, _ bottom: Double) -> [Markup] {
        var step: Nanoseconds = 1
        var factor = 0
        let factors: [Nanoseconds] = [2, 5, 10]
        var base: Nanoseconds = 1
        while whole / step > 6, base < 1_000_000_000_000_000_000 {
            step = base &* factors[factor]
            factor += 1
            if factor == 3 {
                factor = 0
                base &*= 10
            }
        }
        var parts = [Drawing.line(TimelineDrawing.left, bottom, TimelineDrawing.right, bottom, "axis")]
        var at: Nanoseconds = 0
        while at <= whole {
            let x =
                TimelineDrawing.left + Double(at) / Double(max(1, whole))
                * (TimelineDrawing.right - TimelineDrawing.left)
            parts.append(Drawing.line(x, bottom, x, bottom + 4, "axis"))
            let label = Numbers.tick(at, of: whole)
            // The last one would leave the drawing.
            let isLast = x > TimelineDrawing.right - 12
            parts.append(
                Drawing.text(isLast ? x + 16 : x, bottom + 18, label, "tick", anchor: isLast ? "end" : "middle")
            )
            at = at.addingSaturating(step)
            if at == .max { break }
        }
        return parts
    }
}
