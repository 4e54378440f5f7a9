#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A compression format, recognised by the first bytes of a frame.
enum Compression: String {
    case gzip
    case zstd
    case lz4

    /// The bytes that recognising a format needs.
    static let prefixLength = 4

    init?(prefix: some Collection<UInt8>) {
        let bytes = Array(prefix.prefix(Compression.prefixLength))
        if bytes.starts(with: [0x1F, 0x8B]) {
            self = .gzip
        } else if bytes == [0x28, 0xB5, 0x2F, 0xFD] {
            self = .zstd
        } else if bytes.count == 4, bytes[0] & 0xF0 == 0x50, bytes[1...] == [0x2A, 0x4D, 0x18] {
            // Skippable frames look the same in zstd (RFC 8878, 3.1.2) and lz4; either may follow one.
            self = .zstd
        } else if bytes == [0x04, 0x22, 0x4D, 0x18] {
            self = .lz4
        } else {
            return nil
        }
    }

    func makeDecoder() -> (any FrameDecoder)? {
        switch self {
        case .gzip: GzipDecoder()
        case .zstd: ZstdDecoder()
        case .lz4: LZ4Decoder()
        }
    }
}

/// The content of a compressed stream: any number of frames or members one after the other, each recognised by itself.
///
/// Output goes straight into the caller's buffer, so that a decompression bomb costs time and no memory.
final class DecompressedStream: ByteStream {
    private let source: FileStream
    private let input: UnsafeMutableRawBufferPointer
    private var position = 0
    private var limit = 0
    private var sourceEnded = false
    private var decoder: (any FrameDecoder)?
    private var decoderFormat: Compression?
    private var isInFrame = false
    private(set) var problem: StreamProblem?
    private var hasEnded = false

    init(_ source: FileStream, bufferSize: Int) {
        self.source = source
        input = .allocate(byteCount: max(bufferSize, 4096), alignment: 16)
    }

    deinit {
        input.deallocate()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(CaptureError) -> Int {
        while !hasEnded {
            if !isInFrame {
                try startFrame()
                continue
            }
            guard let decoder else { return end(.damaged("out of memory for decompression")) }
            let step = decoder.decode(UnsafeRawBufferPointer(rebasing: input[position..<limit]), into: buffer)
            position += min(step.consumed, limit - position)
            let name = decoderFormat?.rawValue ?? "compressed"
            switch step.state {
            case .frameEnd: isInFrame = false
            case .damaged: return end(.damaged("the \(name) stream is damaged"), produced: step.produced)
            case .more:
                if step.consumed == 0, step.produced == 0 {
                    if position < limit { return end(.damaged("the \(name) stream is damaged")) }
                    if try !refill() { return end(.cut("the \(name) stream ends in the middle")) }
                }
            }
            if step.produced > 0 { return step.produced }
        }
        return 0
    }

    private func end(_ problem: StreamProblem?, produced: Int = 0) -> Int {
        self.problem = problem
        hasEnded = true
        return produced
    }

    private func startFrame() throws(CaptureError) {
        while limit - position < Compression.prefixLength, try refill() {}
        let rest = input[position..<limit]
        if rest.isEmpty {
            hasEnded = true
            return
        }
        guard let format = Compression(prefix: rest) else {
            // gzip(1) passes over zeros after the last member: tapes and block devices pad with them.
            if rest.allSatisfy({ $0 == 0 }) {
                position = limit
            } else {
                _ = end(.damaged("bytes follow the end of the compressed stream"))
            }
            return
        }
        if format != decoderFormat {
            decoder = format.makeDecoder()
            decoderFormat = format
        }
        isInFrame = true
    }

    /// Makes at least one more byte of input available; false at the end of the source.
    private func refill() throws(CaptureError) -> Bool {
        if sourceEnded { return false }
        if position > 0 {
            if limit > position, let base = input.baseAddress { memmove(base, base + position, limit - position) }
            limit -= position
            position = 0
        }
        let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: input[limit...]))
        if count == 0 { sourceEnded = true }
        limit += count
        return count > 0
    }
}
