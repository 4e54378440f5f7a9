import Model

/// How a gateway ends the connections of sound exchanges: only against that habit does an early close or a reset say that it refused
/// something.
struct ClosingHabit {
    private var resets = false
    private var closesFirst = false
    private var waits = false

    /// A close of the gateway within this time of the response is one because of the response.
    static let prompt = Nanoseconds.milliseconds(50)

    /// - Parameter isLast: no other exchange followed on the connection.
    mutating func note(_ timeline: ConnectionTimeline, after response: ResponseFacts, isLast: Bool) {
        guard isLast, let ending = timeline.endings.first else {
            waits = true
            return
        }
        if timeline.clientReset != nil { resets = true }
        if ending.direction == .fromClient, ending.frame.time - response.lastFrame.time <= Self.prompt {
            closesFirst = true
        } else {
            waits = true
        }
    }

    /// Its reset is out of the ordinary.
    var resetIsUnusual: Bool { (waits || closesFirst) && !resets }

    /// Its being the first to close is out of the ordinary.
    var closingFirstIsUnusual: Bool { waits && !closesFirst }
}
