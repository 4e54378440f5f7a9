import ArgumentParser
import Capture
import Evidence
import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

struct PrivacyArguments: ParsableArguments {
    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp(
            "Overwrite secrets: credentials, cookies, query values, bodies, e-mail addresses, card numbers.",
            discussion: "On for evidence, bundles, Markdown, Jira, ADF, HTML and SARIF; targets are masked everywhere."
        )
    )
    var redact: Bool?

    @Option(
        help: ArgumentHelp(
            "Map addresses in evidence and report, those alike staying alike, by the key in this file (16 bytes or more).",
            valueName: "keyfile"
        ),
        completion: .file()
    )
    var anonymizeAddresses: String?

    @Flag(
        name: .customLong("include-tls-secrets"),
        help: ArgumentHelp(
            "Put into the evidence what opens its TLS sessions, of the key logs in the captures; with --no-redact.",
            discussion: "Without it no secret of a key log is written."
        )
    )
    var includesTLSSecrets = false

    func validate() throws {
        if includesTLSSecrets, redact != false {
            throw ValidationError(
                "--include-tls-secrets needs --no-redact: redaction overwrites what the secrets would open."
            )
        }
        if anonymizeAddresses != nil, redact == false {
            throw ValidationError("--anonymize-addresses is not with --no-redact: bodies would show the addresses.")
        }
    }

    /// Nil where addresses stay.
    func addressMap() throws(CaptureError) -> AddressMap? {
        guard let path = anonymizeAddresses else { return nil }
        let key = try Self.contents(of: path)
        guard key.count >= 16 else {
            throw CaptureError(
                .cannotOpen,
                "\(path): has less than 16 bytes, which is no key",
                hint: "head -c 32 /dev/urandom > \(path)"
            )
        }
        return AddressMap(secret: key)
    }

    /// At most 4,096 bytes.
    private static func contents(of path: String) throws(CaptureError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CaptureError(.cannotOpen, "\(path): \(lastSystemError())") }
        defer { _ = close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw CaptureError(.readFailed, "\(path): \(lastSystemError())") }
        return Array(bytes.prefix(count))
    }

    func label(_ report: Report) -> EvidenceLabel {
        EvidenceLabel(
            sources: report.sources.map(\.name),
            isRedacted: redact ?? true,
            isAnonymized: anonymizeAddresses != nil
        )
    }
}
