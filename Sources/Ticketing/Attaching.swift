import Reporting

/// Attaches: asks what the ticket has and takes, sends what it has not, and says what was done.
///
/// What was sent without an answer may have arrived. So nothing is sent again before the ticket was looked at again: what is there by
/// then is not sent a second time.
package struct Attaching: Sendable {
    package struct Outcome: Sendable, Equatable {
        package enum Comment: String, Sendable {
            case added, updated, unchanged
        }

        package var comment = Comment.unchanged
        package var attached: [String] = []
        /// There before.
        package var present: [String] = []
        package var missing: [String] = []
    }

    package struct Options: Sendable {
        /// Bytes of one file, whatever the system would take; nil for no limit of our own.
        package var maximumSize: Int?
        package var each = false
        package var tries = 4
        /// Seconds before the second look; doubled before each further one.
        package var pause = 2.0
        package var isDryRun = false

        package init() {}
    }

    private let tracker: any Tracker
    private let courier: any Courier
    private let options: Options
    private let warn: @Sendable (String) -> Void

    package init(
        _ tracker: any Tracker,
        _ courier: any Courier,
        _ options: Options,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.tracker = tracker
        self.courier = courier
        self.options = options
        self.warn = warn
    }

    /// - Parameter contents: makes them, given the most bytes that a file may have.
    package func run(_ contents: (Int) throws(AttachFailure) -> Contents) async throws(AttachFailure) -> Outcome {
        var refused: [Refusal] = []
        var made: Contents?
        var first: TicketState?
        var tries = 0
        // Of what was refused, so that it is not tried as large again.
        var ceiling = Int.max
        while true {
            do throws(AttachFailure) {
                let state = try await tracker.survey(courier)
                let limit = min(state.limit ?? .max, options.maximumSize ?? .max, ceiling)
                let contents = if let made { made } else { try contents(limit) }
                made = contents
                let plan = plan(contents, limit, refused)
                let start = first ?? state
                first = start
                let refusals = try await tracker.deliver(delivery(plan, contents, state), courier)
                if refusals.isEmpty {
                    let isWhole = try await check(plan.selection.uploads, limit)
                    if isWhole { return outcome(plan, start) }
                    made = nil
                    continue
                }
                if let smaller = smaller(refusals, plan.selection.uploads) {
                    warn("\(refusals[0].reason); once more with a bundle of \(smaller) bytes at most")
                    ceiling = smaller
                    made = nil
                    continue
                }
                // Each file is refused once: this ends.
                for refusal in refusals { warn("\(refusal.file): \(refusal.reason)") }
                refused += refusals
            } catch {
                tries += 1
                guard error.isTransient, tries < options.tries else { throw error }
                let pause = max(error.retryAfter ?? 0, options.pause * Double(1 << (tries - 1)))
                guard pause <= 120 else { throw error }
                warn("\(error.message); looking at the ticket again in \(Int(pause.rounded(.up))) s")
                await courier.wait(pause)
            }
        }
    }

    /// Half of a bundle that was too large; nil for what is refused for another reason, and where little would be left.
    private func smaller(_ refusals: [Refusal], _ uploads: [Upload]) -> Int? {
        guard !options.each, refusals.contains(where: \.isTooLarge), let size = uploads.map(\.bytes.count).max() else {
            return nil
        }
        return size > Self.smallest ? size / 2 : nil
    }

    /// Bytes; the reports alone are about as many.
    private static let smallest = 20_000

    private struct Plan {
        var selection: Contents.Selection
        var comment: TicketComment
    }

    private func plan(_ contents: Contents, _ limit: Int, _ refused: [Refusal]) -> Plan {
        var selection = Contents.Selection()
        if tracker.takesFiles {
            selection = contents.selection(limit: limit, each: options.each, system: tracker.name)
            for refusal in refused where selection.uploads.contains(where: { $0.name == refusal.file }) {
                selection.uploads.removeAll { $0.name == refusal.file }
                selection.missing.append("\(refusal.file): \(refusal.reason)")
            }
        } else {
            selection.missing = ["the packets: \(tracker.name)'s interface takes no files; gwsniff bundle packs them"]
        }
        let comment = TicketComment(
            contents.findings,
            files: selection.uploads,
            missing: selection.missing,
            report: tracker.takesFiles ? nil : contents.markdown
        )
        return Plan(selection: selection, comment: comment)
    }

    private func delivery(_ plan: Plan, _ contents: Contents, _ state: TicketState) -> Delivery {
        Delivery(
            comment: plan.comment,
            files: plan.selection.uploads.filter { !state.has($0) },
            writing: writing(plan.comment.marker, state),
            report: contents.markdown
        )
    }

    /// The same findings: the last word on them counts.
    private func writing(_ marker: Marker, _ state: TicketState) -> Delivery.Writing {
        guard let old = state.comments.last(where: { $0.marker.findings == marker.findings }) else { return .add }
        if old.marker == marker { return .nothing }
        return tracker.canUpdate ? .update(old) : .add
    }

    /// A system may take a file and keep a part of it, or nothing, and say that all is well.
    ///
    /// - Returns: whether all is there; otherwise the limit is known by now, and is lower.
    private func check(_ uploads: [Upload], _ limit: Int) async throws(AttachFailure) -> Bool {
        guard !options.isDryRun, tracker.listsFiles, !uploads.isEmpty else { return true }
        let state = try await tracker.survey(courier)
        guard let upload = uploads.first(where: { !state.has($0) }) else { return true }
        let message = "\(tracker.name) took \(upload.name), but does not have all of its \(upload.bytes.count) bytes"
        guard let lower = state.limit, lower < limit else {
            throw AttachFailure(
                .data,
                message,
                hint: "its limit is lower than it says: --max-size makes the bundle smaller"
            )
        }
        warn("\(message); once more with files of \(lower) bytes at most")
        return false
    }

    /// What became of the ticket as it was at first.
    private func outcome(_ plan: Plan, _ start: TicketState) -> Outcome {
        var outcome = Outcome()
        outcome.missing = plan.selection.missing
        switch writing(plan.comment.marker, start) {
        case .add: outcome.comment = .added
        case .update: outcome.comment = .updated
        case .nothing: outcome.comment = .unchanged
        }
        for upload in plan.selection.uploads {
            let wasThere = tracker.listsFiles ? start.has(upload) : outcome.comment == .unchanged
            if wasThere { outcome.present.append(upload.name) } else { outcome.attached.append(upload.name) }
        }
        return outcome
    }
}
