import Model

/// How one port of an upstream answered those who spoke to it, over the whole capture: what is a pattern of the port is no accident of
/// one connection.
struct PortConduct {
    /// A connection that began with a PROXY header and was answered as if that was in order.
    var acceptedProxyHeader: FrameReference?
    /// An HTTP response to a request without a PROXY header.
    var answeredPlain: FrameReference?
    /// Requests without a PROXY header.
    var plainRequests = 0
    /// Those of them that were the first of their connection and got nothing but the server's FIN, faster than an application works; or its RST
    /// where the request came in parts, of which it may have left some unread.
    var promptCloses = 0
    /// Those of these that ended with FIN.
    var promptFins = 0
    /// What was asked on them: method and target.
    var promptlyClosed: Set<String> = []
    /// Requests behind a PROXY header.
    var proxiedRequests = 0
    /// Those of them that were the first of their connection and got nothing but the server's FIN or RST.
    var proxiedRefusals = 0
    /// What was asked on them: method and target.
    var refusedProxied: Set<String> = []
    /// A connection in another protocol that was answered in it.
    var answeredForeign: (name: ProtocolName, frame: FrameReference)?
    /// The largest request head that was answered well, in bytes.
    var largestAnswered: Int64 = 0
    /// The smallest request head after which the server closed without a byte, in bytes.
    var smallestRefused: Int64 = .max
}

/// `PortConduct` of every port, gathered once.
struct PortConducts {
    private var ports: [Endpoint: PortConduct] = [:]
    private static let none = PortConduct()

    subscript(endpoint: Endpoint) -> PortConduct { ports[endpoint] ?? Self.none }

    init(_ join: Join) {
        for (index, connection) in join.facts.connections.enumerated() where join.map.isUpstreamLeg[index] {
            var conduct = ports[connection.server] ?? Self.none
            conduct.note(connection, join.timelines[index])
            ports[connection.server] = conduct
        }
    }
}

extension PortConduct {
    /// An application has to read, to decide and to close; a server that dislikes the first bytes only has to close.
    static let prompt = Nanoseconds.milliseconds(1)

    /// Measured from the server's ACK of the request, where it came by itself: that is what its kernel did when the request arrived. Else
    /// from the request, with the path's round trip.
    static func isPrompt(_ ending: TCPEvent, after request: RequestFacts, _ timeline: ConnectionTimeline) -> Bool {
        if let acknowledged = request.acknowledged, acknowledged.number < ending.frame.number,
            ending.frame.time - acknowledged.time <= prompt
        {
            return true
        }
        let allowed = (timeline.roundTrip ?? 0).addingSaturating(prompt)
        return ending.frame.time - request.lastFrame.time <= allowed
    }

    /// Closing with bytes unread sends RST in place of FIN (RFC 9293 §3.10.4, RFC 2525 §2.17).
    static func mayBeUnread(_ request: RequestFacts) -> Bool { request.firstFrame.number != request.lastFrame.number }

    fileprivate mutating func note(_ connection: ConnectionFacts, _ timeline: ConnectionTimeline) {
        let isProxied = connection.hasProxyHeader
        if case .other(let name) = connection.application, connection.speaksForeign,
            connection.fromServer.payloadBytes > 0,
            !connection.answersInHTTP(to: name), let frame = connection.fromServer.firstDataFrame
        {
            answeredForeign = answeredForeign ?? (name, frame)
        }
        if isProxied, case .tls(let facts) = connection.application, let hello = facts.serverHello {
            acceptedProxyHeader = acceptedProxyHeader ?? hello
        }
        // What is asked in another protocol tells nothing of HTTP.
        if connection.speaksForeign { return }
        for (position, exchange) in connection.exchanges.enumerated() {
            guard let request = exchange.request else { continue }
            let head = (request.headEnd ?? connection.fromClient.highestEnd) - request.start
            if isProxied { proxiedRequests += 1 } else { plainRequests += 1 }
            if let response = exchange.response, let status = response.status, response.headEnd != nil {
                if status != 400 {
                    if isProxied {
                        acceptedProxyHeader = acceptedProxyHeader ?? response.firstFrame
                    } else {
                        answeredPlain = answeredPlain ?? response.firstFrame
                    }
                }
                if status < 400 { largestAnswered = max(largestAnswered, head) }
                continue
            }
            guard exchange.response == nil, position == connection.exchanges.count - 1,
                let ending = timeline.endings.first, ending.isFromServer
            else { continue }
            smallestRefused = min(smallestRefused, head)
            if isProxied, exchange.index == 0, exchange.interimCount == 0 {
                proxiedRefusals += 1
                if refusedProxied.count < 8 { refusedProxied.insert(request.method + " " + request.target) }
            }
            if !isProxied, exchange.index == 0, exchange.interimCount == 0,
                ending.isReset
                    ? Self.mayBeUnread(request) : ending.acknowledgedOffset ?? 0 >= request.end ?? .max,
                Self.isPrompt(ending, after: request, timeline)
            {
                promptCloses += 1
                if !ending.isReset { promptFins += 1 }
                if promptlyClosed.count < 8 { promptlyClosed.insert(request.method + " " + request.target) }
            }
        }
    }
}

extension ConnectionFacts {
    /// The client's first bytes are a PROXY protocol header (version 1 or 2).
    var hasProxyHeader: Bool {
        fromClient.firstBytes.starts(with: Array("PROXY ".utf8))
            || fromClient.firstBytes.starts(with: [
                0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
            ])
    }

    /// The client speaks a protocol of applications that is not HTTP/1.
    var speaksForeign: Bool {
        guard case .other(let name) = application else { return false }
        return [.fastcgi, .uwsgi, .ajp, .http2].contains(name)
    }

    /// The server's first bytes are an HTTP/1 status line that is no answer in `name`. Answers in uwsgi begin with one, too; only a 400
    /// tells of a server that could not read the request.
    func answersInHTTP(to name: ProtocolName) -> Bool {
        let isHTTP = fromServer.firstBytes.starts(with: Array("HTTP/1.".utf8))
        return isHTTP && (name != .uwsgi || fromServer.firstBytes.dropFirst(8).starts(with: Array(" 400".utf8)))
    }
}
