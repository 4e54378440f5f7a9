import Foundation

/// Jira Cloud's REST version 3 and Jira Data Center's version 2, as documented: issue attachments, issue comments.
final class JiraContract: TicketContract {
    private let ledger = Ledger()
    private let isCloud: Bool
    private let root: String
    let edits = true

    init(isCloud: Bool) {
        self.isCloud = isCloud
        root = "/rest/api/\(isCloud ? 3 : 2)"
    }

    /// As they are read: in wiki text a backslash makes what follows a plain character.
    var comments: [String] { isCloud ? ledger.comments : ledger.comments.map { $0.filter { $0 != "\\" } } }
    var files: [String: [UInt8]] { ledger.files }
    var complaints: [String] { ledger.use { $0.complaints } }
    func setLimit(_ limit: Int) { ledger.use { $0.limit = limit } }

    private var authorization: String {
        guard isCloud else { return "Bearer \(SystemUnderTest.token)" }
        return "Basic " + Data("\(SystemUnderTest.user):\(SystemUnderTest.token)".utf8).base64EncodedString()
    }

    func answer(_ request: Received) -> Reply {
        guard request.header("Authorization") == authorization else {
            return .text("<html>Unauthorized</html>", status: 401)
        }
        guard request.path.hasPrefix(root) else {
            ledger.complain("\(request.target) is of another version")
            return Reply(status: 404)
        }
        let path = String(request.path.dropFirst(root.count))
        switch (request.method, path) {
        case ("GET", "/issue/OPS-12"):
            ledger.expect(request.query["fields"] == "attachment", "all fields of the issue are fetched")
            let files = ledger.kept.files.map {
                ["id": "\($0.id)", "filename": $0.name, "size": $0.bytes.count] as [String: Any]
            }
            return .json(["key": "OPS-12", "fields": ["attachment": files]])
        case ("GET", "/attachment/meta"): return .json(["enabled": true, "uploadLimit": ledger.use { $0.limit }])
        case ("GET", "/issue/OPS-12/comment"): return list(request)
        case ("POST", "/issue/OPS-12/attachments"): return attach(request)
        case ("POST", "/issue/OPS-12/comment"):
            guard let text = body(request) else {
                return .json(["errorMessages": ["Comment body is not valid!"]], status: 400)
            }
            let id = ledger.number()
            ledger.use { $0.comments.append((id, text)) }
            return .json(["id": "\(id)"], status: 201)
        case ("PUT", _) where path.hasPrefix("/issue/OPS-12/comment/"):
            let id = Int(path.dropFirst("/issue/OPS-12/comment/".count))
            guard let text = body(request) else { return Reply(status: 400) }
            let isThere = ledger.use { state in
                guard let index = state.comments.firstIndex(where: { $0.id == id }) else { return false }
                state.comments[index].text = text
                return true
            }
            return isThere ? .json(["id": "\(id ?? 0)"]) : Reply(status: 404)
        default:
            ledger.complain("\(request.method) \(request.target) is no path of Jira")
            return Reply(status: 404)
        }
    }

    private func list(_ request: Received) -> Reply {
        let start = Int(request.query["startAt"] ?? "") ?? 0
        let size = min(Int(request.query["maxResults"] ?? "") ?? 50, 100)
        let filler = (0..<120).map { index in ["id": "\(index)", "body": value("somebody's words")] as [String: Any] }
        let all = filler + ledger.use { $0.comments }.map { ["id": "\($0.id)", "body": value($0.text)] }
        let part = Array(all.dropFirst(start).prefix(size))
        return .json(["startAt": start, "maxResults": size, "total": all.count, "comments": part])
    }

    /// What Jira gives back: for Cloud the document, which is kept as its JSON.
    private func value(_ text: String) -> Any {
        guard isCloud else { return text }
        if let document = try? JSONSerialization.jsonObject(with: Data(text.utf8)) { return document }
        return [
            "type": "doc", "version": 1,
            "content": [["type": "paragraph", "content": [["type": "text", "text": text]]]],
        ]
    }

    private func attach(_ request: Received) -> Reply {
        guard request.header("X-Atlassian-Token") == "no-check" else { return .text("XSRF check failed", status: 403) }
        guard let parts = FormPart.parts(request) else { return Reply(status: 415) }
        let limit = ledger.use { $0.limit }
        for part in parts {
            ledger.expect(part.field == "file", "the field is \(part.field)")
            guard part.content.count <= limit else { return .json(["errorMessages": ["too large"]], status: 413) }
            let id = ledger.number()
            ledger.use { $0.files.append((id, part.fileName ?? "", part.type ?? "", part.content)) }
        }
        return .json([["id": "1"]])
    }

    /// Nil where it is not what this version takes.
    private func body(_ request: Received) -> String? {
        ledger.expect(request.header("Content-Type") == "application/json", "the comment is not JSON")
        ledger.expect(request.json.count == 1, "the comment has \(request.json.keys.sorted())")
        guard isCloud else { return request.json["body"] as? String }
        guard let document = request.json["body"] as? [String: Any], isDocument(document),
            let data = try? JSONSerialization.data(withJSONObject: document)
        else { return nil }
        return String(decoding: data, as: UTF8.self)
    }

    private static let kinds: Set<String> = [
        "paragraph", "heading", "bulletList", "listItem", "codeBlock", "text", "table", "tableRow", "tableHeader",
        "tableCell",
    ]

    private func isDocument(_ document: [String: Any]) -> Bool {
        guard document["type"] as? String == "doc", document["version"] as? Int == 1 else { return false }
        func isGood(_ node: [String: Any]) -> Bool {
            guard let type = node["type"] as? String, Self.kinds.contains(type) else { return false }
            if type == "text" { return (node["text"] as? String)?.isEmpty == false }
            return (node["content"] as? [[String: Any]] ?? []).allSatisfy(isGood)
        }
        return (document["content"] as? [[String: Any]])?.allSatisfy(isGood) == true
    }
}
