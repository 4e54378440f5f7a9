import Evidence
import Reporting

/// What the manifest of a bundle, or of one of its volumes, says of it, and that its files are what it says.
struct BundlePart {
    var isRedacted: Bool
    var includesTLSSecrets: Bool
    /// What it has not, in sentences.
    var leftOut: [String]
    /// Which volume it is, from 1, and what all are called; 1 and none where it is whole.
    var number: Int
    var volumes: [String]
    /// The report as JSON; of volumes the first has it.
    var report: [UInt8]?

    static let hint = "gwsniff bundle makes one; a capture can be named too, and becomes one"

    init(_ files: [ArchiveFile], name: String) throws(AttachFailure) {
        guard let bytes = files.first(where: { $0.name == BundleManifest.name })?.bytes,
            let manifest = try? JSONReader.value(of: bytes), manifest["schema"]?.string == BundleManifest.schema
        else {
            throw AttachFailure(
                .data,
                "\(name): is no bundle of gwsniff: it has no manifest.json of \(BundleManifest.schema)",
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
        isRedacted = manifest["redacted"] == .bool(true)
        includesTLSSecrets = manifest["tlsSecretsIncluded"] == .bool(true)
        leftOut = manifest["leftOut"]?.items?.compactMap(\.string).map { SafeText.terminal($0, limit: 300) } ?? []
        volumes = manifest["volumes"]?.items?.map { $0["name"]?.string ?? "" } ?? []
        number = Int(clamping: manifest["volume"]?.integer ?? 1)
        report = files.first { $0.name == "report.json" }?.bytes
    }
}
