package import Model

/// Maps addresses so that those that share a beginning go on sharing one of the same length, and nobody without the key can tell
/// which they were (the construction of Xu, Fan, Ammar and Moon 2002, with HMAC-SHA256 for the random function).
///
/// Bit i of an address is turned over by the last bit of HMAC-SHA256(key, version, i, the i bits before it). Addresses that mean
/// something by themselves (loopback, unspecified, link-local, multicast, broadcast) stay; an address that would become one of
/// these is mapped once more, which keeps the map one to one.
package final class AddressMap {
    private let key: [UInt8]
    private var known: [IPAddress: IPAddress] = [:]
    private static let largestKnownCount = 1 << 20

    /// - Parameter secret: any bytes; at least 16 of them are worth the name of a key.
    package init(secret: [UInt8]) {
        key = SHA256.digest(of: Array("gwsniff address map 1".utf8) + secret)
    }

    package func map(_ address: IPAddress) -> IPAddress {
        if let mapped = known[address] { return mapped }
        guard !Self.isSpecial(address) else { return address }
        var mapped = once(address)
        while Self.isSpecial(mapped) { mapped = once(mapped) }
        if known.count < Self.largestKnownCount { known[address] = mapped }
        return mapped
    }

    private static func isSpecial(_ address: IPAddress) -> Bool {
        if address.isLoopback { return true }
        guard address.isIPv6 else {
            let top = address.low >> 24
            // RFC 6890: this network, loopback, multicast and above; link-local.
            return top == 0 || top == 127 || top >= 224 || address.low >> 16 == 0xa9fe
        }
        return address.high == 0 && address.low == 0 || address.high >> 56 == 0xff || address.high >> 54 == 0x3fa
    }

    private func once(_ address: IPAddress) -> IPAddress {
        let width = address.bitWidth
        func bit(_ index: Int) -> UInt64 {
            if !address.isIPv6 { return address.low >> UInt64(31 - index) & 1 }
            return index < 64 ? address.high >> UInt64(63 - index) & 1 : address.low >> UInt64(127 - index) & 1
        }
        var prefix = [UInt8](repeating: 0, count: width / 8)
        var (high, low): (UInt64, UInt64) = (0, 0)
        for index in 0..<width {
            let message = [address.isIPv6 ? 6 : 4, UInt8(truncatingIfNeeded: index)] + prefix
            let flip = UInt64((SHA256.authentication(of: message, key: key).last ?? 0) & 1)
            let value = bit(index)
            if value == 1 { prefix[index / 8] |= 0x80 >> UInt8(index % 8) }
            if address.isIPv6, index < 64 { high = high << 1 | (value ^ flip) } else { low = low << 1 | (value ^ flip) }
        }
        return address.isIPv6 ? IPAddress(v6High: high, low: low) : IPAddress(v4: UInt32(truncatingIfNeeded: low))
    }

    // MARK: Text

    /// Every address in a text mapped.
    package func map(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var position = 0
        for word in Self.words(bytes, 0..<bytes.count) {
            result += bytes[position..<word.range.lowerBound] + Array(map(word.address).description.utf8)
            position = word.range.upperBound
        }
        return String(decoding: result + bytes[position...], as: UTF8.self)
    }

    /// Where addresses stand in a text. A port may follow the last part of an IPv4 address.
    static func words(_ bytes: [UInt8], _ range: Range<Int>) -> [(range: Range<Int>, address: IPAddress)] {
        var found: [(range: Range<Int>, address: IPAddress)] = []
        var position = range.lowerBound
        while position < range.upperBound {
            guard isAddressByte(bytes[position]) else {
                position += 1
                continue
            }
            let end = (position..<range.upperBound).first { !isAddressByte(bytes[$0]) } ?? range.upperBound
            // Part of a longer word, such as "cafe" in "cafeteria".
            let isAlone =
                (position == range.lowerBound || !isLetter(bytes[position - 1]))
                && (end == range.upperBound || !isLetter(bytes[end]))
            if isAlone, end - position <= 64, let word = word(bytes, position..<end) { found.append(word) }
            position = end
        }
        return found
    }

    private static func word(_ bytes: [UInt8], _ range: Range<Int>) -> (range: Range<Int>, address: IPAddress)? {
        var end = range.upperBound
        // A sentence's own punctuation.
        while end > range.lowerBound, bytes[end - 1] == UInt8(ascii: ".") { end -= 1 }
        var candidates = [end]
        if let colon = (range.lowerBound..<end).last(where: { bytes[$0] == UInt8(ascii: ":") }) {
            candidates.append(colon)
        }
        for end in candidates where end - range.lowerBound >= 3 {
            let text = String(decoding: bytes[range.lowerBound..<end], as: UTF8.self)
            // "::" alone, and what has no dot and fewer than two colons, is no address.
            guard let address = IPAddress(text), text.utf8.contains(UInt8(ascii: ".")) || text.utf8.count > 3 else {
                continue
            }
            return (range.lowerBound..<end, address)
        }
        return nil
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x3a, 0x41...0x46, 0x61...0x66, 0x2e: true
        default: false
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x47...0x5a, 0x67...0x7a, 0x5f, 0x2d: true
        default: false
        }
    }
}
