import Foundation

/// Redmine 5.0 as its wiki (Rest_api, Rest_Issues) and its source say.
final class RedmineContract: TicketContract {
    private let ledger = Ledger()
    private let uploads = Ledger()
    let edits = true

    var comments: [String] { ledger.comments }
    var files: [String: [UInt8]] { ledger.files }
    var complaints: [String] { ledger.use { $0.complaints } }
    func setLimit(_ limit: Int) { ledger.use { $0.limit = limit } }

    func answer(_ request: Received) -> Reply {
        guard request.header("X-Redmine-API-Key") == SystemUnderTest.token else { return Reply(status: 401) }
        switch (request.method, request.path) {
        case ("GET", "/issues/12.json"): return issue(request)
        case ("GET", "/issues/12"):
            let limit = ledger.use { $0.limit }
            return .text("<form><input type=\"file\" data-max-file-size=\"\(limit)\" data-x=\"1\"></form>")
        case ("POST", "/uploads.json"): return upload(request)
        case ("PUT", "/issues/12.json"): return change(request)
        case ("PUT", _) where request.path.hasPrefix("/journals/"): return journal(request)
        default:
            ledger.complain("\(request.method) \(request.target) is no path of Redmine")
            return Reply(status: 404)
        }
    }

    private func issue(_ request: Received) -> Reply {
        ledger.expect(
            request.query["include"] == "journals,attachments",
            "include is \(request.query["include"] ?? "")"
        )
        let journals = ledger.kept.comments.map { ["id": $0.id, "notes": $0.text, "user": ["id": 1]] as [String: Any] }
        let attachments = ledger.kept.files.map {
            ["id": $0.id, "filename": $0.name, "filesize": $0.bytes.count, "content_type": $0.type] as [String: Any]
        }
        // Journals of changed fields have no notes.
        return .json([
            "issue": ["id": 12, "journals": [["id": 1, "notes": NSNull()]] + journals, "attachments": attachments]
        ])
    }

    private func upload(_ request: Received) -> Reply {
        guard request.header("Content-Type") == "application/octet-stream" else { return Reply(status: 406) }
        let name = request.query["filename"] ?? ""
        ledger.expect(!name.isEmpty, "an upload without filename")
        let limit = ledger.use { $0.limit }
        guard request.body.count <= limit else {
            let text = "This file cannot be uploaded because it exceeds the maximum allowed file size (\(limit))"
            return .json(["errors": [text]], status: 422)
        }
        let id = uploads.number()
        uploads.use { $0.files.append((id, name, "", request.body)) }
        return .json(["upload": ["id": id, "token": "\(id).abc"]], status: 201)
    }

    private func change(_ request: Received) -> Reply {
        ledger.expect(request.header("Content-Type") == "application/json", "the change is not JSON")
        guard let issue = request.json["issue"] as? [String: Any] else { return Reply(status: 422) }
        ledger.expect(Set(issue.keys).isSubset(of: ["notes", "uploads"]), "the issue has \(issue.keys.sorted())")
        for upload in issue["uploads"] as? [[String: String]] ?? [] {
            let found = uploads.use { $0.files.first { "\($0.id).abc" == upload["token"] } }
            guard let found else {
                ledger.complain("a token that was never given: \(upload)")
                continue
            }
            ledger.expect(upload["content_type"]?.contains("/") == true, "an upload without content_type")
            let file = (found.id, upload["filename"] ?? found.name, upload["content_type"] ?? "", found.bytes)
            ledger.use { $0.files.append(file) }
        }
        if let notes = issue["notes"] as? String {
            let id = ledger.number()
            ledger.use { $0.comments.append((id, notes)) }
        }
        return Reply(status: 204)
    }

    private func journal(_ request: Received) -> Reply {
        let id = Int(request.path.dropFirst("/journals/".count).dropLast(".json".count))
        let text = (request.json["journal"] as? [String: Any])?["notes"] as? String
        ledger.expect(request.header("Content-Type") == "application/json" && text != nil, "a journal without notes")
        let isThere = ledger.use { state in
            guard let index = state.comments.firstIndex(where: { $0.id == id }) else { return false }
            state.comments[index].text = text ?? ""
            return true
        }
        return Reply(status: isThere ? 204 : 404)
    }
}
