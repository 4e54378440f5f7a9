import Reporting

/// GitLab, REST version 4 (docs.gitlab.com/api: notes, project Markdown uploads, application settings). Files belong to the project and
/// are linked from the note: a file is there already where our note links it.
struct GitLab: Tracker {
    let name = "GitLab"
    let listsFiles = false
    /// Of the issue or merge request.
    private let ticket: String
    private let project: String
    private let interface: Interface
    private let isPublicService: Bool
    /// What may be a directory of the host and not a group; nil where GitLab is known to begin before it.
    private let doubtfulRoot: String?

    /// `max_attachment_size`, as installed before GitLab 15.7; 100 MiB since then, and at gitlab.com.
    private static let oldLimit = 10 << 20
    private static let newLimit = 100 << 20
    private static let pageLimit = 200

    init(_ address: TicketAddress, _ secret: Secret) throws(AttachFailure) {
        guard case .inProject(let path, let kind, let number) = address.ticket else {
            throw AttachFailure(.usage, "--to: names no issue")
        }
        guard let header = secret.header("PRIVATE-TOKEN") else {
            throw Secret.missing(
                "GitLab",
                "put an access token with the scope api into GWSNIFF_TOKEN or a --token-file"
            )
        }
        project = "/projects/" + WebAddress.encoded(path)
        ticket = "\(project)/\(kind)/\(number)"
        interface = Interface(
            name: name,
            root: address.base + "/api/v4",
            headers: [header],
            permission:
                "the token needs the scope api, and its account at least the role Reporter or Guest on the project"
        )
        isPublicService = address.base == "https://gitlab.com"
        // With a directory there are two more parts at least: a group and the project.
        let parts = path.split(separator: "/")
        let isRoot = (try? WebAddress(address.base))?.path.isEmpty == true
        doubtfulRoot = isRoot && !isPublicService && parts.count > 2 ? address.base + "/" + parts[0] : nil
    }

    func survey(_ courier: any Courier) async throws(AttachFailure) -> TicketState {
        var state = TicketState()
        for page in 1...Self.pageLimit {
            let asked = interface.call(
                .get,
                "\(ticket)/notes?sort=asc&order_by=created_at&per_page=100&page=\(page)",
                assumed: "[]"
            )
            let answer = try await list(asked, courier)
            guard let notes = answer.value.items else {
                throw AttachFailure(.protocolError, "GitLab's answer is no list of notes")
            }
            for note in notes {
                guard let id = note["id"]?.integer, let body = note["body"]?.string, let marker = Marker.last(in: body)
                else { continue }
                state.comments.append(TicketState.OwnComment(id: String(id), marker: marker, text: body))
            }
            if answer.isLast { break }
        }
        if isPublicService {
            state.limit = Self.newLimit
        } else {
            // For administrators only; anybody else is told 403, and the documentation has the rest.
            let asked = interface.call(
                .get,
                "/application/settings",
                assumed: #"{"max_attachment_size":\#(Self.newLimit >> 20)}"#
            )
            let answer = try await courier.send(asked)
            let limit = answer.isGood ? (try? JSONReader.value(of: answer.body))?["max_attachment_size"]?.integer : nil
            state.limit = limit.map { Int(min(max($0, 0), 1 << 20)) << 20 } ?? Self.oldLimit
        }
        return state
    }

    private func list(_ call: Call, _ courier: any Courier) async throws(AttachFailure) -> (
        value: JSONValue, isLast: Bool
    ) {
        do {
            let answer = try await interface.send(call, doing: "list notes", courier)
            return (try answer.json(from: name), (answer.header("x-next-page") ?? "").isEmpty)
        } catch {
            var failure = error
            if [.noTicket, .protocolError].contains(error.kind), let doubtfulRoot {
                failure.hint = "is the address right? If GitLab lies in a directory of its host: --root \(doubtfulRoot)"
            }
            throw failure
        }
    }

    func deliver(_ delivery: Delivery, _ courier: any Courier) async throws(AttachFailure) -> [Refusal] {
        if case .nothing = delivery.writing { return [] }
        var links: [String: String] = [:]
        var old: TicketState.OwnComment?
        if case .update(let comment) = delivery.writing { old = comment }
        for file in delivery.files {
            if let link = old.flatMap({ Self.link(to: file.name, in: $0.text) }) {
                links[file.name] = link
                continue
            }
            let assumed = #"{"url":"/uploads/(the hash that GitLab gives)/\#(file.name)"}"#
            // Twice uploaded it would be twice in the project, but once in the ticket.
            let sent = interface.call(.post, "\(project)/uploads", assumed: assumed, status: 201).with(
                formField: "file",
                file
            )
            .once
            let answer = try await courier.send(sent)
            if answer.isAboutFile || (answer.status == 400 && answer.excerpt.contains("too big")) {
                return [Refusal(file.name, by: name, answer)]
            }
            let good = try interface.good(answer, doing: "take \(file.name)")
            guard let url = try good.json(from: name)["url"]?.string, url.hasPrefix("/uploads/"),
                url.hasSuffix("/" + file.name)
            else {
                throw AttachFailure(.protocolError, "GitLab's answer to an upload has no URL of it")
            }
            links[file.name] = "[\(file.name)](\(url))"
        }
        let body = JSONValue.object([.init("body", .string(delivery.comment.text(.markdown, links: links)))])
        let isAdding = try await interface.change(delivery.writing, "note", courier) { note in
            interface.call(.put, "\(ticket)/notes/\(note.id)", assumed: "{}").with(json: body)
        }
        if isAdding {
            let sent = interface.call(.post, "\(ticket)/notes", assumed: "{}", status: 201).with(json: body).once
            _ = try await interface.send(sent, doing: "take the note", courier)
        }
        return []
    }

    /// "[name](/uploads/hash/name)".
    private static func link(to name: String, in text: String) -> String? {
        let mark = "[\(name)](/uploads/"
        for line in text.split(whereSeparator: \.isNewline) {
            guard let found = line.firstRange(of: mark) else { continue }
            let hash = line[found.upperBound...].prefix { $0.isHexDigit }
            let link = "\(mark)\(hash)/\(name))"
            if !hash.isEmpty, line[found.lowerBound...].hasPrefix(link) { return link }
        }
        return nil
    }
}
