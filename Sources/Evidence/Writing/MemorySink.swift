package import Capture

/// Files of evidence in memory, for a bundle.
package struct MemorySink: EvidenceSink {
    package private(set) var files: [ArchiveFile] = []
    private let prefix: String

    /// - Parameter prefix: before each name: a directory with its "/".
    package init(prefix: String) {
        self.prefix = prefix
    }

    package mutating func put(_ name: String, _ bytes: [UInt8]) throws(CaptureError) {
        files.append(ArchiveFile(name: prefix + name, bytes: bytes))
    }
}
