package import Model

/// Several savefiles as one capture: merged by time, each file's own order kept, packets numbered over all.
///
/// One file alone keeps its order, whatever its time stamps say. A large set is opened file by file as its first packet's
/// turn comes, so that a rotated set of hundreds needs the memory and descriptors of those that overlap.
package final class CaptureInput {
    private struct Source {
        var file: InputFile
        /// Nil before the source's turn and after its end.
        var reader: SavefileReader?
        var pending: PacketRecord?
        var summary: SourceSummary
        var ending: CaptureEnding?
        var bytesRead: Int64 = 0
        /// Of its last packet, in the file itself.
        var number = 0
        /// What its interfaces are called over all.
        var interfaces: [(name: ReleasedKey, number: Int)] = []
    }

    /// Up to this many sources stay open from the start.
    private static let maximumOpenAhead = 16
    private static let smallBlockSize = 64 << 10

    private var sources: [Source] = []
    private var heap = MergeHeap()
    private var current: Int?
    /// The reader of `current`, held by itself: two accesses less per packet.
    private var currentReader: SavefileReader?
    private var number = 0
    private var interfaces: [InterfaceKey: Int] = [:]
    private let filter: PacketFilter?
    /// One source: its own order and numbers are those of the capture.
    private var isAlone = false
    private let isStopped: @Sendable () -> Bool
    private let spools: Spools?

    /// Interfaces of files that are over, by what they are in their files: the next file of a rotated set goes on with them.
    private var released: [ReleasedKey: [Int]] = [:]

    private var interfaceCount = 0

    private struct InterfaceKey: Hashable {
        var source: Int
        var interface: Int
    }

    private struct ReleasedKey: Hashable {
        var interface: Int
        var linkType: LinkType
    }

    /// Inputs, or parts of them, that could not be read although others could. A cut file is not among them: see `summaries`.
    package private(set) var warnings: [CaptureError] = []

    /// Opens the inputs and reads each one's first packet.
    /// - Parameters:
    ///   - paths: files, directories (walked, other files passed over) and "-" for standard input.
    ///   - filter: a BPF expression; packets that do not match are counted in the numbering and not returned.
    ///   - spools: where pipes are kept, or come from when they are read for the second time.
    ///   - isStopped: asked when a signal interrupts a blocking read; true ends the capture there.
    /// - Throws: when the filter is wrong, or no input could be read: then the first one's error.
    package init(
        paths: [String],
        filter expression: String? = nil,
        spools: Spools? = nil,
        isStopped: @escaping @Sendable () -> Bool = { false }
    ) throws(CaptureError) {
        self.isStopped = isStopped
        self.spools = spools
        filter = expression.map { PacketFilter($0) }
        let files = InputFiles(paths: paths)
        warnings = files.warnings
        let isLarge = files.files.count > CaptureInput.maximumOpenAhead
        for file in files.files {
            do throws(CaptureError) {
                try add(file, closesRegularFiles: isLarge)
            } catch {
                if file.isNamed || error.code != .notACapture { warnings.append(error) }
            }
        }
        guard !sources.isEmpty else {
            throw warnings.first
                ?? CaptureError(.notACapture, "\(paths.joined(separator: ", ")): no packet capture in it")
        }
        if let filter {
            for source in sources {
                try filter.prepare(source.pending?.linkType ?? source.summary.linkTypes.first ?? .ethernet)
            }
        }
        isAlone = sources.count == 1
        for (index, source) in sources.enumerated() {
            if let pending = source.pending {
                heap.insert(MergeHeap.Entry(timestamp: pending.timestamp, source: index))
            }
        }
    }

    private func add(_ file: InputFile, closesRegularFiles: Bool) throws(CaptureError) {
        let reader = try SavefileReader(
            path: file.path,
            blockSize: closesRegularFiles ? CaptureInput.smallBlockSize : SavefileReader.defaultBlockSize,
            spools: spools,
            isStopped: isStopped
        )
        let first = try reader.advance()
        let isKept = first != nil && !(closesRegularFiles && file.isRegular)
        sources.append(
            Source(
                file: file,
                reader: isKept ? reader : nil,
                pending: first,
                summary: reader.summary,
                ending: reader.ending,
                bytesRead: first == nil ? reader.bytesRead : 0
            )
        )
    }

    /// The next packet that matches the filter, or nil at the end.
    package func advance() throws(CaptureError) -> PacketRecord? {
        while let record = try advanceUnfiltered() {
            guard let filter else { return record }
            let isMatch = try withPacket { bytes throws(CaptureError) in try filter.matches(record, bytes) }
            if isMatch { return record }
        }
        return nil
    }

    /// Shows the bytes of the packet that `advance` returned last.
    package func withPacket<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        if let reader = currentReader { return try reader.withPacket(body) }
        return try body(UnsafeRawBufferPointer(start: nil, count: 0).bytes)
    }

    /// Where the bytes lie of what was handed on last: who holds it keeps them.
    package var block: InputBlock? { currentReader?.block }

    /// Hands on packets that follow the one that `advance` returned last where that is cheaper than by `advance`; perhaps none.
    /// - Parameter limit: of so many at most.
    package func scan(limit: Int, _ body: (PacketBatch, RawSpan) -> Void) {
        guard isAlone, filter == nil, let reader = currentReader else { return }
        number &+= reader.scan(limit: limit, body)
    }

    /// What some packets are depends on those before them: none can be left out.
    package var borrowsTimes: Bool { hasBorrowed || currentReader?.borrowsTimes == true }
    private var hasBorrowed = false

    /// All packets come from one file, whose parts can be left out.
    package var canLeaveOut: Bool {
        isAlone && filter == nil && sources[0].file.isRegular && sources[0].reader?.isPlain == true
    }

    /// Where the record lies in its file that `advance` returned last: its first byte, and how many it has.
    package var place: (start: Int64, length: Int) { currentReader?.place ?? (-1, 0) }

    /// Behind the packets that were handed on last: passes by what is not needed, of an input that can leave out.
    /// - Returns: how many packets were left out.
    package func leaveOut(
        _ map: PassageMap,
        _ isNeeded: (PassageMap.Passage) -> Bool
    ) throws(CaptureError) -> Int {
        guard isAlone, filter == nil, let reader = currentReader else { return 0 }
        let count = try reader.leaveOut(map, isNeeded)
        number &+= count
        return count
    }

    private func advanceUnfiltered() throws(CaptureError) -> PacketRecord? {
        if let current, let reader = currentReader {
            if let next = try reader.advance() {
                if isAlone {
                    number = next.number
                    return next
                }
                let entry = MergeHeap.Entry(timestamp: next.timestamp, source: current)
                guard let first = heap.first, first.precedes(entry) else { return numbered(next, source: current) }
                sources[current].pending = next
                heap.insert(entry)
            } else {
                finish(current)
            }
            self.current = nil
            currentReader = nil
        }
        while let entry = heap.removeFirst() {
            guard let record = try open(entry.source) else { continue }
            current = entry.source
            currentReader = sources[entry.source].reader
            return numbered(record, source: entry.source)
        }
        return nil
    }

    /// The packet that waits in a source, which is opened for it where it was closed.
    private func open(_ index: Int) throws(CaptureError) -> PacketRecord? {
        defer { sources[index].pending = nil }
        if sources[index].reader != nil { return sources[index].pending }
        do throws(CaptureError) {
            let reader = try SavefileReader(
                path: sources[index].file.path,
                blockSize: CaptureInput.smallBlockSize,
                spools: spools,
                isStopped: isStopped
            )
            sources[index].reader = reader
            if let record = try reader.advance() { return record }
            finish(index)
        } catch {
            // It could be read a moment ago: it was rotated away. The others still count.
            warnings.append(error)
        }
        return nil
    }

    private func finish(_ index: Int) {
        guard let reader = sources[index].reader else { return }
        for (name, interface) in sources[index].interfaces { released[name, default: []].append(interface) }
        sources[index].interfaces = []
        sources[index].summary = reader.summary
        sources[index].ending = reader.ending
        sources[index].bytesRead = reader.bytesRead
        sources[index].reader = nil
        hasBorrowed = hasBorrowed || reader.borrowsTimes
    }

    private func numbered(_ record: PacketRecord, source: Int) -> PacketRecord {
        var record = record
        // More than one where the file has other frames between two packets.
        number &+= record.number &- sources[source].number
        sources[source].number = record.number
        record.number = number
        record.source = source
        if !isAlone {
            let key = InterfaceKey(source: source, interface: record.interface)
            if let known = interfaces[key] {
                record.interface = known
            } else {
                let name = ReleasedKey(interface: record.interface, linkType: record.linkType)
                let known: Int
                if let waiting = released[name], !waiting.isEmpty {
                    known = waiting[0]
                    released[name]?.removeFirst()
                } else {
                    known = interfaceCount
                    interfaceCount += 1
                }
                sources[source].interfaces.append((name, known))
                record.interface = known
                interfaces[key] = known
            }
        }
        return record
    }

    /// Each source as far as it was read; `PacketRecord.source` is the index.
    package var summaries: [SourceSummary] {
        sources.map { $0.reader?.summary ?? $0.summary }
    }

    /// How each source ended; nil where it is not read to its end.
    package var endings: [CaptureEnding?] {
        sources.map { $0.reader?.ending ?? $0.ending }
    }

    /// The number of the last frame seen, those counted that the filter left out.
    package var framesSeen: Int { number }

    /// Bytes read so far, compressed where the file is.
    package var bytesRead: Int64 {
        sources.reduce(0) { $0 &+ ($1.reader?.bytesRead ?? $1.bytesRead) }
    }

    /// Bytes of all inputs; nil where one is a pipe.
    package var totalBytes: Int64? {
        sources.allSatisfy(\.file.isRegular) ? sources.reduce(0) { $0 &+ $1.file.size } : nil
    }
}
