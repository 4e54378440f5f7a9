/// ADDR[/LEN][:PORT], as `--gateway` and `--upstream` take it.
package struct AddressPrefix: Hashable, Sendable {
    package var address: IPAddress
    /// 0 to 32 or 128.
    package var length: Int
    package var port: UInt16?

    package init(address: IPAddress, length: Int? = nil, port: UInt16? = nil) {
        self.address = address
        self.length = min(max(length ?? address.bitWidth, 0), address.bitWidth)
        self.port = port
    }

    package func contains(_ other: IPAddress) -> Bool {
        guard other.isIPv6 == address.isIPv6 else { return false }
        if !address.isIPv6 {
            return length == 0 || (address.low ^ other.low) >> UInt64(32 - length) == 0
        }
        if length == 0 { return true }
        if length <= 64 { return (address.high ^ other.high) >> UInt64(64 - length) == 0 }
        return address.high == other.high && (address.low ^ other.low) >> UInt64(128 - length) == 0
    }

    package func contains(_ endpoint: Endpoint) -> Bool {
        contains(endpoint.address) && (port == nil || port == endpoint.port)
    }
}
