import Capture
import Model
import Pipeline

/// Everything that can be set, in the order of the example file.
package enum Settings {
    package static let all: [Setting] = capture + http + metrics + history + recorder + log

    private static let prefixes = "addresses ADDR[/LEN][:PORT] such as 10.0.3.7:8080 or [fd00::7]:8080"
    private static let day: Nanoseconds = .seconds(86_400)

    private static let capture: [Setting] = [
        .list("capture.interfaces", "names of interfaces, or any") { names, configuration in
            guard !names.isEmpty, names.allSatisfy({ (1...64).contains($0.utf8.count) }) else { return false }
            configuration.capture.interfaces = names
            return true
        },
        .optional("capture.filter", "a BPF expression such as tcp or icmp", \.capture.filter) {
            PacketFilter.isValid($0) ? $0 : nil
        },
        .size("capture.snapshot-length", 64...262_144) { $1.capture.snapshotLength = $0 },
        .size("capture.buffer-size", 1 << 20...2_047 << 20) { $1.capture.bufferSize = $0 },
        .bool("capture.promiscuous") { $1.capture.isPromiscuous = $0 },
        .list("capture.gateways", "addresses ADDR[/LEN] such as 10.0.0.5 or fd00::/64") { texts, configuration in
            guard let prefixes = Self.prefixes(texts), prefixes.allSatisfy({ $0.port == nil }) else { return false }
            configuration.capture.gateways = prefixes
            return true
        },
        .list("capture.upstreams", prefixes) { texts, configuration in
            guard let prefixes = Self.prefixes(texts) else { return false }
            configuration.capture.upstreams = prefixes
            return true
        },
        .size("capture.max-memory", 64 << 20...64 << 30) { $1.capture.maximumMemory = $0 },
        .optional("capture.savefile", "a file, its name going through strftime(3), or off", \.capture.savefile) {
            // Standard output is the log's.
            $0 == "-" ? nil : $0
        },
        .optional("capture.savefile-size", "a size such as 500M, 1M to 1T, or off", \.capture.savefileSize) {
            Quantity.bytes($0).within(1 << 20...1 << 40)
        },
        .optional("capture.savefile-time", "a time such as 1h, 1s to 365d, or off", \.capture.savefileTime) {
            Quantity.time($0).within(.seconds(1)...365 * day)
        },
        .optional("capture.savefile-count", "a number of files, 1 to 1000000, or off", \.capture.savefileCount) {
            Int($0).within(1...1_000_000)
        },
        .optional("capture.user", "the name of a user of this system", \.capture.user) {
            Privileges.isKnown(user: $0) ? $0 : nil
        },
    ]

    private static let http: [Setting] = [
        .optional("http.listen", "ADDRESS:PORT such as 127.0.0.1:9502 or [::1]:9502, or off", \.http.listen) {
            Quantity.endpoint($0)
        },
        .list("http.allowed-hosts", "host names without port") { names, configuration in
            guard names.allSatisfy({ !$0.isEmpty && !$0.contains("/") }) else { return false }
            configuration.http.allowedHosts = names.map { $0.lowercased() }
            return true
        },
        .bool("http.page") { $1.http.hasPage = $0 },
        .optional("health.max-packet-age", "a time such as 5m, or off", \.health.largestPacketAge) {
            Quantity.time($0).within(1...Nanoseconds.max)
        },
    ]

    private static let metrics: [Setting] = [
        .number("metrics.max-upstreams", 1...1_000) { $1.metrics.largestUpstreamCount = $0 },
        Setting(
            name: "metrics.groups",
            allowed: "a name a group and its \(prefixes); on one line: name=ADDR ADDR; name=ADDR",
            isOptional: true
        ) { value, configuration in
            guard let groups = Self.groups(value) else { return false }
            configuration.metrics.groups = groups
            return true
        },
    ]

    private static let history: [Setting] = [
        .optional("history.path", "a file, or off", \.history.path) { $0 },
        .time("history.max-age", day / 24...3_650 * day) { $1.history.maximumAge = $0 },
        .size("history.max-size", 1 << 20...1 << 40) { $1.history.maximumSize = $0 },
    ]

    private static let recorder: [Setting] = [
        .optional("recorder.directory", "a directory, or off", \.recorder.directory) { $0 },
        .time("recorder.before", 0...day) { $1.recorder.before = $0 },
        .time("recorder.after", .milliseconds(100)...day) { $1.recorder.after = $0 },
        .size("recorder.memory", 16 << 20...64 << 30) { $1.recorder.memory = $0 },
        .optional(
            "recorder.snapshot-length",
            "bytes of each packet, 64 to 262144, or off for all",
            \.recorder.largestPacket
        ) {
            Quantity.bytes($0).within(64...262_144)
        },
        .time("recorder.pause", 0...day) { $1.recorder.pause = $0 },
        .number("recorder.per-hour", 1...10_000) { $1.recorder.mostPerHour = $0 },
        .size("recorder.max-size", 1 << 20...1 << 44) { $1.recorder.maximumSize = $0 },
        .list("recorder.log", "paths of the gateway's logs") { paths, configuration in
            guard paths.count <= LogWatch.largestCount, paths.allSatisfy({ $0.hasPrefix("/") }) else { return false }
            configuration.recorder.logs = paths
            return true
        },
        .optional(
            "recorder.log-pattern",
            "a POSIX extended regular expression, or off for the usual lines",
            \.recorder.logPattern
        ) {
            LogPattern($0) == nil ? nil : $0
        },
    ]

    private static let log: [Setting] = [
        .text("log.level", LogSettings.Level.allCases.map(\.rawValue).joined(separator: ", ")) {
            guard let level = LogSettings.Level(rawValue: $0) else { return false }
            $1.log.level = level
            return true
        }
    ]

    private static func prefixes(_ texts: [String]) -> [AddressPrefix]? {
        let all = texts.map { AddressPrefix($0) }
        return all.contains(nil) ? nil : all.compactMap(\.self)
    }

    private static func groups(_ value: RawValue) -> [MetricsSettings.Group]? {
        var entries: [RawValue.Entry] = []
        switch value {
        case .empty: return []
        case .list: return nil
        case .table(let table): entries = table
        case .text(let text):
            for part in text.split(separator: ";") {
                let sides = part.split(separator: "=", maxSplits: 1).map(String.init)
                guard sides.count == 2, let name = Setting.words(sides[0]).first else { return nil }
                entries.append(RawValue.Entry(name: name, values: Setting.words(sides[1])))
            }
        }
        var groups: [MetricsSettings.Group] = []
        for entry in entries {
            guard (1...64).contains(entry.name.utf8.count), !entry.values.isEmpty,
                let members = prefixes(entry.values)
            else { return nil }
            groups.append(MetricsSettings.Group(name: entry.name, members: members))
        }
        return groups
    }
}

extension Optional where Wrapped: Comparable {
    /// Nil, too, for what lies outside.
    fileprivate func within(_ range: ClosedRange<Wrapped>) -> Wrapped? { flatMap { range.contains($0) ? $0 : nil } }
}
