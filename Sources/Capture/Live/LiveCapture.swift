package import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

package struct LiveOptions: Sendable {
    /// The kernel hands over what it has at the latest after this time.
    package static let deliveryMilliseconds: Int32 = 50

    /// Bytes kept of each packet.
    package var snapLength: Int
    package var isPromiscuous: Bool
    /// Of the kernel's buffer; nil is libpcap's choice (2 MiB on Linux).
    package var bufferMebibytes: Int?
    /// A BPF expression, applied by the kernel.
    package var filter: String?
    /// An interface that goes away is opened again when it comes back.
    package var triesAgain: Bool

    package init(
        snapLength: Int = 262_144,
        isPromiscuous: Bool = true,
        bufferMebibytes: Int? = nil,
        filter: String? = nil,
        triesAgain: Bool = true
    ) {
        self.snapLength = snapLength
        self.isPromiscuous = isPromiscuous
        self.bufferMebibytes = bufferMebibytes
        self.filter = filter
        self.triesAgain = triesAgain
    }
}

/// Packets from interfaces as they come, numbered from 1 in the order in which they are handed over.
///
/// An interface that goes down or away is tried again, after ever longer waits, until it comes back.
package final class LiveCapture {
    package enum Event: Sendable {
        case packet(PacketRecord)
        /// Nothing came within the time, or a signal came.
        case idle
        /// No interface is left, and none is tried again.
        case ended
    }

    package struct Statistics: Sendable {
        package var interface: String
        package var linkType: LinkType
        package var packets: Int
        /// Packets that passed the filter, as the kernel counts them; nil where the system does not say, as with the two below.
        package var receivedByFilter: Int?
        package var droppedByKernel: Int?
        package var droppedByInterface: Int?
        /// It is not there at the moment.
        package var isDown: Bool
    }

    /// Asking an empty device costs a system call, so that it is asked anew only after so many packets of others, or
    /// after a wait.
    private static let packetsBetweenQuestions = 64
    private static let longestPause: Double = 30

    private var slots: [LiveSlot] = []
    private var current: Int?
    private var number = 0
    private let options: LiveOptions
    private var warnings: [CaptureError] = []
    /// The last call brought no packet.
    package private(set) var isIdle = true

    /// Starts capturing on all interfaces.
    /// - Throws: `permission`, `interface` or `filterInvalid`, for the first interface that cannot be captured on.
    package init(interfaces: [String], options: LiveOptions) throws(CaptureError) {
        self.options = options
        for (index, name) in interfaces.enumerated() {
            slots.append(LiveSlot(try LiveHandle(name, index: index, options: options)))
        }
    }

    /// Interfaces that failed while others went on, and those that came back, one line each, since the last call.
    package func takeWarnings() -> [CaptureError] {
        defer { warnings = [] }
        return warnings
    }

    /// The next packet, waiting for it at most `timeoutMilliseconds`; a signal ends the wait.
    package func advance(timeoutMilliseconds: Int32) -> Event {
        isIdle = false
        if let event = take() { return event }
        guard slots.contains(where: { $0.isAlive || options.triesAgain }) else { return .ended }
        wait(timeoutMilliseconds)
        tryAgain()
        if let event = take() { return event }
        isIdle = true
        return slots.contains { $0.isAlive || options.triesAgain } ? .idle : .ended
    }

    /// Shows the bytes of the packet that `advance` returned last; no bytes after another event.
    package func withPacket<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        if let current { return try slots[current].handle.withPacket(body) }
        return try body(UnsafeRawBufferPointer(start: nil, count: 0).bytes)
    }

    /// The earliest of the packets that are ready. Packets of several interfaces are in order as far as the kernel has
    /// handed them over.
    private func take() -> Event? {
        current = nil
        var earliest: Int?
        for index in slots.indices {
            if slots[index].pending == nil, slots[index].isAlive { ask(index) }
            guard let candidate = slots[index].pending else { continue }
            if let chosen = earliest, let best = slots[chosen].pending, best.timestamp <= candidate.timestamp {
                continue
            }
            earliest = index
        }
        guard let earliest, var record = slots[earliest].pending else { return nil }
        slots[earliest].pending = nil
        current = earliest
        slots[earliest].handle.count(record)
        number &+= 1
        record.number = number
        return .packet(record)
    }

    private func ask(_ index: Int) {
        if slots[index].pause > 0 {
            slots[index].pause -= 1
            return
        }
        switch slots[index].handle.next() {
        case .packet(let record):
            if slots[index].isDown { note(index, "capturing again") }
            slots[index].isDown = false
            slots[index].delay = 1
            slots[index].pending = record
        case .nothing:
            slots[index].pause = LiveCapture.packetsBetweenQuestions
        case .failed(let message):
            slots[index].isAlive = false
            if !slots[index].isDown {
                note(index, "capture ended: \(message)" + (options.triesAgain ? "; it is tried again" : ""))
            }
            slots[index].isDown = true
            slots[index].nextTry = Self.now() + slots[index].delay
        }
    }

    private func note(_ index: Int, _ text: String) {
        warnings.append(CaptureError(.interface, "\(slots[index].handle.name): \(text)"))
    }

    /// Opens what went away, where it is time to.
    private func tryAgain() {
        guard options.triesAgain, slots.contains(where: { !$0.isAlive }) else { return }
        let now = Self.now()
        for index in slots.indices where !slots[index].isAlive && now >= slots[index].nextTry {
            slots[index].delay = min(slots[index].delay * 2, Self.longestPause)
            slots[index].nextTry = now + slots[index].delay
            do throws(CaptureError) {
                let name = slots[index].handle.name
                slots[index].replace(with: try LiveHandle(name, index: index, options: options))
                slots[index].isAlive = true
                slots[index].isDown = false
                note(index, "capturing again")
            } catch {
                // Without the right to open another, the old socket still works where the interface is still the same.
                if error.code == .permission { slots[index].isAlive = true }
            }
        }
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private func wait(_ timeoutMilliseconds: Int32) {
        var entries: [pollfd] = []
        var timeout = timeoutMilliseconds
        for slot in slots where slot.isAlive {
            if let descriptor = slot.handle.descriptor {
                entries.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
            } else {
                timeout = min(timeout, LiveOptions.deliveryMilliseconds)
            }
        }
        _ = poll(&entries, nfds_t(entries.count), timeout)
        for index in slots.indices { slots[index].pause = 0 }
    }

    /// Per interface, in the order given at the start.
    package var statistics: [Statistics] {
        slots.map { slot in
            let counts = slot.counts
            return Statistics(
                interface: slot.handle.name,
                linkType: slot.handle.linkType,
                packets: slot.packets,
                receivedByFilter: counts?.received,
                droppedByKernel: counts?.kernel,
                droppedByInterface: counts?.interface,
                isDown: slot.isDown
            )
        }
    }

    package var summaries: [SourceSummary] {
        slots.map { slot in
            let counts = slot.counts
            return SourceSummary(
                name: slot.handle.name,
                format: "live",
                linkTypes: [slot.handle.linkType],
                packets: slot.packets,
                bytes: slot.bytes,
                dropped: counts.map { $0.kernel + $0.interface }
            )
        }
    }

    /// What a savefile says of the interfaces, in their order.
    package var descriptions: [InterfaceDescription] {
        slots.map {
            InterfaceDescription(
                name: $0.handle.name,
                linkType: $0.handle.linkType,
                snapLength: options.snapLength
            )
        }
    }
}

/// One interface of a live capture: the handle that is open now, and what earlier ones counted.
private struct LiveSlot {
    private(set) var handle: LiveHandle
    var isAlive = true
    /// It failed, and nothing came since.
    var isDown = false
    /// Its next packet, where it has one: the earliest of all goes first.
    var pending: PacketRecord?
    /// Packets to let pass before it is asked.
    var pause = 0
    var nextTry = 0.0
    var delay = 1.0
    private var earlier = LiveHandle.Counts()
    private var earlierPackets = 0
    private var earlierBytes: Int64 = 0

    init(_ handle: LiveHandle) {
        self.handle = handle
    }

    mutating func replace(with other: LiveHandle) {
        if let counts { earlier = counts }
        earlierPackets = packets
        earlierBytes = bytes
        handle = other
    }

    var packets: Int { earlierPackets + handle.packets }
    var bytes: Int64 { earlierBytes + handle.bytes }

    /// Nil where the system does not say.
    var counts: LiveHandle.Counts? {
        handle.counts.map { counts in
            LiveHandle.Counts(
                received: earlier.received + counts.received,
                kernel: earlier.kernel + counts.kernel,
                interface: earlier.interface + counts.interface
            )
        }
    }
}
