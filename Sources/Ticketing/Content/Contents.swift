package import Evidence
import Reporting

/// What there is to attach: a bundle, in one piece or in files, or a report alone.
package struct Contents: Sendable {
    package let findings: Findings
    package let isRedacted: Bool
    /// As the person named it.
    private let name: String
    /// A bundle's files; of a report the one.
    private var files: [ArchiveFile]
    /// The bundle as one file, where it came as one.
    private var archive: [UInt8]?
    /// What the bundle says it has not, for its size.
    private var leftOut: [String] = []

    /// A bundle as zip or tar.gz.
    package init(archive bytes: [UInt8], name: String) throws(AttachFailure) {
        guard let files = ArchiveReader.files(of: bytes) else {
            throw AttachFailure(.data, "\(name): is no zip or tar.gz that could be read", hint: Self.hint)
        }
        try self.init(bundle: files, name: name)
        archive = bytes
    }

    package init(bundle files: [ArchiveFile], name: String) throws(AttachFailure) {
        self.name = name
        self.files = files
        guard let bytes = files.first(where: { $0.name == BundleManifest.name })?.bytes,
            let manifest = try? JSONReader.value(of: bytes), manifest["schema"]?.string == BundleManifest.schema,
            let report = files.first(where: { $0.name == "report.json" })?.bytes
        else {
            throw AttachFailure(
                .data,
                "\(name): is no bundle of gwsniff: it has no manifest.json of \(BundleManifest.schema) with a report.json",
                hint: Self.hint
            )
        }
        func changed(_ which: String) -> AttachFailure {
            AttachFailure(
                .data,
                "\(name): \(SafeText.terminal(which, limit: 120)) is not what the manifest says: "
                    + "the bundle was changed, or is not whole",
                hint: Self.hint
            )
        }
        // Each is taken once: a manifest that names a file a million times has it read and hashed once.
        var unnamed = Dictionary(files.map { ($0.name, $0.bytes) }) { first, _ in first }
        unnamed[BundleManifest.name] = nil
        guard unnamed.count == files.count - 1 else { throw changed("a file that is there twice") }
        for entry in manifest["files"]?.items ?? [] {
            let which = entry["name"]?.string ?? "?"
            guard let bytes = unnamed.removeValue(forKey: which),
                SHA256.hexadecimal(of: bytes) == entry["sha256"]?.string
            else { throw changed(which) }
        }
        // Nobody redacted what somebody put in.
        if let added = unnamed.keys.min() { throw changed(added) }
        if case .bool(true)? = manifest["redacted"] { isRedacted = true } else { isRedacted = false }
        leftOut = manifest["leftOut"]?.items?.compactMap(\.string).map { SafeText.terminal($0, limit: 300) } ?? []
        findings = try Findings(json: report, name: "\(name): report.json")
    }

    /// A report as JSON. Redacted here, for nobody can see whether it is.
    package init(report bytes: [UInt8], name: String, redact: Bool) throws(AttachFailure) {
        self.name = name
        isRedacted = redact
        var bytes = bytes
        // Checked first, for its message is about the file and not about what became of it.
        var findings = try Findings(json: bytes, name: name)
        if redact, let value = try? JSONReader.value(of: bytes) {
            bytes = Array((value.redacted.pretty + "\n").utf8)
            findings = try Findings(json: bytes, name: name)
        } else if redact {
            throw AttachFailure(
                .data,
                "\(name): lines of JSON cannot be redacted",
                hint: "give the report of --format json, or say --no-redact"
            )
        }
        self.findings = findings
        let last = name.split(separator: "/").last.map(String.init) ?? name
        files = [ArchiveFile(name: last.hasSuffix(".json") ? last : last + ".json", bytes: bytes)]
    }

    /// Those that a manifest names, besides itself.
    package static func names(inManifest bytes: [UInt8]) -> [String] {
        guard let manifest = try? JSONReader.value(of: bytes) else { return [] }
        return manifest["files"]?.items?.compactMap { $0["name"]?.string } ?? []
    }

    private static let hint = "gwsniff bundle makes one; a capture can be named too, and becomes one"

    /// The report in Markdown, where there is one.
    package var markdown: String? {
        files.first { $0.name == "report.md" }.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    /// Whether all of it fits into a file of so many bytes.
    package func fits(_ limit: Int) -> Bool {
        (archive?.count ?? files.reduce(0) { $0 + $1.bytes.count }) <= limit
    }

    // MARK: Files to send

    package struct Selection: Sendable {
        package var uploads: [Upload] = []
        /// What was left out, in sentences.
        package var missing: [String] = []
    }

    /// - Parameters:
    ///   - limit: bytes of one file.
    ///   - each: the bundle's files one by one, instead of one archive.
    package func selection(limit: Int, each: Bool, system: String) -> Selection {
        var selection = Selection(missing: leftOut)
        let room = "\(system) takes files of \(Numbers.bytes(Int64(limit))) at most"
        let isReport = archive == nil && files.count == 1
        guard !each, !isReport else {
            for file in files {
                if file.bytes.count <= limit {
                    selection.uploads.append(Upload(named: file.name, file.bytes))
                } else {
                    selection.missing.append("\(file.name), \(Numbers.bytes(Int64(file.bytes.count))): \(room)")
                }
            }
            return selection
        }
        if let archive, archive.count <= limit {
            selection.uploads = [Upload(named: name, archive)]
            return selection
        }
        let title = archive == nil ? name + ".zip" : Self.zipName(name)
        if let bytes = Self.packed(files, limit) {
            selection.uploads = [Upload(named: title, bytes)]
            return selection
        }
        // The manifest would name files that are not there: the reports go without it then.
        var rest = files.filter { $0.name != BundleManifest.name }
        // By what each takes it is known when the rest may fit, without packing it again for each that is dropped.
        var costs = rest.map { (try? ArchiveFormat.zip.cost(of: $0)) ?? 0 }
        var dropped: [String] = []
        while let next = Self.dispensable(rest) {
            dropped.append("\(rest[next].name), \(Numbers.bytes(Int64(rest[next].bytes.count))): \(room)")
            rest.remove(at: next)
            costs.remove(at: next)
            guard costs.reduce(0, +) <= limit, let bytes = Self.packed(rest, limit) else { continue }
            selection.uploads = [Upload(named: title, bytes)]
            selection.missing += dropped
            return selection
        }
        selection.missing.append("the bundle: \(room)")
        return selection
    }

    /// Nil where it is larger.
    private static func packed(_ files: [ArchiveFile], _ limit: Int) -> [UInt8]? {
        (try? ArchiveFormat.zip.packed(files, seconds: 0)).flatMap { $0.count <= limit ? $0 : nil }
    }

    /// First what is in other files too, then the largest packets, then formats beyond the JSON report.
    private static func dispensable(_ files: [ArchiveFile]) -> Int? {
        if let whole = files.firstIndex(where: { $0.name == "evidence/" + EvidencePackets.wholeName }) { return whole }
        let packets = files.indices.filter { files[$0].name.hasPrefix("evidence/") }
        if let largest = packets.max(by: { files[$0].bytes.count < files[$1].bytes.count }) { return largest }
        return ["report.html", "report.sarif", "report.txt"].lazy
            .compactMap { name in files.firstIndex { $0.name == name } }.first
    }

    private static func zipName(_ name: String) -> String {
        for end in [".tar.gz", ".tgz", ".zip"] where name.hasSuffix(end) { return name.dropLast(end.count) + ".zip" }
        return name + ".zip"
    }
}
