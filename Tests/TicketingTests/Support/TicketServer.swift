import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A request as a ticket system gets it.
struct Received: Sendable {
    var method: String
    var target: String
    var headers: [(name: String, value: String)]
    var body: [UInt8]

    var path: String { String(target.prefix { $0 != "?" }) }

    var query: [String: String] {
        let items = URLComponents(string: target)?.queryItems ?? []
        return Dictionary(items.map { ($0.name, $0.value ?? "") }) { first, _ in first }
    }

    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }

    var isWriting: Bool { method != "GET" }

    var json: [String: Any] { (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:] }
}

struct Reply: Sendable {
    var status = 200
    var headers: [(String, String)] = []
    var body: [UInt8] = []

    static func json(_ value: Any, status: Int = 200, headers: [(String, String)] = []) -> Reply {
        let data = (try? JSONSerialization.data(withJSONObject: value, options: .fragmentsAllowed)) ?? Data()
        return Reply(status: status, headers: [("Content-Type", "application/json")] + headers, body: Array(data))
    }

    static func text(_ text: String, status: Int = 200) -> Reply { Reply(status: status, body: Array(text.utf8)) }
}

/// What a system does with a request, and what it finds wrong with it by its documentation.
protocol Contract: AnyObject, Sendable {
    func answer(_ request: Received) -> Reply
}

/// An HTTP server on loopback that asks a contract, and can be told to fail.
final class TicketServer: Sendable {
    enum Fault: Sendable {
        /// Instead of doing what was asked.
        case instead(Reply)
        /// It is done, and then the connection goes away without an answer.
        case dropAfter
        /// The connection goes away, nothing is done.
        case dropBefore
    }

    private struct State {
        var requests: [Received] = []
        /// For the requests to come, one each; those past the end are answered well.
        var faults: [(matches: @Sendable (Received) -> Bool, fault: Fault)] = []
    }

    private let state = Mutex(State())
    private let contract: any Contract
    private let channel: Mutex<(any Channel)?> = Mutex(nil)
    private let place = Mutex(0)

    init(_ contract: any Contract) async throws {
        self.contract = contract
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.pipeline.configureHTTPServerPipeline().flatMapThrowing {
                    try channel.pipeline.syncOperations.addHandler(Handler(self))
                }
            }
        let channel = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
        self.channel.withLock { $0 = channel }
        place.withLock { $0 = channel.localAddress?.port ?? 0 }
    }

    func stop() async {
        try? await channel.withLock { $0 }?.close()
    }

    /// Still known when it has stopped.
    var port: Int { place.withLock { $0 } }

    var requests: [Received] { state.withLock { $0.requests } }

    func forget() { state.withLock { $0.requests = [] } }

    /// The next request that matches fails so; the one after it is another's.
    func fail(_ fault: Fault, when matches: @escaping @Sendable (Received) -> Bool) {
        state.withLock { $0.faults.append((matches, fault)) }
    }

    /// Forgets the next fault; false where there is none.
    func takeFault() -> Bool { state.withLock { $0.faults.popLast() != nil } }

    fileprivate func serve(_ request: Received) -> Reply? {
        let fault: Fault? = state.withLock { state in
            state.requests.append(request)
            guard let index = state.faults.firstIndex(where: { $0.matches(request) }) else { return nil }
            return state.faults.remove(at: index).fault
        }
        switch fault {
        case nil: return contract.answer(request)
        case .instead(let reply): return reply
        case .dropBefore: return nil
        case .dropAfter:
            _ = contract.answer(request)
            return nil
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let server: TicketServer
        private var request: Received?

        init(_ server: TicketServer) { self.server = server }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                let headers = head.headers.map { (name: $0.name, value: $0.value) }
                request = Received(method: head.method.rawValue, target: head.uri, headers: headers, body: [])
            case .body(let buffer): request?.body += Array(buffer.readableBytesView)
            case .end:
                guard let request, let reply = server.serve(request) else {
                    context.close(promise: nil)
                    return
                }
                var headers = HTTPHeaders(reply.headers)
                headers.replaceOrAdd(name: "Content-Length", value: String(reply.body.count))
                let head = HTTPResponseHead(
                    version: .http1_1,
                    status: .init(statusCode: reply.status),
                    headers: headers
                )
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: reply.body)))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}

/// Files of a form (RFC 7578), read strictly: nil for what is none.
struct FormPart {
    var field: String
    var fileName: String?
    var type: String?
    var content: [UInt8]

    static func parts(_ request: Received) -> [FormPart]? {
        // Without quotes a boundary is letters, digits and hyphens (RFC 9110 §5.6.2 has some more).
        let prefix = "multipart/form-data; boundary="
        guard let type = request.header("Content-Type"), type.hasPrefix(prefix) else { return nil }
        let name = type.dropFirst(prefix.count)
        guard (1...70).contains(name.count), name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "-" }) else {
            return nil
        }
        let boundary = Data(("--" + name).utf8)
        let body = Data(request.body)
        guard body.starts(with: boundary), body.suffix(4) == Data("--\r\n".utf8) else { return nil }
        var parts: [FormPart] = []
        var rest = body.dropFirst(boundary.count)
        while rest.starts(with: Data("\r\n".utf8)) {
            guard let end = rest.range(of: Data("\r\n".utf8) + boundary),
                let blank = rest.range(of: Data("\r\n\r\n".utf8)),
                let part = part(rest[rest.startIndex + 2..<blank.lowerBound], rest[blank.upperBound..<end.lowerBound])
            else { return nil }
            parts.append(part)
            rest = rest[end.upperBound...]
        }
        return rest == Data("--\r\n".utf8) ? parts : nil
    }

    private static func part(_ head: Data, _ content: Data) -> FormPart? {
        var part = FormPart(field: "", content: Array(content))
        for line in String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n") {
            if line.lowercased().hasPrefix("content-type: ") { part.type = String(line.dropFirst(14)) }
            guard line.lowercased().hasPrefix("content-disposition: form-data; ") else { continue }
            for item in line.dropFirst(32).components(separatedBy: "; ") {
                let value = item.split(separator: "=").last.map { $0.trimmingCharacters(in: ["\""]) } ?? ""
                if item.hasPrefix("name=") { part.field = value }
                if item.hasPrefix("filename=") { part.fileName = value }
            }
        }
        return part.field.isEmpty ? nil : part
    }
}
