package import Diagnosis
package import Model

/// What is asked of a run, whether it reads files or an interface.
package struct AnalysisRequest: Sendable {
    /// BPF expression; packets that it drops are numbered and not analysed.
    package var filter: String?
    /// Stop after this many packets passed the filter.
    package var packetLimit: Int?
    /// Stop after this time: packet time where files are read, the clock's where an interface is.
    package var duration: Nanoseconds?
    package var diagnosis = DiagnosisOptions()
    package var since: TimeBound?
    package var until: TimeBound?
    /// Threads that read files.
    package var threads = 1
    /// Bytes that the analysis of files may take, about.
    package var maximumMemory = 512 << 20
    /// Captures with more connections are not dissected whole.
    package var largestWhole = Reducer.wholeCount
    /// Of larger ones, the first exchanges of this many connections are dissected whatever they are.
    package var sampleCount = Reducer.sampleCount
    /// Whether the report tells where the packets of the connections lie that it names, for `Evidence`.
    package var locatesConnections = false

    package init() {}
}
