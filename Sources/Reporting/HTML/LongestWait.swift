import Model

/// The longest time between two packets of an example that follow each other. Most failures are a wait that somebody
/// ended; where it lies says whose wait it was.
struct LongestWait {
    var start: Timestamp
    var end: Timestamp
    /// The ladder's rows before and behind it.
    var before: Ladder.Row
    var behind: Ladder.Row
    /// From the first packet to the last.
    var whole: Nanoseconds

    var length: Nanoseconds { end - start }

    /// Nil without two packets of known and different times.
    init?(_ rows: [Ladder.Row]) {
        let timed = rows.compactMap { row in row.time.map { (time: $0, row: row) } }
            .enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
        guard let first = timed.first, let last = timed.last, last.time > first.time else { return nil }
        guard
            let longest = zip(timed, timed.dropFirst()).max(by: { $0.1.time - $0.0.time < $1.1.time - $1.0.time })
        else { return nil }
        start = longest.0.time
        end = longest.1.time
        before = longest.0.row
        behind = longest.1.row
        whole = last.time - first.time
    }

    /// "408 ms of the 440 ms shown passed between frame 58 (FIN) and frame 64 (request): the longest wait."
    var sentence: String {
        let part =
            length == whole
            ? Numbers.duration(length) : "\(Numbers.duration(length)) of the \(Numbers.duration(whole)) shown"
        return "\(part) passed between frame \(before.frame) (\(before.role)) and frame \(behind.frame) "
            + "(\(behind.role)): the longest wait between packets that decide."
    }

    /// Whether it stands out: a ladder of even steps has none worth drawing.
    var standsOut: Bool { length >= whole / 3 && length >= 1_000_000 }
}
