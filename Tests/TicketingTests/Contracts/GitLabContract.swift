import Foundation

/// GitLab's REST version 4 as documented: notes, project Markdown uploads, application settings.
final class GitLabContract: TicketContract {
    private let ledger = Ledger()
    let edits = true

    private static let project = "/api/v4/projects/group%2Fsub%2Fproject"

    var comments: [String] { ledger.comments }
    /// Those that a note links, as nobody finds the others.
    var files: [String: [UInt8]] {
        let text = comments.joined()
        return ledger.files.filter { text.contains("](/uploads/") && text.contains("/\($0.key))") }
    }
    /// All, linked or not.
    var uploadCount: Int { ledger.use { $0.files.count } }
    var complaints: [String] { ledger.use { $0.complaints } }
    func setLimit(_ limit: Int) { ledger.use { $0.limit = limit } }

    func answer(_ request: Received) -> Reply {
        guard request.header("PRIVATE-TOKEN") == SystemUnderTest.token else {
            return .json(["message": "401 Unauthorized"], status: 401)
        }
        let notes = Self.project + "/issues/12/notes"
        switch (request.method, request.path) {
        case ("GET", notes): return list(request)
        // The token is no administrator's unless a limit was set, in MB.
        case ("GET", "/api/v4/application/settings"):
            let limit = ledger.use { $0.limit }
            return limit % 1_048_576 == 0
                ? .json(["max_attachment_size": limit >> 20]) : .json(["message": "403 Forbidden"], status: 403)
        case ("POST", Self.project + "/uploads"): return upload(request)
        case ("POST", notes):
            guard let text = body(request) else { return Reply(status: 400) }
            let id = ledger.number()
            ledger.use { $0.comments.append((id, text)) }
            return .json(["id": id], status: 201)
        case ("PUT", _) where request.path.hasPrefix(notes + "/"):
            let id = Int(request.path.dropFirst(notes.count + 1))
            guard let text = body(request) else { return Reply(status: 400) }
            let isThere = ledger.use { state in
                guard let index = state.comments.firstIndex(where: { $0.id == id }) else { return false }
                state.comments[index].text = text
                return true
            }
            return isThere ? .json(["id": id ?? 0]) : Reply(status: 404)
        default:
            ledger.complain("\(request.method) \(request.target) is no path of GitLab")
            return Reply(status: 404)
        }
    }

    private func body(_ request: Received) -> String? {
        ledger.expect(request.header("Content-Type") == "application/json", "the note is not JSON")
        guard let text = request.json["body"] as? String, !text.isEmpty, text.count <= 1_000_000 else { return nil }
        return text
    }

    private func list(_ request: Received) -> Reply {
        let size = min(Int(request.query["per_page"] ?? "") ?? 20, 100)
        let page = Int(request.query["page"] ?? "") ?? 1
        let filler = (0..<130).map {
            ["id": $0, "body": "> <!-- gwsniff 000000000000/000000000000 -->"] as [String: Any]
        }
        let all = filler + ledger.use { $0.comments }.map { ["id": $0.id, "body": $0.text] }
        let part = Array(all.dropFirst((page - 1) * size).prefix(size))
        let next = page * size < all.count ? "\(page + 1)" : ""
        return .json(part, headers: [("X-Next-Page", next)])
    }

    private func upload(_ request: Received) -> Reply {
        guard let parts = FormPart.parts(request), parts.count == 1, let name = parts[0].fileName else {
            return .json(["error": "file is invalid"], status: 400)
        }
        ledger.expect(parts[0].field == "file", "the field is \(parts[0].field)")
        guard parts[0].content.count <= ledger.use({ $0.limit }) else { return .text("", status: 413) }
        let id = ledger.number()
        ledger.use { $0.files.append((id, name, parts[0].type ?? "", parts[0].content)) }
        let hash = String(repeating: "a", count: 29) + "\(id)"
        let url = "/uploads/\(hash)/\(name)"
        return .json(["id": id, "alt": name, "url": url, "markdown": "[\(name)](\(url))"], status: 201)
    }
}
