import ArgumentParser
import Reporting

struct Causes: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the catalogue of causes.")

    func run() throws {
        try Run.print(CausesListing.render())
    }
}

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Explain a cause: signature, look-alikes, what to change on each gateway, sources."
    )

    @Argument(help: ArgumentHelp("An id as in 'gwsniff causes'.", valueName: "cause"))
    var cause: String

    func run() throws {
        try Run.print(Explanation.render(cause))
    }
}
