import CCompression

/// What one call of a decoder did. Neither consumed nor produced anything: it needs more input.
struct DecodeStep {
    enum State {
        case more
        case frameEnd
        case damaged
    }
    var consumed: Int
    var produced: Int
    var state: State
}

/// A decoder of one compression format. After `frameEnd` the next call starts a new frame or member.
protocol FrameDecoder: AnyObject {
    func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> DecodeStep
}

/// gzip members (RFC 1952) by zlib.
final class GzipDecoder: FrameDecoder {
    // zlib keeps a pointer to the z_stream, so that it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private var isAtFrameEnd = false

    init?() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15: the largest window; 16: a gzip header is expected.
        guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            stream.deallocate()
            return nil
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> DecodeStep {
        if isAtFrameEnd {
            inflateReset(stream)
            isAtFrameEnd = false
        }
        let inputCount = UInt32(clamping: input.count)
        let outputCount = UInt32(clamping: output.count)
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: Bytef.self)
        )
        stream.pointee.avail_in = inputCount
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_out = outputCount
        let result = inflate(stream, Z_NO_FLUSH)
        var step = DecodeStep(
            consumed: Int(inputCount &- stream.pointee.avail_in),
            produced: Int(outputCount &- stream.pointee.avail_out),
            state: .more
        )
        switch result {
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END:
            isAtFrameEnd = true
            step.state = .frameEnd
        default: step.state = .damaged
        }
        return step
    }
}

/// Zstandard frames and skippable frames (RFC 8878) by libzstd, whose default window limit of 128 MiB stays.
final class ZstdDecoder: FrameDecoder {
    private let context: OpaquePointer

    init?() {
        guard let context = ZSTD_createDCtx() else { return nil }
        self.context = context
    }

    deinit {
        ZSTD_freeDCtx(context)
    }

    func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> DecodeStep {
        var from = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var into = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let result = ZSTD_decompressStream(context, &into, &from)
        let state: DecodeStep.State = ZSTD_isError(result) != 0 ? .damaged : result == 0 ? .frameEnd : .more
        return DecodeStep(consumed: from.pos, produced: into.pos, state: state)
    }
}

/// LZ4 frames (LZ4 Frame Format 1.6) by liblz4.
final class LZ4Decoder: FrameDecoder {
    private let context: OpaquePointer

    init?() {
        var context: OpaquePointer?
        guard LZ4F_isError(LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))) == 0, let context else {
            return nil
        }
        self.context = context
    }

    deinit {
        LZ4F_freeDecompressionContext(context)
    }

    func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> DecodeStep {
        var consumed = input.count
        var produced = output.count
        let result = LZ4F_decompress(context, output.baseAddress, &produced, input.baseAddress, &consumed, nil)
        if LZ4F_isError(result) != 0 { return DecodeStep(consumed: 0, produced: 0, state: .damaged) }
        return DecodeStep(consumed: consumed, produced: produced, state: result == 0 ? .frameEnd : .more)
    }
}
