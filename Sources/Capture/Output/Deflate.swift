import CCompression

/// Deflate (RFC 1951) by zlib, in one go.
package enum Deflate {
    package enum Container: Int32, Sendable {
        /// The bare stream, as zip wants it, with the largest window.
        case none = -15
        /// RFC 1952, without name and time: zlib's 15 bits of window, and 16.
        case gzip = 31
    }

    /// - Parameter level: 1, the fastest, to 9.
    /// - Returns: a whole stream; nil where there is no memory for it.
    package static func compressed(_ bytes: [UInt8], _ container: Container, level: Int32) -> [UInt8]? {
        var stream = z_stream()
        return withUnsafeMutablePointer(to: &stream) { stream in
            let isReady = deflateInit2_(
                stream,
                level,
                Z_DEFLATED,
                container.rawValue,
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

    /// CRC-32, the check value of zip and gzip.
    package static func check(_ bytes: [UInt8]) -> UInt32 {
        UInt32(truncatingIfNeeded: crc32(0, bytes, UInt32(clamping: bytes.count)))
    }
}
