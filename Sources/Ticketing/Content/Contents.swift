package import Evidence
import Reporting

/// What there is to attach: a bundle, in one piece, in volumes or in files, or a report alone.
package struct Contents: Sendable {
    package let findings: Findings
    package let isRedacted: Bool
    /// The evidence has what opens its TLS sessions.
    package let includesTLSSecrets: Bool
    /// As the person named it.
    private let name: String
    /// A bundle's files; of a report the one.
    private var files: [ArchiveFile]
    /// The bundle as one archive or as several; none where it did not come as such.
    private var archives: [ArchiveFile] = []
    /// What the bundle says it has not, for its size, and volumes that are not here.
    private var leftOut: [String] = []

    /// More volumes than this nobody wants at a ticket; the first have the reports and the worst findings.
    package static let largestVolumeCount = 20

    /// A bundle as zip or tar.gz.
    package init(archive bytes: [UInt8], name: String) throws(AttachFailure) {
        try self.init(archives: [ArchiveFile(name: name, bytes: bytes)])
    }

    /// The volumes of a bundle, in any order; of an only one, or of a bundle that has none, that.
    package init(archives given: [ArchiveFile]) throws(AttachFailure) {
        var volumes: [(archive: ArchiveFile, part: BundlePart, files: [ArchiveFile])] = []
        for archive in given {
            guard let files = ArchiveReader.files(of: archive.bytes) else {
                throw AttachFailure(
                    .data,
                    "\(archive.name): is no zip or tar.gz that could be read",
                    hint: BundlePart.hint
                )
            }
            volumes.append((archive, try BundlePart(files, name: archive.name), files))
        }
        volumes.sort { $0.part.number < $1.part.number }
        let all = volumes.first?.part.volumes ?? []
        for (one, next) in zip(volumes, volumes.dropFirst()) {
            guard !all.isEmpty, next.part.volumes == all, one.part.number != next.part.number else {
                throw AttachFailure(
                    .data,
                    "\(one.archive.name) and \(next.archive.name) are not volumes of one bundle",
                    hint: "name one bundle, or the volumes of one"
                )
            }
        }
        try self.init(
            volumes.map(\.part),
            volumes.flatMap(\.files),
            name: volumes.first?.archive.name ?? ""
        )
        archives = volumes.map(\.archive)
        let numbers = Set(volumes.map(\.part.number))
        leftOut += all.enumerated().filter { !numbers.contains($0.offset + 1) }
            .map { "\(SafeText.terminal($0.element, limit: 120)): this volume was not given" }
    }

    package init(bundle files: [ArchiveFile], name: String) throws(AttachFailure) {
        try self.init([BundlePart(files, name: name)], files, name: name)
    }

    private init(_ parts: [BundlePart], _ files: [ArchiveFile], name: String) throws(AttachFailure) {
        guard let report = parts.lazy.compactMap(\.report).first else {
            throw AttachFailure(
                .data,
                "\(name): is no bundle of gwsniff: it has no report.json",
                hint: parts.contains { !$0.volumes.isEmpty }
                    ? "of a bundle in volumes the first has it: name that too" : BundlePart.hint
            )
        }
        self.name = name
        self.files = files
        isRedacted = parts.allSatisfy(\.isRedacted)
        includesTLSSecrets = parts.contains(where: \.includesTLSSecrets)
        leftOut = parts.first?.leftOut ?? []
        findings = try Findings(json: report, name: "\(name): report.json")
    }

    /// A report as JSON. Redacted here, for nobody can see whether it is.
    package init(report bytes: [UInt8], name: String, redact: Bool) throws(AttachFailure) {
        self.name = name
        isRedacted = redact
        includesTLSSecrets = false
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

    /// The report in Markdown, where there is one.
    package var markdown: String? {
        files.first { $0.name == "report.md" }.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    /// Whether no file is larger than so many bytes.
    package func fits(_ limit: Int) -> Bool {
        archives.isEmpty
            ? files.reduce(0) { $0 + $1.bytes.count } <= limit : archives.allSatisfy { $0.bytes.count <= limit }
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
        let isReport = archives.isEmpty && files.count == 1
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
        if archives.count > 1 { return volumes(limit, room, selection) }
        if let archive = archives.first, archive.bytes.count <= limit {
            selection.uploads = [Upload(named: name, archive.bytes)]
            return selection
        }
        let title = archives.isEmpty ? name + ".zip" : Self.zipName(name)
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

    private func volumes(_ limit: Int, _ room: String, _ start: Selection) -> Selection {
        var selection = start
        for archive in archives.prefix(Self.largestVolumeCount) {
            if archive.bytes.count <= limit {
                selection.uploads.append(Upload(named: archive.name, archive.bytes))
            } else {
                selection.missing.append("\(archive.name), \(Numbers.bytes(Int64(archive.bytes.count))): \(room)")
            }
        }
        let rest = archives.dropFirst(Self.largestVolumeCount)
        if let first = rest.first, let last = rest.last {
            let names = rest.count == 1 ? first.name : "\(first.name) to \(last.name)"
            selection.missing.append("\(names): no more than \(Self.largestVolumeCount) volumes are attached")
        }
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
