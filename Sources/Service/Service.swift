import Capture
package import Logging
import Model
import Reporting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Why the service does not run: lines for the user, and the status to end with (sysexits.h).
package struct ServiceError: Error, Sendable {
    package var message: String
    package var hint: String?
    package var status: Int32

    package init(_ message: String, hint: String? = nil, status: Int32) {
        self.message = message
        self.hint = hint
        self.status = status
    }
}

/// The service: a capture, and beside it the history, the evidence's housekeeping and the server.
package final class Service: Sendable {
    /// Statuses of sysexits.h.
    private static let cannotCreate: Int32 = 73
    private static let unavailable: Int32 = 69

    private let configuration: ServiceConfiguration
    private let source: any CaptureSource
    private let logger: Logger
    private let environment: [String: String]
    package let feed: Feed

    package init(
        _ configuration: ServiceConfiguration,
        source: any CaptureSource,
        environment: [String: String],
        logger: Logger
    ) {
        self.configuration = configuration
        self.source = source
        self.environment = environment
        self.logger = logger
        feed = Feed(startedAt: Clocks.wall(), configuration: configuration, clock: Clocks.monotonic)
    }

    /// What runs beside the capture.
    private final class Companions {
        var history: HistoryWriter?
        var server: WebServer?
        var housekeeping: Housekeeping?
        var failure: ServiceError?

        func stop() {
            housekeeping?.stop()
            history?.stop()
            server?.stop()
        }
    }

    /// Runs until the feed is asked to stop. A capture that ends by itself is an error, one of a file is not: it stays to be looked at.
    ///
    /// Everything else starts when the interfaces are open and privileges are gone, which a thread would have for itself: what is written
    /// is the user's that stays.
    /// - Parameter opened: called then.
    package func run(opened: @escaping () -> Void = {}) throws(ServiceError) {
        let manager = ServiceManager(path: environment["NOTIFY_SOCKET"])
        let companions = Companions()
        let failure = capture { () throws(CaptureError) in
            opened()
            do throws(ServiceError) {
                try self.start(companions, manager)
            } catch {
                companions.failure = error
                throw CaptureError(.cannotOpen, error.message)
            }
        }
        if failure == nil, !source.isLive {
            while !feed.wantsStop { usleep(100_000) }
        }
        manager.stopping()
        companions.stop()
        if let failure = companions.failure ?? failure { throw failure }
        guard feed.wantsStop else {
            throw ServiceError("the capture ended by itself: no interface is left", status: Self.unavailable)
        }
    }

    private func start(_ companions: Companions, _ manager: ServiceManager) throws(ServiceError) {
        let evidence = try prepareEvidence()
        companions.history = try openHistory()
        companions.server = try startServer(companions.history, evidence)
        companions.housekeeping = Housekeeping(feed, evidence, manager, logger)
        if let server = companions.server {
            logger.notice("page, metrics and health on http://\(server.endpoint)")
        }
        logger.notice("capturing on \(source.names.joined(separator: ", "))")
        manager.ready()
    }

    private func capture(_ opened: @escaping () throws(CaptureError) -> Void) -> ServiceError? {
        do throws(CaptureError) {
            try source.run(
                feed,
                opened: opened,
                warn: { [feed, logger] text in
                    logger.warning("\(text)")
                    feed.warn(text, at: Clocks.wall())
                }
            )
            feed.ended(nil)
            return nil
        } catch {
            feed.ended(error.message)
            return ServiceError(error.message, hint: error.hint, status: error.exitStatus)
        }
    }

    private func prepareEvidence() throws(ServiceError) -> EvidenceDirectory? {
        guard let path = configuration.recorder.directory, source.isLive || !isDefault(path) else { return nil }
        let evidence = EvidenceDirectory(
            path,
            maximumSize: configuration.recorder.maximumSize,
            before: configuration.recorder.before
        )
        do throws(WebError) {
            try evidence.prepare()
        } catch {
            throw ServiceError(
                error.message,
                hint: "set recorder.directory to a directory that can be written, or to off",
                status: Self.cannotCreate
            )
        }
        return evidence
    }

    private func isDefault(_ path: String) -> Bool {
        path == RecorderSettings().directory || path == HistorySettings().path
    }

    private func openHistory() throws(ServiceError) -> HistoryWriter? {
        guard let path = configuration.history.path, source.isLive || !isDefault(path) else { return nil }
        let store: HistoryStore
        do throws(HistoryError) {
            store = try HistoryStore(
                configuration.history,
                path: path,
                startedAt: feed.picture.startedAt,
                source: source.names.joined(separator: ", ")
            )
        } catch {
            throw ServiceError(
                error.message,
                hint: "set history.path to a file that can be written, or to off",
                status: Self.cannotCreate
            )
        }
        if let aside = store.setAside { logger.error("\(path): damaged; kept as \(aside), and a new one begun") }
        return HistoryWriter(store, feed: feed, clock: Clocks.monotonic, now: now, logger: logger)
    }

    /// The wall clock, or packet time where a file is shown.
    private var now: @Sendable () -> Timestamp {
        { [feed, isLive = source.isLive] in isLive ? Clocks.wall() : feed.picture.now }
    }

    private func startServer(
        _ history: HistoryWriter?,
        _ evidence: EvidenceDirectory?
    ) throws(ServiceError) -> WebServer? {
        guard let endpoint = configuration.http.listen else { return nil }
        let routes = Routes(
            feed: feed,
            configuration: configuration,
            hostName: Self.hostName,
            source: source.names,
            isLive: source.isLive,
            history: { history?.shown },
            evidence: evidence,
            now: { [isLive = source.isLive] picture in isLive ? Clocks.wall() : picture.now }
        )
        do throws(WebError) {
            return try WebServer(endpoint, clock: Clocks.monotonic, answer: routes.answer)
        } catch {
            throw ServiceError(error.message, hint: "set http.listen to a free address", status: Self.unavailable)
        }
    }

    private static var hostName: String? {
        var bytes = [UInt8](repeating: 0, count: 256)
        let status = bytes.withUnsafeMutableBytes { room in
            room.baseAddress.map { gethostname($0.assumingMemoryBound(to: CChar.self), room.count - 1) } ?? -1
        }
        guard status == 0 else { return nil }
        return String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
