import ArgumentParser
import Diagnosis
import Model
import Pipeline
import Reporting

struct ScopeArguments: ParsableArguments {
    @Option(
        name: [.customShort("f"), .long],
        help: ArgumentHelp("Only packets that this BPF expression lets through; frame numbers stay.", valueName: "expr")
    )
    var filter: String?

    @Option(
        name: [.customShort("c"), .long],
        help: ArgumentHelp("Stop after this many packets.", valueName: "n")
    )
    var count: Int?

    @Option(
        help: ArgumentHelp(
            "Stop after this time: 90, 90s, 5m, 1h; of packet time where files are read.",
            valueName: "time"
        ),
        transform: Duration.parse
    )
    var duration: Nanoseconds?

    @Option(
        help: ArgumentHelp(
            "Which addresses are the gateway's; may be repeated (default: inferred).",
            valueName: "addr[/len]"
        ),
        transform: ScopeArguments.gatewayPrefix
    )
    var gateway: [AddressPrefix] = []

    @Option(
        help: ArgumentHelp(
            "Which are upstreams; may be repeated (default: inferred).",
            valueName: "addr[/len][:port]"
        ),
        transform: ScopeArguments.prefix
    )
    var upstream: [AddressPrefix] = []

    @Option(
        help: ArgumentHelp(
            "Threads that read files (default: processors, at most 4); not for live runs.",
            valueName: "n"
        )
    )
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "Memory for the analysis, about: 256M, 2G (default: 512M); a live run's, besides --recorder-bytes. What is given up for it is said.",
            valueName: "size"
        ),
        transform: Size.parse
    )
    var maxMemory = 512 << 20

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count is 1 or more.") }
        if let threads, !(1...16).contains(threads) { throw ValidationError("--threads is 1 to 16.") }
        guard maxMemory >= 64 << 20 else { throw ValidationError("--max-memory is 64M or more.") }
    }

    static func prefix(_ text: String) throws -> AddressPrefix {
        guard let prefix = AddressPrefix(text) else {
            throw ValidationError("'\(text)' is no ADDR[/LEN][:PORT], such as 10.0.3.7:8080 or [fd00::7]:8080.")
        }
        return prefix
    }

    static func gatewayPrefix(_ text: String) throws -> AddressPrefix {
        guard let prefix = AddressPrefix(text), prefix.port == nil else {
            throw ValidationError("'\(text)' is no ADDR[/LEN], such as 10.0.0.5 or fd00::/64.")
        }
        return prefix
    }
}

struct SelectionArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Requests from this time on: RFC 3339, or HH:MM[:SS] of the capture's first day (UTC).",
            valueName: "time"
        ),
        transform: SelectionArguments.time
    )
    var since: TimeBound?

    @Option(help: ArgumentHelp("Requests up to this time.", valueName: "time"), transform: SelectionArguments.time)
    var until: TimeBound?

    @Option(help: ArgumentHelp("Requests that the client saw end with this status.", valueName: "n"))
    var status: Int?

    @Option(help: ArgumentHelp("Requests whose path matches; '*' and '?' as in a shell.", valueName: "glob"))
    var path: String?

    @Option(help: ArgumentHelp("The request with this id (X-Request-ID and the like).", valueName: "id"))
    var request: String?

    func validate() throws {
        if let status, !(100...999).contains(status) { throw ValidationError("--status is a status code.") }
    }

    static func time(_ text: String) throws -> TimeBound {
        guard let bound = TimeBound(text) else {
            throw ValidationError("'\(text)' is no time such as 03:12:07 or 2026-03-01T03:12:07Z.")
        }
        return bound
    }
}

extension ReportFormat: ExpressibleByArgument {}

struct OutputArguments: ParsableArguments {
    enum FailOn: String, ExpressibleByArgument, CaseIterable {
        case none, finding
    }

    enum When: String, ExpressibleByArgument, CaseIterable {
        case auto, always, never
    }

    enum Progress: String, ExpressibleByArgument, CaseIterable {
        case auto, never
    }

    @Option(help: "How the report is written.")
    var format = ReportFormat.text

    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp("Write the report here instead of to standard output.", valueName: "file"),
        completion: .file()
    )
    var output: String?

    @Option(help: "Exit with status 1 when there is a finding: a failure, or a near miss that a retry hid.")
    var failOn = FailOn.none

    @Option(help: "Colour in the text report; NO_COLOR is honoured.")
    var color = When.auto

    @Option(help: "Progress on standard error, where that is a terminal.")
    var progress = Progress.auto

    @Flag(name: [.customShort("q"), .long], help: "No warnings, no progress.")
    var quiet = false

    @Flag(name: [.customShort("v"), .long], help: "More in the text report: every occurrence, all that was ruled out.")
    var verbose = false
}

extension AnalysisRequest {
    init(_ scope: ScopeArguments, _ selection: SelectionArguments) {
        self.init()
        filter = scope.filter
        packetLimit = scope.count
        duration = scope.duration
        threads = scope.threads ?? min(4, Processors.count)
        maximumMemory = scope.maxMemory
        diagnosis.gateways = scope.gateway
        diagnosis.upstreams = scope.upstream
        diagnosis.selection.status = selection.status
        diagnosis.selection.pathGlob = selection.path
        diagnosis.selection.requestID = selection.request
        since = selection.since
        until = selection.until
    }
}

/// `--max-memory`: bytes, or a number with K, M or G (of 1024).
enum Size {
    static func parse(_ text: String) throws -> Int {
        guard let size = Numbers.size(text) else {
            throw ValidationError("'\(text)' is no size such as 256M or 2G.")
        }
        return size
    }
}

/// `--duration`: a number of seconds, or a number with s, m or h.
enum Duration {
    static func parse(_ text: String) throws -> Nanoseconds {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3_600]
        let scale = text.last.flatMap { units[$0] }
        let digits = scale == nil ? text[...] : text.dropLast()
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }),
            let number = Double(digits), number > 0, number < 1e8
        else { throw ValidationError("'\(text)' is no time such as 90, 1.5m or 1h.") }
        return Nanoseconds(number * (scale ?? 1) * 1e9 < 9e18 ? number * (scale ?? 1) * 1e9 : 9e18)
    }
}
