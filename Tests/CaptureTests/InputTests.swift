import Capture
import Foundation
import Model
import Testing

/// Several savefiles as one capture.
struct InputTests {
    /// A pcap whose packets come at these seconds; each packet's bytes are the given tag and its position.
    private func pcap(_ tag: UInt8, _ seconds: [UInt32], linkType: UInt32 = 1) -> [UInt8] {
        var file = Savefile.pcap(linkType: linkType)
        for (position, second) in seconds.enumerated() {
            file.record(second, 0, [tag, UInt8(truncatingIfNeeded: position)])
        }
        return file.bytes
    }

    private func tags(_ packets: [ReadPacket]) -> [UInt8] { packets.compactMap(\.bytes.first) }

    @Test func filesAreMergedByTimeAndEqualTimesKeepTheOrderOfTheFiles() throws {
        let directory = try TemporaryDirectory()
        let input = try CaptureInput(paths: [
            directory.write("b", pcap(1, [1, 4, 5, 9])),
            directory.write("a", pcap(2, [2, 4, 6])),
        ])
        let packets = try readAll(input)
        #expect(tags(packets) == [1, 2, 1, 2, 1, 2, 1])
        #expect(packets.map(\.number) == Array(1...7))
        #expect(packets.map(\.interface) == [0, 1, 0, 1, 0, 1, 0])
        #expect(input.endings == [.clean, .clean])
        #expect(input.summaries.map(\.packets) == [4, 3])
        #expect(input.bytesRead == input.totalBytes)
    }

    @Test func aRotatedSetIsOfTheInterfacesOfItsFirstFiles() throws {
        let directory = try TemporaryDirectory()
        let input = try CaptureInput(paths: [
            directory.write("a1", pcap(1, [1, 2, 3])),
            directory.write("b1", pcap(2, [2, 3, 4])),
            directory.write("a2", pcap(3, [5, 7])),
            directory.write("b2", pcap(4, [6, 8])),
            directory.write("other", pcap(5, [9], linkType: 113)),
        ])
        let packets = try readAll(input)
        #expect(tags(packets) == [1, 1, 2, 1, 2, 2, 3, 4, 3, 4, 5])
        #expect(packets.map(\.interface) == [0, 0, 1, 0, 1, 1, 0, 1, 0, 1, 2])
    }

    @Test func oneFileKeepsItsOrderWhateverItsTimeStampsSay() throws {
        let directory = try TemporaryDirectory()
        let input = try CaptureInput(paths: [directory.write("a", pcap(1, [5, 1, 3]))])
        #expect(try readAll(input).map(\.nanoseconds) == [5_000_000_000, 1_000_000_000, 3_000_000_000])
    }

    @Test func aFileThatRunsBackwardsKeepsItsOrderInTheMerge() throws {
        let directory = try TemporaryDirectory()
        let input = try CaptureInput(paths: [
            directory.write("a", pcap(1, [5, 1, 7])),
            directory.write("b", pcap(2, [4, 6])),
        ])
        #expect(tags(try readAll(input)) == [2, 1, 1, 2, 1])
    }

    @Test func aSetTooLargeToKeepOpenIsMergedTheSame() throws {
        let directory = try TemporaryDirectory()
        var paths: [String] = []
        for index in (0..<40).reversed() {
            // Neighbours overlap by one packet.
            let start = UInt32(index * 10)
            paths.append(try directory.write("f\(index)", pcap(UInt8(index), [start, start + 5, start + 12])))
        }
        let input = try CaptureInput(paths: paths)
        let packets = try readAll(input)
        #expect(packets.count == 120)
        #expect(packets.map(\.number) == Array(1...120))
        #expect(packets.map(\.nanoseconds) == packets.map(\.nanoseconds).sorted())
        #expect(input.summaries.allSatisfy { $0.packets == 3 })
    }

    @Test func aDirectoryMeansItsCapturesAtAnyDepthAndPassesOverTheRest() throws {
        let directory = try TemporaryDirectory()
        _ = try directory.write("z/deep/er/one.pcap", pcap(1, [1]))
        _ = try directory.write("a.txt", Array("no capture".utf8))
        _ = try directory.write("b.pcap", pcap(2, [2]))
        try FileManager.default.createSymbolicLink(
            atPath: directory.path + "/z/loop",
            withDestinationPath: directory.path
        )
        let input = try CaptureInput(paths: [directory.path])
        #expect(tags(try readAll(input)) == [1, 2])
        #expect(input.warnings.isEmpty)
    }

    @Test func aNamedFileThatIsNoCaptureIsAWarningBesideOthers() throws {
        let directory = try TemporaryDirectory()
        let input = try CaptureInput(paths: [
            directory.write("a.txt", Array("no capture".utf8)),
            directory.path + "/missing",
            directory.write("b", pcap(2, [2])),
        ])
        #expect(tags(try readAll(input)) == [2])
        #expect(Set(input.warnings.map(\.code)) == [.notACapture, .cannotOpen])
    }

    @Test func whereNothingIsReadableTheFirstErrorIsThrown() throws {
        let directory = try TemporaryDirectory()
        let text = try directory.write("a.txt", Array("no capture".utf8))
        #expect(#expect(throws: CaptureError.self) { try CaptureInput(paths: [text]) }?.code == .notACapture)
        #expect(
            #expect(throws: CaptureError.self) { try CaptureInput(paths: [directory.path]) }?.code == .notACapture
        )
        #expect(
            #expect(throws: CaptureError.self) { try CaptureInput(paths: [text + ".no"]) }?.code == .cannotOpen
        )
    }

    @Test func aFileNamedTwiceIsReadOnce() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("a", pcap(1, [1, 2]))
        let input = try CaptureInput(paths: [path, path, directory.path])
        #expect(try readAll(input).count == 2)
        #expect(input.warnings.count == 1)
    }

    @Test func aCutFileEndsAloneAndSaysWhere() throws {
        let directory = try TemporaryDirectory()
        let input = try CaptureInput(paths: [
            directory.write("a", pcap(1, [1, 2, 3]).dropLast(1)),
            directory.write("b", pcap(2, [2, 4])),
        ])
        #expect(tags(try readAll(input)) == [1, 1, 2, 2])
        #expect(input.summaries[0].truncated?.contains("packet 3") == true)
        #expect(input.summaries[1].truncated == nil)
    }

    @Test func aCaptureWithoutPacketsIsReadable() throws {
        let directory = try TemporaryDirectory()
        let input = try CaptureInput(paths: [directory.write("a", pcap(1, []))])
        #expect(try input.advance() == nil)
        #expect(input.endings == [.clean])
        #expect(input.withPacket { $0.byteCount } == 0)
    }

    @Test func aPipeIsReadToItsEnd() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/pipe"
        #expect(mkfifo(path, 0o600) == 0)
        let bytes = pcap(1, [1, 2, 3])
        let writer = Thread {
            guard let handle = FileHandle(forWritingAtPath: path) else { return }
            // Byte by byte: every record arrives in pieces.
            for byte in bytes { handle.write(Data([byte])) }
            try? handle.close()
        }
        writer.start()
        let input = try CaptureInput(paths: [path])
        #expect(try readAll(input).count == 3)
        #expect(input.totalBytes == nil)
    }

    // MARK: Filter

    /// Ethernet, IPv4, TCP from port 1000 to the given one, 54 bytes.
    private func tcp(to port: UInt16) -> [UInt8] {
        [UInt8](repeating: 2, count: 12) + [0x08, 0x00]
            + [0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]
            + [0x03, 0xE8, UInt8(port >> 8), UInt8(truncatingIfNeeded: port)] + [UInt8](repeating: 0, count: 16)
    }

    @Test func aFilterSkipsPacketsAndKeepsTheNumbers() throws {
        var file = Savefile.pcap()
        for port in [80, 443, 80, 8080] as [UInt16] { file.record(1, 0, tcp(to: port)) }
        let directory = try TemporaryDirectory()
        let path = try directory.write("a", file.bytes)
        let input = try CaptureInput(paths: [path], filter: "tcp dst port 80 or port 8080")
        #expect(try readAll(input).map(\.number) == [1, 3, 4])
        #expect(input.framesSeen == 4)
        // The length on the wire counts, not the captured one.
        #expect(try readAll(CaptureInput(paths: [path], filter: "greater 55")).isEmpty)
    }

    @Test func aFilterIsCompiledForEachLinkType() throws {
        var file = Savefile.pcapng()
        file.interface(linkType: 1)
        file.interface(linkType: 101)
        let ethernet = tcp(to: 80)
        for interface in [0, 1] as [UInt32] {
            for port in [80, 443] as [UInt16] {
                let frame = tcp(to: port)
                file.enhancedPacket(interface: interface, ticks: 1, interface == 0 ? frame : Array(frame[14...]))
            }
        }
        #expect(ethernet.count == 54)
        let directory = try TemporaryDirectory()
        let input = try CaptureInput(paths: [directory.write("a", file.bytes)], filter: "port 80")
        #expect(try readAll(input).map(\.number) == [1, 3])
    }

    @Test func aWrongFilterIsRefusedBeforeReadingWithLibpcapsWords() throws {
        let directory = try TemporaryDirectory()
        for (index, bytes) in [pcap(1, [1]), pcap(1, [])].enumerated() {
            let path = try directory.write("a\(index)", bytes)
            let error = #expect(throws: CaptureError.self) {
                try CaptureInput(paths: [path], filter: "port eighty and")
            }
            #expect(error?.code == .filterInvalid)
            #expect(error?.exitStatus == 64)
            #expect(error?.message.contains("port eighty and") == true)
        }
    }

    @Test func aPacketWithoutBytesDoesNotDisturbTheFilter() throws {
        var file = Savefile.pcap()
        file.record(1, 0, [], wire: 60)
        file.record(1, 0, tcp(to: 80))
        let directory = try TemporaryDirectory()
        let input = try CaptureInput(paths: [directory.write("a", file.bytes)], filter: "tcp")
        #expect(try readAll(input).map(\.number) == [2])
    }
}
