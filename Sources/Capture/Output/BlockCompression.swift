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
        case .gzip: Self.gzip(bytes)
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

    private static func gzip(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        return withUnsafeMutablePointer(to: &stream) { stream in
            // 15: the largest window; 16: a gzip header is written.
            let isReady = deflateInit2_(
                stream,
                gzipLevel,
                Z_DEFLATED,
                15 + 16,
                8,
                Z_DEFAULT_STRATEGY,
                ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)
            )
            guard isReady == Z_OK else { return nil }
            defer { deflateEnd(stream) }
            let bound = Int(deflateBound(stream, UInt(bytes.count)))
            var isWhole = false
            let result = [UInt8](unsafeUninitializedCapacity: bound) { output, count in
                bytes.withUnsafeBufferPointer { input in
                    stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                    stream.pointee.avail_in = UInt32(clamping: input.count)
                    stream.pointee.next_out = output.baseAddress
                    stream.pointee.avail_out = UInt32(clamping: bound)
                    isWhole = deflate(stream, Z_FINISH) == Z_STREAM_END
                    count = isWhole ? Int(stream.pointee.total_out) : 0
                }
            }
            return isWhole ? result : nil
        }
    }
}
