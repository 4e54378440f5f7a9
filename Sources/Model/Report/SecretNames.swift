/// Which fields and parameters hold secrets, by their names. Lists of names are never complete, for everybody names their own: what a
/// name says is looked at word by word.
package enum SecretNames {
    /// Words that make a name secret; a number behind one changes nothing.
    private static let words: Set<String> = [
        "assertion", "auth", "authenticated", "authentication", "authn", "authorization", "authz", "bearer", "cookie",
        "cookies", "cred",
        "credential", "credentials", "creds", "csrf", "cvc", "cvv", "dpop", "hmac", "jwe", "jws", "jwt", "key", "keys",
        "login", "logon", "mfa", "nonce", "oauth", "otp", "pass", "passcode", "passphrase", "passwd", "password", "pin",
        "private", "psw", "pw", "pwd", "saml", "secret", "secrets", "sess", "session", "sid", "sig", "signature", "sso",
        "ticket", "token", "tokens", "totp", "xsrf",
    ]

    /// What makes a name secret wherever it stands, for words that are written as one: JSESSIONID, apikey, accesstoken.
    private static let parts = [
        "accesskey", "apikey", "assertion", "authkey", "authoriz", "client-cert", "client_cert", "clientcert", "cookie",
        "credential", "csrf", "passphrase", "passwd", "password", "private", "secret", "session", "sessid", "signature",
        "subscriptionkey", "token", "xsrf",
    ].map { Array($0.utf8) }

    /// Names that would be secret and are none, and whose values a reader needs: what an upgrade was asked with (RFC 6455 §1.3 calls
    /// it no secret), what is pinned for all to see (RFC 7469), a flag of cross-origin requests, and challenges, of which only
    /// the scheme is kept (`WWW-Authenticate`: by what stands behind the scheme).
    private static let harmless: Set<String> = [
        "access-control-allow-credentials", "proxy-authenticate", "public-key-pins", "public-key-pins-report-only",
        "sec-websocket-accept", "sec-websocket-key", "www-authenticate",
    ]

    /// - Parameter name: a field's or a parameter's, in any case.
    /// - Complexity: linear in the length.
    package static func isSecret(_ name: some Collection<UInt8>) -> Bool {
        let text = name.prefix(longest).map(lowered)
        if harmless.contains(String(decoding: text, as: UTF8.self)) { return false }
        return Self.parts.contains { text.contains($0) }
            || Self.words(of: name.prefix(longest)).contains(where: words.contains)
    }

    /// No name is that long; what is, is looked at up to here.
    private static let longest = 256

    /// In lower case; a word ends at what is neither letter nor digit, and where a capital follows a small letter.
    static func words(of name: some Sequence<UInt8>) -> [String] {
        var result: [String] = []
        var word: [UInt8] = []
        func close() {
            while let last = word.last, isDigit(last) { word.removeLast() }
            if !word.isEmpty { result.append(String(decoding: word, as: UTF8.self)) }
            word = []
        }
        var wasSmall = false
        for byte in name {
            if isLetter(byte) || isDigit(byte) {
                if wasSmall, isCapital(byte) { close() }
                word.append(lowered(byte))
            } else {
                close()
            }
            wasSmall = isLetter(byte) && !isCapital(byte)
        }
        close()
        return result
    }

    static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) }
    static func isCapital(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte) }
    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func lowered(_ byte: UInt8) -> UInt8 { isCapital(byte) ? byte | 0x20 : byte }
}

extension [UInt8] {
    fileprivate func contains(_ needle: [UInt8]) -> Bool {
        guard let first = needle.first, count >= needle.count else { return false }
        return (0...count - needle.count).contains { start in
            self[start] == first && needle.indices.allSatisfy { self[start + $0] == needle[$0] }
        }
    }
}
