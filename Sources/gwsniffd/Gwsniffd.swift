import ArgumentParser
import Logging
import Model
import Service

/// `gwsniffd`: the service; `gwsniffd history` looks into what it kept.
@main
struct Gwsniffd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gwsniffd",
        abstract: "Capture at a gateway for weeks; say why requests failed, on a page, in metrics and in a history.",
        discussion: """
            EXAMPLES:
              gwsniffd                                  as \(defaultConfigurationPath) says
              gwsniffd --iface eth0 --set history.max-age=30d
              gwsniffd --check-config --config new.yaml
              gwsniffd --replay outage.pcapng           an old capture on the page
              gwsniffd history --since 24h              what was found since yesterday

            SETTINGS:
              An option goes before the environment, that before the file, that before the
              default. Every setting has a variable: history.max-age is
              GWSNIFFD_HISTORY_MAX_AGE. The names, and what is allowed:

            \(Self.settings)

            SIGNALS:
              SIGTERM, SIGINT   end; what was found is in the history
              SIGHUP            begin the next file of capture.savefile
              SIGUSR1           write figures to the log
              SIGUSR2           write the packets of the moment to an evidence file

            EXIT STATUS:
               0 ended as asked     64 wrong usage      65 not a capture (--replay)
              66 cannot open an interface or a file     73 cannot write a directory
              69 cannot listen, or no interface left
              74 input or output   77 no permission     78 wrong configuration
            """,
        version: "gwsniffd \(gwsniffVersion)",
        subcommands: [History.self]
    )

    static let defaultConfigurationPath = "/etc/gwsniff/gwsniffd.yaml"

    @Option(
        help: ArgumentHelp(
            "The configuration file (default: \(Self.defaultConfigurationPath), where there is one).",
            valueName: "file"
        ),
        completion: .file()
    )
    var config: String?

    @Flag(help: "Only say whether the configuration is good.")
    var checkConfig = false

    @Option(
        name: [.customShort("i"), .customLong("iface"), .customLong("interface")],
        help: ArgumentHelp("Capture on this interface; may be repeated (capture.interfaces).", valueName: "if")
    )
    var interfaces: [String] = []

    @Option(
        name: [.customShort("f"), .long],
        help: ArgumentHelp("Only packets that this BPF expression lets through (capture.filter).", valueName: "expr")
    )
    var filter: String?

    @Option(help: ArgumentHelp("Where page, metrics and health are (http.listen).", valueName: "addr:port"))
    var listen: String?

    @Option(
        help: ArgumentHelp("Any setting; may be repeated.", valueName: "name=value"),
        transform: Self.assignment
    )
    var set: [Assignment] = []

    @Option(
        help: ArgumentHelp(
            "Read this capture instead of interfaces, and show it; may be repeated. Kept nowhere unless told to.",
            valueName: "file"
        ),
        completion: .file()
    )
    var replay: [String] = []

    struct Assignment {
        var name: String
        var value: String
    }

    static func assignment(_ text: String) throws -> Assignment {
        let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard sides.count == 2 else { throw ValidationError("'\(text)' is no name=value such as history.max-age=30d.") }
        return Assignment(name: sides[0], value: sides[1])
    }

    /// Every setting with what is allowed, indented.
    private static var settings: String {
        Settings.all.map { "  \($0.name)\n      \($0.allowed)" }.joined(separator: "\n")
    }

    func run() throws {
        let settings = try Configuring.load(config, options)
        if checkConfig {
            print("the configuration is good")
            return
        }
        try Running.run(settings, replay: replay)
    }

    private var options: [ConfigurationLoader.Option] {
        var options: [ConfigurationLoader.Option] = []
        func add(_ spelling: String, _ setting: String, _ value: RawValue?) {
            guard let value else { return }
            options.append(ConfigurationLoader.Option(spelling: spelling, setting: setting, value: value))
        }
        for entry in set { add("--set \(entry.name)", entry.name, .text(entry.value)) }
        add("--iface", "capture.interfaces", interfaces.isEmpty ? nil : .list(interfaces))
        add("--filter", "capture.filter", filter.map { .text($0) })
        add("--listen", "http.listen", listen.map { .text($0) })
        return options
    }
}
