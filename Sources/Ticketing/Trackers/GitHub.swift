import Reporting

/// GitHub, REST version 2022-11-28 (docs.github.com/rest/issues/comments), and GitHub Enterprise Server. There is no interface for files: the
/// comment has the summary and, folded, the whole report as far as it fits.
struct GitHub: Tracker {
    let name = "GitHub"
    let listsFiles = false
    let takesFiles = false
    private let number: Int
    private let interface: Interface

    /// Characters of a comment ("body is too long (maximum is 65536 characters)").
    private static let textLimit = 65_536
    private static let pageLimit = 100

    init(_ address: TicketAddress, _ secret: Secret) throws(AttachFailure) {
        guard case .inRepository(let owner, let repository, let number) = address.ticket else {
            throw AttachFailure(.usage, "--to: names no issue")
        }
        guard let header = secret.header("Authorization", "Bearer ") else {
            throw Secret.missing("GitHub", "put a token that may write issues into GWSNIFF_TOKEN or a --token-file")
        }
        self.number = number
        interface = Interface(
            name: name,
            root: "\(address.base)/repos/\(owner)/\(repository)/issues",
            headers: [
                header, Call.Header(name: "Accept", value: "application/vnd.github+json"),
                Call.Header(name: "X-GitHub-Api-Version", value: "2022-11-28"),
            ],
            permission: "the token needs to read and write issues of this repository (pull requests too, for one)"
        )
    }

    func survey(_ courier: any Courier) async throws(AttachFailure) -> TicketState {
        var state = TicketState()
        for page in 1...Self.pageLimit {
            let asked = interface.call(.get, "/\(number)/comments?per_page=100&page=\(page)", assumed: "[]")
            let answer = try await interface.send(asked, doing: "list comments", courier)
            guard let comments = try answer.json(from: name).items else {
                throw AttachFailure(.protocolError, "GitHub's answer is no list of comments")
            }
            for comment in comments {
                guard let id = comment["id"]?.integer, let body = comment["body"]?.string,
                    let marker = Marker.last(in: body)
                else {
                    continue
                }
                state.comments.append(TicketState.OwnComment(id: String(id), marker: marker))
            }
            // RFC 8288: there is a further page where a link says so.
            if answer.header("link")?.contains("rel=\"next\"") != true { break }
        }
        return state
    }

    func deliver(_ delivery: Delivery, _ courier: any Courier) async throws(AttachFailure) -> [Refusal] {
        if case .nothing = delivery.writing { return [] }
        var text = delivery.comment.text(.markdown, report: delivery.report)
        // What it counts are UTF-16 units at most; bytes are never fewer.
        if text.utf8.count > Self.textLimit { text = delivery.comment.text(.markdown) }
        guard text.utf8.count <= Self.textLimit else {
            throw AttachFailure(.data, "the summary is longer than the 65,536 characters that GitHub takes")
        }
        let body = JSONValue.object([.init("body", .string(text))])
        let isAdding = try await interface.change(delivery.writing, "comment", courier) { comment in
            interface.call(.patch, "/comments/\(comment.id)", assumed: "{}").with(json: body)
        }
        guard isAdding else { return [] }
        let sent = interface.call(.post, "/\(number)/comments", assumed: "{}", status: 201).with(json: body).once
        _ = try await interface.send(sent, doing: "take the comment", courier)
        return []
    }
}
