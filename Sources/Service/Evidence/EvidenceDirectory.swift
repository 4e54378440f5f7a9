import Foundation
package import Model
import Pipeline
import Synchronization

/// The recorder's files at a moment.
package struct EvidenceState: Sendable {
    package struct File: Sendable, Equatable {
        package let name: String
        package var bytes: Int
        /// Wall clock, of the last change.
        package var changed: Timestamp
        /// When the recorder was triggered, to the second, as its name says: "gwsniff-20261127T153000Z-...".
        let begun: Timestamp?

        package init(name: String, bytes: Int, changed: Timestamp) {
            self.name = name
            self.bytes = bytes
            self.changed = changed
            begun = Self.begun(name)
        }

        private static func begun(_ name: String) -> Timestamp? {
            let digits = Array(name.dropFirst("gwsniff-".count).prefix(16))
            guard digits.count == 16 else { return nil }
            let (date, time) = (String(digits[..<8]), String(digits[9..<15]))
            func part(_ text: String, _ from: Int, _ count: Int) -> Substring { text.dropFirst(from).prefix(count) }
            let text =
                "\(part(date, 0, 4))-\(part(date, 4, 2))-\(part(date, 6, 2))\(digits[8])"
                + "\(part(time, 0, 2)):\(part(time, 2, 2)):\(part(time, 4, 2))\(digits[15])"
            guard case .absolute(let begun)? = TimeBound(text) else { return nil }
            return begun
        }
    }

    package var directory: String
    /// Packet time that a file has from before its trigger.
    package var before: Nanoseconds
    /// The newest first.
    package var files: [File] = []

    package init(directory: String, before: Nanoseconds = 0) {
        self.directory = directory
        self.before = before
    }

    /// The files that were begun for a cause at an upstream, and those that were being written when it happened again; the newest first.
    package func files(of identity: FindingIdentity, times: [Timestamp]) -> [File] {
        let mark = "-" + Recorder.subject(identity.cause.rawValue, identity.upstream) + "."
        return files.filter { file in
            if file.name.contains(mark) { return true }
            guard let begun = file.begun else { return false }
            return times.contains { $0 >= begun - before && $0 <= file.changed }
        }
    }
}

/// Looks after the directory of evidence: lists it, serves from it, and keeps it within its size.
package final class EvidenceDirectory: Sendable {
    package let path: String
    private let maximumSize: Int
    private let before: Nanoseconds

    package init(_ path: String, maximumSize: Int, before: Nanoseconds = 0) {
        self.path = path
        self.before = before
        self.maximumSize = maximumSize
    }

    /// Makes the directory where it is not there.
    package func prepare() throws(WebError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw WebError(message: "\(path): \(error.localizedDescription)")
        }
        guard FileManager.default.isWritableFile(atPath: path) else {
            throw WebError(message: "\(path): evidence cannot be written there")
        }
    }

    package var state: EvidenceState {
        var state = EvidenceState(directory: path, before: before)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        for name in names where Self.isEvidence(name) {
            guard let attributes = try? FileManager.default.attributesOfItem(atPath: path + "/" + name),
                attributes[.type] as? FileAttributeType == .typeRegular
            else { continue }
            let changed = (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
            state.files.append(
                EvidenceState.File(
                    name: name,
                    bytes: (attributes[.size] as? NSNumber)?.intValue ?? 0,
                    // Whoever may write there can give a file any time.
                    changed: Timestamp(nanoseconds: Int64(exactly: (changed * 1e9).rounded()) ?? .max)
                )
            )
        }
        state.files.sort { ($1.changed, $1.name) < ($0.changed, $0.name) }
        return state
    }

    /// Deletes the oldest while all are too large; the newest, which may be being written, stays.
    /// - Returns: how many went.
    package func prune() -> Int {
        let files = state.files
        var total = files.reduce(0) { $0 + $1.bytes }
        var gone = 0
        for file in files.dropFirst().reversed() {
            guard total > maximumSize else { break }
            guard (try? FileManager.default.removeItem(atPath: path + "/" + file.name)) != nil else { continue }
            total -= file.bytes
            gone += 1
        }
        return gone
    }

    /// An open descriptor and the size of a file, nil where there is none of that name. No name leads out of the directory.
    package func open(_ name: String) -> (descriptor: Int32, bytes: Int)? {
        guard Self.isEvidence(name) else { return nil }
        let descriptor = Foundation.open(path + "/" + name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            return nil
        }
        return (descriptor, Int(status.st_size))
    }

    static func isEvidence(_ name: String) -> Bool {
        name.hasPrefix("gwsniff-") && name.utf8.count <= 255 && !name.contains("..")
            && name.utf8.allSatisfy { Recorder.isPlain($0) || $0 == UInt8(ascii: "-") }
            && [".pcapng", ".pcapng.gz", ".pcapng.zst", ".pcapng.lz4"].contains { name.hasSuffix($0) }
    }
}
