import Reporting

/// Request Tracker 5, REST 2.0 (docs.bestpractical.com/rt/5.0/RT/REST2.html); for RT 4.4 the extension RT::Extension::REST2 gives the same
/// paths. Checked against 5.0.3. A comment cannot be changed there: what is new is a further comment.
struct RequestTracker: Tracker {
    let name = "Request Tracker"
    let canUpdate = false
    private let number: Int
    private let interface: Interface

    /// `$MaxAttachmentSize` of RT 5, which its interface does not tell. Whether it matters (`$TruncateLongAttachments`,
    /// `$DropLongAttachments`) shows only afterwards.
    private static let usualLimit = 10 << 20
    /// The most that RT gives at once.
    private static let pageSize = 100
    private static let pageLimit = 200

    init(_ address: TicketAddress, _ secret: Secret) throws(AttachFailure) {
        guard case .number(let number) = address.ticket else { throw AttachFailure(.usage, "--to: names no ticket") }
        guard let header = secret.header("Authorization", "token ") ?? secret.basic else {
            throw Secret.missing(
                "Request Tracker",
                "put an auth token into GWSNIFF_TOKEN, or set GWSNIFF_USER and GWSNIFF_PASSWORD"
            )
        }
        self.number = number
        interface = Interface(
            name: name,
            root: address.base + "/REST/2.0",
            headers: [header, Call.Header(name: "Accept", value: "application/json")],
            permission: "the account needs the rights ShowTicket, ShowTicketComments and CommentOnTicket in this queue"
        )
    }

    func survey(_ courier: any Courier) async throws(AttachFailure) -> TicketState {
        // A list of attachments is empty for a ticket that is not there.
        let ticket = interface.call(.get, "/ticket/\(number)", assumed: #"{"id":\#(number)}"#)
        _ = try await interface.send(ticket, doing: "show the ticket", courier)
        var state = TicketState()
        state.limit = Self.usualLimit
        let (isPartial, limit) = try await cuts(courier)
        if let limit { state.limit = limit }
        let fields = "Subject,Filename,ContentLength"
        try await items("attachments", fields, courier) { item in
            // The comment's subject, so that no text has to be fetched to find the marker.
            if let subject = item["Subject"]?.string, let marker = Marker.last(in: subject), let id = item["id"] {
                state.comments.append(TicketState.OwnComment(id: id.string ?? "", marker: marker))
            }
            guard let name = item["Filename"]?.string, !name.isEmpty, let size = item["ContentLength"] else { return }
            let length = size.integer ?? size.string.flatMap { Int64($0) } ?? -1
            if !isPartial.contains(name) {
                state.files.append(TicketState.File(name: name, size: Int(clamping: length)))
            }
        }
        return state
    }

    /// Files that RT cut or dropped, as it is told to do in silence, and the limit by which it did: the ticket's history has both
    /// (RT::Record, _EncodeLOB). The length of a file that was cut is the one that it came with.
    private func cuts(_ courier: any Courier) async throws(AttachFailure) -> (names: Set<String>, limit: Int?) {
        var names: Set<String> = []
        var limit: Int?
        try await items("history", "Type,Data,NewValue", courier) { item in
            guard let type = item["Type"]?.string, type == "AttachmentTruncate" || type == "AttachmentDrop" else {
                return
            }
            if let name = item["Data"]?.string { names.insert(name) }
            let value = item["NewValue"]?.integer ?? item["NewValue"]?.string.flatMap { Int64($0) }
            if let value, value > 0 { limit = Int(clamping: value) }
        }
        return (names, limit)
    }

    /// Each item of a list, page by page.
    private func items(
        _ list: String,
        _ fields: String,
        _ courier: any Courier,
        _ body: (JSONValue) -> Void
    ) async throws(AttachFailure) {
        for page in 1...Self.pageLimit {
            let asked = interface.call(
                .get,
                "/ticket/\(number)/\(list)?per_page=\(Self.pageSize)&page=\(page)&fields=\(fields)",
                assumed: #"{"count":0,"items":[]}"#
            )
            let answer = try await interface.send(asked, doing: "list \(list)", courier)
            guard let items = try answer.json(from: name)["items"]?.items else {
                throw AttachFailure(.protocolError, "Request Tracker's list of \(list) has no items")
            }
            for item in items { body(item) }
            if items.count < Self.pageSize { break }
        }
    }

    func deliver(_ delivery: Delivery, _ courier: any Courier) async throws(AttachFailure) -> [Refusal] {
        if case .nothing = delivery.writing, delivery.files.isEmpty { return [] }
        let content = JSONValue.string(delivery.comment.text(.plain)).compact
        let subject = JSONValue.string(delivery.comment.marker.text).compact
        var body: [Call.Part] = [
            .text(#"{"Subject":\#(subject),"Content":\#(content),"ContentType":"text/plain","Attachments":["#)
        ]
        for (index, file) in delivery.files.enumerated() {
            let name = JSONValue.string(file.name).compact
            body.append(
                .text(
                    (index == 0 ? "" : ",") + #"{"FileName":\#(name),"FileType":"\#(Self.type(file))","FileContent":""#
                )
            )
            body.append(.encodedFile(file))
            body.append(.text("\"}"))
        }
        body.append(.text("]}"))
        let sent = interface.call(.post, "/ticket/\(number)/comment", assumed: #"["Comments added"]"#, status: 201)
            .with("application/json", body).once
        let answer = try await courier.send(sent)
        if answer.isAboutFile, !delivery.files.isEmpty {
            return delivery.files.map {
                Refusal($0.name, by: name, answer)
            }
        }
        _ = try interface.good(answer, doing: "take the comment")
        return []
    }

    /// Texts would be read as texts of some character set, and might come back as other bytes.
    private static func type(_ file: Upload) -> String {
        file.type.hasPrefix("text/") || file.type.hasSuffix("json") ? "application/octet-stream" : file.type
    }
}
