package import Model

/// What a run tells its caller while it goes on.
package struct RunStatistics: Sendable {
    /// Packets analysed so far, those that the filter dropped not counted.
    package var packets = 0
    package var capturedBytes: Int64 = 0
    package var first: Timestamp?
    /// The newest time stamp; two interfaces may run backwards by up to a second.
    package var last: Timestamp?
    /// Bytes read from the files, and bytes that they have where that is known.
    package var readBytes: Int64 = 0
    package var totalBytes: Int64?
    /// Where interfaces are read.
    package var live: LiveCounters?

    package init() {}
}

/// What a live run counts besides packets.
package struct LiveCounters: Sendable {
    /// Packets that passed the filter, as the kernel counts them, and those dropped before gwsniff saw them; nil where nobody says.
    package var receivedByFilter: Int?
    package var droppedByKernel: Int?
    package var droppedByInterface: Int?
    /// Packets for which gwsniff had no room.
    package var droppedByUs = 0
    /// Packets that `--write` could not write.
    package var notWritten = 0
    package var connections = 0
    package var openConnections = 0
    package var clientErrors = 0
    /// Evidence files begun.
    package var recordings = 0
    /// As many were begun within an hour as may be: until then none is, but that what is being written goes on.
    package var recorderRestsUntil: Timestamp?

    package init() {}

    package var dropped: Int { (droppedByKernel ?? 0) &+ (droppedByInterface ?? 0) &+ droppedByUs }
}

/// How a caller stops a run and looks into it, without the run knowing about signals, terminals or clocks.
package struct RunControl {
    /// Asked at every packet, so it must cost next to nothing: true where `shouldStop` or `progress` has something to do.
    package var needsAttention: @Sendable () -> Bool
    /// Asked every few thousand packets, several times a second live, and when a signal interrupts a read.
    package var shouldStop: @Sendable () -> Bool
    /// Called about as often as `shouldStop`.
    package var progress: (RunStatistics) -> Void
    /// One line that concerns the run, not its result: an unreadable file in a directory, a cut.
    package var warn: (String) -> Void
    /// The figures of a live run that is over.
    package var ended: (RunStatistics) -> Void = { _ in }
    /// True once where `--write` is to go on in another file.
    package var takesRotation: () -> Bool = { false }
    /// Once, why the packets of the moment are to be kept; nil where nobody asks for it.
    package var takesRecording: () -> String? = { nil }

    /// Called every few seconds of a live run with the report so far, where somebody wants it.
    package var reported: ((Report) -> Void)?

    package init(
        needsAttention: @escaping @Sendable () -> Bool = { false },
        shouldStop: @escaping @Sendable () -> Bool = { false },
        progress: @escaping (RunStatistics) -> Void = { _ in },
        warn: @escaping (String) -> Void = { _ in }
    ) {
        self.needsAttention = needsAttention
        self.shouldStop = shouldStop
        self.progress = progress
        self.warn = warn
    }
}
