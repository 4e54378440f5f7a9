import Model

/// Tells the client from the server where no handshake was captured.
enum Orientation {
    /// What the first payload bytes of one side say about that side; nil when they say nothing.
    static func sender(of bytes: RawSpan) -> Direction? {
        let count = bytes.byteCount
        func byte(_ index: Int) -> UInt8 { bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self) }
        func starts(with text: StaticString) -> Bool {
            guard count >= text.utf8CodeUnitCount else { return false }
            return text.withUTF8Buffer { buffer in
                for index in buffer.indices where buffer[index] != byte(index) { return false }
                return true
            }
        }
        if starts(with: "HTTP/1.") { return .fromServer }
        // PROXY protocol, version 1 and 2 (HAProxy, proxy-protocol.txt §2).
        if starts(with: "PROXY ") || starts(with: "\r\n\r\n\0\r\nQUIT\n") { return .fromClient }
        // TLS record of type handshake (RFC 8446 §5.1), then ClientHello (1) or ServerHello (2).
        if count >= 6, byte(0) == 22, byte(1) == 3 {
            switch byte(5) {
            case 1: return .fromClient
            case 2: return .fromServer
            default: return nil
            }
        }
        // FastCGI 1.0 §3.3: version 1, FCGI_BEGIN_REQUEST, a body of 8 bytes.
        if count >= 8, byte(0) == 1, byte(1) == 1, byte(4) == 0, byte(5) == 8 { return .fromClient }
        return isRequestLine(count: count, byte) ? .fromClient : nil
    }

    /// method SP request-target (RFC 9112 §3): upper-case letters, a space, then `/`, `*` or a scheme or host.
    private static func isRequestLine(count: Int, _ byte: (Int) -> UInt8) -> Bool {
        var index = 0
        while index < min(count, 17), (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte(index)) { index += 1 }
        guard index >= 3, index + 1 < count, byte(index) == UInt8(ascii: " ") else { return false }
        switch byte(index + 1) {
        case UInt8(ascii: "/"), UInt8(ascii: "*"): return true
        case UInt8(ascii: "h"): return index + 5 < count && byte(index + 2) == UInt8(ascii: "t")
        default: return false
        }
    }

    /// Whether `destination` rather than `source` is the server, by port numbers: a port below the ephemeral ranges
    /// (RFC 6335 §6; Linux starts at 32768) serves; else the lower one; else the receiver of the first packet.
    static func guessesDestinationServes(source: UInt16, destination: UInt16) -> Bool {
        let limits: [UInt16] = [1024, 32768]
        for limit in limits where (source < limit) != (destination < limit) { return destination < limit }
        return destination <= source
    }
}
