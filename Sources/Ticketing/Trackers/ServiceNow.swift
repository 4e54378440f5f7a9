import Reporting

/// ServiceNow's Attachment and Table interfaces (docs.servicenow.com, c_AttachmentAPI, c_TableAPI). The comment is a work note, which cannot
/// be changed: what is new is a further one.
struct ServiceNow: Tracker {
    let name = "ServiceNow"
    let canUpdate = false
    private let table: String
    private let id: String
    private let interface: Interface

    /// `com.glide.attachment.max_size`, MB, where it is not set.
    private static let usualLimit = 1_024 << 20

    init(_ address: TicketAddress, _ secret: Secret) throws(AttachFailure) {
        guard case .record(let table, let id) = address.ticket else {
            throw AttachFailure(.usage, "--to: names no record")
        }
        guard let header = secret.header("Authorization", "Bearer ") ?? secret.basic else {
            throw Secret.missing(
                "ServiceNow",
                "set GWSNIFF_USER and GWSNIFF_PASSWORD, or GWSNIFF_TOKEN to an OAuth access token"
            )
        }
        self.table = table
        self.id = id
        interface = Interface(
            name: name,
            root: address.base + "/api/now",
            headers: [header, Call.Header(name: "Accept", value: "application/json")],
            permission: "the account needs the roles to read and write this record, such as itil for incidents"
        )
    }

    func survey(_ courier: any Courier) async throws(AttachFailure) -> TicketState {
        var state = TicketState()
        // As shown, a journal field has all its entries.
        let notes = interface.call(
            .get,
            "/table/\(table)/\(id)?sysparm_fields=number,work_notes&sysparm_display_value=true",
            assumed: #"{"result":{"number":"INC0000000","work_notes":""}}"#
        )
        let record = try await interface.send(notes, doing: "show the record", courier)
        guard let result = try record.json(from: name)["result"] else {
            throw AttachFailure(.protocolError, "ServiceNow's answer has no result in it")
        }
        // The newest stands first.
        let text = result["work_notes"]?.string ?? ""
        let markers = text.split(whereSeparator: \.isNewline).compactMap { Marker.last(in: String($0)) }
        state.comments = markers.reversed().map { TicketState.OwnComment(id: "", marker: $0) }
        let query = WebAddress.encoded("table_name=\(table)^table_sys_id=\(id)")
        let listing = interface.call(
            .get,
            "/attachment?sysparm_query=\(query)&sysparm_limit=1000",
            assumed: #"{"result":[]}"#
        )
        let list = try await interface.send(listing, doing: "list attachments", courier)
        for item in try list.json(from: name)["result"]?.items ?? [] {
            guard let name = item["file_name"]?.string, let size = item["size_bytes"] else { continue }
            let length = size.integer ?? size.string.flatMap { Int64($0) } ?? -1
            state.files.append(TicketState.File(name: name, size: Int(clamping: length)))
        }
        // Few accounts may read properties; the list is then empty, or forbidden.
        let property = WebAddress.encoded("name=com.glide.attachment.max_size")
        let limit = interface.call(
            .get,
            "/table/sys_properties?sysparm_query=\(property)&sysparm_fields=name,value&sysparm_limit=1",
            assumed: #"{"result":[]}"#
        )
        let answer = try await courier.send(limit)
        let value =
            answer.isGood ? (try? JSONReader.value(of: answer.body))?["result"]?.items?.first?["value"]?.string : nil
        let megabytes = value.flatMap { Int($0) }.flatMap { (1...1 << 20).contains($0) ? $0 : nil }
        state.limit = megabytes.map { $0 << 20 } ?? Self.usualLimit
        return state
    }

    func deliver(_ delivery: Delivery, _ courier: any Courier) async throws(AttachFailure) -> [Refusal] {
        for file in delivery.files {
            let place = "table_name=\(table)&table_sys_id=\(id)&file_name=\(WebAddress.encoded(file.name))"
            let sent = interface.call(.post, "/attachment/file?\(place)", assumed: #"{"result":{}}"#, status: 201)
                .with(file.type, [.file(file)]).once
            let answer = try await courier.send(sent)
            // glide.attachment.extensions names what is allowed; what is not is answered with 403 or 400, and says so.
            let isKind = [400, 403].contains(answer.status) && answer.excerpt.lowercased().contains("extension")
            if answer.isAboutFile || isKind {
                return [Refusal(file.name, by: name, answer)]
            }
            _ = try interface.good(answer, doing: "take \(file.name)")
        }
        if case .nothing = delivery.writing { return [] }
        let text = JSONValue.string(delivery.comment.text(.plain))
        let sent = interface.call(.patch, "/table/\(table)/\(id)?sysparm_fields=sys_id", assumed: "{}")
            .with(json: .object([.init("work_notes", text)])).once
        _ = try await interface.send(sent, doing: "take the work note", courier)
        return []
    }
}
