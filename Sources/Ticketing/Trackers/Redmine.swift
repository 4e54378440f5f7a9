import Reporting

/// Redmine 3.3 and later (www.redmine.org/projects/redmine/wiki/Rest_api, Rest_Issues, "Attaching files"). Its REST interface has to be
/// switched on (Administration, Settings, API). Checked against 5.0.4.
struct Redmine: Tracker {
    let name = "Redmine"
    private let number: Int
    private let interface: Interface

    /// `attachment_max_size`, KiB, as Redmine is installed.
    private static let usualLimit = 5_120 << 10

    init(_ address: TicketAddress, _ secret: Secret) throws(AttachFailure) {
        guard case .number(let number) = address.ticket else { throw AttachFailure(.usage, "--to: names no issue") }
        guard let header = secret.header("X-Redmine-API-Key") ?? secret.basic else {
            throw Secret.missing("Redmine", "put the API key of My account into GWSNIFF_TOKEN or a --token-file")
        }
        self.number = number
        interface = Interface(
            name: name,
            root: address.base,
            headers: [header],
            permission:
                "the account needs the permissions to view issues, add notes and edit its own notes in this project"
        )
    }

    func survey(_ courier: any Courier) async throws(AttachFailure) -> TicketState {
        let asked = interface.call(
            .get,
            "/issues/\(number).json?include=journals,attachments",
            assumed: #"{"issue":{"attachments":[],"journals":[]}}"#
        ).with("Accept", "application/json")
        let answer = try await interface.send(asked, doing: "show the issue", courier)
        let issue = try answer.json(from: name)["issue"]
        guard let issue else { throw AttachFailure(.protocolError, "Redmine's answer has no issue in it") }
        var state = TicketState()
        for file in issue["attachments"]?.items ?? [] {
            guard let name = file["filename"]?.string, let size = file["filesize"]?.integer else { continue }
            state.files.append(TicketState.File(name: name, size: Int(clamping: size)))
        }
        for journal in issue["journals"]?.items ?? [] {
            guard let notes = journal["notes"]?.string, let id = journal["id"]?.integer,
                let marker = Marker.last(in: notes)
            else { continue }
            state.comments.append(TicketState.OwnComment(id: String(id), marker: marker))
        }
        // No part of the interface tells the limit, but the page's form for new notes does, to the browser.
        let form = interface.call(
            .get,
            "/issues/\(number)",
            assumed: "data-max-file-size=\"\(Self.usualLimit)\""
        ).with("Accept", "text/html")
        let page = try await courier.send(form)
        let limit = page.isGood ? Self.number(behind: "data-max-file-size=\"", in: page.body) : nil
        state.limit = limit ?? Self.usualLimit
        return state
    }

    private static func number(behind mark: String, in bytes: [UInt8]) -> Int? {
        guard let found = bytes.firstRange(of: mark.utf8) else { return nil }
        let digits = bytes[found.upperBound...].prefix { (0x30...0x39).contains($0) }
        return Int(String(decoding: digits, as: UTF8.self))
    }

    func deliver(_ delivery: Delivery, _ courier: any Courier) async throws(AttachFailure) -> [Refusal] {
        var uploads: [JSONValue] = []
        var refused: [Refusal] = []
        for file in delivery.files {
            // An upload that no issue takes is thrown away by Redmine: sent twice it does no harm.
            let sent = interface.call(
                .post,
                "/uploads.json?filename=\(WebAddress.encoded(file.name))",
                assumed: #"{"upload":{"id":1,"token":"(the token that Redmine gives)"}}"#,
                status: 201
            ).with("application/octet-stream", [.file(file)])
            let answer = try await courier.send(sent)
            if answer.isAboutFile {
                refused.append(Refusal(file.name, by: name, answer, saying: Self.reason(answer)))
                continue
            }
            let good = try interface.good(answer, doing: "take \(file.name)")
            guard let token = try good.json(from: name)["upload"]?["token"]?.string else {
                throw AttachFailure(.protocolError, "Redmine's answer to an upload has no token in it")
            }
            uploads.append(
                .object([
                    .init("token", .string(token)), .init("filename", .string(file.name)),
                    .init("content_type", .string(file.type)),
                ])
            )
        }
        // The comment has to be another one then.
        guard refused.isEmpty else { return refused }
        try await write(delivery, uploads, courier)
        return []
    }

    private func write(_ delivery: Delivery, _ uploads: [JSONValue], _ courier: any Courier) async throws(AttachFailure)
    {
        let text = JSONValue.string(delivery.comment.text(.preformatted))
        // Before Redmine 5.0 there is no such path, and another's note may not be changed.
        let isAdding = try await interface.change(delivery.writing, "note", gone: [403, 404, 406], courier) { note in
            interface.call(.put, "/journals/\(note.id).json", assumed: "", status: 204)
                .with(json: .object([.init("journal", .object([.init("notes", text)]))]))
        }
        var members: [JSONValue.Member] = []
        if isAdding { members.append(.init("notes", text)) }
        if !uploads.isEmpty { members.append(.init("uploads", .array(uploads))) }
        guard !members.isEmpty else { return }
        let changed = interface.call(.put, "/issues/\(number).json", assumed: "", status: 204)
            .with(json: .object([.init("issue", .object(members))])).once
        _ = try await interface.send(changed, doing: "change the issue", courier)
    }

    private static func reason(_ answer: Answer) -> String? {
        let errors = (try? JSONReader.value(of: answer.body))?["errors"]?.items?.compactMap(\.string) ?? []
        return errors.isEmpty ? nil : SafeText.terminal(errors.joined(separator: "; "), limit: 200)
    }
}
