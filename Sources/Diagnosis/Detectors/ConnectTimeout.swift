import Model

extension AttemptContext {
    /// The attempt never got past the SYN, and it is over: another sign than silence says so, or the next SYN is overdue.
    var isUnansweredConnect: Bool {
        guard let last = timeline.syns.last, connection.fromServer.payloadBytes == 0, timeline.serverReset == nil,
            !timeline.isEstablished(connection), hiddenAnswer == nil
        else { return false }
        // A gateway that resets after the SYN-ACK was probing, or changed its mind: it had its answer.
        if let reset = timeline.clientReset {
            // It answers something that the capture does not show: who gives up a SYN sends nothing.
            if timeline.synAcks.isEmpty { return false }
            return timeline.synAcks.allSatisfy { $0.frame.number > reset.frame.number }
        }
        if timeline.synAcks.count == 1, timeline.syns.last?.frame.number ?? 0 < timeline.synAcks[0].frame.number {
            return false
        }
        if timeline.syns.count == 2, isServerSideMissed { return false }
        if timeline.syns.count == 1, timeline.synAcks.isEmpty, mayHaveMissedAnswer(to: last) { return false }
        if let client, client.end != nil { return true }
        // Nothing more will come, and it went unanswered for two seconds.
        if client == nil, isFinal, timeline.syns.count >= 2, let first = timeline.syns.first,
            horizon - first.frame.time >= .seconds(2)
        {
            return true
        }
        // One SYN and no word of why there was no second: the answer may have been missed.
        if client == nil, isFinal { return false }
        // Linux repeats after 1 s and then at least doubles or stays at 1 s (kernel 6.5 and later): twice the last
        // interval and half a second without another SYN is the end of the attempt.
        let previous = timeline.syns.dropLast().last?.frame.time
        let interval = max(previous.map { last.frame.time - $0 } ?? .seconds(1), .seconds(1))
        return horizon - last.frame.time > 2 * min(interval, .seconds(60)) + .milliseconds(500)
    }

    /// One SYN, and the gateway knew better than to wait: what it was told, the capture does not hold. Silence is shown by a second SYN, or by
    /// a timer that is shorter than the second after which it is due (RFC 6298 §2.1), at a port that nobody saw refuse at that time.
    private func mayHaveMissedAnswer(to syn: TCPEvent) -> Bool {
        let over = [nextAttempt, client?.isFailed == true ? client?.end : nil].compactMap { $0 }.min()
        guard let over else { return false }
        let waited = over - syn.frame.time
        let near = Nanoseconds.seconds(2)
        return waited < ResponseTimeout.shortestTimer || waited > .milliseconds(1500)
            || port.refused(from: syn.frame.time - near, to: over + near) || isServerSideMissed
    }

    var synFrames: [EvidenceFrame] {
        timeline.syns.prefix(5).enumerated().map { index, syn in
            frame(
                syn,
                index == 0 ? "SYN" : "SYN again, \(Phrases.duration(syn.frame.time - timeline.syns[0].frame.time))"
            )
        }
    }
}

/// SYN unanswered although the same port answers others: Linux drops the SYN while the accept queue is full
/// (no SYN-ACK, `TcpExtListenOverflows`). Or SYN-ACKs repeat although the gateway answered each: the third segment
/// of the handshake was dropped for the same reason.
enum AcceptQueueOverflow: Detector {
    static let cause = Cause.acceptQueueOverflow

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        let timeline = attempt.timeline
        let connection = attempt.connection
        if timeline.synAcks.count >= 2, timeline.handshakeAck != nil, connection.fromClient.payloadBytes > 0,
            connection.fromClient.acknowledgedEnd == 0, connection.fromServer.payloadBytes == 0
        {
            return Verdict(
                cause,
                confidence: .medium,
                blame: .upstream,
                frames: timeline.synAcks.prefix(4).map { attempt.frame($0, "SYN, ACK repeated") }
                    + attempt.requestFrames,
                explanation:
                    "\(attempt.upstream) repeated its SYN-ACK \(timeline.synAcks.count - 1) times although the "
                    + "gateway answered it, and never acknowledged the gateway's data: its accept queue was full.",
                ruledOut: [RuledOut(.connectTimeout, "the gateway answered the SYN-ACKs")]
            )
        }
        if let verdict = queued(attempt) { return verdict }
        guard attempt.isUnansweredConnect, timeline.synAcks.isEmpty, let first = timeline.syns.first,
            let last = timeline.syns.last
        else { return nil }
        // Not what comes when it is over: a filter that is lifted lets the next connection through.
        let until = max(
            last.frame.time + .milliseconds(10),
            (attempt.client?.end ?? last.frame.time) - .milliseconds(100)
        )
        let proof = attempt.port.proof(
            from: first.frame.time - .milliseconds(100),
            to: until,
            except: connection.stream
        )
        let waiting = attempt.port.waiting(at: first.frame.time, except: connection.stream)
        guard let witness = proof ?? waiting, !attempt.port.losesPackets(from: first.frame.time, to: until) else {
            return nil
        }
        return Verdict(
            cause,
            confidence: proof != nil ? .high : .medium,
            blame: .upstream,
            frames: attempt.synFrames
                + [
                    EvidenceFrame(
                        witness,
                        role: proof != nil
                            ? "the same port answers another connection"
                            : "request waiting unanswered on the same port",
                        direction: .fromServer
                    )
                ],
            explanation:
                "\(attempt.upstream) did not answer \(Phrases.count(timeline.syns.count, "SYN")) while the same "
                + "port was alive on other connections: its accept queue was full.",
            ruledOut: [
                RuledOut(.connectTimeout, "frame \(witness.number) shows the port alive at the time"),
                RuledOut(.connectRefused, "no reset came"),
            ]
        )
    }
}

extension AcceptQueueOverflow {
    /// Linux 6.x does not repeat the SYN-ACK once it dropped the ACK that answered it: the gateway believes itself connected, and its request
    /// is never acknowledged, while requests of its siblings are acknowledged and wait.
    private static func queued(_ attempt: AttemptContext) -> Verdict? {
        guard attempt.isFirst, let request = attempt.request, attempt.stage == .nothing,
            !attempt.isRequestAcknowledged, attempt.gatewayGaveUp || attempt.ending == nil,
            let synAck = attempt.timeline.synAcks.first,
            attempt.connection.fromClient.acknowledgedFrame.map({
                $0.number <= synAck.frame.number || !attempt.isInTime($0)
            }) ?? true,
            let witness = attempt.port.waiting(at: request.firstFrame.time, except: attempt.connection.stream)
        else { return nil }
        let repeats = attempt.retransmissions(.fromClient, from: request.start)
        guard repeats.count >= 3, let last = repeats.last else { return nil }
        return Verdict(
            cause,
            confidence: .medium,
            blame: .upstream,
            frames: [attempt.frame(synAck, "SYN, ACK")] + attempt.requestFrames + [
                attempt.frame(last, "request again, never acknowledged")
            ]
                + [
                    EvidenceFrame(
                        witness,
                        role: "a sibling's request is acknowledged and waits",
                        direction: .fromServer
                    )
                ],
            explanation:
                "\(attempt.upstream) never acknowledged the request (\(repeats.count + 1) times sent) while it "
                + "acknowledged others that wait unanswered: its accept queue was full.",
            ruledOut: [RuledOut(.connectTimeout, "the SYN was answered")],
            missing: ["a capture at the upstream: loss-stall-request, a loss on the path, is not ruled out"]
        )
    }
}

/// SYN repeated (1, 3, 7 s ... on Linux before 6.5; 1, 2, 3, 4, 5, 7 s ... since) and nothing ever comes back.
enum ConnectTimeout: Detector {
    static let cause = Cause.connectTimeout

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        let timeline = attempt.timeline
        guard attempt.isUnansweredConnect, let first = timeline.syns.first else { return nil }
        if timeline.synAcks.count > 0 {
            return Verdict(
                cause,
                variant: "one-way",
                confidence: timeline.synAcks.count > 1 ? .high : .medium,
                blame: .network,
                frames: attempt.synFrames
                    + timeline.synAcks.prefix(3).map { attempt.frame($0, "SYN, ACK that the gateway never answers") },
                explanation: "\(attempt.upstream) answered the SYN, and the gateway never answered back: the SYN-ACK "
                    + "does not reach it.",
                ruledOut: [RuledOut(.acceptQueueOverflow, "the gateway's ACK was never sent")]
            )
        }
        let repeated = timeline.syns.count > 1 ? " and \(timeline.syns.count - 1) repeats of it" : ""
        let waited = attempt.client?.end.map { $0 - first.frame.time }
        if attempt.port.losesPackets(from: first.frame.time, to: attempt.client?.end ?? attempt.connection.last.time) {
            return Verdict(
                cause,
                confidence: .medium,
                blame: .network,
                frames: attempt.synFrames,
                explanation:
                    "Nothing came back to the SYN\(repeated) to \(attempt.upstream), and segments of its other connections were lost at that time.",
                ruledOut: [
                    RuledOut(.connectRefused, "no reset came"), RuledOut(.hostUnreachable, "no ICMP error came"),
                ],
                missing: ["a capture at the upstream: a full accept queue (accept-queue-overflow) is not ruled out"]
            )
        }
        return Verdict(
            cause,
            blame: .firewall,
            frames: attempt.synFrames,
            explanation: "Nothing came back to the SYN\(repeated) to \(attempt.upstream)"
                + (waited.map { "; the gateway gave up after \(Phrases.duration($0))" } ?? "") + ".",
            ruledOut: [
                RuledOut(.connectRefused, "no reset came"),
                RuledOut(.hostUnreachable, "no ICMP error came"),
                RuledOut(.acceptQueueOverflow, "no sign of life of that port on any other connection at the time"),
            ],
            missing: ["a capture at the upstream: it would tell a dropped SYN from a dropped SYN-ACK"]
        )
    }
}

/// SYN answered by a challenge ACK (RFC 5961 §4): the upstream, or a NAT on the way, still holds an older connection
/// with the same addresses and ports.
enum StaleTuple: Detector {
    static let cause = Cause.staleTuple

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let challenge = attempt.timeline.challengeAcks.first, attempt.timeline.synAcks.isEmpty,
            attempt.connection.fromServer.payloadBytes == 0, let syn = attempt.timeline.syns.first
        else { return nil }
        // The gateway's reset did away with the older connection, and the next SYN was answered: that answer counts.
        let isCleared = attempt.timeline.serverReset.map { $0.frame.number > challenge.frame.number } ?? false
        guard !isCleared else { return nil }
        return Verdict(
            cause,
            confidence: .medium,
            blame: .upstream,
            frames: [attempt.frame(syn, "SYN"), attempt.frame(challenge, "challenge ACK instead of a SYN-ACK")],
            explanation:
                "\(attempt.upstream) answered the SYN with the ACK of an older connection of the same addresses "
                + "and ports.",
            ruledOut: [RuledOut(.connectTimeout, "something came back")]
        )
    }
}
