import ArgumentParser

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A program that lies beside this one and does what this one links no libraries for.
enum Sibling {
    private static let notInstalled = ExitCode(69)

    /// Becomes that program; comes back only to say why it cannot.
    ///
    /// - Parameters:
    ///   - role: what it is, to somebody who lacks it.
    ///   - hint: how to come by it.
    static func become(_ name: String, _ words: [String], role: String, hint: String) throws -> Never {
        let folder = ownPath.flatMap { path in path.lastIndex(of: "/").map { path[...$0] } }
        guard let program = folder.map({ String($0) + name }), access(program, X_OK) == 0 else {
            throw Run.fail("\(role), is not installed beside this program", hint: hint, notInstalled)
        }
        var pointers: [UnsafeMutablePointer<CChar>?] = ([program] + words).map { strdup($0) }
        pointers.append(nil)
        execv(program, &pointers)
        let reason = lastSystemError()
        for pointer in pointers { free(pointer) }
        throw Run.fail("\(program): \(reason)", hint: nil, notInstalled)
    }

    /// Nil where the system does not tell.
    private static var ownPath: String? {
        var bytes = [CChar](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &bytes, bytes.count - 1)
        if count > 0 { return String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) }
        return CommandLine.arguments.first.flatMap { $0.contains("/") ? $0 : nil }
    }
}
