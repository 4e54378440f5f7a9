import ArgumentParser

/// `gwsniff attach`: to a ticket, over the network. A program of its own does it, for this one links no HTTP client.
struct Attach: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Attach evidence to a ticket, with a summary; 'gwsniff attach --help' tells how."
    )

    @Argument(
        parsing: .captureForPassthrough,
        help: ArgumentHelp("What 'gwsniff-attach' is to be given.", valueName: "arguments")
    )
    var arguments: [String] = []

    func run() throws {
        try Sibling.become(
            "gwsniff-attach",
            arguments,
            role: "gwsniff-attach, which speaks with ticket systems",
            hint:
                "docs/ATTACH.md tells how; in a checkout: tools/gwsniff attach. Until then: gwsniff bundle, and a browser"
        )
    }
}
