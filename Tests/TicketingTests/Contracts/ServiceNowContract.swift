import Foundation

/// ServiceNow's Attachment and Table interfaces as documented.
final class ServiceNowContract: TicketContract {
    private let ledger = Ledger()
    let edits = false

    private static let record = "/api/now/table/incident/\(SystemUnderTest.record)"

    var comments: [String] { ledger.comments }
    var files: [String: [UInt8]] { ledger.files }
    var complaints: [String] { ledger.use { $0.complaints } }
    func setLimit(_ limit: Int) { ledger.use { $0.limit = limit } }

    func answer(_ request: Received) -> Reply {
        let credentials = Data("\(SystemUnderTest.user):\(SystemUnderTest.token)".utf8).base64EncodedString()
        guard request.header("Authorization") == "Basic \(credentials)" else {
            return .json(["error": ["message": "User Not Authenticated"]], status: 401)
        }
        ledger.expect(request.header("Accept") == "application/json", "without Accept it would be XML")
        switch (request.method, request.path) {
        case ("GET", Self.record): return show(request)
        case ("PATCH", Self.record): return note(request)
        case ("GET", "/api/now/attachment"): return list(request)
        case ("POST", "/api/now/attachment/file"): return upload(request)
        case ("GET", "/api/now/table/sys_properties"):
            ledger.expect(request.query["sysparm_query"] == "name=com.glide.attachment.max_size", "another property")
            let limit = ledger.use { $0.limit }
            let rows =
                limit % 1_048_576 == 0 ? [["name": "com.glide.attachment.max_size", "value": "\(limit >> 20)"]] : []
            return .json(["result": rows])
        default:
            ledger.complain("\(request.method) \(request.target) is no path of ServiceNow")
            return .json(["error": ["message": "Requested URI does not represent any resource"]], status: 400)
        }
    }

    private func show(_ request: Received) -> Reply {
        ledger.expect(
            request.query["sysparm_display_value"] == "true",
            "a journal field has no value, only a display value"
        )
        // As it is shown: the newest entry first, each behind a line with time and author.
        let entries = ledger.comments.reversed().map { "2026-11-27 19:00:00 - Someone (Work notes)\n\($0)\n\n" }
        return .json(["result": ["number": "INC0010001", "work_notes": entries.joined()]])
    }

    private func note(_ request: Received) -> Reply {
        ledger.expect(request.header("Content-Type") == "application/json", "the note is not JSON")
        ledger.expect(Array(request.json.keys) == ["work_notes"], "the record gets \(request.json.keys.sorted())")
        guard let text = request.json["work_notes"] as? String else { return Reply(status: 400) }
        let id = ledger.number()
        ledger.use { $0.comments.append((id, text)) }
        return .json(["result": ["sys_id": SystemUnderTest.record]])
    }

    private func list(_ request: Received) -> Reply {
        let query = "table_name=incident^table_sys_id=\(SystemUnderTest.record)"
        ledger.expect(request.query["sysparm_query"] == query, "other records' files are listed")
        let rows = ledger.use { state in
            state.files.map { ["sys_id": "\($0.id)", "file_name": $0.name, "size_bytes": "\($0.bytes.count)"] }
        }
        return .json(["result": rows])
    }

    private func upload(_ request: Received) -> Reply {
        guard let name = request.query["file_name"], request.query["table_name"] == "incident",
            request.query["table_sys_id"] == SystemUnderTest.record, let type = request.header("Content-Type")
        else { return .json(["error": ["message": "mandatory parameters are missing"]], status: 400) }
        let limit = ledger.use { $0.limit }
        guard request.body.count <= limit else { return .json(["error": ["message": "too large"]], status: 413) }
        let id = ledger.number()
        ledger.use { $0.files.append((id, name, type, request.body)) }
        return .json(["result": ["sys_id": "\(id)", "size_bytes": "\(request.body.count)"]], status: 201)
    }
}
