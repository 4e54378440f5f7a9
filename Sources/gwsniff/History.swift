import ArgumentParser

/// `gwsniff history`: what the service kept. The service's program reads it, for this one links no SQLite.
struct History: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look into the history that the service gwsniffd kept; 'gwsniff history --help' tells how."
    )

    @Argument(
        parsing: .captureForPassthrough,
        help: ArgumentHelp("What 'gwsniffd history' is to be given.", valueName: "arguments")
    )
    var arguments: [String] = []

    func run() throws {
        try Sibling.become(
            "gwsniffd",
            ["history"] + arguments,
            role: "the service gwsniffd, which keeps the history",
            hint: "docs/SERVICE.md tells how; in a checkout: tools/gwsniffd history"
        )
    }
}
