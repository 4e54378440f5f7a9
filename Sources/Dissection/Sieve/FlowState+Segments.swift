import Model

/// What a segment did to a connection, as far as its lane has to act on it.
struct SieveStep {
    enum Event: UInt8 {
        case nothing
        /// In-order payload: `payload` of the packet, `cut` bytes more that the capture does not have.
        case payload
        /// Bytes of the same direction are missing before this payload.
        case jump
        case duplicate
        /// The numbering makes no sense to the sieve.
        case odd
    }

    var event = Event.nothing
    var payload = 0..<0
    var cut: Int64 = 0
    /// Bytes that are missing before `payload`.
    var missing: Int64 = 0
    var connectTime: Int64 = -1
    var isReset = false
    var isFIN = false
    var isRetransmission = false
}

extension FlowState {
    /// Takes a segment of the client (`isUp`) or the server.
    @inline(__always)
    mutating func step(isUp: Bool, _ segment: SieveSegment) -> SieveStep {
        lastTime = max(lastTime, segment.time)
        lastFrame = segment.frame
        return isUp
            ? Self.step(&upward, &downward, isUp: true, segment, &synTime, &roundTrip, &isConnected)
            : Self.step(&downward, &upward, isUp: false, segment, &synTime, &roundTrip, &isConnected)
    }

    private static func step(
        _ half: inout Half,
        _ peer: inout Half,
        isUp: Bool,
        _ segment: SieveSegment,
        _ synTime: inout Int64,
        _ roundTrip: inout Int64,
        _ isConnected: inout Bool
    ) -> SieveStep {
        var step = SieveStep()
        let flags = segment.flags
        let time = segment.time
        let length = segment.length
        if half.isDuplicate(segment) {
            step.event = .duplicate
            return step
        }
        half.hasSent = true
        half.lastSequence = segment.sequence
        half.lastAcknowledgment = segment.acknowledgment
        half.lastLength = length
        if half.clock != segment.clock {
            half.hasMovingClock = half.hasMovingClock || half.clock != 0
            half.clock = segment.clock
        }
        half.lastFlags = flags.rawValue
        half.lastIdentification = segment.identification
        half.lastInterface = segment.interface
        half.lastTime = time
        let isSYN = flags.contains(.syn)
        if !half.hasBase {
            half.hasBase = true
            half.base = isSYN ? segment.sequence : segment.sequence &- 1
        }
        if !peer.hasBase, flags.contains(.ack) {
            peer.hasBase = true
            peer.base = segment.acknowledgment &- 1
        }
        if flags.contains(.rst) {
            step.isReset = true
            if flags.contains(.ack) { half.acknowledged = segment.acknowledgment }
            return step
        }
        if isSYN {
            if isUp {
                synTime = time
            } else if !half.sawSYN, synTime != .min {
                step.connectTime = max(0, time &- synTime)
            }
            half.sawSYN = true
            if !half.isNumbered {
                half.isNumbered = true
                half.next = segment.sequence &+ 1
            } else if half.next != segment.sequence &+ 1, length == 0, !flags.contains(.ack) {
                step.event = .odd
            }
            // Data in a SYN (RFC 7413) is for the full reading.
            if length > 0 { step.event = .odd }
            return step
        }
        if isUp, !isConnected, peer.sawSYN, flags.contains(.ack) {
            isConnected = true
            if synTime != .min { roundTrip = max(0, time &- synTime) }
        }
        let sinceAcknowledgment = peer.acknowledgmentTime == .min ? Int64.max : time &- peer.acknowledgmentTime
        if flags.contains(.ack) {
            half.acknowledgmentTime = time
            half.acknowledged = segment.acknowledgment
        }
        defer { step.isFIN = half.takeFIN(segment, length) }
        if !half.isNumbered, length > 0 || flags.contains(.fin) {
            half.isNumbered = true
            half.next = segment.sequence
        }
        if length > 0 { half.takePayload(segment, length, sinceAcknowledgment, roundTrip, &step) }
        step.isFIN = half.takeFIN(segment, length)
        return step
    }
}

extension FlowState.Half {
    /// Places the payload of a segment in the stream.
    fileprivate mutating func takePayload(
        _ segment: SieveSegment,
        _ length: UInt32,
        _ sinceAcknowledgment: Int64,
        _ roundTrip: Int64,
        _ step: inout SieveStep
    ) {
        let distance = Int32(bitPattern: segment.sequence &- next)
        let captured = segment.payload
        let cut = Int64(length) - Int64(captured.count)
        if distance == 0 {
            next = next &+ length
            step.event = .payload
            step.payload = captured
            step.cut = cut
            return
        }
        if distance < 0 {
            fill(segment.sequence, length)
            let ahead = Int64(distance) + Int64(length)
            // A byte below the next is a keep-alive probe.
            let isProbe = length == 1 && distance == -1
            if !isProbe {
                // Wireshark's rule: sooner than a round trip after the other side's acknowledgment it cannot be an answer to it.
                step.isRetransmission = !(hasHole || ahead > 0) || sinceAcknowledgment >= max(roundTrip, 3_000_000)
            }
            if ahead > 0 {
                next = next &+ UInt32(truncatingIfNeeded: ahead)
                step.event = .payload
                let skipped = min(captured.count, Int(-Int64(distance)))
                step.payload = captured.lowerBound &+ skipped..<captured.upperBound
                step.cut = ahead - Int64(step.payload.count)
            }
            return
        }
        guard distance < 1 << 24, !hasHole else {
            next = segment.sequence &+ length
            holeStart = holeEnd
            step.event = .odd
            return
        }
        holeStart = next
        holeEnd = segment.sequence
        next = segment.sequence &+ length
        step.event = .jump
        step.missing = Int64(distance)
        step.payload = captured
        step.cut = cut
    }
}

extension FlowState.Half {
    /// Whether the stream ends with what this segment brought: its own FIN, or one that came too early.
    fileprivate mutating func takeFIN(_ segment: SieveSegment, _ length: UInt32) -> Bool {
        if segment.flags.contains(.fin) {
            let end = segment.sequence &+ length
            if Int32(bitPattern: end &- next) <= 0 { return true }
            (hasEarlyFIN, earlyFIN) = (true, end)
        } else if hasEarlyFIN, Int32(bitPattern: earlyFIN &- next) <= 0 {
            hasEarlyFIN = false
            return true
        }
        return false
    }

    /// Bytes from `sequence` on came after all.
    mutating func fill(_ sequence: UInt32, _ length: UInt32) {
        guard hasHole else { return }
        let end = sequence &+ length
        if Int32(bitPattern: sequence &- holeStart) <= 0, Int32(bitPattern: end &- holeStart) > 0 {
            holeStart = Int32(bitPattern: end &- holeEnd) >= 0 ? holeEnd : end
        } else if Int32(bitPattern: end &- holeEnd) >= 0, Int32(bitPattern: sequence &- holeEnd) < 0 {
            holeEnd = sequence
        }
    }

    /// The same packet, captured once more at this place or at another one: the rules of `DuplicateFilter`, with the last packet only.
    @inline(__always)
    func isDuplicate(_ segment: SieveSegment) -> Bool {
        segment.sequence == lastSequence && segment.acknowledgment == lastAcknowledgment && segment.length == lastLength
            && segment.flags.rawValue == lastFlags && hasSent && isRepeated(segment)
    }

    @inline(never)
    private func isRepeated(_ segment: SieveSegment) -> Bool {
        let apart = segment.time.subtractingSaturating(lastTime)
        guard apart >= -20_000_000, apart <= 20_000_000 else { return false }
        let isElsewhere = lastInterface != segment.interface
        if segment.identification != 0 {
            return segment.identification == lastIdentification && (isElsewhere || apart <= 1_000_000)
        }
        guard lastLength > 0 || !segment.flags.isDisjoint(with: .synOrFin) else { return isElsewhere }
        return isElsewhere || apart <= 200_000
    }
}
