package import Model

/// What a run tells its caller while it goes on.
package struct RunStatistics: Sendable {
    /// Packets read so far, those that the filter dropped not counted.
    package var packets = 0
    package var capturedBytes: Int64 = 0
    package var first: Timestamp?
    package var last: Timestamp?
    /// Packets that the kernel or the interface dropped before gwsniff saw them; nil where nobody says.
    package var dropped: Int?

    package init() {}
}

/// How a caller stops a run and looks into it, without the run knowing about signals, terminals or clocks.
package struct RunControl {
    /// Asked now and then, at least every 4,096 packets and, live, several times a second.
    package var shouldStop: () -> Bool
    /// Called as often as `shouldStop`.
    package var progress: (RunStatistics) -> Void
    /// One line that concerns the run, not its result: an unreadable file in a directory, a cut.
    package var warn: (String) -> Void

    package init(
        shouldStop: @escaping () -> Bool = { false },
        progress: @escaping (RunStatistics) -> Void = { _ in },
        warn: @escaping (String) -> Void = { _ in }
    ) {
        self.shouldStop = shouldStop
        self.progress = progress
        self.warn = warn
    }
}
