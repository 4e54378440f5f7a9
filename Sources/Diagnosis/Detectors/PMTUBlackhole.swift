import Model

/// Full-size segments of one direction vanish where a link has a smaller MTU and the ICMP "fragmentation needed" (RFC 1191) does not come
/// back, while small ones pass. Offload shows several segments as one, so that no size says anything without the repeats or the hole.
enum PMTUBlackhole: Detector {
    static let cause = Cause.pmtuBlackhole
    /// What passes every link (RFC 8200 §5: 1,280 bytes) less the longest usual headers. A request's last segment may be longer and be lost
    /// with the others.
    static let smallestLimit = 1_208

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard attempt.request != nil,
            attempt.stage == .nothing || attempt.stage == .partialHead || attempt.stage == .partialBody,
            attempt.timeline.serverZeroWindows.isEmpty
        else { return nil }
        return repeated(attempt, .fromClient) ?? repeated(attempt, .fromServer) ?? hole(attempt)
    }

    /// Seen before the narrow link: the long segments repeat.
    private static func repeated(_ attempt: AttemptContext, _ direction: Direction) -> Verdict? {
        let half = attempt.connection[direction]
        let start = direction == .fromClient ? attempt.request?.start : attempt.exchange?.response?.start
        guard let start else { return nil }
        let full = attempt.fullSize
        let all = attempt.retransmissions(direction, from: max(start, half.acknowledgedEnd))
        let repeats = all.filter { $0.length >= full }
        guard repeats.count >= 2, let first = repeats.first, let last = repeats.last,
            first.offset == half.acknowledgedEnd, half.longestAcknowledged < full,
            attempt.gatewayGaveUp || last.frame.time - first.frame.time >= .milliseconds(600),
            !attempt.sizes.passed(full, direction, since: attempt.connection.first.time),
            let small = smallPassed(
                attempt,
                direction,
                since: first,
                losesShorter: all.contains { $0.length < (direction == .fromClient ? smallestLimit : full) }
                    || direction == .fromServer && (half.highestEnd - half.acknowledgedEnd) % Int64(first.length) != 0
            )
        else { return nil }
        let who = direction == .fromClient ? "gateway" : "upstream"
        return verdict(
            attempt,
            frames: repeats.prefix(3).map { attempt.again($0, "\($0.length) bytes again") }
                + [EvidenceFrame(small, role: "a small segment gets through", direction: nil)],
            story:
                "the \(who)'s segments of \(first.length) bytes were sent \(repeats.count + 1) times and never acknowledged, "
                + "while small ones pass"
        )
    }

    /// A packet that shows that small ones pass although the long ones do not: an answer to what follows them on this connection, or
    /// another connection of the same port around that time.
    private static func smallPassed(
        _ attempt: AttemptContext,
        _ direction: Direction,
        since first: TCPEvent,
        losesShorter: Bool
    ) -> FrameReference? {
        let peer = attempt.connection[direction.reversed]
        let endings = attempt.timeline.endings.filter { $0.direction == direction.reversed }
        if let answer = peer.lastFrame {
            let isEnding = endings.contains { $0.frame == answer }
            // On a connection whose upstream has sent no byte, what is neither SYN-ACK nor its end answers something that came after the hole.
            let others = peer.packets - attempt.timeline.synAcks.count - endings.count
            let isDuplicate = direction == .fromClient ? peer.payloadBytes == 0 && others > 0 : peer.duplicateAcks > 0
            let start = direction == .fromClient ? attempt.request?.firstFrame : attempt.exchange?.response?.firstFrame
            if let start, answer.time > start.time, !isEnding { return answer }
            if attempt.isFirst, isDuplicate { return answer }
        }
        // Where all that was sent was long, the handshake must have passed right before.
        guard attempt.isFirst, !losesShorter else { return nil }
        return attempt.port.proof(
            from: first.frame.time - .seconds(10),
            to: attempt.connection.last.time + .seconds(10),
            except: attempt.connection.stream
        )
    }

    /// Seen behind the narrow link: what follows the long segments arrives, or their sender's numbers have moved past them.
    private static func hole(_ attempt: AttemptContext) -> Verdict? {
        let server = attempt.connection.fromServer
        let full = attempt.fullSize
        guard attempt.gatewayGaveUp, attempt.hasOpenHole || attempt.leap != nil,
            let beyond = attempt.connection.events.first(where: {
                $0.kind == .lostSegment && $0.isFromServer && $0.offset > server.contiguousEnd
            }), beyond.offset - server.contiguousEnd >= Int64(full), server.longestSegment < full,
            !attempt.sizes.passed(full, .fromServer, since: attempt.connection.first.time),
            let small = attempt.hasOpenHole
                ? beyond.frame
                : attempt.port.proof(
                    from: attempt.connection.first.time - .seconds(10),
                    to: attempt.connection.last.time + .seconds(10),
                    except: attempt.connection.stream
                )
        else { return nil }
        return verdict(
            attempt,
            frames: [
                attempt.frame(beyond, "beyond a hole of \(beyond.offset - server.contiguousEnd) bytes"),
                EvidenceFrame(small, role: "a small segment gets through", direction: .fromServer),
            ],
            story:
                "\(beyond.offset - server.contiguousEnd) bytes of the answer never arrived although the upstream's numbers have "
                + "moved past them; no segment of full size came from it, and small ones do"
        )
    }

    private static func verdict(_ attempt: AttemptContext, frames: [EvidenceFrame], story: String) -> Verdict {
        let tooBig = attempt.connection.icmpErrors.first { $0.isIPv6 ? $0.type == 2 : $0.type == 3 && $0.code == 4 }
        let icmp = tooBig.map {
            [EvidenceFrame($0.frame, role: "ICMP fragmentation needed from \($0.sender)", direction: nil)]
        }
        return Verdict(
            cause,
            confidence: tooBig == nil ? .medium : .high,
            blame: .network,
            frames: attempt.requestFrames + attempt.responseFrames + frames + (icmp ?? []) + attempt.endingFrames,
            explanation: "Long segments do not get through between the gateway and \(attempt.upstream): \(story).",
            ruledOut: [
                RuledOut(.lossStallRequest, "only segments of full size are lost"),
                RuledOut(.zeroWindowStall, "the window is open"),
                RuledOut(.connectTimeout, "the handshake passed"),
            ],
            missing: tooBig == nil
                ? ["ICMP fragmentation needed: something suppresses it, or it takes another way"] : []
        )
    }
}

extension AttemptContext {
    /// Payload of a full-size segment here: the smaller offer of the two ends less the timestamp option (RFC 6691 §2), and less the room that
    /// selective acknowledgments may take.
    var fullSize: Int {
        let offers = [connection.fromClient.maximumSegmentSize, connection.fromServer.maximumSegmentSize].compactMap {
            $0
        }
        // Without handshake: what the smallest MTU of IPv6 carries (RFC 8200 §5).
        guard let offer = offers.min() else { return PMTUBlackhole.smallestLimit }
        return max(400, Int(offer) - 12 - 36)
    }
}

/// How long segments got through between a host pair: the last sign of each connection on which long ones did.
struct SegmentSizes {
    private var seen: [(until: Timestamp, fromClient: Int, fromServer: Int)] = []

    init() {}

    mutating func note(_ connection: ConnectionFacts) {
        seen.append(
            (
                connection.last.time, connection.fromClient.longestAcknowledged,
                // Captured at the gateway what arrived is what passed; elsewhere it was acknowledged.
                connection.fromServer.longestAcknowledged
            )
        )
    }

    mutating func sort() { seen.sort { $0.until < $1.until } }

    /// A segment of that length got through on a connection that lived at `time` or later.
    func passed(_ length: Int, _ direction: Direction, since time: Timestamp) -> Bool {
        let first = seen.partitionPoint { $0.until >= time }
        // The nearest suffice, and bound the work.
        return seen[first...].prefix(256).contains {
            (direction == .fromClient ? $0.fromClient : $0.fromServer) >= length
        }
    }
}
