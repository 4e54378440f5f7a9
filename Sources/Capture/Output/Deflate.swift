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

extension Deflate {
    /// Reads a stream back.
    ///
    /// - Parameter limit: bytes that it may become; a few bytes can promise any number.
    /// - Returns: nil where it is no whole stream, or a larger one.
    package static func expanded(_ bytes: ArraySlice<UInt8>, _ container: Container, limit: Int) -> [UInt8]? {
        var stream = z_stream()
        return withUnsafeMutablePointer(to: &stream) { stream -> [UInt8]? in
            guard
                inflateInit2_(stream, container.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
            else { return nil }
            defer { inflateEnd(stream) }
            return bytes.withUnsafeBufferPointer { input in
                stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.pointee.avail_in = UInt32(clamping: input.count)
                var result: [UInt8] = []
                var block = [UInt8](repeating: 0, count: 1 << 16)
                while true {
                    let (status, count) = block.withUnsafeMutableBufferPointer { output in
                        stream.pointee.next_out = output.baseAddress
                        stream.pointee.avail_out = UInt32(output.count)
                        let status = inflate(stream, Z_NO_FLUSH)
                        return (status, output.count - Int(stream.pointee.avail_out))
                    }
                    guard result.count + count <= limit else { return nil }
                    result += block[..<count]
                    if status == Z_STREAM_END { return result }
                    guard status == Z_OK, count > 0 else { return nil }
                }
            }
        }
    }
}
