package import Capture
package import Reporting

/// Files spread over several archives, each below a limit, each with what describes it, and each to be opened without the others.
package struct BundleVolumes {
    /// What goes into a volume besides its files: what describes them and names the other volumes.
    ///
    /// Called with the files, the number of the volume from 1, and the names of the files of every volume.
    package typealias Description = (_ files: [ArchiveFile], _ number: Int, _ volumes: [[String]]) -> [ArchiveFile]

    private let format: ArchiveFormat
    private let limit: Int
    private let seconds: Int64
    private let description: Description

    /// - Parameters:
    ///   - limit: bytes of an archive.
    ///   - seconds: since 1970, of every file.
    package init(
        _ format: ArchiveFormat,
        limit: Int,
        seconds: Int64,
        description: @escaping Description
    ) {
        self.format = format
        self.limit = limit
        self.seconds = seconds
        self.description = description
    }

    /// Whether a volume has room for the file, where so many others are described.
    package func fits(_ file: ArchiveFile, among names: [String]) throws(CaptureError) -> Bool {
        try format.cost(of: file) + extra([file], 1, names.map { [$0] }) <= limit
    }

    /// The archives in order; the files keep theirs. Each file fits: `fits`.
    package func packed(_ files: [ArchiveFile]) throws(CaptureError) -> [[UInt8]] {
        // Compressed together, files of a tar archive take less than each for itself, but nothing promises it.
        var slack = 0
        while slack < limit {
            let volumes = try spread(files, limit: limit - slack)
            let names = volumes.map { $0.map(\.name) }
            var archives: [[UInt8]] = []
            for (index, members) in volumes.enumerated() {
                archives.append(
                    try format.packed(members + description(members, index + 1, names), seconds: seconds)
                )
            }
            let largest = archives.reduce(0) { max($0, $1.count) }
            if largest <= limit { return archives }
            slack += largest - limit
        }
        throw CaptureError(.writeFailed, "the bundle cannot be split into volumes of \(limit) bytes")
    }

    private func spread(_ files: [ArchiveFile], limit: Int) throws(CaptureError) -> [[ArchiveFile]] {
        var costs: [Int] = []
        for file in files { costs.append(try format.cost(of: file)) }
        // As many volumes as there can be: their description is not shorter in the end.
        let names = files.map { [$0.name] }
        var volumes: [[ArchiveFile]] = []
        var position = 0
        while position < files.count {
            var end = position
            var sum = 0
            while end < files.count, sum + costs[end] <= limit {
                sum += costs[end]
                end += 1
            }
            while end > position, sum + (try extra(Array(files[position..<end]), files.count, names)) > limit {
                end -= 1
                sum -= costs[end]
            }
            guard end > position else {
                throw CaptureError(.writeFailed, "\(files[position].name): does not fit a volume of \(limit) bytes")
            }
            volumes.append(Array(files[position..<end]))
            position = end
        }
        return volumes
    }

    private func extra(_ files: [ArchiveFile], _ number: Int, _ names: [[String]]) throws(CaptureError) -> Int {
        var sum = ArchiveFormat.endCost
        for file in description(files, number, names) { sum += try format.cost(of: file) }
        return sum
    }
}

/// What describes the evidence of a volume: of the manifest of all evidence, the entries of its files.
package struct EvidenceCatalogue {
    private var members: [JSONValue.Member] = []
    private var entries: [String: JSONValue] = [:]
    private let prefix: String

    /// - Parameter prefix: of the names of evidence in an archive.
    package init(prefix: String) {
        self.prefix = prefix
    }

    /// Takes the entry of `name` from a manifest that has it, as it was parsed: one for all that is taken from it.
    package mutating func take(_ name: String, from manifest: JSONValue) {
        guard case .object(let members) = manifest else { return }
        if self.members.isEmpty { self.members = members }
        let files = manifest["files"]?.items ?? []
        entries[name] = files.first { ($0["name"]?.string).map { prefix + $0 } == name }
    }

    /// The manifest of those of `files` that are evidence; nil where none is.
    package func manifest(of files: [ArchiveFile]) -> ArchiveFile? {
        let known = files.compactMap { entries[$0.name] }
        guard !known.isEmpty else { return nil }
        var members = members
        for index in members.indices where members[index].name == "files" { members[index].value = .array(known) }
        return ArchiveFile(
            name: prefix + EvidencePackets.manifestName,
            bytes: Array((JSONValue.object(members).pretty + "\n").utf8)
        )
    }
}
