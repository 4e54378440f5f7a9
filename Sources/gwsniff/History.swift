import ArgumentParser

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// `gwsniff history`: what the service kept. The service's program reads it, for this one links no SQLite.
struct History: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look into the history that the service gwsniffd kept; 'gwsniff history --help' tells how."
    )

    private static let notInstalled = ExitCode(69)

    @Argument(
        parsing: .captureForPassthrough,
        help: ArgumentHelp("What 'gwsniffd history' is to be given.", valueName: "arguments")
    )
    var arguments: [String] = []

    func run() throws {
        let folder = Self.ownPath.flatMap { path in path.lastIndex(of: "/").map { path[...$0] } }
        guard let program = folder.map({ String($0) + "gwsniffd" }), access(program, X_OK) == 0 else {
            throw Run.fail(
                "the service gwsniffd, which keeps the history, is not installed beside this program",
                hint: "docs/SERVICE.md tells how; in a checkout: tools/gwsniffd history",
                Self.notInstalled
            )
        }
        let words = [program, "history"] + arguments
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        pointers.append(nil)
        execv(program, &pointers)
        let reason = lastSystemError()
        for pointer in pointers { free(pointer) }
        throw Run.fail("\(program): \(reason)", hint: nil, Self.notInstalled)
    }

    /// Nil where the system does not tell.
    private static var ownPath: String? {
        var bytes = [CChar](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &bytes, bytes.count - 1)
        if count > 0 { return String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) }
        return CommandLine.arguments.first.flatMap { $0.contains("/") ? $0 : nil }
    }
}
