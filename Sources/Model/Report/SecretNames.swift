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
        let text = name.prefix(longest).map(ASCII.lowered)
        if harmless.contains(String(decoding: text, as: UTF8.self)) { return false }
        return Self.parts.contains { text.firstIndex(of: $0, in: text.indices) != nil }
            || Self.words(of: name.prefix(longest)).contains(where: words.contains)
    }

    /// No name is that long; what is, is looked at up to here.
    private static let longest = 256

    /// In lower case; a word ends at what is neither letter nor digit, and where a capital follows a small letter.
    static func words(of name: some Sequence<UInt8>) -> [String] {
        var result: [String] = []
        var word: [UInt8] = []
        func close() {
            while let last = word.last, ASCII.isDigit(last) { word.removeLast() }
            if !word.isEmpty { result.append(String(decoding: word, as: UTF8.self)) }
            word = []
        }
        var wasSmall = false
        for byte in name {
            if ASCII.isLetter(byte) || ASCII.isDigit(byte) {
                if wasSmall, ASCII.isCapital(byte) { close() }
                word.append(ASCII.lowered(byte))
            } else {
                close()
            }
            wasSmall = ASCII.isLetter(byte) && !ASCII.isCapital(byte)
        }
        close()
        return result
    }
}
