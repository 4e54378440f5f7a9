import Reporting

/// Jira Cloud, REST version 3 (developer.atlassian.com/cloud/jira/platform/rest/v3: issue attachments, issue comments), and Jira Data
/// Center 8 and later, version 2 (docs.atlassian.com/software/jira/docs/api/REST). They differ in the version, and in what a text is.
struct Jira: Tracker {
    let name: String
    private let key: String
    private let isCloud: Bool
    private let interface: Interface

    /// The most that one page of comments has.
    private static let pageSize = 100
    private static let pageLimit = 100

    init(_ address: TicketAddress, _ secret: Secret) throws(AttachFailure) {
        guard case .key(let key) = address.ticket else { throw AttachFailure(.usage, "--to: names no issue") }
        isCloud = address.kind == .jiraCloud
        name = isCloud ? "Jira Cloud" : "Jira"
        // Cloud has no personal access tokens: an API token goes with the account's e-mail address.
        guard let header = isCloud ? secret.basicWithToken : secret.header("Authorization", "Bearer ") ?? secret.basic
        else {
            throw Secret.missing(
                name,
                isCloud
                    ? "set GWSNIFF_USER to the account's e-mail address and GWSNIFF_TOKEN to an API token"
                    : "put a personal access token into GWSNIFF_TOKEN, or set GWSNIFF_USER and GWSNIFF_PASSWORD"
            )
        }
        self.key = key
        interface = Interface(
            name: name,
            root: address.base + "/rest/api/" + (isCloud ? "3" : "2"),
            headers: [header, Call.Header(name: "Accept", value: "application/json")],
            permission:
                "the account needs the permissions Browse Projects, Create Attachments, Add Comments and Edit Own Comments"
        )
    }

    private func ask(_ path: String, assumed: String, _ what: String, _ courier: any Courier)
        async throws(AttachFailure) -> JSONValue
    {
        try await interface.send(interface.call(.get, path, assumed: assumed), doing: what, courier).json(from: name)
    }

    func survey(_ courier: any Courier) async throws(AttachFailure) -> TicketState {
        var state = TicketState()
        let issue = try await ask(
            "/issue/\(key)?fields=attachment",
            assumed: #"{"fields":{"attachment":[]}}"#,
            "show the issue",
            courier
        )
        for file in issue["fields"]?["attachment"]?.items ?? [] {
            guard let name = file["filename"]?.string, let size = file["size"]?.integer else { continue }
            state.files.append(TicketState.File(name: name, size: Int(clamping: size)))
        }
        let meta = try await ask(
            "/attachment/meta",
            assumed: #"{"enabled":true,"uploadLimit":10485760}"#,
            "tell its limit",
            courier
        )
        if case .bool(false)? = meta["enabled"] {
            state.limit = 0
        } else {
            state.limit = meta["uploadLimit"]?.integer.map { Int(clamping: $0) }
        }
        var start = 0
        for _ in 0..<Self.pageLimit {
            let page = try await ask(
                "/issue/\(key)/comment?startAt=\(start)&maxResults=\(Self.pageSize)",
                assumed: #"{"startAt":0,"maxResults":100,"total":0,"comments":[]}"#,
                "list comments",
                courier
            )
            let comments = page["comments"]?.items ?? []
            for comment in comments {
                guard let id = comment["id"]?.string, let body = comment["body"], let marker = Self.marker(body) else {
                    continue
                }
                state.comments.append(TicketState.OwnComment(id: id, marker: marker))
            }
            start += comments.count
            if comments.isEmpty || start >= Int(clamping: page["total"]?.integer ?? 0) { break }
        }
        return state
    }

    /// In wiki text, or in one of the texts of a document.
    private static func marker(_ body: JSONValue) -> Marker? {
        if let text = body.string { return Marker.last(in: text) }
        if let text = body["text"]?.string, let marker = Marker.last(in: text) { return marker }
        return (body["content"]?.items ?? []).reversed().lazy.compactMap(marker).first
    }

    func deliver(_ delivery: Delivery, _ courier: any Courier) async throws(AttachFailure) -> [Refusal] {
        for file in delivery.files {
            // Jira blocks forms that do not say that they come from no browser.
            let sent = interface.call(.post, "/issue/\(key)/attachments", assumed: #"[{"id":"10000"}]"#)
                .with("X-Atlassian-Token", "no-check").with(formField: "file", file).once
            let answer = try await courier.send(sent)
            if answer.isAboutFile {
                return [Refusal(file.name, by: name, answer)]
            }
            _ = try interface.good(answer, doing: "take \(file.name)")
        }
        let body = JSONValue.object([.init("body", delivery.comment.body(isCloud ? .adf : .jira))])
        // Jira says 400 of a comment that is another account's, and of one that is gone.
        let isAdding = try await interface.change(delivery.writing, "comment", gone: [400, 403, 404], courier) {
            comment in
            interface.call(.put, "/issue/\(key)/comment/\(comment.id)", assumed: "{}").with(json: body)
        }
        if isAdding {
            let sent = interface.call(.post, "/issue/\(key)/comment", assumed: "{}", status: 201).with(json: body).once
            _ = try await interface.send(sent, doing: "take the comment", courier)
        }
        return []
    }
}
