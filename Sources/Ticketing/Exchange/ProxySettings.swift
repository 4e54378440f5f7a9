import AsyncHTTPClient

/// The way to a host: directly, or through a proxy. The variables are curl's: HTTPS_PROXY or HTTP_PROXY by the scheme, ALL_PROXY for either,
/// NO_PROXY for hosts without; in lower case too, which go first.
package struct ProxySettings: Sendable, Equatable {
    package var host: String
    package var port: Int
    /// Of a proxy that wants to know who asks: Basic credentials, in base64.
    var credentials: String?
    var isSOCKS = false

    /// - Parameter option: `--proxy`, which goes before the environment; empty for no proxy at all.
    package static func find(
        for address: WebAddress,
        option: String?,
        _ environment: (String) -> String?
    ) throws(AttachFailure) -> ProxySettings? {
        func variable(_ name: String) -> String? {
            for spelling in [name.lowercased(), name] {
                if let value = environment(spelling), !value.isEmpty { return value }
            }
            return nil
        }
        if let option { return option.isEmpty ? nil : try parse(option, from: "--proxy") }
        let names = [address.isSecure ? "HTTPS_PROXY" : "HTTP_PROXY", "ALL_PROXY"]
        guard let name = names.first(where: { variable($0) != nil }), let text = variable(name) else { return nil }
        if let exceptions = variable("NO_PROXY"), isExcepted(address, exceptions) { return nil }
        return try parse(text, from: name)
    }

    /// Names with everything below them, addresses, with or without a port; `*` is all.
    static func isExcepted(_ address: WebAddress, _ list: String) -> Bool {
        list.split { $0 == "," || $0 == " " }.contains { entry in
            let text = entry.lowercased()
            if text == "*" { return true }
            guard let (host, port) = WebAddress.hostAndPort(text) else { return false }
            if let port, port != address.port ?? (address.isSecure ? 443 : 80) { return false }
            let name = host.hasPrefix(".") ? String(host.dropFirst()) : host
            return address.host == name || address.host == "[\(name)]" || address.host.hasSuffix("." + name)
        }
    }

    /// `[http://][user:password@]host[:port]`, `socks5://host[:port]`.
    private static func parse(_ text: String, from source: String) throws(AttachFailure) -> ProxySettings {
        func wrong(_ why: String) -> AttachFailure {
            AttachFailure(.usage, "\(source): \(why)", hint: "a proxy is like http://proxy.example.com:3128")
        }
        let lower = text.lowercased()
        let isSOCKS = lower.hasPrefix("socks5://") || lower.hasPrefix("socks5h://")
        if lower.contains("://"), !isSOCKS, !lower.hasPrefix("http://") {
            throw wrong("only http:// and socks5:// proxies are supported")
        }
        let rest = text.firstRange(of: "://").map { text[$0.upperBound...] } ?? text[...]
        let authority = rest.prefix { $0 != "/" }
        let at = authority.lastIndex(of: "@")
        if at != nil, source == "--proxy" {
            throw wrong("a password does not belong in an argument; put it into HTTPS_PROXY")
        }
        let place = at.map { authority[authority.index(after: $0)...] } ?? authority
        guard let (host, port) = WebAddress.hostAndPort(place.lowercased()) else { throw wrong("names no host") }
        var settings = ProxySettings(host: host, port: port ?? (isSOCKS ? 1_080 : 3_128), isSOCKS: isSOCKS)
        if let at {
            let secret = WebAddress.decoded(String(authority[..<at]))
            settings.credentials = String(decoding: Base64.encoded(Array(secret.utf8)), as: UTF8.self)
        }
        return settings
    }

    var proxy: HTTPClient.Configuration.Proxy {
        let host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        if isSOCKS { return .socksServer(host: host, port: port) }
        return .server(
            host: host,
            port: port,
            authorization: credentials.map { .basic(credentials: $0) }
        )
    }
}
