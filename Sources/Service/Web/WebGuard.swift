import Model

/// Who may ask, and who may change something. The server has no accounts: what protects it is that it listens on loopback, and that pages of
/// other sites in the same browser get nothing from it and change nothing.
struct WebGuard: Sendable {
    /// For requests that change something; known to who can read this server's answers.
    let token: String
    private let names: Set<String>

    init(_ settings: HTTPSettings, hostName: String?) {
        var generator = SystemRandomNumberGenerator()
        token = Self.hexadecimal(generator.next()) + Self.hexadecimal(generator.next())
        names = Set(settings.allowedHosts + ["localhost"] + (hostName.map { [$0.lowercased()] } ?? []))
    }

    /// 64 bits, in 16 digits.
    static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Nil where the request may go on. A name that somebody else's DNS gave to this address is refused; an address is no name.
    func refusal(_ request: HTTPRequest) -> HTTPResponse? {
        guard let host = request.field("host"), isKnown(host) else {
            return .refusal(421, "this server is not called that; see http.allowed-hosts")
        }
        guard request.method == "POST" else { return nil }
        if let origin = request.field("origin"), origin.lowercased() != "http://\(host.lowercased())" {
            return .refusal(403, "this is for the server's own page")
        }
        if let site = request.field("sec-fetch-site"), site != "same-origin", site != "none" {
            return .refusal(403, "this is for the server's own page")
        }
        guard let given = request.field("x-gwsniff-token"), Self.isEqual(given, token) else {
            return .refusal(403, "the field X-Gwsniff-Token has to carry what /api/v1/token gives")
        }
        return nil
    }

    private func isKnown(_ host: String) -> Bool {
        if host.hasPrefix("[") { return AddressPrefix(host) != nil && !host.contains("/") }
        let name = host.prefix { $0 != ":" }.lowercased()
        let port = host.dropFirst(name.count)
        guard port.isEmpty || (port.count > 1 && UInt16(port.dropFirst()) != nil) else { return false }
        return names.contains(name) || IPAddress(name) != nil
    }

    /// In a time that does not tell where they differ.
    private static func isEqual(_ left: String, _ right: String) -> Bool {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
