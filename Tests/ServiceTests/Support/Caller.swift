import Foundation
import Model

@testable import Service

/// Calls a server over a socket, byte by byte as the test wants it.
struct Caller {
    let endpoint: Endpoint

    struct Answer {
        var status: Int
        var head: String
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }

        func field(_ name: String) -> String? {
            for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix(name.lowercased() + ": ") {
                return String(line.dropFirst(name.count + 2))
            }
            return nil
        }
    }

    func connect() -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let status = SocketAddress(endpoint).with { Foundation.connect(descriptor, $0, $1) }
        return status == 0 ? descriptor : -1
    }

    func send(_ text: String, on descriptor: Int32) {
        let bytes = Array(text.utf8)
        _ = Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Everything up to the end of the connection.
    func receive(_ descriptor: Int32) -> [UInt8] {
        var all: [UInt8] = []
        var portion = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &portion, portion.count, 0)
            guard count > 0 else { break }
            all += portion[..<count]
        }
        close(descriptor)
        return all
    }

    func call(_ text: String) -> Answer? {
        let descriptor = connect()
        guard descriptor >= 0 else { return nil }
        send(text, on: descriptor)
        return Self.answer(receive(descriptor))
    }

    func get(_ target: String, _ fields: [String: String] = [:], method: String = "GET") -> Answer? {
        var all = ["Host": "localhost"]
        all.merge(fields) { _, new in new }
        let lines = all.map { "\($0.key): \($0.value)\r\n" }.joined()
        return call("\(method) \(target) HTTP/1.1\r\n\(lines)\r\n")
    }

    private static func answer(_ bytes: [UInt8]) -> Answer? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
        let words = head.split(separator: " ")
        guard words.count > 1, let status = Int(words[1]) else { return nil }
        return Answer(status: status, head: head, body: Array(bytes[end.upperBound...]))
    }
}
