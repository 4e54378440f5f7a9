import ArgumentParser
import Evidence
import Model
import Reporting
import Service

/// `gwsniffd history`, which `gwsniff history` runs too.
struct History: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look into the history: what was found when, and print it as a report.",
        discussion: """
            EXAMPLES:
              gwsniffd history                              the findings, the newest first
              gwsniffd history --since 24h --cause connect-refused
              gwsniffd history report --id 17               one of them, as after a capture
              gwsniffd history report --since 2026-11-27T03:00:00Z --until 2026-11-27T04:00:00Z --format markdown
              gwsniffd history upstreams --since 1h --upstream 10.0.3.0/24
            """,
        subcommands: [HistoryList.self, HistoryReportCommand.self, HistoryUpstreams.self],
        defaultSubcommand: HistoryList.self
    )
}

struct HistoryArguments: ParsableArguments {
    @Option(help: ArgumentHelp("The history (default: history.path of the configuration).", valueName: "file"))
    var history: String?

    @Option(help: ArgumentHelp("The configuration file that names it.", valueName: "file"), completion: .file())
    var config: String?

    @Option(
        help: ArgumentHelp(
            "From this time on: RFC 3339, HH:MM of today (UTC), or 90m, 24h, 7d ago.",
            valueName: "time"
        ),
        transform: Self.time
    )
    var since: Timestamp?

    @Option(help: ArgumentHelp("Up to this time.", valueName: "time"), transform: Self.time)
    var until: Timestamp?

    @Option(
        help: ArgumentHelp("Only this cause; may be repeated.", valueName: "cause"),
        completion: .list(Cause.allCases.map(\.rawValue)),
        transform: Self.cause
    )
    var cause: [Cause] = []

    @Option(
        help: ArgumentHelp("Only this upstream, or these addresses; may be repeated.", valueName: "addr[/len][:port]")
    )
    var upstream: [String] = []

    @Option(help: "Only this severity; may be repeated.")
    var severity: [Severity] = []

    static func time(_ text: String) throws -> Timestamp {
        guard let time = HistoryTime.parse(text, now: Clocks.wall()) else {
            throw ValidationError("'\(text)' is no time such as 24h, 03:12 or 2026-03-01T03:12:07Z.")
        }
        return time
    }

    static func cause(_ text: String) throws -> Cause {
        guard let cause = Cause(rawValue: text) else { throw ValidationError(Explanation.unknown(text)) }
        return cause
    }

    var query: HistoryQuery {
        var query = HistoryQuery()
        query.since = since
        query.until = until
        query.causes = cause
        query.upstreams = upstream
        query.severities = severity
        return query
    }

    func open() throws -> HistoryReader {
        var path = history
        if path == nil { path = try Configuring.load(config, []).history.path }
        guard let path else { throw Failing.fail("history.path is off: there is no history", status: 66) }
        do throws(HistoryError) {
            return try HistoryReader(path: path)
        } catch {
            throw Failing.fail(error.message, hint: "--history names another", status: 66)
        }
    }

    /// Prints what `body` makes.
    func show(_ body: (HistoryReader) throws(HistoryError) -> String) throws {
        let reader = try open()
        let text: String
        do throws(HistoryError) {
            text = try body(reader)
        } catch {
            throw Failing.fail(error.message, status: 74)
        }
        try Output.write(text)
    }
}

extension Severity: ExpressibleByArgument {}
extension ReportFormat: ExpressibleByArgument {}

struct HistoryList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "The findings, the newest first (default)."
    )

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    @OptionGroup var arguments: HistoryArguments

    @Option(help: "How they are written.")
    var format = Format.text

    @Option(help: ArgumentHelp("At most so many.", valueName: "n"))
    var limit = 100

    func validate() throws {
        if limit < 1 { throw ValidationError("--limit is 1 or more.") }
    }

    func run() throws {
        try arguments.show { reader throws(HistoryError) in
            var query = arguments.query
            query.limit = limit
            let entries = try reader.entries(query)
            return format == .json ? HistoryListing.json(entries) : HistoryListing.text(entries)
        }
    }
}

struct HistoryReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "A report on a part of the history, as gwsniff gives it of a capture."
    )

    @OptionGroup var arguments: HistoryArguments

    @Option(help: ArgumentHelp("The finding with this number of the list; may be repeated.", valueName: "n"))
    var id: [Int64] = []

    @Option(help: "How the report is written.")
    var format = ReportFormat.text

    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp(
            "Overwrite what looks like a secret: credentials, e-mail addresses, card numbers.",
            discussion:
                "On for Markdown, Jira, ADF, HTML and SARIF. Query values and tokens in paths are never in the history."
        )
    )
    var redact: Bool?

    func run() throws {
        try arguments.show { reader throws(HistoryError) in
            var query = arguments.query
            query.ids = id
            var report = try HistoryReport.report(query, from: reader)
            if redact ?? format.leaves { report.redact() }
            return format.render(report, text: Output.textOptions)
        }
    }
}

struct HistoryUpstreams: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upstreams",
        abstract: "The upstreams, minute by minute."
    )

    @OptionGroup var arguments: HistoryArguments

    @Option(help: "How they are written.")
    var format = HistoryList.Format.text

    func run() throws {
        try arguments.show { reader throws(HistoryError) in
            let minutes = try reader.upstreamMinutes(arguments.query)
            return format == .json ? HistoryListing.json(minutes) : HistoryListing.text(minutes)
        }
    }
}
