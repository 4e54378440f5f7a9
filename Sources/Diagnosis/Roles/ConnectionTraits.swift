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

    /// A TLS handshake that the client began and never got far enough in to send anything.
    var failedInHandshake: Bool {
        guard case .tls(let facts) = application else { return false }
        return facts.clientHello != nil && facts.clientRecords == 0
            && events.contains { $0.kind == .fin || $0.kind == .rst }
    }

    /// The first FIN or RST of either side.
    var firstEnding: FrameReference? {
        events.first { $0.kind == .fin || $0.kind == .rst }?.frame
    }

    /// The peer acknowledged bytes that the capture never showed.
    var hasMissedBytes: Bool { fromClient.missedBytes > 0 || fromServer.missedBytes > 0 }
}
