import Capture
import Foundation

/// A directory of its own for a test, gone with the value.
final class Scratch {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/gwsniff-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String) -> String { path + "/" + name }

    /// - Returns: the file's path.
    @discardableResult
    func write(_ image: PcapngImage, to name: String) throws -> String {
        try Data(image.bytes).write(to: URL(fileURLWithPath: file(name)))
        return file(name)
    }

    /// Runs a program of this machine; its standard output goes to `output`.
    /// - Returns: false where it is not installed.
    func run(_ program: String, _ arguments: [String], output: String) throws -> Bool {
        let directories = ["/usr/bin", "/bin", "/usr/local/bin", "/opt/homebrew/bin"]
        guard let found = directories.map({ "\($0)/\(program)" }).first(where: FileManager.default.isExecutableFile)
        else { return false }
        guard FileManager.default.createFile(atPath: output, contents: nil) else { return false }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: found)
        process.arguments = arguments
        process.standardOutput = FileHandle(forWritingAtPath: output)
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
