import ArgumentParser
import Evidence
import Synchronization
import Ticketing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Has `gwsniff bundle` make a bundle in a directory that nobody else can read, and takes it from there.
struct BundleMaking {
    private static let child = Atomic<Int32>(0)
    private static let interrupts = Atomic<Int>(0)

    /// What it was given besides name and size.
    var words: [String]

    enum Result {
        /// The bundle, or its volumes in order.
        case archives([ArchiveFile])
        /// It said why itself, with this status.
        case failed(Int32)
    }

    /// - Parameters:
    ///   - limit: bytes of a file; nil for none.
    ///   - split: several files, where one is too small for all.
    func make(limit: Int?, split: Bool = false) throws(AttachFailure) -> Result {
        let place = environment("TMPDIR") ?? "/tmp"
        var template = Array("\(place)/gwsniff-attach.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw AttachFailure(.inputOutput, "\(place): no directory can be made there: \(InputFile.lastError())")
        }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            for name in Self.names(in: directory) { unlink("\(directory)/\(name)") }
            rmdir(directory)
        }
        let size = limit.map { ["--max-size=\($0)"] + (split ? ["--split"] : []) } ?? []
        let status = try run(["bundle", "--output=\(directory)/\(Self.name)"] + size + words)
        guard status == 0 else { return .failed(status) }
        var archives: [ArchiveFile] = []
        for name in Self.names(in: directory) {
            archives.append(ArchiveFile(name: name, bytes: try InputFile.bytes("\(directory)/\(name)")))
        }
        return .archives(archives)
    }

    static let name = "gwsniff.zip"

    private static func names(in directory: String) -> [String] {
        guard let handle = opendir(directory) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".zip") { names.append(name) }
        }
        return names.sorted()
    }

    private func run(_ words: [String]) throws(AttachFailure) -> Int32 {
        Self.child.store(0, ordering: .relaxed)
        Self.interrupts.store(0, ordering: .relaxed)
        // The child ends by itself, with its files in order; then this one does.
        let pass: @convention(c) (Int32) -> Void = { number in
            BundleMaking.interrupts.add(1, ordering: .relaxed)
            let child = BundleMaking.child.load(ordering: .relaxed)
            if child > 0, number == SIGTERM { _ = kill(child, SIGTERM) }
        }
        let oldInterrupt = signal(SIGINT, pass)
        let oldTermination = signal(SIGTERM, pass)
        defer {
            _ = signal(SIGINT, oldInterrupt)
            _ = signal(SIGTERM, oldTermination)
        }
        let program = Self.program
        var pointers: [UnsafeMutablePointer<CChar>?] = ([program] + words).map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        var process: pid_t = 0
        let code = posix_spawnp(&process, program, nil, nil, &pointers, environ)
        guard code == 0 else {
            throw AttachFailure(
                .unavailable,
                "gwsniff, which reads the captures, cannot be run: \(strerror(code).map { String(cString: $0) } ?? "error \(code)")",
                hint: "it has to lie beside gwsniff-attach, or in the PATH"
            )
        }
        Self.child.store(process, ordering: .relaxed)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { throw AttachFailure(.inputOutput, "gwsniff bundle: \(InputFile.lastError())") }
        }
        // Nobody who interrupted wants a part of it attached.
        if Self.interrupts.load(ordering: .relaxed) > 0 { return 130 }
        let ending = status & 0x7f
        return ending == 0 ? status >> 8 & 0xff : 128 + ending
    }

    /// The one beside this program; else whatever the PATH has.
    private static var program: String {
        var bytes = [CChar](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &bytes, bytes.count - 1)
        let own =
            count > 0
            ? String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            : CommandLine.arguments.first ?? ""
        guard let slash = own.lastIndex(of: "/") else { return "gwsniff" }
        let beside = own[...slash] + "gwsniff"
        return access(String(beside), X_OK) == 0 ? String(beside) : "gwsniff"
    }
}

func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    return String(cString: value)
}
