import Model
import Reporting

/// Anything that takes JSON (docs/schema/gwsniff.attachment-1.schema.json). There is nothing that could be asked: the key in
/// `Idempotency-Key` and the marker tell the receiver what it has already.
struct Webhook: Tracker {
    static let schema = "gwsniff.attachment/1"

    let name = "the webhook"
    let listsFiles = false
    private let interface: Interface

    /// Of the files, before base64 makes them a third longer; --max-size sets another.
    private static let usualLimit = 10 << 20

    init(_ address: TicketAddress, _ secret: Secret) {
        interface = Interface(
            name: name,
            root: address.page,
            headers: [secret.header("Authorization", "Bearer ") ?? secret.basic].compactMap { $0 },
            permission: "does it want a token? GWSNIFF_TOKEN"
        )
    }

    func survey(_ courier: any Courier) async throws(AttachFailure) -> TicketState {
        var state = TicketState()
        state.limit = Self.usualLimit
        return state
    }

    func deliver(_ delivery: Delivery, _ courier: any Courier) async throws(AttachFailure) -> [Refusal] {
        let marker = delivery.comment.marker
        let members: [(String, String)] = [
            ("schema", Self.schema), ("version", gwsniffVersion), ("findings", marker.findings),
            ("content", marker.content), ("text", delivery.comment.text(.plain)),
            ("markdown", delivery.comment.text(.markdown)),
        ]
        let head = members.map { "\"\($0.0)\":\(JSONValue.string($0.1).compact)" }.joined(separator: ",")
        var body: [Call.Part] = [.text("{\(head),\"files\":[")]
        for (index, file) in delivery.files.enumerated() {
            let facts: [JSONValue.Member] = [
                .init("name", .string(file.name)), .init("type", .string(file.type)),
                .init("bytes", .count(file.bytes.count)), .init("sha256", .string(file.digest)),
            ]
            let text = JSONValue.object(facts).compact.dropLast()
            body.append(.text((index == 0 ? "" : ",") + text + ",\"content\":\""))
            body.append(.encodedFile(file))
            body.append(.text("\"}"))
        }
        body.append(.text("]}"))
        var call = interface.call(.post, "", assumed: "")
        call.isURLSecret = true
        // With the key the receiver can tell a repetition: it may be repeated.
        let sent = call.with(
            "Idempotency-Key",
            "\"\(marker.findings)-\(marker.content)\""
        ).with(
            "application/json",
            body
        )
        let answer = try await courier.send(sent)
        if answer.isAboutFile, !delivery.files.isEmpty {
            return delivery.files.map {
                Refusal($0.name, by: name, answer)
            }
        }
        _ = try interface.good(answer, doing: "take the report")
        return []
    }
}
