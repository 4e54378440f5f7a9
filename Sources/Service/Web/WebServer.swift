package import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Why nothing is served: a line for the user.
package struct WebError: Error, Equatable, Sendable {
    package var message: String
}

/// A small server of HTTP/1.1: one thread, bounded in connections, bytes and time, so that nobody who calls it can take memory or time from
/// the capture beside it. Each connection is for one request.
package final class WebServer: Sendable {
    /// Connections at a time; others wait in the kernel's queue.
    private static let largestCount = 64

    private let listener: Int32
    private let wake: (read: Int32, write: Int32)
    private let answer: @Sendable (HTTPRequest) -> HTTPResponse
    private let clock: @Sendable () -> Double
    private let done = DispatchGate()
    /// Where it listens; the port is the one that was got where 0 was asked for.
    package let endpoint: Endpoint

    package init(
        _ endpoint: Endpoint,
        clock: @escaping @Sendable () -> Double,
        answer: @escaping @Sendable (HTTPRequest) -> HTTPResponse
    ) throws(WebError) {
        self.answer = answer
        self.clock = clock
        let address = SocketAddress(endpoint)
        let descriptor = socket(address.family, Self.streamType, 0)
        guard descriptor >= 0 else { throw WebError(message: "\(endpoint): \(Self.lastError())") }
        var yes: Int32 = 1
        _ = setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard address.with({ bind(descriptor, $0, $1) }) == 0, listen(descriptor, 64) == 0 else {
            let reason = Self.lastError()
            _ = close(descriptor)
            throw WebError(message: "cannot listen on \(endpoint): \(reason)")
        }
        Self.makeNonblocking(descriptor)
        listener = descriptor
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw WebError(message: "\(endpoint): \(Self.lastError())") }
        ends.forEach(Self.makeNonblocking)
        wake = (ends[0], ends[1])
        self.endpoint = SocketAddress.bound(descriptor) ?? endpoint
        Threads.start("http") { [self] in run() }
    }

    package func stop() {
        var byte: UInt8 = 0
        _ = write(wake.write, &byte, 1)
        done.wait()
    }

    private func run() {
        var connections: [Int32: WebConnection] = [:]
        var isRunning = true
        /// After the process ran out of descriptors: nobody is taken before.
        var nextAccept = 0.0
        while isRunning {
            var polled = [pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0)]
            let accepts = connections.count < Self.largestCount && clock() >= nextAccept
            if accepts { polled.append(pollfd(fd: listener, events: Int16(POLLIN), revents: 0)) }
            for (descriptor, connection) in connections {
                let events = connection.waitsToWrite ? POLLOUT : POLLIN
                polled.append(pollfd(fd: descriptor, events: Int16(events), revents: 0))
            }
            _ = poll(&polled, nfds_t(polled.count), 1_000)
            let now = clock()
            for entry in polled where entry.revents != 0 {
                if entry.fd == wake.read {
                    isRunning = false
                } else if entry.fd == listener {
                    if !accept(&connections, now) { nextAccept = now + 1 }
                } else if var connection = connections.removeValue(forKey: entry.fd) {
                    let step = connection.waitsToWrite ? connection.write(now) : connection.read(now, answer)
                    if case .close = step { connection.close() } else { connections[entry.fd] = connection }
                }
            }
            for (descriptor, connection) in connections where now >= connection.deadline {
                connections.removeValue(forKey: descriptor)
                var connection = connection
                connection.close()
            }
        }
        for connection in connections.values {
            var connection = connection
            connection.close()
        }
        for descriptor in [listener, wake.read, wake.write] { _ = close(descriptor) }
        done.open()
    }

    /// False where the process has no descriptor to spare.
    private func accept(_ connections: inout [Int32: WebConnection], _ now: Double) -> Bool {
        while connections.count < Self.largestCount {
            #if canImport(Glibc)
                let descriptor = Glibc.accept(listener, nil, nil)
            #elseif canImport(Musl)
                let descriptor = Musl.accept(listener, nil, nil)
            #else
                let descriptor = Darwin.accept(listener, nil, nil)
            #endif
            if descriptor < 0 { return errno != EMFILE && errno != ENFILE && errno != ENOMEM }
            Self.makeNonblocking(descriptor)
            connections[descriptor] = WebConnection(descriptor, now: now)
        }
        return true
    }

    private static var streamType: Int32 {
        #if canImport(Glibc)
            Int32(SOCK_STREAM.rawValue)
        #else
            SOCK_STREAM
        #endif
    }

    private static func makeNonblocking(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    private static func lastError() -> String {
        strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
    }
}
