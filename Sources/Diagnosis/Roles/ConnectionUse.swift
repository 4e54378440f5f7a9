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

    /// The first FIN or RST of either side.
    var firstEnding: FrameReference? {
        events.first { $0.kind == .fin || $0.kind == .rst }?.frame
    }
}
