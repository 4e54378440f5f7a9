/// Address and port: one end of a flow.
package struct Endpoint: Hashable, Sendable {
    package var address: IPAddress
    package var port: UInt16

    @inlinable package static func == (left: Endpoint, right: Endpoint) -> Bool {
        left.port == right.port && left.address == right.address
    }

    @inlinable package static func != (left: Endpoint, right: Endpoint) -> Bool { !(left == right) }

    @inlinable package init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }
}

extension Endpoint: Comparable {
    package static func < (left: Endpoint, right: Endpoint) -> Bool {
        left.address != right.address ? left.address < right.address : left.port < right.port
    }
}

extension Endpoint: CustomStringConvertible {
    /// `address:port`, an IPv6 address in brackets (RFC 3986 §3.2.2).
    package var description: String {
        address.isIPv6 ? "[\(address)]:\(port)" : "\(address):\(port)"
    }
}

/// Which end of a connection sent something. The client is the end that opened it (sent the SYN, or, where the
/// opening was not captured, the end that behaves like it).
package enum Direction: UInt8, Hashable, Sendable, CaseIterable {
    case fromClient
    case fromServer

    package var reversed: Direction { self == .fromClient ? .fromServer : .fromClient }
}
