import CCompression

/// How a savefile is compressed: each run of whole blocks by itself, so that a file is readable to the last run whenever its writer was
/// killed, and goes on behind it when a full disk has room again. Readers take members and frames behind each other as one stream
/// (RFC 1952 §2.2, RFC 8878 §3.1).
package enum BlockCompression: Sendable {
    case none, gzip, zstd

    /// By the end of the name, as readers expect it.
    package init(path: String) {
        self = path.hasSuffix(".gz") ? .gzip : path.hasSuffix(".zst") ? .zstd : .none
    }

    /// The end of the name that says so.
    package var suffix: String {
        switch self {
        case .none: ""
        case .gzip: ".gz"
        case .zstd: ".zst"
        }
    }

    /// Fast levels: a gateway has other work.
    private static let gzipLevel: Int32 = 1
    private static let zstdLevel: Int32 = 1

    /// A whole member or frame; nil where there is no memory for it.
    func compressed(_ bytes: [UInt8]) -> [UInt8]? {
        switch self {
        case .none: bytes
        case .gzip: Deflate.compressed(bytes, .gzip, level: Self.gzipLevel)
        case .zstd: Self.zstd(bytes)
        }
    }

    private static func zstd(_ bytes: [UInt8]) -> [UInt8]? {
        let bound = ZSTD_compressBound(bytes.count)
        var size = 0
        let result = [UInt8](unsafeUninitializedCapacity: bound) { output, count in
            size = ZSTD_compress(output.baseAddress, bound, bytes, bytes.count, zstdLevel)
            count = ZSTD_isError(size) == 0 ? size : 0
        }
        return ZSTD_isError(size) == 0 ? result : nil
    }
}
