import Model

@testable import Diagnosis

/// What was asked of a name server and what came back, told message by message. Times are in milliseconds.
struct Questions {
    static let server = end("10.0.0.53", 53)
    var facts: [DNSFacts] = []
    var rejections: [ICMPErrorFacts] = []
    var asker = Scene.dialler

    static func by(_ asker: IPAddress = Scene.dialler) -> Questions { Questions(asker: asker) }

    func ask(
        _ name: String,
        type: UInt16 = 1,
        id: UInt16 = 1,
        of server: Endpoint = server,
        at time: Double
    ) -> Questions {
        adding(name, type, id, server, time) { _ in }
    }

    func answer(
        _ name: String,
        type: UInt16 = 1,
        id: UInt16 = 1,
        of server: Endpoint = server,
        code: UInt8 = 0,
        _ addresses: IPAddress...,
        at time: Double,
        _ change: (inout DNSFacts) -> Void = { _ in }
    ) -> Questions {
        adding(name, type, id, server, time) { message in
            message.isResponse = true
            message.responseCode = code
            message.addresses = addresses
            change(&message)
        }
    }

    func reject(at time: Double) -> Questions {
        var copy = self
        copy.rejections.append(
            ICMPErrorFacts(
                frame: frame(time),
                sender: Self.server.address,
                isIPv6: false,
                type: 3,
                code: 3,
                quotedSource: Endpoint(address: asker, port: 40_053),
                quotedDestination: Self.server,
                quotedProtocol: 17
            )
        )
        return copy
    }

    private func adding(
        _ name: String,
        _ type: UInt16,
        _ id: UInt16,
        _ server: Endpoint,
        _ time: Double,
        _ change: (inout DNSFacts) -> Void
    ) -> Questions {
        var copy = self
        var message = DNSFacts(
            frame: frame(time),
            client: Endpoint(address: asker, port: 40_053),
            server: server,
            id: id,
            isResponse: false,
            name: name,
            type: type
        )
        change(&message)
        copy.facts.append(message)
        return copy
    }

    func report(_ lines: [Line], until last: Double? = nil) -> Report {
        var facts = Scene.facts(lines, until: last)
        facts.dns = self.facts
        facts.strayICMPErrors = rejections
        return Diagnosis.report(on: facts)
    }
}
