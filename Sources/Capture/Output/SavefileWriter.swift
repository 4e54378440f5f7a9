import Dispatch
package import Model
import Synchronization

/// Writes every packet of a live run to a file, or to one after the other, on a thread of its own.
///
/// A disk that is full or slow costs packets of the file, never of the capture: what could not be written is counted and said, and writing
/// goes on as soon as it can. What is in the file are whole packets, at most a second behind.
package final class SavefileWriter {
    /// Packets are handed to the disk in runs of about so many bytes.
    private static let runSize = 1 << 20
    /// So many bytes may wait for the disk.
    private static let largestBacklog = 64 << 20
    /// Packets are handed over after so much packet time at the latest.
    private static let patience: Nanoseconds = .milliseconds(500)

    private let interfaces: [InterfaceDescription]
    private let rotation: Rotation
    private let largestPacket: Int
    private let desk: Desk
    private let queue = DispatchQueue(label: "savefile")
    private var names: SavefileNames
    private var run: [UInt8] = []
    private var runPackets = 0
    private var runStart: Timestamp?
    /// Uncompressed bytes of the present file, those in the run included.
    private var fileSize: Int64 = 0
    private var intervalStart: Timestamp?
    private var filesDone = 0
    /// `-W` with `-G`: the last file is full, and the run is to end.
    package private(set) var isOver = false

    /// What the disk's thread has.
    private final class Desk: @unchecked Sendable {
        struct Report {
            var left = 0
            var warnings: [CaptureError] = []
            var broken: CaptureError?
        }

        let report = Mutex(Report())
        let backlog = Atomic<Int>(0)
        let compression: BlockCompression
        let isPrivate: Bool
        // Of the disk's thread only.
        var disk: SavefileDisk?
        var header: [UInt8]
        var missing = 0
        /// The last run was not written, and that was said.
        var isFailing = false
        var needsHeader = true

        init(_ disk: SavefileDisk, _ compression: BlockCompression, header: [UInt8], isPrivate: Bool) {
            self.disk = disk
            self.isPrivate = isPrivate
            self.compression = compression
            self.header = header
        }

        func append(_ run: [UInt8], packets: Int) {
            defer { backlog.subtract(run.count, ordering: .relaxed) }
            guard let disk else { return leaveOut(packets, nil) }
            do throws(CaptureError) {
                if needsHeader { try disk.append(header) }
                needsHeader = false
                if !run.isEmpty { try disk.append(run) }
                isFailing = false
                if missing > 0 {
                    let text = "\(disk.name): written again; \(missing) packets are missing in it"
                    report.withLock { $0.warnings.append(CaptureError(.writeFailed, text)) }
                    missing = 0
                }
            } catch {
                leaveOut(packets, error)
            }
        }

        func leaveOut(_ packets: Int, _ error: CaptureError?) {
            let isFirst = !isFailing
            if error != nil { isFailing = true }
            let isPipe = disk?.isPipe ?? false
            missing += packets
            report.withLock { report in
                report.left += packets
                // Nobody reads a pipe any more.
                if let error, isPipe { report.broken = report.broken ?? error }
                if isFirst, let error {
                    var error = error
                    error.message += "; the capture goes on without it"
                    report.warnings.append(error)
                }
            }
        }

        func begin(_ path: String) {
            finish()
            do throws(CaptureError) {
                disk = try SavefileDisk(path: path, compression: compression, isPrivate: isPrivate)
                needsHeader = true
            } catch {
                report.withLock { $0.warnings.append(error) }
            }
        }

        func finish() {
            do throws(CaptureError) {
                try disk?.finish()
            } catch {
                report.withLock { $0.warnings.append(error) }
            }
            disk = nil
        }
    }

    /// - Parameters:
    ///   - path: the name, or what names are made of; "-" is standard output.
    ///   - interfaces: in the order of the records' numbers.
    ///   - largestPacket: no more bytes of a packet are written.
    ///   - isPrivate: the files' owner alone can read them.
    /// - Throws: where the first file cannot be created.
    package init(
        path: String,
        rotation: Rotation = Rotation(),
        application: String,
        comment: String? = nil,
        interfaces: [InterfaceDescription],
        largestPacket: Int = .max,
        isPrivate: Bool = false,
        startsAt time: Timestamp
    ) throws(CaptureError) {
        self.interfaces = interfaces
        self.rotation = path == "-" ? Rotation() : rotation
        self.largestPacket = largestPacket
        var header: [UInt8] = []
        PcapngBlocks.appendSection(application: application, comment: comment, to: &header)
        for interface in interfaces { PcapngBlocks.appendInterface(interface, to: &header) }
        names = SavefileNames(path: path, rotation: self.rotation)
        let compression = BlockCompression(path: path)
        desk = Desk(
            try SavefileDisk(
                path: path == "-" ? path : names.name(at: time),
                compression: compression,
                isPrivate: isPrivate
            ),
            compression,
            header: header,
            isPrivate: isPrivate
        )
        fileSize = Int64(header.count)
        intervalStart = time
        // A file without packets is a savefile, too.
        queue.async { [desk] in desk.append([], packets: 0) }
    }

    /// Takes a packet.
    /// - Parameter comment: shown by Wireshark at the packet.
    package func append(_ record: PacketRecord, _ bytes: RawSpan, comment: String? = nil) {
        rotateIfDue(record.timestamp)
        guard !isOver else { return }
        if runStart == nil { runStart = record.timestamp }
        let before = run.count
        PcapngBlocks.appendPacket(
            record,
            bytes,
            interface: record.interface,
            largest: largestPacket,
            comment: comment,
            to: &run
        )
        runPackets &+= 1
        fileSize &+= Int64(run.count &- before)
        if run.count >= Self.runSize { flush() }
    }

    /// Notes how many packets of an interface were dropped since the capture began.
    package func noteDropped(_ count: Int, interface: Int, at time: Timestamp) {
        guard !isOver, interfaces.indices.contains(interface) else { return }
        if runStart == nil { runStart = time }
        PcapngBlocks.appendDropped(count, interface: interface, at: time, to: &run)
    }

    /// Hands over what waits, where it has waited long enough.
    package func flushIfDue(at now: Timestamp) {
        if let runStart, now - runStart >= Self.patience { flush() }
    }

    package func flush() {
        guard !run.isEmpty else { return }
        let (bytes, packets) = (run, runPackets)
        run = []
        runPackets = 0
        runStart = nil
        guard desk.backlog.load(ordering: .relaxed) <= Self.largestBacklog else {
            queue.async { [desk] in
                desk.leaveOut(packets, CaptureError(.writeFailed, "the savefile's disk is too slow"))
            }
            return
        }
        run.reserveCapacity(min(bytes.count + bytes.count / 8, Self.runSize + Self.runSize / 4))
        desk.backlog.add(bytes.count, ordering: .relaxed)
        queue.async { [desk] in desk.append(bytes, packets: packets) }
    }

    /// Begins another file where it is time for that; for who has no packets. A packet of a time before may then come yet.
    package func rotateIfDue(_ time: Timestamp) {
        guard !isOver else { return }
        if let seconds = rotation.seconds, let start = intervalStart, time - start >= .seconds(seconds) {
            filesDone += 1
            if rotation.endsRun, filesDone >= rotation.count ?? .max {
                isOver = true
                return
            }
            intervalStart = time
            begin(at: time, startsInterval: true)
        } else if let size = rotation.size, fileSize > size {
            begin(at: time, startsInterval: false)
        }
    }

    /// Ends the present file and begins the next one: the one with the next number, or, where somebody has moved the file away, that of
    /// the same name.
    package func rotate(at time: Timestamp) {
        flush()
        guard rotation == Rotation() else { return begin(at: time, startsInterval: false) }
        let isMoved = queue.sync { [desk] in !(desk.disk?.isAtItsName ?? true) }
        if isMoved {
            open(names.name(at: time))
        } else {
            begin(at: time, startsInterval: false)
        }
    }

    private func begin(at time: Timestamp, startsInterval: Bool) {
        flush()
        names.advance(startsInterval: startsInterval)
        open(names.name(at: time))
    }

    private func open(_ path: String) {
        fileSize = Int64(desk.header.count)
        queue.async { [desk] in
            desk.begin(path)
            desk.append([], packets: 0)
        }
    }

    /// Writes out what waits and closes the file; the writer is of no use afterwards.
    package func finish() {
        flush()
        queue.sync { [desk] in desk.finish() }
    }

    /// Waits until the disk has what was handed over.
    package func settle() { queue.sync {} }

    /// Packets that are not in the file because it could not be written.
    package var leftOut: Int { desk.report.withLock { $0.left } }

    /// Standard output takes nothing any more.
    package var broken: CaptureError? { desk.report.withLock { $0.broken } }

    /// Since the last call.
    package func takeWarnings() -> [CaptureError] {
        desk.report.withLock { report in
            defer { report.warnings = [] }
            return report.warnings
        }
    }
}
