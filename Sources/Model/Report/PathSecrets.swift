/// Where secrets stand in the path of a request target or of a URL, and before it: what a query hides is not all.
package enum PathSecrets {
    /// From this length on a part of a path that looks random is a secret: 128 bits in hexadecimal, 192 in base64.
    private static let shortest = 32
    /// The same behind a part that says so, as in `/reset/<token>`.
    private static let shortestAnnounced = 16

    /// Words of a part of a path behind which a secret comes.
    private static let announcing: Set<String> = [
        "activate", "activation", "bot", "confirm", "confirmation", "download", "hook", "hooks", "invitation", "invite",
        "magic", "recover", "recovery", "reset", "share", "shared", "signed", "unsubscribe", "validate", "verification",
        "verify", "webhook", "webhooks",
    ]

    /// The ranges of the secrets in `range` of `text`, in order, none in another:
    /// - user information (RFC 3986 §3.2.1) of each URL, and before the first slash of the authority form;
    /// - behind a semicolon (RFC 3986 §3.3) the value, or the whole where there is none, as `;jsessionid=...`;
    /// - `name=value` where the name is one of a secret;
    /// - what looks like a random number in text: hexadecimal, base64, a UUID, a signed token of three parts.
    /// - Parameter range: a path with what stands before it; no query and no fragment.
    /// - Complexity: linear in the length.
    package static func ranges(in text: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        var found = userInformation(text, range)
        let path = pathStart(text, range)..<range.upperBound
        var position = path.lowerBound
        var sinceAnnounced = Int.max
        while position < path.upperBound {
            let end = text[position..<path.upperBound].firstIndex(of: slash) ?? path.upperBound
            let isAnnounced = sinceAnnounced < 2
            segment(text, position..<end, shortest: isAnnounced ? shortestAnnounced : shortest, &found)
            if position < end {
                let words = end - position <= 64 ? SecretNames.words(of: text[position..<end]) : []
                let announces = words.contains(where: announcing.contains) || SecretNames.isSecret(text[position..<end])
                sinceAnnounced = announces ? 0 : sinceAnnounced == .max ? .max : sinceAnnounced + 1
            }
            position = end + 1
        }
        return disjoint(found)
    }

    private static let slash = UInt8(ascii: "/")
    private static let semicolon = UInt8(ascii: ";")
    private static let equals = UInt8(ascii: "=")
    private static let percent = UInt8(ascii: "%")

    private static func disjoint(_ ranges: [Range<Int>]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        for range in ranges.sorted(by: { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }) {
            if let last = result.last, range.lowerBound <= last.upperBound {
                result[result.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result
    }

    // MARK: Authority

    /// Where the authority that begins at `start` ends.
    package static func authorityEnd(_ text: [UInt8], _ start: Int, _ end: Int) -> Int {
        text[start..<end].firstIndex { "/?# \"<>".utf8.contains($0) } ?? end
    }

    /// `scheme://user:password@host` wherever it stands, and `user:password@host` at the beginning.
    private static func userInformation(_ text: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var starts: [Int] = []
        if let first = range.first, text[first] != slash { starts.append(first) }
        var position = range.lowerBound
        while position + 1 < range.upperBound {
            if text[position] == slash, text[position + 1] == slash {
                starts.append(position + 2)
                position += 1
            }
            position += 1
        }
        for start in starts where start < range.upperBound {
            let end = authorityEnd(text, start, range.upperBound)
            if let at = text[start..<end].lastIndex(of: UInt8(ascii: "@")), at > start { found.append(start..<at) }
        }
        return found
    }

    private static func pathStart(_ text: [UInt8], _ range: Range<Int>) -> Int {
        guard let first = range.first, text[first] != slash else { return range.lowerBound }
        let end = authorityEnd(text, first, range.upperBound)
        guard end > first, end + 1 < range.upperBound, text[end - 1] == UInt8(ascii: ":"), text[end + 1] == slash else {
            return range.lowerBound
        }
        return authorityEnd(text, end + 2, range.upperBound)
    }

    // MARK: Parts of the path

    private static func segment(_ text: [UInt8], _ part: Range<Int>, shortest: Int, _ found: inout [Range<Int>]) {
        guard !part.isEmpty else { return }
        var pieces: [Range<Int>] = []
        var start = part.lowerBound
        var position = start
        while position < part.upperBound {
            let width = width(of: semicolon, 0x42, text, position, part.upperBound)
            if width > 0 {
                pieces.append(start..<position)
                start = position + width
            }
            position += max(1, width)
        }
        pieces.append(start..<part.upperBound)
        for (index, piece) in pieces.enumerated() where !piece.isEmpty {
            guard let sign = assignment(text, piece) else {
                if index > 0 { found.append(piece) } else { found += random(text, piece, shortest) }
                continue
            }
            let value = sign.upperBound..<piece.upperBound
            if index > 0 || SecretNames.isSecret(text[piece.lowerBound..<sign.lowerBound]) {
                if !value.isEmpty { found.append(value) }
            } else {
                found += random(text, piece, shortest)
            }
        }
    }

    /// The first equals sign, as it is or escaped.
    private static func assignment(_ text: [UInt8], _ range: Range<Int>) -> Range<Int>? {
        for position in range {
            let width = width(of: equals, 0x44, text, position, range.upperBound)
            if width > 0 { return position..<position + width }
        }
        return nil
    }

    /// How many bytes `sign` takes at `position`, as it is or escaped as `%3` and `digit`; 0 where it is not there.
    private static func width(of sign: UInt8, _ digit: UInt8, _ text: [UInt8], _ position: Int, _ end: Int) -> Int {
        if text[position] == sign { return 1 }
        guard text[position] == percent, end - position >= 3, text[position + 1] == 0x33 else { return 0 }
        return text[position + 2] & 0xdf == digit ? 3 : 0
    }

    // MARK: What looks random

    private static func random(_ text: [UInt8], _ piece: Range<Int>, _ shortest: Int) -> [Range<Int>] {
        guard piece.count >= shortest else { return [] }
        var found: [Range<Int>] = []
        var runs: [Range<Int>] = []
        var start = piece.lowerBound
        var position = start
        while position < piece.upperBound {
            let width = alphabetWidth(text, position, piece.upperBound)
            if width == 0 {
                runs.append(start..<position)
                start = position + 1
            }
            position += max(1, width)
        }
        runs.append(start..<piece.upperBound)
        // A signed token: header, payload and signature (RFC 7515 §3.1), with dots between them.
        let dots = runs.dropLast().allSatisfy { text[$0.upperBound] == UInt8(ascii: ".") }
        let isPrefixed = text[piece].starts(with: "eyJ".utf8)
        if dots, runs.count == 3 || runs.count == 5, isPrefixed || runs.allSatisfy({ $0.count >= 6 }),
            isPrefixed || looksRandom(text, piece, shortest)
        {
            return [piece]
        }
        for run in runs where looksRandom(text, run, shortest) { found.append(run) }
        return found
    }

    /// Letters, digits and what stands with them in base64, base64url and the like, as they are or escaped.
    private static func alphabetWidth(_ text: [UInt8], _ position: Int, _ end: Int) -> Int {
        if isOfAlphabet(text[position]) { return 1 }
        guard text[position] == percent, end - position >= 3, let byte = escaped(text, position) else { return 0 }
        return isOfAlphabet(byte) || byte == slash ? 3 : 0
    }

    private static func isOfAlphabet(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || "-_+=~:".utf8.contains(byte)
    }

    private static func escaped(_ text: [UInt8], _ position: Int) -> UInt8? {
        guard let high = ASCII.hexadecimal(text[position + 1]), let low = ASCII.hexadecimal(text[position + 2]) else {
            return nil
        }
        return high << 4 | low
    }

    /// Random text changes between letters, capitals and digits all the time; words, dates and version numbers, however long
    /// their chain, hardly do. A capital that begins a word is a change only from the small letter before it.
    private static func looksRandom(_ text: [UInt8], _ run: Range<Int>, _ shortest: Int) -> Bool {
        guard run.count >= shortest else { return false }
        if isUUID(text[run]) { return true }
        enum Kind { case digit, capital, small, other }
        var (before, changes, hasDigit) = (Kind.other, 0, false)
        var (unbroken, longestUnbroken, length) = (0, 0, 0)
        var position = run.lowerBound
        while position < run.upperBound {
            var byte = text[position]
            if byte == percent, run.upperBound - position >= 3 {
                byte = escaped(text, position) ?? byte
                position += 2
            }
            position += 1
            length += 1
            let kind: Kind =
                ASCII.isDigit(byte)
                ? .digit : ASCII.isCapital(byte) ? .capital : ASCII.isLetter(byte) ? .small : .other
            if kind == .digit { hasDigit = true }
            let isChange =
                kind != before && kind != .other && before != .other && !(before == .capital && kind == .small)
            if isChange { changes += 1 }
            unbroken = kind == before && kind != .other ? unbroken + 1 : 1
            longestUnbroken = max(longestUnbroken, unbroken)
            before = kind
        }
        guard length >= shortest else { return false }
        return changes * (hasDigit ? 10 : 3) >= length || longestUnbroken >= 24
    }

    /// RFC 9562 §4.
    private static func isUUID(_ text: ArraySlice<UInt8>) -> Bool {
        text.count == 36
            && text.enumerated().allSatisfy { index, byte in
                [8, 13, 18, 23].contains(index) ? byte == UInt8(ascii: "-") : ASCII.hexadecimal(byte) != nil
            }
    }
}
