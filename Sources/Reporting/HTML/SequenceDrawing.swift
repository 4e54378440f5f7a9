import Model

/// A time-sequence plot of the connection that decides: for each direction the offsets of its bytes over time. A message is a
/// line from its first byte to its last, a segment that was notable a mark at its place; flat is silence, a mark at a height
/// that was reached before is a repetition.
struct SequenceDrawing {
    private let points: [SequencePoint]
    private let isClientLeg: Bool
    private let id: String

    private static let width = 480.0
    private static let left = 90.0
    private static let right = 462.0
    private static let panelHeight = 62.0

    init(_ occurrence: Occurrence, id: String) {
        points = occurrence.sequence
        isClientLeg = occurrence.client.map { $0.stream == occurrence.stream } ?? false
        self.id = id
    }

    /// Empty without bytes in it, and where all lies within a millisecond.
    func markup() -> Markup {
        let start = points.map(\.time).min() ?? Timestamp(nanoseconds: 0)
        let whole = (points.map(\.endTime).max() ?? start) - start
        guard points.count > 2, whole >= 1_000_000, points.contains(where: { $0.kind == .message }) else {
            return .empty
        }
        func x(_ time: Timestamp) -> Double {
            SequenceDrawing.left + Double(time - start) / Double(whole) * (SequenceDrawing.right - SequenceDrawing.left)
        }
        var parts: [Markup] = []
        var bottom = 8.0
        for direction in [Direction.fromServer, .fromClient] {
            let own = points.filter { $0.direction == direction }
            guard !own.isEmpty else { continue }
            parts += panel(own, direction, top: bottom, x)
            bottom += SequenceDrawing.panelHeight + 10
        }
        parts += Drawing.timeAxis(whole, SequenceDrawing.left, SequenceDrawing.right, bottom)
        let (key, height) = key(bottom + 36)
        return Drawing.image(
            id,
            width: SequenceDrawing.width,
            height: height,
            title: "Bytes over time on the connection that decides",
            description: description(start),
            .joined(parts + key)
        )
    }

    private func panel(
        _ own: [SequencePoint],
        _ direction: Direction,
        top: Double,
        _ x: (Timestamp) -> Double
    ) -> [Markup] {
        let lowest = own.map(\.offset).min() ?? 0
        let bytes = max(1, (own.map(\.end).max() ?? lowest).subtractingSaturating(lowest))
        let (high, low) = (top + 12, top + SequenceDrawing.panelHeight - 6)
        func y(_ offset: Int64) -> Double {
            low - Double(offset.subtractingSaturating(lowest)) / Double(bytes) * (low - high)
        }
        let frame = SequenceDrawing.left - 12
        var parts = [
            Drawing.text(frame, top + 14, sender(direction), "head", anchor: "end"),
            Drawing.text(frame, top + 29, Numbers.bytes(bytes), "tick", anchor: "end"),
            Drawing.line(SequenceDrawing.left, low + 4, SequenceDrawing.right, low + 4, "axis"),
        ]
        // Lines first: marks lie on them.
        for point in own where point.kind == .message {
            parts.append(
                tag("g") {
                    tag("title") { words(point) }
                    Drawing.line(x(point.time), y(point.offset), x(point.endTime), y(point.end), "bytes")
                }
            )
        }
        for point in own where point.kind != .message {
            parts.append(mark(point, x(point.time), y(point.offset)))
        }
        return parts
    }

    private func mark(_ point: SequencePoint, _ x: Double, _ y: Double) -> Markup {
        let shape = SequenceDrawing.shape(point.kind, x, y)
        return tag("g") {
            tag("title") { words(point) }
            shape
        }
    }

    private static func shape(_ kind: SequencePoint.Kind, _ x: Double, _ y: Double) -> Markup {
        func place(_ dx: Double, _ dy: Double) -> String { "\(Drawing.number(x + dx)) \(Drawing.number(y + dy))" }
        return switch kind {
        case .reset: Drawing.path("M\(place(-5, -5))L\(place(5, 5))M\(place(-5, 5))L\(place(5, -5))", "cross")
        case .retransmission: Drawing.rectangle(x - 3.5, y - 3.5, 7, 7, "again")
        case .fin: Drawing.path("M\(place(-5, -4))L\(place(5, -4))L\(place(0, 5))Z", "tip")
        case .syn: Drawing.path("M\(place(0, -5))L\(place(4.5, 4))L\(place(-4.5, 4))Z", "tip")
        case .outOfOrder: Drawing.text(x, y - 3, "o", "plain", anchor: "middle")
        case .notCaptured: Drawing.text(x, y - 3, "?", "plain", anchor: "middle")
        case .zeroWindow: Drawing.text(x, y - 3, "0", "plain", anchor: "middle")
        case .message: .empty
        }
    }

    private func sender(_ direction: Direction) -> String {
        switch (direction, isClientLeg) {
        case (.fromClient, true): "client"
        case (.fromServer, false): "upstream"
        default: "gateway"
        }
    }

    private func words(_ point: SequencePoint) -> String {
        let bytes = point.end.subtractingSaturating(point.offset)
        let size = bytes > 0 ? ", \(Numbers.bytes(bytes))" : ""
        return "frame \(point.frame): \(SequenceDrawing.name(point.kind)) from the \(sender(point.direction))\(size)"
    }

    private static func name(_ kind: SequencePoint.Kind) -> String {
        switch kind {
        case .syn: "SYN"
        case .message: "message"
        case .retransmission: "retransmission"
        case .outOfOrder: "out of order"
        case .notCaptured: "bytes that were not captured"
        case .zeroWindow: "zero window"
        case .fin: "FIN"
        case .reset: "RST"
        }
    }

    private func description(_ start: Timestamp) -> String {
        let told = points.prefix(24).map { "\(words($0)) at \(Numbers.offset($0.time - start)) ms" }
        let more = points.count > 24 ? "; and \(points.count - 24) more" : ""
        return told.joined(separator: "; ") + more + "."
    }

    /// What the marks mean, of those that are there.
    private func key(_ top: Double) -> (markup: [Markup], height: Double) {
        var parts: [Markup] = []
        var x = SequenceDrawing.left
        var y = top
        for kind in SequencePoint.Kind.allCases where points.contains(where: { $0.kind == kind }) {
            let name = SequenceDrawing.name(kind)
            let room = 22 + Double(name.count) * 6.4 + 12
            if x + room > SequenceDrawing.width, x > SequenceDrawing.left {
                x = SequenceDrawing.left
                y += 17
            }
            let letter = [.outOfOrder, .notCaptured, .zeroWindow].contains(kind)
            parts.append(
                kind == .message
                    ? Drawing.line(x, y, x + 12, y, "bytes") : SequenceDrawing.shape(kind, x + 6, letter ? y + 6 : y)
            )
            parts.append(Drawing.text(x + 20, y + 4, name, "tick"))
            x += room
        }
        return (parts, y + 12)
    }
}
