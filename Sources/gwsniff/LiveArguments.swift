import ArgumentParser
import Capture
import Model
import Pipeline

struct LiveArguments: ParsableArguments {
    @Option(
        name: [.customShort("i"), .customLong("iface"), .customLong("interface")],
        help: ArgumentHelp("Analyse live on this interface; may be repeated; 'any' is all of them.", valueName: "if")
    )
    var interfaces: [String] = []

    @Flag(name: [.customShort("D"), .long], help: "List the interfaces that can be captured on.")
    var listInterfaces = false

    @Option(
        name: [.customShort("w"), .long],
        help: ArgumentHelp(
            "Also keep every captured packet in this pcapng file; compressed where the name ends with .gz or .zst.",
            valueName: "file"
        ),
        completion: .file()
    )
    var write: String?

    @Option(
        name: [.customShort("C"), .long],
        help: ArgumentHelp(
            "Begin another file after so many million bytes (before compression), or 500K, 64M, 2G; its name gets a number.",
            valueName: "size"
        ),
        transform: RotationSize.parse
    )
    var fileSize: Int64?

    @Option(
        name: [.customShort("G"), .long],
        help: ArgumentHelp(
            "Begin another file after so many seconds; its name goes through strftime(3), as with %Y%m%d-%H%M%S.",
            valueName: "seconds"
        )
    )
    var rotateSeconds: Int64?

    @Option(
        name: [.customShort("W"), .long],
        help: ArgumentHelp(
            "With -C: so many files, then over the first again. With -G alone: end after so many.",
            valueName: "n"
        )
    )
    var fileCount: Int?

    @Option(
        help: ArgumentHelp(
            "Write the packets around each finding to a file in this directory, comments at those that decide; or on SIGUSR2.",
            valueName: "dir"
        ),
        completion: .directory
    )
    var record: String?

    @Option(
        help: ArgumentHelp(
            "Record, too, when this log of the gateway gets a line that tells of a failure; may be repeated.",
            valueName: "file"
        ),
        completion: .file()
    )
    var recordOnLog: [String] = []

    @Option(
        help: ArgumentHelp(
            "Which lines those are (default: upstream failures, and answers 502, 503, 504).",
            valueName: "regex"
        )
    )
    var logPattern: String?

    @Option(
        help: ArgumentHelp(
            "How much before a finding is recorded, and a third of it after (default: 30).",
            valueName: "seconds"
        )
    )
    var recorderSeconds: Int?

    @Option(
        help: ArgumentHelp(
            "Memory for the packets of the recent past, besides --max-memory: 64M, 2G (default: 256M).",
            valueName: "size"
        ),
        transform: Size.parse
    )
    var recorderBytes: Int?

    @Option(
        help: ArgumentHelp(
            "Bytes of each packet that are recorded (default: all that were captured).",
            valueName: "bytes"
        )
    )
    var recorderSnapshot: Int?

    @Option(
        name: [.customShort("Z"), .long],
        help: ArgumentHelp(
            "Once the interfaces are open, become this user and give up every privilege.",
            valueName: "user"
        )
    )
    var relinquishPrivileges: String?

    @Option(
        name: [.customShort("s"), .long],
        help: ArgumentHelp(
            "Bytes to capture of each packet; 0 is 262144, as for tcpdump (default: that).",
            valueName: "bytes"
        )
    )
    var snapshotLength: Int?

    @Option(
        name: [.customShort("B"), .long],
        help: ArgumentHelp("Kernel buffer, in MiB.", valueName: "MiB")
    )
    var bufferSize: Int?

    @Flag(name: [.customShort("p"), .long], help: "Do not put the interface into promiscuous mode.")
    var noPromiscuousMode = false

    func validate(readsFiles: Bool) throws {
        if let snapshotLength, !(0...262_144).contains(snapshotLength) {
            throw ValidationError("--snapshot-length is 0 to 262144.")
        }
        if let bufferSize, !(1...2_047).contains(bufferSize) {
            throw ValidationError("--buffer-size is 1 to 2047.")
        }
        if readsFiles, !interfaces.isEmpty || listInterfaces {
            throw ValidationError("Either files or interfaces, not both.")
        }
        if let fileSize, fileSize < 1 { throw ValidationError("--file-size is 1 or more.") }
        if let rotateSeconds, !(1...31_536_000).contains(rotateSeconds) {
            throw ValidationError("--rotate-seconds is 1 to 31536000.")
        }
        if let fileCount, !(1...1_000_000).contains(fileCount) {
            throw ValidationError("--file-count is 1 to 1000000.")
        }
        if let recorderSeconds, !(1...3_600).contains(recorderSeconds) {
            throw ValidationError("--recorder-seconds is 1 to 3600.")
        }
        if let recorderBytes, recorderBytes < 16 << 20 { throw ValidationError("--recorder-bytes is 16M or more.") }
        if let recorderSnapshot, !(64...262_144).contains(recorderSnapshot) {
            throw ValidationError("--recorder-snapshot is 64 to 262144.")
        }
        guard !interfaces.isEmpty else { return try refuseStray() }
        if write == nil, fileSize != nil || rotateSeconds != nil || fileCount != nil {
            throw ValidationError("-C, -G and -W are for --write.")
        }
        if fileCount != nil, fileSize == nil, rotateSeconds == nil { throw ValidationError("-W is for -C or -G.") }
        if record == nil, !recordOnLog.isEmpty { throw ValidationError("--record-on-log is for --record.") }
        if recordOnLog.count > LogWatch.largestCount {
            throw ValidationError("--record-on-log is for up to \(LogWatch.largestCount) logs.")
        }
        if let logPattern {
            if recordOnLog.isEmpty { throw ValidationError("--log-pattern is for --record-on-log.") }
            if LogPattern(logPattern) == nil {
                throw ValidationError("--log-pattern '\(logPattern)' is no extended regular expression.")
            }
        }
        if record == nil, recorderSeconds != nil || recorderSnapshot != nil {
            throw ValidationError("--recorder-seconds and --recorder-snapshot are for --record.")
        }
    }

    private func refuseStray() throws {
        let given: [(String, Bool)] = [
            ("--write", write != nil), ("--file-size", fileSize != nil), ("--rotate-seconds", rotateSeconds != nil),
            ("--file-count", fileCount != nil), ("--record", record != nil),
            ("--record-on-log", !recordOnLog.isEmpty), ("--log-pattern", logPattern != nil),
            ("--recorder-seconds", recorderSeconds != nil), ("--recorder-bytes", recorderBytes != nil),
            ("--recorder-snapshot", recorderSnapshot != nil),
            ("--relinquish-privileges", relinquishPrivileges != nil),
            ("--snapshot-length", snapshotLength != nil), ("--buffer-size", bufferSize != nil),
            ("--no-promiscuous-mode", noPromiscuousMode),
        ]
        if let stray = given.first(where: { $0.1 })?.0 {
            throw ValidationError("\(stray) is for live capture, with --iface.")
        }
    }

    /// tcpdump(1): "Setting snaplen to 0 sets it to the default of 262144".
    var snapLength: Int {
        let length = snapshotLength ?? 0
        return length == 0 ? 262_144 : length
    }

    var rotation: Rotation { Rotation(size: fileSize, seconds: rotateSeconds, count: fileCount) }

    var recorder: RecorderOptions {
        var options = RecorderOptions()
        options.directory = record
        options.logs = recordOnLog
        options.logPattern = logPattern
        if let recorderSeconds {
            options.before = .seconds(Int64(recorderSeconds))
            options.after = .seconds(max(1, Int64(recorderSeconds) / 3))
        }
        if let recorderBytes { options.ringBytes = recorderBytes }
        if let recorderSnapshot { options.largestPacket = recorderSnapshot }
        return options
    }
}

/// `--file-size`, as tcpdump(1) reads it: millions of bytes, or a number with K, M or G (of 1024).
enum RotationSize {
    static func parse(_ text: String) throws -> Int64 {
        let units: [Character: Int64] = ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30]
        let unit = text.lowercased().last.flatMap { units[$0] }
        let digits = unit == nil ? text[...] : text.dropLast()
        guard let number = Int64(digits), number > 0, number < 1 << 32 else {
            throw ValidationError("'\(text)' is no size such as 100, 64M or 2G.")
        }
        return number * (unit ?? 1_000_000)
    }
}
