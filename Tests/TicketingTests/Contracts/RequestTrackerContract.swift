import Foundation
import Synchronization

/// Request Tracker 5.0, REST 2.0, as RT::REST2 and its source say.
final class RequestTrackerContract: TicketContract {
    private let ledger = Ledger()
    private let history = Mutex<[[String: String]]>([])
    /// `$TruncateLongAttachments` or `$DropLongAttachments`; without, larger files are kept.
    private let drops = Mutex(false)
    let edits = false

    func setDrops() { drops.withLock { $0 = true } }

    /// Attachments as RT keeps them: the message, its text, its files.
    private static let pageSize = 100

    var comments: [String] { ledger.comments }
    var files: [String: [UInt8]] { ledger.files }
    var complaints: [String] { ledger.use { $0.complaints } }
    func setLimit(_ limit: Int) { ledger.use { $0.limit = limit } }

    func answer(_ request: Received) -> Reply {
        guard request.header("Authorization") == "token \(SystemUnderTest.token)" else {
            return .json(["message": "Unauthorized"], status: 401)
        }
        switch (request.method, request.path) {
        case ("GET", "/REST/2.0/ticket/12"): return .json(["id": 12, "Subject": "502"])
        case ("GET", "/REST/2.0/ticket/12/attachments"): return attachments(request)
        case ("GET", "/REST/2.0/ticket/12/history"): return events(request)
        case ("POST", "/REST/2.0/ticket/12/comment"): return comment(request)
        default:
            ledger.complain("\(request.method) \(request.target) is no path of RT")
            return .json(["message": "Not Found"], status: 404)
        }
    }

    private func page(_ items: [[String: Any]], _ request: Received) -> Reply {
        let size = min(Int(request.query["per_page"] ?? "") ?? 20, Self.pageSize)
        let page = max(Int(request.query["page"] ?? "") ?? 1, 1)
        let part = Array(items.dropFirst((page - 1) * size).prefix(size))
        return .json(["count": part.count, "page": page, "per_page": size, "items": part])
    }

    private func events(_ request: Received) -> Reply {
        let fields = Set((request.query["fields"] ?? "").split(separator: ",").map(String.init))
        ledger.expect(fields == ["Type", "Data", "NewValue"], "fields are \(fields)")
        let filler = (0..<170).map { _ in ["Type": "Correspond", "Data": "Re: 502"] }
        return page(filler + history.withLock { $0 }, request)
    }

    private func attachments(_ request: Received) -> Reply {
        let fields = Set((request.query["fields"] ?? "").split(separator: ",").map(String.init))
        ledger.expect(fields.isSuperset(of: ["Subject", "Filename", "ContentLength"]), "fields are \(fields)")
        ledger.expect(!fields.contains("Content"), "every file of the ticket would be fetched")
        // A long history: the comments lie on a later page.
        var items: [[String: Any]] = (0..<150).map {
            ["id": "\($0)", "Subject": "Re: 502", "Filename": "", "ContentLength": "9"]
        }
        let kept = ledger.kept
        items += kept.comments.map { comment in
            let subject = comment.text.split(separator: "\n").first.map(String.init) ?? ""
            return ["id": "\(comment.id)", "Subject": subject, "Filename": "", "ContentLength": "0"]
        }
        items += kept.files.map {
            ["id": "\($0.id)", "Subject": "", "Filename": $0.name, "ContentLength": $0.type]
        }
        return page(items, request)
    }

    private func comment(_ request: Received) -> Reply {
        guard request.header("Content-Type") == "application/json" else { return Reply(status: 415) }
        let body = request.json
        guard let content = body["Content"] as? String, body["ContentType"] as? String == "text/plain" else {
            return .json(["message": "ContentType is a required field for application/json"], status: 400)
        }
        ledger.expect(
            Set(body.keys) == ["Subject", "Content", "ContentType", "Attachments"],
            "the comment has \(body.keys.sorted())"
        )
        for file in body["Attachments"] as? [[String: String]] ?? [] {
            guard let name = file["FileName"], let type = file["FileType"], let text = file["FileContent"] else {
                return .json(["message": "FileName, FileType, FileContent are required"], status: 400)
            }
            guard let data = Data(base64Encoded: text) else {
                ledger.complain("\(name) is not base64")
                continue
            }
            ledger.expect(!name.contains("\""), "file names with double quotes cannot be uploaded")
            ledger.expect(!type.hasPrefix("text/"), "RT reads texts in some character set")
            keep(name, Array(data))
        }
        let id = ledger.number()
        let subject = body["Subject"] as? String ?? ""
        ledger.expect(!subject.contains("\n"), "a subject is one line")
        ledger.use { $0.comments.append((id, subject + "\n" + content)) }
        return .json(["Comments added"], status: 201)
    }

    /// It cuts or drops what is too long, and says that all is well; the history has it.
    private func keep(_ name: String, _ bytes: [UInt8]) {
        let id = ledger.number()
        let limit = ledger.use { $0.limit }
        let isDropped = drops.withLock { $0 } && bytes.count > limit
        if bytes.count > limit {
            let type = isDropped ? "AttachmentDrop" : "AttachmentTruncate"
            history.withLock { $0.append(["Type": type, "Data": name, "NewValue": "\(limit)"]) }
        }
        let kept =
            isDropped ? (name + ".txt", Array("Large attachment dropped".utf8)) : (name, Array(bytes.prefix(limit)))
        // In place of the type: the length that the file came with, which is what RT tells.
        ledger.use { $0.files.append((id, kept.0, isDropped ? "24" : "\(bytes.count)", kept.1)) }
    }
}
