package import Capture
package import Model

/// What the flight recorder keeps, and where.
package struct RecorderOptions: Sendable {
    /// Where evidence is written; nil for nowhere.
    package var directory: String?
    /// Packet time before and after the trigger.
    package var before: Nanoseconds = .seconds(30)
    package var after: Nanoseconds = .seconds(10)
    /// Bytes that the recent packets may take in memory.
    package var ringBytes = 256 << 20
    /// Bytes of each packet that are written.
    package var largestPacket = Int.max
    /// The same incident is not recorded again for so long.
    package var pause: Nanoseconds = .seconds(600)
    /// Files that may be begun within an hour.
    package var mostPerHour = 60
    /// Logs of which a line that matches is a trigger, too.
    package var logs: [String] = []
    /// POSIX extended regular expression; nil for the usual lines of gateways.
    package var logPattern: String?

    package init() {}
}

/// Writes the packets around an incident to a file of its own, with comments at those that decide.
///
/// One file at a time: what happens while one is being written is marked in it.
package final class Recorder {
    private struct Incident: Hashable {
        var cause: String
        var upstream: String?
    }

    /// Bytes of the ring that are looked at in one go, so that nothing waits for it.
    private static let portion = 8 << 20

    private let options: RecorderOptions
    private let ring: PacketRing
    private let interfaces: [InterfaceDescription]
    private var writer: SavefileWriter?
    private var position = 0
    private var from = Timestamp(nanoseconds: 0)
    private var until = Timestamp(nanoseconds: 0)
    private var latestUntil = Timestamp(nanoseconds: 0)
    private var comments: [Int: String] = [:]
    /// Why else the file is written; to be said in it.
    private var reasons: [String] = []
    private static let largestReasonCount = 64
    private var recorded: [Incident: Timestamp] = [:]
    private var begun: [Timestamp] = []
    private var saidLimit = Timestamp(nanoseconds: .min)
    private var warnings: [CaptureError] = []
    /// Files begun.
    package private(set) var count = 0
    /// The last file begun.
    package private(set) var lastPath: String?

    package init(_ options: RecorderOptions, ring: PacketRing, interfaces: [InterfaceDescription]) {
        self.options = options
        self.ring = ring
        self.interfaces = interfaces
    }

    /// The first position of the ring that is still to be written.
    package var pinned: Int { writer == nil ? .max : position }

    package func takeWarnings() -> [CaptureError] {
        defer { warnings = [] }
        return warnings + (writer?.takeWarnings() ?? [])
    }

    /// An occurrence was decided.
    package func trigger(_ occurrence: Occurrence, _ finding: Finding, at now: Timestamp) {
        guard finding.severity > .note else { return }
        let incident = Incident(cause: finding.cause.rawValue, upstream: finding.upstream)
        let marks = occurrence.frames.reduce(into: [Int: String]()) { marks, frame in
            marks[frame.number] = "gwsniff: \(finding.cause.rawValue): \(frame.role)"
        }
        trigger(incident, finding.title, marks, at: now)
    }

    /// Somebody asks for what is there: however often, for a person has a reason each time.
    package func trigger(_ reason: String, at now: Timestamp) {
        let incident = Incident(cause: reason, upstream: nil)
        recorded[incident] = nil
        trigger(incident, "recorded on request: \(reason)", [:], at: now)
    }

    /// A line of a gateway's log tells of a failure. The same log has no other file begun within the pause.
    package func trigger(_ line: String, of log: String, at now: Timestamp) {
        trigger(Incident(cause: "log", upstream: log), "recorded on a line of \(log): \(line)", [:], at: now)
    }

    /// Until when no file is begun, for as many were within the hour as may be; nil where one may be, or one is being written.
    package func restsUntil(at now: Timestamp) -> Timestamp? {
        guard options.directory != nil, writer == nil else { return nil }
        let recent = begun.filter { now - $0 < .seconds(3_600) }
        guard recent.count >= options.mostPerHour, let first = recent.min() else { return nil }
        return first + .seconds(3_600)
    }

    private func trigger(_ incident: Incident, _ title: String, _ marks: [Int: String], at now: Timestamp) {
        guard options.directory != nil else { return }
        if writer != nil {
            // What has no packet of its own is said at the next one that is written.
            if marks.isEmpty, recorded[incident].map({ now - $0 >= options.pause }) ?? true,
                reasons.count < Self.largestReasonCount
            {
                reasons.append("gwsniff: \(title)")
            }
            comments.merge(marks) { known, _ in known }
            recorded[incident] = now
            until = min(max(until, now + options.after), latestUntil)
            return
        }
        if let last = recorded[incident], now - last < options.pause { return }
        begun.removeAll { now - $0 >= .seconds(3_600) }
        guard begun.count < options.mostPerHour else {
            if saidLimit.nanoseconds == .min || now - saidLimit >= .seconds(3_600) {
                saidLimit = now
                let text =
                    "\(options.mostPerHour) evidence files within an hour are enough: no more are written for now"
                warnings.append(CaptureError(.writeFailed, text))
            }
            return
        }
        begin(incident, title, marks, at: now)
    }

    private func begin(_ incident: Incident, _ title: String, _ marks: [Int: String], at now: Timestamp) {
        guard let directory = options.directory else { return }
        recorded = recorded.filter { now - $0.value < options.pause }
        recorded[incident] = now
        begun.append(now)
        let path = "\(directory)/\(Self.name(incident, now, count + 1))"
        do throws(CaptureError) {
            writer = try SavefileWriter(
                path: path,
                application: "gwsniff \(gwsniffVersion)",
                comment: title,
                interfaces: interfaces,
                largestPacket: options.largestPacket,
                isPrivate: true,
                startsAt: now
            )
            count += 1
            lastPath = path
        } catch {
            warnings.append(error)
            return
        }
        from = now - options.before
        until = now + options.after
        latestUntil = now + options.after * 4
        comments = marks
        position = ring.position(atTime: from)
    }

    /// "gwsniff-20261127T153000Z-1-connect-refused-10.0.0.7-8080.pcapng"
    private static func name(_ incident: Incident, _ now: Timestamp, _ number: Int) -> String {
        "gwsniff-\(SavefileNames.utc(now))-\(number)-\(subject(incident.cause, incident.upstream)).pcapng"
    }

    /// What a file's name says that it is about.
    package static func subject(_ cause: String, _ upstream: String?) -> String {
        var safe = ""
        for character in "\(cause)-\(upstream ?? "")".utf8.prefix(100) {
            safe += isPlain(character) ? String(UnicodeScalar(character)) : "-"
        }
        while safe.hasSuffix("-") { safe.removeLast() }
        return safe
    }

    /// Letters, digits and the full stop: besides hyphens all that a name is made of.
    package static func isPlain(_ character: UInt8) -> Bool {
        (0x30...0x39).contains(character) || (0x41...0x5a).contains(character) || (0x61...0x7a).contains(character)
            || character == 0x2e
    }

    /// Writes some of what is due. `end` is the position up to which packets were analysed.
    package func step(through end: Int) {
        guard let writer else { return }
        // What had to go meanwhile is not there any more.
        position = max(position, ring.start)
        let last = min(end, position &+ Self.portion)
        while let next = ring.position(at: position, before: last) {
            let record = ring.record(at: next)
            if record.timestamp > until {
                finish()
                return
            }
            if record.timestamp >= from {
                let mark = comments[record.number]
                let comment = reasons.isEmpty ? mark : (reasons + [mark].compactMap { $0 }).joined(separator: "\n")
                reasons = []
                ring.withBytes(at: next) { writer.append(record, $0, comment: comment) }
            }
            position = ring.after(next)
        }
        // Who looks at the file while it grows finds whole packets in it.
        if position >= end { writer.flush() }
    }

    /// Writes what is there and closes the file.
    package func finish(through end: Int) {
        while writer != nil, position < end {
            let before = position
            step(through: end)
            if position == before { break }
        }
        finish()
    }

    private func finish() {
        writer?.finish()
        warnings += writer?.takeWarnings() ?? []
        writer = nil
        comments = [:]
        reasons = []
    }
}
