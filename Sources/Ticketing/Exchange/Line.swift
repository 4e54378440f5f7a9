import AsyncHTTPClient
import NIOCore
import NIOSSL

/// How to reach a system: proxy, certificates, time.
package struct Line: Sendable {
    package var proxy: ProxySettings?
    /// Certificates of a private authority (PEM), trusted beside the system's.
    package var authorityFile: String?
    /// Who asks, where the system wants to know it by a certificate.
    package var identity: ClientIdentity?
    /// Seconds without anything coming or going.
    package var timeout = 60.0

    package init() {}

    func client() throws(AttachFailure) -> HTTPClient {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let path = authorityFile {
            do {
                tls.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMFile(path))]
            } catch {
                throw AttachFailure(
                    .noInput,
                    "--ca-file: \(path) cannot be read as certificates",
                    hint: "it has to be PEM: lines between BEGIN CERTIFICATE and END CERTIFICATE"
                )
            }
        }
        identity?.apply(to: &tls)
        let pause = TimeAmount.milliseconds(Int64(min(timeout, 86_400) * 1_000))
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls,
            redirectConfiguration: .disallow,
            timeout: .init(connect: min(pause, .seconds(30)), read: pause, write: pause),
            proxy: proxy?.proxy
        )
        // Uploads are few and one after the other; HTTP/2 would give them nothing.
        configuration.httpVersion = .http1Only
        // The courier tries again, and says so.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }
}
