#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One connection of the server: takes one request, gives one answer, closes.
struct WebConnection {
    enum Step {
        case waitToRead, waitToWrite, close
    }

    /// Seconds for a whole request, and for an answer that nobody takes any of.
    private static let patience = 10.0
    private static let portion = 64 << 10

    let descriptor: Int32
    private var received: [UInt8] = []
    private var pending: [UInt8] = []
    private var sent = 0
    private var file: (descriptor: Int32, left: Int)?
    private var isAnswering = false
    private(set) var deadline: Double

    init(_ descriptor: Int32, now: Double) {
        self.descriptor = descriptor
        deadline = now + Self.patience
    }

    var waitsToWrite: Bool { isAnswering }

    mutating func read(_ now: Double, _ answer: (HTTPRequest) -> HTTPResponse) -> Step {
        var portion = [UInt8](repeating: 0, count: 4_096)
        let count = recv(descriptor, &portion, portion.count, 0)
        if count < 0 { return errno == EAGAIN || errno == EINTR ? .waitToRead : .close }
        if count == 0 { return .close }
        received += portion[..<count]
        switch HTTPRequestReader.read(received) {
        case .incomplete: return .waitToRead
        case .refused(let status): return begin(.refusal(status), now, isHead: false)
        case .request(let request): return begin(answer(request), now, isHead: request.method == "HEAD")
        }
    }

    private mutating func begin(_ response: HTTPResponse, _ now: Double, isHead: Bool) -> Step {
        isAnswering = true
        received = []
        pending = response.head
        switch response.body {
        case .bytes(let bytes): if !isHead { pending += bytes }
        case .file(let descriptor, let count):
            if isHead { _ = Self.closeDescriptor(descriptor) } else { file = (descriptor, count) }
        }
        deadline = now + Self.patience
        return write(now)
    }

    mutating func write(_ now: Double) -> Step {
        while true {
            if sent == pending.count, !refill() { return .close }
            let count = pending.withUnsafeBytes { bytes in
                bytes.baseAddress.map { send(descriptor, $0 + sent, bytes.count - sent, Int32(MSG_NOSIGNAL)) } ?? 0
            }
            if count < 0 { return errno == EAGAIN || errno == EINTR ? .waitToWrite : .close }
            sent += count
            deadline = now + Self.patience
        }
    }

    /// The next portion of the file; false where all was sent or no more can be read.
    private mutating func refill() -> Bool {
        guard let (source, left) = file, left > 0 else { return false }
        var portion = [UInt8](repeating: 0, count: min(left, Self.portion))
        let count = Self.readDescriptor(source, &portion)
        guard count > 0 else { return false }
        pending = Array(portion[..<count])
        sent = 0
        file = (source, left - count)
        return true
    }

    mutating func close() {
        if let file { _ = Self.closeDescriptor(file.descriptor) }
        file = nil
        _ = Self.closeDescriptor(descriptor)
    }

    // The methods of the same name hide the C library's.
    private static func closeDescriptor(_ descriptor: Int32) -> Int32 {
        #if canImport(Glibc)
            Glibc.close(descriptor)
        #elseif canImport(Musl)
            Musl.close(descriptor)
        #else
            Darwin.close(descriptor)
        #endif
    }

    private static func readDescriptor(_ descriptor: Int32, _ bytes: inout [UInt8]) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, &bytes, bytes.count)
        #elseif canImport(Musl)
            Musl.read(descriptor, &bytes, bytes.count)
        #else
            Darwin.read(descriptor, &bytes, bytes.count)
        #endif
    }
}
