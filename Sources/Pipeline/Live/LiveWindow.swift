package import Model

/// How much of the past a live run looks at again; what is older is counted.
package struct LiveWindow: Sendable {
    /// Packets between two looks at what the sieve found, at most.
    package var stretch = 1 << 13
    /// How much later than others the packets of one of several interfaces may come: the kernel hands them over after 50 ms at the latest.
    package var disorder: Nanoseconds = .milliseconds(60)
    /// A request is counted for good so long after it was over.
    package var settling: Nanoseconds = .seconds(300)
    /// Its facts go after this time: until then they stand beside what comes.
    package var length: Nanoseconds = .seconds(600)
    /// How often that is done.
    package var step: Nanoseconds = .seconds(30)
    /// With more connections than this the older half goes sooner.
    package var largestConnectionCount = 2_048
    /// Parts of connections that may be dissected within a window.
    package var largestSpanCount = 8_192
    /// A run with more exchanges than this, good or not, is not dissected whole.
    package var largestWholeEventCount = 8_192
    /// Nor is one that goes on for longer.
    package var longestWhole: Nanoseconds = .seconds(3_600)
    /// Which frames began a connection is known for the window and about so many frames more.
    package var frameStep = 1 << 20

    package init() {}
}
