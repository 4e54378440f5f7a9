import ArgumentParser
import Model
import Reporting

struct Causes: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the catalogue of causes.")

    func run() throws {
        try Run.print(CausesListing.render(options: Explain.options))
    }
}

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Explain a cause: signature, look-alikes, what to change on each gateway, sources."
    )

    @Argument(
        help: ArgumentHelp("An id as in 'gwsniff causes'.", valueName: "cause"),
        completion: .list(Cause.allCases.map(\.rawValue))
    )
    var cause: String

    func run() throws {
        guard let known = Cause(rawValue: cause) else {
            throw Run.fail(Explanation.unknown(cause), hint: nil, ExitStatus.usage)
        }
        try Run.print(Explanation.render(known, options: Explain.options))
    }

    static var options: TextOptions {
        Rendering.textOptions(file: .standardOutput, color: .auto, isVerbose: false)
    }
}
