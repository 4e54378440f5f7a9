import Model

/// Gives a packet other addresses, ports, hosts and paths of the same length, the same ones everywhere.
///
/// Only names change: lengths, times, flags, sequence numbers and bodies stay. Checksums become wrong, which nobody looks at.
/// Loopback, unspecified, link-local and multicast addresses keep their kind, for that is no name.
struct Renaming {
    /// Renames one captured packet; link types that it does not know stay as they are.
    func packet(_ bytes: [UInt8], linkType: UInt32) -> [UInt8] {
        var bytes = bytes
        switch linkType {
        case 1: ethernet(&bytes, typeAt: 12)
        case 113: network(&bytes, type: bytes.big16(14), at: 16)
        case 276: network(&bytes, type: bytes.big16(0), at: 20)
        case 0, 108: network(&bytes, at: 4)
        case 101, 228, 229: network(&bytes, at: 0)
        default: break
        }
        return bytes
    }

    private func ethernet(_ bytes: inout [UInt8], typeAt position: Int) {
        let type = bytes.big16(position)
        if type == 0x8100 || type == 0x88A8 { return ethernet(&bytes, typeAt: position + 4) }
        network(&bytes, type: type, at: position + 2)
    }

    private func network(_ bytes: inout [UInt8], type: UInt16, at start: Int) {
        if type == 0x0806 {
            address4(&bytes, at: start + 14)
            address4(&bytes, at: start + 24)
        } else if type == 0x0800 || type == 0x86DD {
            network(&bytes, at: start)
        }
    }

    /// An IP packet, or as much of one as there is (an ICMP error quotes only a beginning).
    private func network(_ bytes: inout [UInt8], at start: Int) {
        guard start < bytes.count else { return }
        switch bytes[start] >> 4 {
        case 4:
            let header = Int(bytes[start] & 15) * 4
            guard start + 20 <= bytes.count, header >= 20 else { return }
            address4(&bytes, at: start + 12)
            address4(&bytes, at: start + 16)
            let isFirstFragment = bytes.big16(start + 6) & 0x1FFF == 0
            if isFirstFragment { transport(&bytes, kind: bytes[start + 9], at: start + header) }
        case 6:
            guard start + 40 <= bytes.count else { return }
            address6(&bytes, at: start + 8)
            address6(&bytes, at: start + 24)
            transport(&bytes, kind: bytes[start + 6], at: start + 40)
        default:
            break
        }
    }

    private func transport(_ bytes: inout [UInt8], kind: UInt8, at start: Int) {
        switch kind {
        case 6:
            port(&bytes, at: start)
            port(&bytes, at: start + 2)
            guard start + 20 <= bytes.count else { return }
            text(&bytes, from: start + Int(bytes[start + 12] >> 4) * 4)
        case 17:
            if bytes.big16(start) == 53 || bytes.big16(start + 2) == 53 { dns(&bytes, at: start + 8) }
            port(&bytes, at: start)
            port(&bytes, at: start + 2)
        case 1:
            guard start < bytes.count, [3, 4, 5, 11, 12].contains(bytes[start]) else { return }
            network(&bytes, at: start + 8)
        case 58:
            guard start < bytes.count else { return }
            if bytes[start] < 128 { return network(&bytes, at: start + 8) }
            if bytes[start] == 135 || bytes[start] == 136 { address6(&bytes, at: start + 8) }
        default:
            break
        }
    }

    // MARK: Names

    /// Same number of digits, so that texts keep their length; 0 and 255 stay.
    static func octet(_ value: UInt8) -> UInt8 {
        switch value {
        case 1...9: value % 9 + 1
        case 10...99: (value - 10 + 37) % 90 + 10
        case 100...254: UInt8((Int(value) - 100 + 61) % 155 + 100)
        default: value
        }
    }

    /// Same number of digits, below 32768 and above as before, so that ephemeral ports stay ephemeral; DNS stays DNS.
    static func port(_ value: UInt16) -> UInt16 {
        func turn(_ range: ClosedRange<UInt16>) -> UInt16 {
            let count = UInt32(range.upperBound - range.lowerBound) + 1
            return range.lowerBound + UInt16((UInt32(value - range.lowerBound) + 1_361) % count)
        }
        return switch value {
        case 53: 53
        case 54...99: turn(54...99)
        case 100...999: turn(100...999)
        case 1_000...4_000: turn(1_000...4_000)
        // VXLAN and Geneve are told by their ports, and so are the ports beside them left alone.
        case 6_100...8_400: turn(6_100...8_400)
        case 8_500...9_999: turn(8_500...9_999)
        case 10_000...32_767: turn(10_000...32_767)
        case 32_768...: turn(32_768...65_535)
        default: value
        }
    }

    static func address4(_ value: [UInt8]) -> [UInt8] {
        guard let first = value.first, first != 127, first != 0, first < 224 else { return value }
        // A first octet that stays below 224 and is not 127.
        let head: UInt8 = (10...99).contains(first) ? octet(first) : first
        return [head] + value.dropFirst().map(octet)
    }

    /// The last group of a unique local or global address, as many hexadecimal digits as before.
    static func group(_ value: UInt16) -> UInt16 {
        switch value {
        case 0: 0
        case 0x1...0xF: value % 0xF + 1
        case 0x10...0xFF: (value - 0x10 + 0x55) % 0xF0 + 0x10
        case 0x100...0xFFF: (value - 0x100 + 0x555) % 0xF00 + 0x100
        default: UInt16((UInt32(value) - 0x1000 + 0x5555) % 0xF000 + 0x1000)
        }
    }

    /// `10.78.0.2:80`, `[fd00::2]:80` or an address alone, as a report must show it after renaming.
    static func endpoint(_ text: String) -> String {
        guard let prefix = AddressPrefix(text) else { return text }
        var address = prefix.address
        if !address.isIPv6 {
            let octets = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: address.low >> $0) }
            address = IPAddress(v4: address4(octets).reduce(0) { $0 << 8 | UInt32($1) })
        } else if address.high >> 57 == 0x7E || address.high >> 61 == 1 {
            address.low = address.low & ~0xFFFF | UInt64(group(UInt16(truncatingIfNeeded: address.low)))
        }
        return prefix.port.map { Endpoint(address: address, port: port($0)).description } ?? address.description
    }

    private func address4(_ bytes: inout [UInt8], at position: Int) {
        guard position + 4 <= bytes.count else { return }
        bytes.replaceSubrange(position..<position + 4, with: Renaming.address4(Array(bytes[position..<position + 4])))
    }

    /// fc00::/7 and 2000::/3; fe80::/10, ff00::/8, :: and ::1 stay.
    private func address6(_ bytes: inout [UInt8], at position: Int) {
        guard position + 16 <= bytes.count, bytes[position] & 0xFE == 0xFC || bytes[position] >> 5 == 1 else { return }
        let value = Renaming.group(bytes.big16(position + 14))
        bytes[position + 14] = UInt8(value >> 8)
        bytes[position + 15] = UInt8(value & 0xFF)
    }

    private func port(_ bytes: inout [UInt8], at position: Int) {
        guard position + 2 <= bytes.count else { return }
        let value = Renaming.port(bytes.big16(position))
        bytes[position] = UInt8(value >> 8)
        bytes[position + 1] = UInt8(value & 0xFF)
    }

    /// The target of a request line and the values of Host and X-Forwarded-Host, where a segment begins with a request;
    /// the addresses in X-Forwarded-For and the like.
    private func text(_ bytes: inout [UInt8], from start: Int) {
        guard start < bytes.count else { return }
        let methods = ["GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "PATCH ", "OPTIONS "]
        guard let method = methods.first(where: { bytes[start...].starts(with: $0.utf8) }) else { return }
        var position = start + method.utf8.count
        var isEscape = 0
        while position < bytes.count, bytes[position] > 0x20 {
            if bytes[position] == UInt8(ascii: "%") { isEscape = 3 }
            if isEscape > 0 { isEscape -= 1 } else { bytes[position] = Renaming.letter(bytes[position]) }
            position += 1
        }
        while let end = bytes[position...].firstIndex(of: 0x0A) {
            let line = position..<end
            position = end + 1
            if line.count <= 1 { return }
            let name = String(decoding: bytes[line].prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self).lowercased()
            guard let colon = bytes[line].firstIndex(of: UInt8(ascii: ":")) else { continue }
            switch name {
            case "host", "x-forwarded-host":
                let value = String(decoding: bytes[(colon + 1)..<end], as: UTF8.self)
                if value.contains(where: \.isLetter) {
                    for index in (colon + 1)..<end { bytes[index] = Renaming.letter(bytes[index]) }
                } else {
                    addresses(&bytes, in: (colon + 1)..<end)
                }
            case "x-forwarded-for", "x-real-ip", "forwarded":
                addresses(&bytes, in: (colon + 1)..<end)
            default:
                break
            }
        }
    }

    /// The name in question, and the addresses of answers whose owner is a pointer to it.
    private func dns(_ bytes: inout [UInt8], at start: Int) {
        guard start + 12 < bytes.count else { return }
        var position = start + 12
        while position < bytes.count, (1...63).contains(bytes[position]) {
            let end = min(position + 1 + Int(bytes[position]), bytes.count)
            for index in (position + 1)..<end { bytes[index] = Renaming.letter(bytes[index]) }
            position = end
        }
        position += 5
        while position + 12 <= bytes.count, bytes[position] & 0xC0 == 0xC0 {
            switch bytes.big16(position + 2) {
            case 1: address4(&bytes, at: position + 12)
            case 28: address6(&bytes, at: position + 12)
            default: break
            }
            position += 12 + Int(bytes.big16(position + 10))
        }
    }

    private func addresses(_ bytes: inout [UInt8], in range: Range<Int>) {
        let words = bytes[range].split(omittingEmptySubsequences: true) { byte in
            !(0x30...0x3A).contains(byte) && !".[]abcdef".utf8.contains(byte)
        }
        for word in words {
            let new = Array(Renaming.endpoint(String(decoding: word, as: UTF8.self)).utf8)
            if new.count == word.count { bytes.replaceSubrange(word.startIndex..<word.endIndex, with: new) }
        }
    }

    /// ROT13.
    private static func letter(_ byte: UInt8) -> UInt8 {
        switch byte {
        case 0x41...0x5A: (byte - 0x41 + 13) % 26 + 0x41
        case 0x61...0x7A: (byte - 0x61 + 13) % 26 + 0x61
        default: byte
        }
    }
}

extension [UInt8] {
    /// 0 where there are no two bytes.
    fileprivate func big16(_ position: Int) -> UInt16 {
        position + 2 <= count ? UInt16(self[position]) << 8 | UInt16(self[position + 1]) : 0
    }
}
