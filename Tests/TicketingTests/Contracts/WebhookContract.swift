import Foundation
import Synchronization
import TestSupport

/// A receiver of docs/schema/gwsniff.attachment-1.schema.json that minds the key.
final class WebhookContract: Contract {
    private let ledger = Ledger()
    private let seen = Mutex<Set<String>>([])

    var complaints: [String] { ledger.use { $0.complaints } }
    var files: [String: [UInt8]] { ledger.files }
    var keys: Set<String> { seen.withLock { $0 } }

    /// By the published schema.
    private static func violations(_ body: [UInt8]) -> [String] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = root.appending(path: "docs/schema/gwsniff.attachment-1.schema.json")
        do {
            let schema = JSONSchema(try JSONTree(parsing: String(contentsOf: file, encoding: .utf8)))
            return schema.violations(in: try JSONTree(parsing: String(decoding: body, as: UTF8.self))).map { "\($0)" }
        } catch {
            return ["\(error)"]
        }
    }

    func answer(_ request: Received) -> Reply {
        ledger.expect(request.method == "POST" && request.target == "/hook?x=1", "\(request.method) \(request.target)")
        ledger.expect(request.header("Content-Type") == "application/json", "the body is not JSON")
        ledger.expect(request.header("Authorization") == "Bearer \(SystemUnderTest.token)", "nobody says who asks")
        let body = request.json
        for violation in Self.violations(request.body) { ledger.complain(violation) }
        ledger.expect(body["schema"] as? String == "gwsniff.attachment/1", "the schema is \(body["schema"] ?? "")")
        guard let key = request.header("Idempotency-Key") else {
            ledger.complain("no key")
            return Reply(status: 400)
        }
        ledger.expect(key == "\"\(body["findings"] ?? "")-\(body["content"] ?? "")\"", "the key is \(key)")
        guard seen.withLock({ $0.insert(key).inserted }) else { return Reply(status: 200) }
        for file in body["files"] as? [[String: Any]] ?? [] {
            let bytes = Data(base64Encoded: file["content"] as? String ?? "!").map(Array.init) ?? []
            ledger.expect(bytes.count == file["bytes"] as? Int, "the file's length is another")
            ledger.expect((file["sha256"] as? String)?.count == 64, "the file has no digest")
            ledger.use { $0.files.append((0, file["name"] as? String ?? "", "", bytes)) }
        }
        return Reply(status: 202)
    }
}
