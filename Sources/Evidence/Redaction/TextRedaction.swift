import Model

/// Overwrites secrets in a piece of a message's head: query values, credentials of URLs, and what looks like an e-mail address, a card
/// number or a signed token. Lengths stay, and so do control bytes, which may be what a gateway stumbled over.
struct TextRedaction {
    let pseudonyms = Pseudonyms()
    /// Addresses in text are secrets, too.
    var hidesAddresses = false

    /// Overwrites `range` of `text` as one secret.
    mutating func hide(_ text: inout [UInt8], _ range: Range<Int>) {
        let replaced = range.filter { text[$0] > 0x20 && text[$0] != 0x7f }
        let letters = pseudonyms.standIn(for: replaced.map { text[$0] })
        for (index, position) in replaced.enumerated() { text[position] = letters[index] }
    }

    // MARK: Targets and fields

    /// A request target or a URL: the path stays but for what looks like a secret.
    mutating func target(_ text: inout [UInt8], _ range: Range<Int>) {
        path(&text, range)
        queries(&text, range)
        patterns(&text, range)
    }

    /// The value of a field that is no secret by its name.
    mutating func value(_ text: inout [UInt8], _ range: Range<Int>) {
        credentials(&text, range)
        for word in Self.urls(text, range) { path(&text, word) }
        queries(&text, range)
        schemes(&text, range)
        assignments(&text, range)
        patterns(&text, range)
    }

    /// Text that is no part of a message.
    mutating func sentence(_ text: inout [UInt8], _ range: Range<Int>) {
        credentials(&text, range)
        for word in Self.urls(text, range) { path(&text, word) }
        patterns(&text, range)
    }

    /// `scheme://user:password@host` (RFC 3986 §3.2.1).
    private mutating func credentials(_ text: inout [UInt8], _ range: Range<Int>) {
        var position = range.lowerBound
        while let start = text.firstIndex(of: Array("://".utf8), in: position..<range.upperBound) {
            position = start + 3
            let end = PathSecrets.authorityEnd(text, position, range.upperBound)
            if let at = text[position..<end].lastIndex(of: UInt8(ascii: "@")) { hide(&text, position..<at) }
        }
    }

    /// What stands before a query and a fragment.
    private mutating func path(_ text: inout [UInt8], _ range: Range<Int>) {
        let end = text[range].firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? range.upperBound
        for secret in PathSecrets.ranges(in: text, range.lowerBound..<end) { hide(&text, secret) }
    }

    /// URLs and absolute paths in a value, from the slash on with which a word or what is assigned in it begins: in other words semicolons
    /// are usual.
    private static func urls(_ text: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var position = range.lowerBound
        while position < range.upperBound {
            let end = text[position..<range.upperBound].firstIndex(where: endsURL.contains) ?? range.upperBound
            let start = (position..<end).first {
                text[$0] == UInt8(ascii: "/") && ($0 == position || "=,:;".utf8.contains(text[$0 - 1]))
            }
            if let start { found.append(start..<end) }
            position = end + 1
        }
        return found
    }

    private static let endsURL = Set(" \t\"<>'()[]{}|".utf8)

    /// `name=value` and `name: value` in a field that is none of these by its own name, where the inner name is that of a secret.
    private mutating func assignments(_ text: inout [UInt8], _ range: Range<Int>) {
        var position = range.lowerBound
        var start = position
        var wasBlank = false
        while position < range.upperBound {
            let byte = text[position]
            position += 1
            if byte == UInt8(ascii: "=") || byte == UInt8(ascii: ":") {
                let name = Self.unquoted(text, start..<position - 1)
                start = position
                guard SecretNames.isSecret(name) else { continue }
                let value = Self.unquotedValue(text, position..<range.upperBound)
                hide(&text, value)
                position = value.upperBound
                start = position
            } else if ",;&{(?".utf8.contains(byte) {
                start = position
            } else if wasBlank, byte != 0x20 {
                // Of several words the last is the name.
                start = position - 1
            }
            wasBlank = byte == 0x20
        }
    }

    /// Behind blanks and a quotation mark, up to the next such mark; without it, up to what separates it from the next value. A list or an
    /// object is taken whole, and with it what follows.
    private static func unquotedValue(_ text: [UInt8], _ range: Range<Int>) -> Range<Int> {
        let first = text[range].firstIndex { !" \"'\\".utf8.contains($0) } ?? range.upperBound
        let rest = first..<range.upperBound
        if let byte = text[rest].first, "[{".utf8.contains(byte) { return rest }
        let marks = (range.lowerBound..<first).filter { "\"'".utf8.contains(text[$0]) }
        guard marks.count == 1, let mark = marks.first else {
            return first..<(text[rest].firstIndex { ",;&\"' ".utf8.contains($0) } ?? range.upperBound)
        }
        // JSON in JSON has a backslash before its marks; within others it makes a mark a part of the text (RFC 8259 §7, RFC 9110 §5.6.4).
        let backslash = UInt8(ascii: "\\")
        let isEscaped = mark > range.lowerBound && text[mark - 1] == backslash
        let end = rest.first { text[$0] == text[mark] && (isEscaped || text[$0 - 1] != backslash) }
        return first..<(end ?? range.upperBound)
    }

    private static func unquoted(_ text: [UInt8], _ range: Range<Int>) -> ArraySlice<UInt8> {
        let quotes = " \"'".utf8
        var range = range
        while let first = range.first, quotes.contains(text[first]) { range = first + 1..<range.upperBound }
        while let last = range.last, quotes.contains(text[last]) { range = range.lowerBound..<last }
        return text[range]
    }

    private static let endsQuery = Set(" \"<>".utf8)

    /// Behind a question mark or a number sign: each value, and each word without a value.
    private mutating func queries(_ text: inout [UInt8], _ range: Range<Int>) {
        guard let mark = range.first(where: { text[$0] == UInt8(ascii: "?") || text[$0] == UInt8(ascii: "#") }) else {
            return
        }
        var start = mark + 1
        var position = start
        var equals: Int?
        var isQuery = true
        func isSeparator(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "&") || byte == UInt8(ascii: ";") || byte == UInt8(ascii: "?")
                || byte == UInt8(ascii: "#")
        }
        while position <= range.upperBound {
            let byte = position < range.upperBound ? text[position] : UInt8(ascii: " ")
            if Self.endsQuery.contains(byte) || isSeparator(byte) {
                if isQuery { hide(&text, (equals.map { $0 + 1 } ?? start)..<position) }
                // Behind the end of one there may be another, as in a list of links.
                isQuery = isSeparator(byte)
                start = position + 1
                equals = nil
            } else if byte == UInt8(ascii: "="), equals == nil {
                equals = position
            }
            position += 1
        }
    }

    /// `Bearer`, `Basic` and the like with all that follows, in whatever field they stand.
    private mutating func schemes(_ text: inout [UInt8], _ range: Range<Int>) {
        var start = range.lowerBound
        for position in range {
            let byte = text[position]
            if byte == 0x20 || byte == 0x09, (2...Self.longestScheme).contains(position - start),
                Self.schemeNames.contains(text[start..<position].map(ASCII.lowered))
            {
                return hide(&text, position..<range.upperBound)
            }
            if !Self.isWord(byte), byte != UInt8(ascii: "-") { start = position + 1 }
        }
    }

    /// Of the IANA registry of HTTP authentication schemes, and what else clients write.
    private static let schemeNames = Set(
        [
            "apikey", "api-key", "aws4-hmac-sha256", "basic", "bearer", "concealed", "digest", "dpop", "gnap", "hawk",
            "hmac",
            "hoba", "jwt", "key", "mutual", "negotiate", "ntlm", "oauth", "privatetoken", "scram-sha-1",
            "scram-sha-256",
            "signature", "token", "vapid",
        ].map { Array($0.utf8) }
    )
    private static let longestScheme = 16

    // MARK: What looks like a secret

    private mutating func patterns(_ text: inout [UInt8], _ range: Range<Int>) {
        tokens(&text, range)
        mails(&text, range)
        cards(&text, range)
        if hidesAddresses { addresses(&text, range) }
    }

    mutating func addresses(_ text: inout [UInt8], _ range: Range<Int>) {
        for word in AddressMap.words(text, range) { hide(&text, word.range) }
    }

    /// Signed tokens (RFC 7519 §3): a header that begins with `{"` in base64url.
    private mutating func tokens(_ text: inout [UInt8], _ range: Range<Int>) {
        var position = range.lowerBound
        while let start = text.firstIndex(of: Array("eyJ".utf8), in: position..<range.upperBound) {
            let end = (start..<range.upperBound).first { !Self.isTokenByte(text[$0]) } ?? range.upperBound
            if end - start >= 16 { hide(&text, start..<end) }
            position = max(end, start + 1)
        }
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        isWord(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "=")
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f: true
        default: false
        }
    }

    /// A word, an at sign (or `%40`), a domain with a dot.
    private mutating func mails(_ text: inout [UInt8], _ range: Range<Int>) {
        var position = range.lowerBound
        while position < range.upperBound {
            let isEscaped =
                text[position] == UInt8(ascii: "%") && position + 3 <= range.upperBound && text[position + 1] == 0x34
                && text[position + 2] == 0x30
            guard text[position] == UInt8(ascii: "@") || isEscaped else {
                position += 1
                continue
            }
            let after = position + (isEscaped ? 3 : 1)
            var start = position
            while start > range.lowerBound, position - start < 256, Self.isMailByte(text[start - 1]) { start -= 1 }
            var end = after
            while end < range.upperBound, end - after < 256,
                Self.isWord(text[end]) || text[end] == UInt8(ascii: ".") || text[end] == UInt8(ascii: "-")
            {
                end += 1
            }
            // Behind two slashes it is user information, which is overwritten already, and a host, which stays.
            let slashes = start - 2
            let isAuthority =
                slashes >= range.lowerBound && text[slashes] == 0x2f && text[slashes + 1] == 0x2f
                && (slashes == range.lowerBound || text[slashes - 1] == 0x3a || text[slashes - 1] <= 0x20)
            if !isAuthority, start < position, (after..<end).contains(where: { text[$0] == UInt8(ascii: ".") }) {
                hide(&text, start..<position)
                for index in after..<end where text[index] != UInt8(ascii: ".") { text[index] = Pseudonyms.filler }
            }
            position = max(end, position + 1)
        }
    }

    private static func isMailByte(_ byte: UInt8) -> Bool {
        isWord(byte) || ".+-%!#$'*~".utf8.contains(byte)
    }

    /// 13 to 19 digits with single blanks or hyphens between them whose check digit is right (ISO/IEC 7812-1).
    private mutating func cards(_ text: inout [UInt8], _ range: Range<Int>) {
        var position = range.lowerBound
        while position < range.upperBound {
            guard Self.isDigit(text[position]) else {
                position += 1
                continue
            }
            var digits: [Int] = []
            var index = position
            while index < range.upperBound, digits.count < 20 {
                if Self.isDigit(text[index]) {
                    digits.append(index)
                } else if !(text[index] == 0x20 || text[index] == UInt8(ascii: "-")) || index + 1 >= range.upperBound
                    || !Self.isDigit(text[index + 1])
                {
                    break
                }
                index += 1
            }
            if let count = Self.cardLength(digits.map { text[$0] }) {
                let letters = pseudonyms.standIn(for: digits.prefix(count).map { text[$0] })
                for (place, letter) in zip(digits, letters) { text[place] = letter }
                position = digits[count - 1] + 1
            } else {
                // Not from every digit anew: a run of digits is looked at from where it begins, and behind each separator.
                position = (position..<index).first { !Self.isDigit(text[$0]) } ?? max(index, position + 1)
            }
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    /// The longest beginning that is a card number.
    static func cardLength(_ digits: [UInt8]) -> Int? {
        guard digits.count >= 13 else { return nil }
        for count in stride(from: min(19, digits.count), through: 13, by: -1) {
            var sum = 0
            for (index, digit) in digits[..<count].reversed().enumerated() {
                let value = Int(digit &- 0x30) * (index % 2 == 1 ? 2 : 1)
                sum += value > 9 ? value - 9 : value
            }
            if sum % 10 == 0, digits[0] != 0x30 { return count }
        }
        return nil
    }
}
