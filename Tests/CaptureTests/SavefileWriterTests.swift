import Capture
import Foundation
import Model
import Testing

/// What a live run writes beside its report.
struct SavefileWriterTests {
    private static let start = Timestamp(seconds: 1_700_000_000)

    private func writer(_ path: String, _ rotation: Rotation = Rotation()) throws -> SavefileWriter {
        try SavefileWriter(
            path: path,
            rotation: rotation,
            application: "gwsniff test",
            interfaces: [InterfaceDescription(name: "eth0", linkType: .ethernet, snapLength: 262_144)],
            startsAt: Self.start
        )
    }

    /// Packets of 1,000 bytes, numbered in their first two.
    private func append(_ numbers: Range<Int>, to writer: SavefileWriter, apart: Nanoseconds = .milliseconds(1)) {
        for number in numbers {
            var bytes = [UInt8](repeating: 7, count: 1_000)
            bytes[0] = UInt8(number >> 8)
            bytes[1] = UInt8(number & 0xff)
            let record = PacketRecord(
                number: number + 1,
                timestamp: Self.start + apart * Int64(number),
                capturedLength: bytes.count,
                wireLength: bytes.count,
                interface: 0,
                linkType: .ethernet,
                source: 0
            )
            writer.append(record, bytes.span.bytes)
        }
    }

    @Test(
        "Evidence is its owner's alone, and a directory that nothing can be written to is refused before it is needed"
    )
    func privacy() throws {
        let directory = NSTemporaryDirectory() + "gwsniff-private-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try PrivateDirectory.prepare(directory)
        try PrivateDirectory.prepare(directory)
        let file = directory + "/x.pcapng"
        _ = try SavefileWriter(path: file, application: "t", interfaces: [], isPrivate: true, startsAt: Self.start)
            .finish()
        func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        #expect(try mode(directory) == 0o700)
        #expect(try mode(file) == 0o600)
        #expect(throws: CaptureError.self) { try PrivateDirectory.prepare(file) }
        #expect(throws: CaptureError.self) { try PrivateDirectory.prepare(directory + "/absent/deeper") }
    }

    @Test("A filter is good where libpcap takes it for some link type")
    func filters() {
        #expect(PacketFilter.isValid("tcp or icmp"))
        #expect(PacketFilter.isValid("ether host 00:00:00:00:00:01"))
        #expect(!PacketFilter.isValid("port http or"))
    }

    private func numbers(_ path: String) throws -> [Int] {
        let result = try read(path: path)
        #expect(result.ending == .clean)
        return result.packets.map { Int($0.bytes[0]) << 8 + Int($0.bytes[1]) }
    }

    @Test("a file comes back whole, compressed or not", arguments: ["a.pcapng", "a.pcapng.gz", "a.pcapng.zst"])
    func whole(_ name: String) throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/\(name)"
        let writer = try writer(path)
        // More than one run of blocks.
        append(0..<3_000, to: writer)
        writer.finish()
        #expect(try numbers(path) == Array(0..<3_000))
        #expect(writer.leftOut == 0)
        #expect(writer.takeWarnings().isEmpty)
        if name == "a.pcapng" {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            for text in ["gwsniff test", "eth0"] { #expect(bytes.range(of: Data(text.utf8)) != nil) }
        }
    }

    @Test("drops come back with the time in which they happened")
    func drops() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a.pcapng"
        let writer = try writer(path)
        let times = [0, 1].map { Self.start + .seconds($0) }
        for (number, time) in times.enumerated() {
            append(number..<number + 1, to: writer, apart: .seconds(1))
            writer.noteDropped(4 + 3 * number, interface: 0, at: time)
        }
        writer.finish()
        let result = try read(path: path)
        #expect(result.packets.map(\.interface) == [0, 0])
        #expect(result.summary.dropped == 7)
        #expect(
            result.summary.losses == [
                CaptureLoss(from: nil, through: times[0], dropped: 4, captured: 1),
                CaptureLoss(from: times[0], through: times[1], dropped: 3, captured: 1),
            ]
        )
    }

    @Test("what was flushed is readable although the file was never closed", arguments: ["a.pcapng", "a.gz", "a.zst"])
    func flushed(_ name: String) throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/\(name)"
        let writer = try writer(path)
        append(0..<10, to: writer)
        writer.flush()
        append(10..<20, to: writer)
        // The disk's thread has done what it was given: the rotation asks it.
        writer.rotate(at: Self.start)
        let found = try numbers(path)
        #expect(found == Array(0..<20))
    }

    @Test("-G begins the next file without a packet, for who asks")
    func byTimeAlone() throws {
        let directory = try TemporaryDirectory()
        let writer = try writer("\(directory.path)/%s.pcapng", Rotation(seconds: 60))
        for second in [10, 59, 61, 100, 119, 122] { writer.rotateIfDue(Self.start + .seconds(Int64(second))) }
        writer.finish()
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        #expect(files.count == 3)
        for file in files { #expect(try numbers("\(directory.path)/\(file)").isEmpty) }
    }

    @Test("-C begins files with numbers behind the name, before the end that says how they are compressed")
    func bySize() throws {
        let directory = try TemporaryDirectory()
        let writer = try writer("\(directory.path)/a.gz", Rotation(size: 100_000))
        append(0..<250, to: writer)
        writer.finish()
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        #expect(files == ["a.gz", "a1.gz", "a2.gz"])
        let all = try files.map { try numbers("\(directory.path)/\($0)") }
        #expect(all.flatMap { $0 } == Array(0..<250))
        #expect(all[0].count < 102)
    }

    @Test("-C with -W goes round, with names of as many digits as the largest needs")
    func goesRound() throws {
        let directory = try TemporaryDirectory()
        let writer = try writer("\(directory.path)/a", Rotation(size: 20_000, count: 11))
        append(0..<300, to: writer)
        writer.finish()
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        #expect(files == (0..<11).map { $0 < 10 ? "a0\($0)" : "a\($0)" })
        // The newest are there, the oldest were written over.
        let all = try files.flatMap { try numbers("\(directory.path)/\($0)") }
        #expect(all.contains(299))
        #expect(!all.contains(0))
    }

    @Test("-G names files by the time at which they begin, and -W ends the run")
    func bySeconds() throws {
        let directory = try TemporaryDirectory()
        let writer = try writer("\(directory.path)/a-%s", Rotation(seconds: 10, count: 2))
        append(0..<15, to: writer, apart: .seconds(1))
        #expect(!writer.isOver)
        append(15..<25, to: writer, apart: .seconds(1))
        #expect(writer.isOver)
        writer.finish()
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        #expect(files == ["a-1700000000", "a-1700000010"])
        #expect(try numbers("\(directory.path)/a-1700000010") == Array(10..<20))
    }

    @Test("a rotation that was asked for begins the next file, or the same one where it was moved away")
    func bySignal() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a"
        let writer = try writer(path)
        append(0..<5, to: writer)
        writer.rotate(at: Self.start)
        append(5..<9, to: writer)
        writer.flush()
        writer.rotate(at: Self.start)
        append(9..<12, to: writer)
        writer.finish()
        #expect(try numbers(path) == Array(0..<5))
        #expect(try numbers(path + "1") == Array(5..<9))
        #expect(try numbers(path + "2") == Array(9..<12))
        let moved = try self.writer("\(directory.path)/b")
        append(0..<5, to: moved)
        moved.flush()
        // So that the file is there.
        moved.rotate(at: Self.start)
        moved.settle()
        try FileManager.default.moveItem(atPath: "\(directory.path)/b1", toPath: "\(directory.path)/old")
        append(5..<9, to: moved)
        moved.rotate(at: Self.start)
        append(9..<12, to: moved)
        moved.finish()
        #expect(try numbers("\(directory.path)/old") == Array(5..<9))
        #expect(try numbers("\(directory.path)/b1") == Array(9..<12))
    }

    @Test("a full disk is said once, and costs packets of the file only")
    func fullDisk() throws {
        let writer = try writer("/dev/full")
        append(0..<5, to: writer)
        writer.flush()
        append(5..<9, to: writer)
        writer.finish()
        #expect(writer.leftOut == 9)
        let warnings = writer.takeWarnings()
        #expect(warnings.count == 1)
        #expect(warnings.first?.message.contains("/dev/full") == true)
        #expect(warnings.first?.code == .writeFailed)
        #expect(warnings.first?.exitStatus == 74)
    }

    @Test func aPlaceThatIsNotThereCannotBeWritten() {
        let error = #expect(throws: CaptureError.self) { try writer("/nonexistent/a") }
        #expect(error?.code == .writeFailed)
    }
}
