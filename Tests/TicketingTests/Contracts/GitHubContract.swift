import Foundation

/// GitHub's REST version 2022-11-28 as documented: issue comments.
final class GitHubContract: TicketContract {
    private let ledger = Ledger()
    let edits = true

    private static let root = "/api/v3/repos/owner/repo/issues"

    var comments: [String] { ledger.comments }
    var files: [String: [UInt8]] { [:] }
    var complaints: [String] { ledger.use { $0.complaints } }
    func setLimit(_ limit: Int) {}

    func answer(_ request: Received) -> Reply {
        ledger.expect(request.header("User-Agent")?.hasPrefix("gwsniff/") == true, "a request without User-Agent")
        ledger.expect(
            request.header("Accept") == "application/vnd.github+json",
            "Accept is \(request.header("Accept") ?? "")"
        )
        ledger.expect(request.header("X-GitHub-Api-Version") == "2022-11-28", "no version is asked for")
        guard request.header("Authorization") == "Bearer \(SystemUnderTest.token)" else {
            return .json(["message": "Bad credentials"], status: 401)
        }
        switch (request.method, request.path) {
        case ("GET", Self.root + "/12/comments"): return list(request)
        case ("POST", Self.root + "/12/comments"):
            guard let text = body(request) else { return .json(["message": "Validation Failed"], status: 422) }
            let id = ledger.number()
            ledger.use { $0.comments.append((id, text)) }
            return .json(["id": id], status: 201)
        case ("PATCH", _) where request.path.hasPrefix(Self.root + "/comments/"):
            let id = Int(request.path.split(separator: "/").last ?? "")
            guard let text = body(request) else { return Reply(status: 422) }
            let isThere = ledger.use { state in
                guard let index = state.comments.firstIndex(where: { $0.id == id }) else { return false }
                state.comments[index].text = text
                return true
            }
            return isThere ? .json(["id": id ?? 0]) : Reply(status: 404)
        default:
            ledger.complain("\(request.method) \(request.target) is no path of GitHub")
            return Reply(status: 404)
        }
    }

    private func body(_ request: Received) -> String? {
        guard request.header("Content-Type") == "application/json", request.json.count == 1 else { return nil }
        guard let text = request.json["body"] as? String, text.utf16.count <= 65_536 else { return nil }
        return text
    }

    private func list(_ request: Received) -> Reply {
        let size = min(Int(request.query["per_page"] ?? "") ?? 30, 100)
        let page = Int(request.query["page"] ?? "") ?? 1
        let filler = (0..<110).map { ["id": $0, "body": "me too"] as [String: Any] }
        let all = filler + ledger.use { $0.comments }.map { ["id": $0.id, "body": $0.text] }
        let part = Array(all.dropFirst((page - 1) * size).prefix(size))
        let next = "<http://127.0.0.1\(Self.root)/12/comments?page=\(page + 1)>; rel=\"next\""
        return .json(part, headers: page * size < all.count ? [("Link", next)] : [])
    }
}
