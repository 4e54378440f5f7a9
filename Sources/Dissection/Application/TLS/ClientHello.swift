/// What a ClientHello (RFC 8446 §4.1.2) asks for; a broken one gives what could be read.
struct ClientHello {
    private(set) var serverName: String?
    private(set) var applicationProtocols: [String] = []
    /// How many cipher suites it offers.
    private(set) var cipherSuites = 0

    /// `message` starts with the handshake header: type and three bytes of length.
    init(_ message: ArraySlice<UInt8>) {
        var body = Cursor(rest: message.dropFirst(4))
        // legacy_version and random.
        guard body.skip(34), body.vector(1) != nil, let suites = body.vector(2) else { return }
        cipherSuites = suites.count / 2
        guard body.vector(1) != nil, let extensions = body.vector(2) else { return }
        var list = Cursor(rest: extensions)
        while let type = list.number(2), let content = list.vector(2) {
            var content = Cursor(rest: content)
            switch type {
            // server_name, RFC 6066 §3: a list of type and name; type 0 is host_name.
            case 0:
                guard var names = content.vector(2).map({ Cursor(rest: $0) }) else { continue }
                if names.number(1) == 0, let name = names.vector(2) { serverName = name.escaped(limit: 256) }
            // application_layer_protocol_negotiation, RFC 7301 §3.1.
            case 16:
                guard var names = content.vector(2).map({ Cursor(rest: $0) }) else { continue }
                while applicationProtocols.count < 16, let name = names.vector(1) {
                    applicationProtocols.append(name.escaped(limit: 64))
                }
            default: break
            }
        }
    }

    private struct Cursor {
        var rest: ArraySlice<UInt8>

        mutating func skip(_ count: Int) -> Bool {
            guard rest.count >= count else { return false }
            rest = rest.dropFirst(count)
            return true
        }

        /// Big endian, `width` bytes.
        mutating func number(_ width: Int) -> Int? {
            guard rest.count >= width else { return nil }
            let value = rest.prefix(width).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(width)
            return value
        }

        /// Bytes after a length of `width` bytes, cut where the message ends.
        mutating func vector(_ width: Int) -> ArraySlice<UInt8>? {
            guard let length = number(width) else { return nil }
            let content = rest.prefix(length)
            rest = rest.dropFirst(length)
            return content
        }
    }
}
