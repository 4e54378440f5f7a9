import AsyncHTTPClient
import NIOPosix
import NIOSSL
import Reporting

/// What the client's errors mean to somebody who wants to attach something.
enum ConnectionTrouble {
    static func failure(_ error: any Error, _ place: String) -> AttachFailure {
        if let certificate = certificate(error, place) { return certificate }
        if let error = error as? HTTPClientError {
            switch error {
            case .connectTimeout, .readTimeout, .writeTimeout, .deadlineExceeded, .getConnectionFromPoolTimeout:
                return .transient(
                    .unavailable,
                    "\(place): no answer in time",
                    hint: "is it reachable from here? --timeout gives it longer; a proxy: HTTPS_PROXY or --proxy"
                )
            case .proxyAuthenticationRequired, .invalidProxyResponse, .httpProxyHandshakeTimeout:
                return AttachFailure(
                    .unavailable,
                    "\(place): the proxy does not let it through (\(error.shortDescription))",
                    hint: "see --proxy, HTTPS_PROXY and NO_PROXY"
                )
            case .invalidURL, .emptyHost, .emptyScheme:
                return AttachFailure(.usage, "\(place): is no URL")
            default: break
            }
        }
        return .transient(
            .unavailable,
            "\(place): \(reason(error))",
            hint: "is it reachable from here? a proxy: HTTPS_PROXY or --proxy"
        )
    }

    private static func certificate(_ error: any Error, _ place: String) -> AttachFailure? {
        let text = String(describing: error)
        guard
            error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError || text.contains("CERTIFICATE")
        else { return nil }
        let isUntrusted = text.contains("CERTIFICATE_VERIFY_FAILED") || text.contains("unableToValidateCertificate")
        let isOtherName = text.contains("failedToValidateHostname") || text.lowercased().contains("hostname")
        guard isUntrusted || isOtherName else {
            return refusal(text, place)
                ?? .transient(.unavailable, "\(place): TLS failed: \(SafeText.terminal(text, limit: 160))")
        }
        return AttachFailure(
            .protocolError,
            isOtherName
                ? "\(place): its certificate is for another name"
                : "\(place): its certificate is not trusted here",
            hint: isOtherName ? "give the name that is in the certificate" : "a private authority: --ca-file FILE"
        )
    }

    /// What the other side says of this client's certificate, by alerts (RFC 8446 §6.2) as BoringSSL names them; nil for others.
    private static func refusal(_ text: String, _ place: String) -> AttachFailure? {
        let alerts: [(names: [String], kind: AttachFailure.Kind, what: String)] = [
            (["ALERT_CERTIFICATE_REQUIRED"], .noPermission, "the system wants this client's certificate"),
            (
                [
                    "ALERT_UNKNOWN_CA", "ALERT_BAD_CERTIFICATE", "ALERT_UNSUPPORTED_CERTIFICATE",
                    "ALERT_CERTIFICATE_REVOKED", "ALERT_CERTIFICATE_EXPIRED", "ALERT_CERTIFICATE_UNKNOWN",
                    "ALERT_ACCESS_DENIED",
                ], .noPermission, "the system does not take this client's certificate"
            ),
            // Before TLS 1.3 there is no word for a certificate that is missing (RFC 5246 §7.2.2).
            (["ALERT_HANDSHAKE_FAILURE"], .protocolError, "the system ends the TLS handshake"),
        ]
        for alert in alerts {
            guard let name = alert.names.first(where: text.contains) else { continue }
            let word = name.dropFirst("ALERT_".count).lowercased().replacing("_", with: " ")
            return AttachFailure(
                alert.kind,
                "\(place): \(alert.what) (alert: \(word))",
                hint: "--client-cert FILE and --client-key FILE show one"
            )
        }
        return nil
    }

    private static func reason(_ error: any Error) -> String {
        let text =
            switch error {
            case let error as NIOConnectionError:
                error.connectionErrors.first.map { String(describing: $0.error) }
                    ?? "the name \(error.host) is not known"
            default: String(describing: error)
            }
        return SafeText.terminal(text, limit: 160)
    }
}
