import ArgumentParser
import Evidence
import Reporting
import Ticketing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One run: options to an address, a secret and a way there; files to contents; outcome to lines and status.
struct AttachRun {
    private let command: Attach

    init(_ command: Attach) {
        self.command = command
    }

    func start() async throws(AttachFailure) {
        // A dry run only prints: whoever stops reading, as head does, ends it without a word.
        if !command.dryRun { _ = signal(SIGPIPE, SIG_IGN) }
        guard let url = command.to ?? environment("GWSNIFF_TICKET") else {
            throw AttachFailure(.usage, "which ticket? --to URL says it, or GWSNIFF_TICKET")
        }
        let address = try TicketAddress(url, kind: command.kind, root: command.root)
        if command.split, let reason = Self.noVolumes(address.kind) {
            throw AttachFailure(.usage, "--split: \(reason)")
        }
        let quiet = command.quiet
        let warn: @Sendable (String) -> Void = { if !quiet { Failing.complain("warning: \($0)") } }
        let secret = try secret(warn)
        let web = try WebAddress(address.page)
        guard web.isSecure || secret.isEmpty || web.isLoopback || command.way.insecureHttp || command.dryRun else {
            throw AttachFailure(
                .usage,
                "\(web.origin) is http: whoever is on the way could read the secret",
                hint: "give its https address; or say --insecure-http, where nobody is"
            )
        }
        var options = Attaching.Options()
        options.maximumSize = command.maxSize
        options.each = command.each
        options.isDryRun = command.dryRun

        if command.dryRun {
            let courier = DryRun { (text) throws(AttachFailure) in try Self.print(text) }
            let tracker = try Self.anyTracker(address, secret)
            _ = try await Attaching(tracker, courier, options, warn: warn).run(contents)
            if !quiet { Failing.complain("nothing was sent") }
            return
        }
        let tracker = try address.tracker(secret)
        var line = Line()
        line.proxy = try ProxySettings.find(for: web, option: command.way.proxy, environment)
        line.authorityFile = command.way.caFile
        line.identity = try identity(warn)
        line.timeout = command.way.timeout
        let courier = try LiveCourier(line, warn: warn)
        let result: Result<Attaching.Outcome, AttachFailure>
        do throws(AttachFailure) {
            result = .success(try await Attaching(tracker, courier, options, warn: warn).run(contents))
        } catch {
            result = .failure(error)
        }
        await courier.close()
        try tell(result.get(), address)
    }

    private func tell(_ outcome: Attaching.Outcome, _ address: TicketAddress) throws(AttachFailure) {
        var lines = [
            "comment \(outcome.comment.rawValue): \(address.kind == .webhook ? "the webhook took it" : address.page)"
        ]
        lines += outcome.attached.map { "attached: \($0)" }
        lines += outcome.present.map { "there already: \($0)" }
        lines += outcome.missing.map { "not attached: \($0)" }
        try Self.print(lines.map { SafeText.terminal($0) + "\n" }.joined())
    }

    /// Why several files are of no use there; nil where they are.
    private static func noVolumes(_ kind: TicketAddress.Kind) -> String? {
        switch kind {
        case .github: "GitHub's interface takes no files"
        case .webhook: "a webhook gets everything in one request, which --max-size makes smaller"
        case .redmine, .rt, .jira, .jiraCloud, .gitlab, .servicenow: nil
        }
    }

    private static func print(_ text: String) throws(AttachFailure) {
        guard Failing.put(text, to: STDOUT_FILENO) else {
            throw AttachFailure(.inputOutput, "standard output: \(InputFile.lastError())")
        }
    }

    // MARK: Who asks

    /// Nil where the system is told by a secret alone.
    private func identity(_ warn: (String) -> Void) throws(AttachFailure) -> ClientIdentity? {
        guard let certificate = command.way.clientCert else { return nil }
        // Both often lie in one file.
        let key = command.way.clientKey ?? certificate
        return try ClientIdentity(
            certificate: (certificate, InputFile.bytes(certificate, limit: InputFile.secretLimit)),
            key: (key, InputFile.secret(key, warn)),
            passphrase: environment("GWSNIFF_KEY_PASSPHRASE")
        )
    }

    private func secret(_ warn: (String) -> Void) throws(AttachFailure) -> Secret {
        var token = environment("GWSNIFF_TOKEN")
        if let path = command.way.tokenFile {
            let text = String(decoding: try InputFile.secret(path, warn), as: UTF8.self)
            token = text.split(whereSeparator: \.isNewline).first.map { $0.filter { $0 != " " && $0 != "\t" } }
            guard token?.isEmpty == false else {
                throw AttachFailure(.noInput, "--token-file: \(path) has no token in its first line")
            }
        }
        return try Secret(
            token: token.flatMap { $0.isEmpty ? nil : $0 },
            user: environment("GWSNIFF_USER").flatMap { $0.isEmpty ? nil : $0 },
            password: environment("GWSNIFF_PASSWORD").flatMap { $0.isEmpty ? nil : $0 }
        )
    }

    /// A dry run needs no secret: where one would be it prints ***.
    private static func anyTracker(_ address: TicketAddress, _ secret: Secret) throws(AttachFailure) -> any Tracker {
        do {
            return try address.tracker(secret)
        } catch {
            guard error.kind == .noPermission else { throw error }
            let needsUser = address.kind == .jiraCloud
            return try address.tracker(Secret(token: "unset", user: needsUser ? "unset" : nil))
        }
    }

    // MARK: What is attached

    private func contents(limit: Int) throws(AttachFailure) -> Contents {
        if let ready = try ready() {
            let words = command.analysis.words
            guard words.isEmpty, command.privacy.anonymizeAddresses == nil else {
                let option = words.first.map { String($0.prefix { $0 != "=" }) } ?? "--anonymize-addresses"
                throw AttachFailure(
                    .usage,
                    "\(option) is for captures: \(command.files[0]) is a bundle or a report already"
                )
            }
            guard ready.isRedacted || !command.privacy.redact else {
                throw AttachFailure(
                    .usage,
                    "\(command.files[0]): was made with --no-redact, secrets are in it",
                    hint: "make it again without; or say --no-redact here too"
                )
            }
            guard !ready.includesTLSSecrets || command.privacy.includesTLSSecrets else {
                throw AttachFailure(
                    .usage,
                    "\(command.files[0]): was made with --include-tls-secrets, they are in it",
                    hint: "make it again without; or say --include-tls-secrets here too"
                )
            }
            guard ready.includesTLSSecrets || !command.privacy.includesTLSSecrets else {
                throw AttachFailure(.usage, "--include-tls-secrets: \(command.files[0]) was made without")
            }
            guard !command.split else {
                throw AttachFailure(
                    .usage,
                    "--split is for captures: \(command.files[0]) is a bundle or a report already",
                    hint: "gwsniff bundle --split makes volumes, which can all be named here"
                )
            }
            return ready
        }
        var words = command.analysis.words
        if !command.privacy.redact { words.append("--no-redact") }
        if let key = command.privacy.anonymizeAddresses { words.append("--anonymize-addresses=\(key)") }
        if command.quiet { words.append("--quiet") }
        if command.privacy.includesTLSSecrets { words.append("--include-tls-secrets") }
        let making = BundleMaking(words: words + ["--"] + command.files)
        let whole = try contents(of: making.make(limit: command.split ? nil : command.maxSize))
        guard !command.each, limit > 0, !whole.fits(limit),
            case .archives(let archives) = try making.make(limit: limit, split: command.split)
        else { return whole }
        return try Contents(archives: archives)
    }

    private func contents(of result: BundleMaking.Result) throws(AttachFailure) -> Contents {
        switch result {
        case .archives(let archives): return try Contents(archives: archives)
        case .failed(let status): throw AttachFailure(status: status)
        }
    }

    /// Nobody names more by hand, and each is read whole.
    private static let largestArchiveCount = 200

    /// What need not be made first; nil for captures.
    private func ready() throws(AttachFailure) -> Contents? {
        func last(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
        let archives = command.files.filter { path in [".zip", ".tar.gz", ".tgz"].contains(where: path.hasSuffix) }
        if archives.count == command.files.count {
            guard archives.count <= Self.largestArchiveCount else {
                throw AttachFailure(.usage, "more than \(Self.largestArchiveCount) volumes are not taken at once")
            }
            var volumes: [ArchiveFile] = []
            var room = InputFile.limit
            for path in archives {
                volumes.append(ArchiveFile(name: last(path), bytes: try InputFile.bytes(path, limit: room)))
                room -= volumes.last?.bytes.count ?? 0
            }
            return try Contents(archives: volumes)
        }
        guard command.files.count == 1, let path = command.files.first else { return nil }
        let name = last(path)
        if InputFile.isDirectory(path) {
            guard access("\(path)/manifest.json", F_OK) == 0 else { return nil }
            return try Contents(bundle: InputFile.bundle(path), name: name)
        }
        guard [".json", ".ndjson"].contains(where: path.hasSuffix) else { return nil }
        return try Contents(report: InputFile.bytes(path), name: name, redact: command.privacy.redact)
    }
}
