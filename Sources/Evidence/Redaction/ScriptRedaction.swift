import Model

/// Overwrites secrets in one direction of a FastCGI connection (Specification 1.0 §3.3): records keep their headers and their lengths, variables
/// and answers lose what HTTP/1's fields would lose, input, errors and bodies everything.
///
/// Where it cannot follow (in the middle of a stream, behind a hole) all is overwritten up to a packet that begins with a record, and of an
/// answer all up to the end of the request.
struct ScriptRedaction {
    private let isClient: Bool
    private var isLost: Bool
    private var position: Int64 = 0
    var text: TextRedaction

    private var kind: UInt8 = 0
    private var id = 0
    private var contentLeft = 0
    private var paddingLeft = 0
    /// Per request: where in the run its variables lie, or the head of its answer.
    private var places: [Int: [Int]] = [:]
    /// Requests whose variables, or whose answer's head, are read from their beginning on.
    private var isRead: Set<Int> = []
    /// A stream of requests whose ends were all seen: what comes next begins anew.
    private var isWhole: Bool
    private var isAnswered: Set<Int> = []

    init(isClient: Bool, knowsBeginning: Bool, text: TextRedaction) {
        self.isClient = isClient
        isLost = !knowsBeginning
        isWhole = knowsBeginning
        self.text = text
    }

    mutating func redact(_ run: inout StreamMap.Run) {
        if run.start > position { lose() }
        var index = 0
        var beginning = 0
        while index < run.bytes.count {
            if isLost {
                while beginning < run.beginnings.count,
                    run.beginnings[beginning] < index
                        || !StartLines.isScriptRecord(run.bytes, at: run.beginnings[beginning], isClient: isClient)
                {
                    beginning += 1
                }
                let next = beginning < run.beginnings.count ? run.beginnings[beginning] : nil
                for place in index..<(next ?? run.bytes.count) { run.bytes[place] = Pseudonyms.filler }
                index = next ?? run.bytes.count
                isLost = next == nil
            } else if contentLeft > 0 {
                let count = min(contentLeft, run.bytes.count - index)
                content(&run.bytes, index..<(index + count))
                contentLeft -= count
                index += count
                if contentLeft == 0, kind == 3 { end(&run.bytes) }
            } else if paddingLeft > 0 {
                let count = min(paddingLeft, run.bytes.count - index)
                for place in index..<(index + count) { run.bytes[place] = 0 }
                paddingLeft -= count
                index += count
            } else {
                header(&run.bytes, &index)
            }
        }
        // What goes on in the next run goes on behind a hole.
        for request in places.keys.sorted() { settle(&run.bytes, request) }
        position = run.end
    }

    private mutating func lose() {
        isLost = true
        isWhole = false
        contentLeft = 0
        paddingLeft = 0
        isRead = []
        isAnswered = []
    }

    private mutating func header(_ bytes: inout [UInt8], _ index: inout Int) {
        guard bytes.count - index >= 8, bytes[index] == 1 else {
            lose()
            return
        }
        kind = bytes[index + 1]
        id = Int(bytes[index + 2]) << 8 | Int(bytes[index + 3])
        contentLeft = Int(bytes[index + 4]) << 8 | Int(bytes[index + 5])
        paddingLeft = Int(bytes[index + 6])
        bytes[index + 7] = 0
        index += 8
        if isClient, kind == 1 { isRead.insert(id) }
        if isClient, kind == 4, contentLeft == 0 { settle(&bytes, id) }
        if !isClient, kind == 3, contentLeft == 0 { end(&bytes) }
    }

    private mutating func content(_ bytes: inout [UInt8], _ range: Range<Int>) {
        switch (isClient, kind) {
        case (true, 1), (false, 3): break
        case (true, 4) where isRead.contains(id): places[id, default: []] += Array(range)
        case (false, 6) where (isWhole || isRead.contains(id)) && !isAnswered.contains(id): head(&bytes, range)
        default: for place in range { bytes[place] = Pseudonyms.filler }
        }
    }

    /// The request is over: the next answer with its id begins with a head.
    private mutating func end(_ bytes: inout [UInt8]) {
        settle(&bytes, id)
        isAnswered.remove(id)
        isRead.insert(id)
    }

    private mutating func head(_ bytes: inout [UInt8], _ range: Range<Int>) {
        // Taken out, so that it is not copied with every record.
        var lines = places.removeValue(forKey: id) ?? []
        for (number, place) in range.enumerated() {
            lines.append(place)
            guard bytes[place] == 0x0a, isBlankLine(bytes, lines) else { continue }
            places[id] = lines
            settle(&bytes, id)
            isAnswered.insert(id)
            for rest in range.dropFirst(number + 1) { bytes[rest] = Pseudonyms.filler }
            return
        }
        places[id] = lines
    }

    private func isBlankLine(_ bytes: [UInt8], _ lines: [Int]) -> Bool {
        var before = lines.dropLast()
        if let last = before.last, bytes[last] == 0x0d { before = before.dropLast() }
        return before.last.map { bytes[$0] == 0x0a } ?? true
    }

    /// Overwrites what was gathered of a request, as far as it goes.
    private mutating func settle(_ bytes: inout [UInt8], _ request: Int) {
        guard let gathered = places.removeValue(forKey: request), !gathered.isEmpty else { return }
        var content = gathered.map { bytes[$0] }
        if isClient { variables(&content) } else { fieldLines(&content) }
        for (number, place) in gathered.enumerated() { bytes[place] = content[number] }
    }

    // MARK: Variables

    private mutating func variables(_ content: inout [UInt8]) {
        var index = 0
        while index < content.count {
            var next = index
            guard let nameLength = Self.length(content, &next), let valueLength = Self.length(content, &next),
                nameLength <= content.count - next, valueLength <= content.count - next - nameLength
            else {
                for place in index..<content.count { content[place] = Pseudonyms.filler }
                return
            }
            let name = String(decoding: content[next..<(next + nameLength)], as: UTF8.self)
            let value = (next + nameLength)..<(next + nameLength + valueLength)
            variable(name, &content, value)
            index = value.upperBound
        }
    }

    /// FastCGI Specification 1.0 §3.4.
    private static func length(_ content: [UInt8], _ index: inout Int) -> Int? {
        guard index < content.count else { return nil }
        if content[index] & 0x80 == 0 {
            index += 1
            return Int(content[index - 1])
        }
        guard index + 4 <= content.count else { return nil }
        let size = content[index..<(index + 4)].reduce(0) { $0 << 8 | Int($1) } & 0x7fff_ffff
        index += 4
        return size
    }

    private mutating func variable(_ name: String, _ content: inout [UInt8], _ value: Range<Int>) {
        switch name {
        case "REQUEST_METHOD", "SERVER_PROTOCOL", "CONTENT_LENGTH", "GATEWAY_INTERFACE":
            if value.count > 16 { text.hide(&content, value) }
        case "REQUEST_URI": text.target(&content, value)
        case _ where name.hasPrefix("HTTP_"):
            let field = String(
                decoding: name.utf8.dropFirst(5).map { $0 == 0x5f ? 0x2d : ASCII.lowered($0) },
                as: UTF8.self
            )
            if FieldNames.isSecret(field) {
                text.hide(&content, value)
            } else if FieldNames.isURL(field) {
                text.target(&content, value)
            } else {
                text.value(&content, value)
            }
        default: text.hide(&content, value)
        }
    }

    // MARK: Heads

    private mutating func fieldLines(_ content: inout [UInt8]) {
        var start = 0
        while start < content.count {
            let end = content[start...].firstIndex(of: 0x0a).map { $0 + 1 }
            fieldLine(&content, start..<(end ?? content.count), isWhole: end != nil)
            start = end ?? content.count
        }
    }

    private mutating func fieldLine(_ content: inout [UInt8], _ line: Range<Int>, isWhole: Bool) {
        var last = line.upperBound
        while last > line.lowerBound, content[last - 1] == 0x0a || content[last - 1] == 0x0d { last -= 1 }
        let text = line.lowerBound..<last
        guard let colon = content[text].firstIndex(of: 0x3a), isWhole else { return self.text.hide(&content, text) }
        let name = String(
            decoding: content[text.lowerBound..<colon].filter { $0 > 0x20 && $0 < 0x7f }.map(ASCII.lowered),
            as: UTF8.self
        )
        let value = (colon + 1)..<last
        if FieldNames.isFraming(name) { return }
        if name == "status" {
            // The reason may say anything.
            let digits = content[value].prefix { $0 == 0x20 || $0 &- 0x30 < 10 }
            self.text.value(&content, digits.endIndex..<last)
        } else if FieldNames.isSecret(name) {
            self.text.hide(&content, value)
        } else if FieldNames.isURL(name) {
            self.text.target(&content, value)
        } else {
            self.text.value(&content, value)
        }
    }
}
