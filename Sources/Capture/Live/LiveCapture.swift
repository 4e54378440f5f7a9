package import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

package struct LiveOptions: Sendable {
    /// The kernel hands over what it has at the latest after this time.
    static let deliveryMilliseconds: Int32 = 50

    /// Bytes kept of each packet.
    package var snapLength: Int
    package var isPromiscuous: Bool
    /// Of the kernel's buffer; nil is libpcap's choice (2 MiB on Linux).
    package var bufferMebibytes: Int?
    /// A BPF expression, applied by the kernel.
    package var filter: String?

    package init(
        snapLength: Int = 262_144,
        isPromiscuous: Bool = true,
        bufferMebibytes: Int? = nil,
        filter: String? = nil
    ) {
        self.snapLength = snapLength
        self.isPromiscuous = isPromiscuous
        self.bufferMebibytes = bufferMebibytes
        self.filter = filter
    }
}

/// Packets from interfaces as they come, numbered from 1 in the order in which they are handed over.
package final class LiveCapture {
    package enum Event: Sendable {
        case packet(PacketRecord)
        /// Nothing came within the time, or a signal came.
        case idle
        /// No interface is left.
        case ended
    }

    package struct Statistics: Sendable {
        package var interface: String
        package var linkType: LinkType
        package var packets: Int
        /// Nil where the system does not say.
        package var droppedByKernel: Int?
        package var droppedByInterface: Int?
    }

    /// Asking an empty device costs a system call, so that it is asked anew only after so many packets of others, or
    /// after a wait.
    private static let packetsBetweenQuestions = 64

    private var handles: [LiveHandle] = []
    private var isAlive: [Bool] = []
    /// Each interface's next packet, where it has one: the earliest of them goes first.
    private var pending: [PacketRecord?] = []
    /// Packets to let pass before the interface is asked.
    private var pause: [Int] = []
    private var current: Int?
    private var number = 0
    private let snapLength: Int

    /// Interfaces that failed while others went on, one line each.
    package private(set) var warnings: [CaptureError] = []

    /// Starts capturing on all interfaces.
    /// - Throws: `permission`, `interface` or `filterInvalid`, for the first interface that cannot be captured on.
    package init(interfaces: [String], options: LiveOptions) throws(CaptureError) {
        snapLength = options.snapLength
        for (index, name) in interfaces.enumerated() {
            handles.append(try LiveHandle(name, index: index, options: options))
            isAlive.append(true)
            pending.append(nil)
            pause.append(0)
        }
    }

    /// The next packet, waiting for it at most `timeoutMilliseconds`; a signal ends the wait.
    package func advance(timeoutMilliseconds: Int32) -> Event {
        if let event = take() { return event }
        guard isAlive.contains(true) else { return .ended }
        wait(timeoutMilliseconds)
        return take() ?? (isAlive.contains(true) ? .idle : .ended)
    }

    /// Shows the bytes of the packet that `advance` returned last; no bytes after another event.
    package func withPacket<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        if let current { return try handles[current].withPacket(body) }
        return try body(UnsafeRawBufferPointer(start: nil, count: 0).bytes)
    }

    /// The earliest of the packets that are ready. Packets of several interfaces are in order as far as the kernel has
    /// handed them over.
    private func take() -> Event? {
        current = nil
        var earliest: Int?
        for index in handles.indices {
            if pending[index] == nil, isAlive[index] { ask(index) }
            guard let candidate = pending[index] else { continue }
            if let chosen = earliest, let best = pending[chosen], best.timestamp <= candidate.timestamp { continue }
            earliest = index
        }
        guard let earliest, var record = pending[earliest] else { return nil }
        pending[earliest] = nil
        current = earliest
        handles[earliest].count(record)
        number &+= 1
        record.number = number
        return .packet(record)
    }

    private func ask(_ index: Int) {
        if pause[index] > 0 {
            pause[index] -= 1
            return
        }
        switch handles[index].next() {
        case .packet(let record):
            pending[index] = record
        case .nothing:
            pause[index] = LiveCapture.packetsBetweenQuestions
        case .failed(let message):
            isAlive[index] = false
            warnings.append(CaptureError(.interface, "\(handles[index].name): capture ended: \(message)"))
        }
    }

    private func wait(_ timeoutMilliseconds: Int32) {
        var entries: [pollfd] = []
        var timeout = timeoutMilliseconds
        for (handle, alive) in zip(handles, isAlive) where alive {
            if let descriptor = handle.descriptor {
                entries.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
            } else {
                timeout = min(timeout, LiveOptions.deliveryMilliseconds)
            }
        }
        _ = poll(&entries, nfds_t(entries.count), timeout)
        for index in pause.indices { pause[index] = 0 }
    }

    /// Per interface, in the order given at the start.
    package var statistics: [Statistics] {
        handles.map { handle in
            let dropped = handle.dropped
            return Statistics(
                interface: handle.name,
                linkType: handle.linkType,
                packets: handle.packets,
                droppedByKernel: dropped?.kernel,
                droppedByInterface: dropped?.interface
            )
        }
    }

    package var summaries: [SourceSummary] {
        handles.map { handle in
            let dropped = handle.dropped
            return SourceSummary(
                name: handle.name,
                format: "live",
                linkTypes: [handle.linkType],
                packets: handle.packets,
                bytes: handle.bytes,
                dropped: dropped.map { $0.kernel + $0.interface }
            )
        }
    }

    /// Tells a writer the interfaces' names and snap length; to be called before the first packet is written.
    package func describe(to writer: PcapngWriter) {
        for (index, handle) in handles.enumerated() {
            writer.describe(interface: index, snapLength: snapLength, name: handle.name)
        }
    }
}
