import ArgumentParser
import Model
import Reporting
import Ticketing

/// `gwsniff attach`: the command runs this program, which lies beside it, so that it does not link an HTTP client itself.
@main
struct Attach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gwsniff-attach",
        abstract: "Attach evidence to a ticket, with a comment that says what was found.",
        usage: "gwsniff attach --to URL FILE... [options]",
        discussion: """
            EXAMPLES:
              gwsniff attach --to https://redmine.example.com/issues/12 outage.pcapng
              gwsniff attach --to https://example.atlassian.net/browse/OPS-7 ticket.zip
              gwsniff attach --dry-run --to https://github.com/o/r/issues/5 before.json

            Captures become a bundle, as with gwsniff bundle, as large as the system takes; with \
            --split several, so that less is left out. A bundle (directory, .zip, .tar.gz; all \
            its volumes) or a report (.json) that is there already is attached as it is. Run again, nothing doubles: the comment is found by a mark in it \
            and updated, or left alone.

            Redmine, Request Tracker, Jira, GitLab, GitHub and ServiceNow are recognised by the \
            ticket's address; a webhook has to be named with --kind.

            SECRETS:
              GWSNIFF_TOKEN           or the first line of --token-file
              GWSNIFF_USER            and GWSNIFF_PASSWORD (Jira Cloud: and the token)
              GWSNIFF_TICKET          the same as --to
              GWSNIFF_KEY_PASSPHRASE  of the key of --client-cert, if encrypted

            They are never arguments and never printed.

            EXIT STATUS:
               0 attached, or nothing to do          64 wrong usage
              65 not a bundle, or refused            66 cannot open
              67 no such ticket                      69 cannot be reached
              74 input or output                     75 busy: try again later
              76 unexpected answer                   77 no permission
            """,
        version: "gwsniff \(gwsniffVersion)"
    )

    @Argument(
        help: ArgumentHelp(
            "Captures to analyse as one; or a bundle; or a report as JSON.",
            valueName: "FILE"
        ),
        completion: .file()
    )
    var files: [String] = []

    @Option(help: ArgumentHelp("The ticket's address, as the browser shows it.", valueName: "url"))
    var to: String?

    @Option(help: "The kind of system (default: by the address).")
    var kind: TicketAddress.Kind?

    @Option(
        help: ArgumentHelp(
            "Where GitLab begins, if in a directory of its host: https://example.com/gitlab.",
            valueName: "url"
        )
    )
    var root: String?

    @Flag(help: "Send nothing; print each request, of a first run, with *** for secrets.")
    var dryRun = false

    @Flag(help: "Attach the bundle's files one by one instead of one archive.")
    var each = false

    @Flag(help: "Where one bundle is too large for the system: several, below its limit, instead of a smaller one.")
    var split = false

    @Option(
        help: ArgumentHelp("No file larger than this: 10M, 500K (default: what the system takes).", valueName: "size"),
        transform: Attach.size
    )
    var maxSize: Int?

    @Flag(name: [.customShort("q"), .long], help: "No warnings.")
    var quiet = false

    @OptionGroup(title: "The way there")
    var way: WayArguments

    @OptionGroup(title: "What leaves")
    var privacy: PrivacyArguments

    @OptionGroup(title: "What of captures is read and reported")
    var analysis: AnalysisArguments

    static func size(_ text: String) throws -> Int {
        guard let size = Numbers.size(text) else {
            throw ValidationError("'\(text)' is no size such as 10M or 500K.")
        }
        return size
    }

    func validate() throws {
        if split, each { throw ValidationError("--split is not with --each: the files are no bundle then.") }
        if files.isEmpty { throw ValidationError("Name a capture, a bundle, or a report as JSON.") }
    }

    func run() async throws {
        do throws(AttachFailure) {
            try await AttachRun(self).start()
        } catch {
            throw Failing.fail(error)
        }
    }
}

extension TicketAddress.Kind: ExpressibleByArgument {}

struct WayArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp("A file whose first line is the token.", valueName: "file"),
        completion: .file()
    )
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            "http://host:port or socks5://host:port; '' for none (default: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY).",
            valueName: "url"
        )
    )
    var proxy: String?

    @Option(
        help: ArgumentHelp("Trust the certificates in this file too (PEM).", valueName: "file"),
        completion: .file()
    )
    var caFile: String?

    @Option(
        help: ArgumentHelp("Show the certificate in this file (PEM) where the system asks for one.", valueName: "file"),
        completion: .file()
    )
    var clientCert: String?

    @Option(
        help: ArgumentHelp("Its private key (PEM; default: the file of --client-cert).", valueName: "file"),
        completion: .file()
    )
    var clientKey: String?

    @Option(help: ArgumentHelp("Seconds without anything coming or going.", valueName: "seconds"))
    var timeout = 60.0

    @Flag(help: "Send secrets over http, too, where others may read them.")
    var insecureHttp = false

    func validate() throws {
        if clientKey != nil, clientCert == nil { throw ValidationError("--client-key needs --client-cert.") }
        guard timeout > 0, timeout <= 3_600 else { throw ValidationError("--timeout is more than 0 and at most 3600.") }
    }
}

struct PrivacyArguments: ParsableArguments {
    @Flag(
        inversion: .prefixedNo,
        help: "Overwrite secrets: credentials, cookies, query values, bodies, e-mail addresses, card numbers."
    )
    var redact = true

    @Option(
        help: ArgumentHelp(
            "Map addresses in evidence and report, those alike staying alike, by the key in this file.",
            valueName: "keyfile"
        ),
        completion: .file()
    )
    var anonymizeAddresses: String?

    @Flag(
        name: .customLong("include-tls-secrets"),
        help: "Put into the evidence what opens its TLS sessions, of the key logs in the captures; with --no-redact."
    )
    var includesTLSSecrets = false

    func validate() throws {
        if includesTLSSecrets, redact {
            throw ValidationError(
                "--include-tls-secrets needs --no-redact: redaction overwrites what the secrets would open."
            )
        }
    }
}

/// What `gwsniff bundle` is to be told; it says what is wrong with it.
struct AnalysisArguments: ParsableArguments {
    @Option(
        name: [.customShort("f"), .long],
        help: ArgumentHelp("Only packets that this BPF expression lets through.", valueName: "expr")
    )
    var filter: String?

    @Option(name: [.customShort("c"), .long], help: ArgumentHelp("Stop after this many packets.", valueName: "n"))
    var count: String?

    @Option(help: ArgumentHelp("Stop after this time: 90, 90s, 5m, 1h.", valueName: "time"))
    var duration: String?

    @Option(help: ArgumentHelp("Which addresses are the gateway's; may be repeated.", valueName: "addr[/len]"))
    var gateway: [String] = []

    @Option(help: ArgumentHelp("Which are upstreams; may be repeated.", valueName: "addr[/len][:port]"))
    var upstream: [String] = []

    @Option(help: ArgumentHelp("Threads that read files.", valueName: "n"))
    var threads: String?

    @Option(help: ArgumentHelp("Memory for the analysis, about: 256M, 2G.", valueName: "size"))
    var maxMemory: String?

    @Option(help: ArgumentHelp("Requests from this time on.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Requests up to this time.", valueName: "time"))
    var until: String?

    @Option(help: ArgumentHelp("Requests that the client saw end with this status.", valueName: "n"))
    var status: String?

    @Option(help: ArgumentHelp("Requests whose path matches; '*' and '?' as in a shell.", valueName: "glob"))
    var path: String?

    @Option(help: ArgumentHelp("The request with this id (X-Request-ID and the like).", valueName: "id"))
    var request: String?

    var words: [String] {
        let single: [(String, String?)] = [
            ("--filter", filter), ("--count", count), ("--duration", duration), ("--threads", threads),
            ("--max-memory", maxMemory), ("--since", since), ("--until", until), ("--status", status), ("--path", path),
            ("--request", request),
        ]
        let repeated = gateway.map { ("--gateway", $0) } + upstream.map { ("--upstream", $0) }
        return (single.compactMap { name, value in value.map { (name, $0) } } + repeated).map { "\($0.0)=\($0.1)" }
    }
}
