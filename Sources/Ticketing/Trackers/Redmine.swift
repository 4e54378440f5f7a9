import Reporting

/// Redmine 3.3 and later (www.redmine.org/projects/redmine/wiki/Rest_api, Rest_Issues, "Attaching files"). Its REST interface has to be
/// switched on (Administration, Settings, API). Checked against 5.0.4.
struct Redmine: Tracker {
    let name = "Redmine"
    private let page: String
    private let base: String
    private let number: Int
    private let headers: [Call.Header]

    /// `attachment_max_size`, KiB, as Redmine is installed.
    private static let usualLimit = 5_120 << 10

    init(_ address: TicketAddress, _ secret: Secret) throws(AttachFailure) {
        guard case .number(let number) = address.ticket else { throw AttachFailure(.usage, "--to: names no issue") }
        guard let header = secret.header("X-Redmine-API-Key") ?? secret.basic else {
            throw Secret.missing("Redmine", "put the API key of My account into GWSNIFF_TOKEN or a --token-file")
        }
        self.number = number
        base = address.base
        page = "\(address.base)/issues/\(number)"
        headers = [header]
    }

    private func call(_ method: Call.Method, _ path: String, assumed: String, status: Int = 200) -> Call {
        var call = Call(method, base + path, assumed: assumed, status: status)
        call.headers += headers
        return call
    }

    private static let permission =
        "the account needs the permissions to view issues, add notes and edit its own notes in this project"

    func survey(_ courier: any Courier) async throws(AttachFailure) -> TicketState {
        let asked = call(
            .get,
            "/issues/\(number).json?include=journals,attachments",
            assumed: #"{"issue":{"attachments":[],"journals":[]}}"#
        ).with("Accept", "application/json")
        let answer = try await Answers.good(
            courier.send(asked),
            name,
            doing: "show the issue",
            permission: Self.permission
        )
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
        let form = call(
            .get,
            "/issues/\(number)",
            assumed: "data-max-file-size=\"\(Self.usualLimit)\""
        ).with("Accept", "text/html")
        let page = try await courier.send(form)
        let limit = page.isGood ? Self.number(behind: "data-max-file-size=\"", in: page.body) : nil
        state.limit = limit ?? Self.usualLimit
        state.limitIsKnown = limit != nil
        return state
    }

    private static func number(behind mark: String, in bytes: [UInt8]) -> Int? {
        let mark = Array(mark.utf8)
        var position = 0
        while position + mark.count < bytes.count {
            if bytes[position] == mark[0], bytes[position...].starts(with: mark) {
                let digits = bytes[(position + mark.count)...].prefix { (0x30...0x39).contains($0) }
                return Int(String(decoding: digits, as: UTF8.self))
            }
            position += 1
        }
        return nil
    }

    func deliver(_ delivery: Delivery, _ courier: any Courier) async throws(AttachFailure) -> [Refusal] {
        var uploads: [JSONValue] = []
        var refused: [Refusal] = []
        for file in delivery.files {
            // An upload that no issue takes is thrown away by Redmine: sent twice it does no harm.
            let sent = call(
                .post,
                "/uploads.json?filename=\(WebAddress.encoded(file.name))",
                assumed: #"{"upload":{"id":1,"token":"(the token that Redmine gives)"}}"#,
                status: 201
            ).with("application/octet-stream", [.file(file)])
            let answer = try await courier.send(sent)
            if Answers.isAboutFile(answer) {
                refused.append(Refusal(file.name, by: name, answer, saying: Self.reason(answer)))
                continue
            }
            let good = try Answers.good(answer, name, doing: "take \(file.name)", permission: Self.permission)
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
        var isAdding = if case .add = delivery.writing { true } else { false }
        if case .update(let comment) = delivery.writing {
            let changed = call(.put, "/journals/\(comment.id).json", assumed: "", status: 204)
                .with(json: .object([.init("journal", .object([.init("notes", text)]))]))
            let answer = try await courier.send(changed)
            // Before Redmine 5.0 there is no such path, and another's note may not be changed.
            isAdding = [403, 404, 406].contains(answer.status)
            if !isAdding { _ = try Answers.good(answer, name, doing: "change the note", permission: Self.permission) }
        }
        var members: [JSONValue.Member] = []
        if isAdding { members.append(.init("notes", text)) }
        if !uploads.isEmpty { members.append(.init("uploads", .array(uploads))) }
        guard !members.isEmpty else { return }
        let changed = call(.put, "/issues/\(number).json", assumed: "", status: 204)
            .with(json: .object([.init("issue", .object(members))])).once
        _ = try await Answers.good(courier.send(changed), name, doing: "change the issue", permission: Self.permission)
    }

    private static func reason(_ answer: Answer) -> String? {
        let errors = (try? JSONReader.value(of: answer.body))?["errors"]?.items?.compactMap(\.string) ?? []
        return errors.isEmpty ? nil : SafeText.terminal(errors.joined(separator: "; "), limit: 200)
    }
}
