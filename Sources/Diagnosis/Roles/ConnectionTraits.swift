import Model

extension ConnectionFacts {
    /// DNS over TCP or TLS (RFC 7766, RFC 7858): dialled for a name, not for a request.
    var isNameService: Bool { (server.port == 53 || server.port == 853) && exchanges.isEmpty }

    /// Not a byte went either way, and it was never opened or the server ended it.
    var cameToNothing: Bool {
        guard fromClient.payloadBytes == 0, fromServer.payloadBytes == 0 else { return false }
        let isOpened = events.contains { $0.kind == .handshakeAck }
        return !isOpened || events.contains { $0.kind == .rst && $0.direction == .fromServer }
    }

    /// A TLS handshake that the client began, and that provably came to nothing: answered by nothing, by a fatal alert, or by what is no TLS.
    var failedInHandshake: Bool {
        guard case .tls(let facts) = application, facts.clientHello != nil, facts.clientRecords == 0, !hasMissedBytes,
            events.contains(where: { $0.kind == .fin || $0.kind == .rst })
        else { return false }
        if fromServer.payloadBytes == 0 { return fromServer.acknowledgedEnd <= 1 && fromServer.highestEnd <= 0 }
        return facts.serverHello == nil && !fromServer.firstBytes.starts(with: [22, 3])
            && !fromServer.firstBytes.starts(with: [23, 3]) && !fromServer.firstBytes.isEmpty
    }

    /// The first FIN or RST of either side.
    var firstEnding: FrameReference? {
        events.first { $0.kind == .fin || $0.kind == .rst }?.frame
    }

    /// The peer acknowledged bytes that the capture never showed.
    var hasMissedBytes: Bool { fromClient.missedBytes > 0 || fromServer.missedBytes > 0 }
}
