import ArgumentParser
import Capture
import Model

/// `gwsniff FILE...` and `gwsniff --iface IF`; the other commands hang below it.
struct Gwsniff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gwsniff",
        abstract: "Say why a gateway failed its clients' requests, from the packets.",
        usage: """
            gwsniff [options] FILE...
            gwsniff [options] --iface IF
            gwsniff causes
            gwsniff explain CAUSE
            gwsniff bundle FILE... -o NAME
            gwsniff attach --to URL FILE...
            gwsniff diff A.json B.json
            gwsniff history [options]
            """,
        discussion: """
            EXAMPLES:
              gwsniff outage.pcapng                     the cause of every failed request
              gwsniff --gateway 10.0.0.5 captures/      a directory; the gateway is given
              gwsniff --status 502 --since 03:10 a.pcap only these requests
              gwsniff --format markdown a.pcap          for a ticket; or jira, adf
              gwsniff --format html -o a.html a.pcap    one page, nothing external
              gwsniff --evidence proof a.pcap           and the packets that show it
              gwsniff bundle a.pcap -o ticket.zip       reports and evidence, secrets overwritten
              gwsniff attach --to URL a.pcap            the same, at the ticket that URL shows
              gwsniff --iface any -f 'tcp or icmp'      live; Ctrl-C for the report
              gwsniff --iface eth0 -Z nobody --record d live; the packets of each finding in d
              tcpdump -i any -U -w - | gwsniff -        from standard input
              gwsniff explain stale-keepalive-reuse     what it is and how to fix it
              gwsniff diff before.json after.json       what a change has changed

            A savefile is pcap or pcapng, plain or compressed with gzip, zstd or lz4. \
            Several are read as one capture, in time order. A file that is named like a \
            command is read with -r.

            SIGNALS:
              INT, TERM  finish with the report      USR1  print statistics
              HUP        live: the next file of -w   USR2  live: record the moment
                         live without -w: as TERM, but under nohup(1) nothing

            EXIT STATUS:
               0 ran                1 a failure or a near miss, with --fail-on finding
              64 wrong usage       65 not a capture       66 cannot open
              74 input or output   77 no permission      141 the reader of a pipe went away
            """,
        version: "gwsniff \(gwsniffVersion)\n\(CaptureLibrary.version)",
        subcommands: [Causes.self, Explain.self, Bundle.self, Attach.self, Diff.self, History.self]
    )

    @Argument(
        help: ArgumentHelp(
            "Captures to analyse as one; '-' is standard input, a directory means the captures in it.",
            valueName: "FILE"
        ),
        completion: .file()
    )
    var files: [String] = []

    @Option(
        name: [.customShort("r"), .long],
        help: ArgumentHelp("The same as naming the file; may be repeated.", valueName: "file"),
        completion: .file()
    )
    var read: [String] = []

    @OptionGroup(title: "Live capture")
    var live: LiveArguments

    @OptionGroup(title: "What is read")
    var scope: ScopeArguments

    @OptionGroup(title: "What is reported")
    var selection: SelectionArguments

    @OptionGroup(title: "Output")
    var output: OutputArguments

    @OptionGroup(title: "Evidence")
    var evidence: EvidenceArguments

    @OptionGroup(title: "Privacy")
    var privacy: PrivacyArguments

    var inputs: [String] { read + files }

    /// Here and not in `validate`, which runs before unknown options are complained about.
    private func checkUsage() throws {
        try live.validate(readsFiles: !inputs.isEmpty)
        try evidence.validate(live, privacy)
        if !live.interfaces.isEmpty, scope.threads != nil {
            throw ValidationError(
                "--threads is for files: a live run has one thread that captures and one that analyses."
            )
        }
        if live.listInterfaces { return }
        guard !inputs.isEmpty || !live.interfaces.isEmpty else {
            throw ValidationError("Name a capture file, or an interface with --iface.")
        }
        guard inputs.count(where: { $0 == "-" }) <= 1 else {
            throw ValidationError("Standard input can be read only once.")
        }
    }

    func run() throws {
        try checkUsage()
        if live.listInterfaces {
            try Run.listInterfaces()
        } else {
            try Run(self).start()
        }
    }
}

@main
enum Main {
    /// The commands below `gwsniff` are found by the first argument alone. Elsewhere a word is a file: the parser gives
    /// all positional arguments of a command to that command, and `gwsniff causes` has to work beside `gwsniff FILE`.
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments == ["help"] {
            Gwsniff.main(["--help"])
        } else if let first = arguments.first, Commands.names.contains(first) {
            Commands.main(arguments)
        } else {
            Gwsniff.main(arguments)
        }
    }
}

/// The same tree without the options of the analysis.
private struct Commands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gwsniff",
        abstract: Gwsniff.configuration.abstract,
        subcommands: [Causes.self, Explain.self, Bundle.self, Attach.self, Diff.self, History.self]
    )

    static let names: Set<String> = ["causes", "explain", "bundle", "attach", "diff", "history", "help"]
}
