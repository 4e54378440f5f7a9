import NIOSSL

/// A client's certificate and its key (RFC 8446 §4.4.2), for systems that ask for one. The server learns the certificate; the key stays here.
package struct ClientIdentity: Sendable {
    private let certificates: [NIOSSLCertificate]
    private let key: NIOSSLPrivateKey

    /// - Parameters:
    ///   - certificate: the file's name and content: PEM, the client's own certificate first, then those that lead to the authority.
    ///   - key: the same of the key, PEM.
    ///   - passphrase: of the key, where it is encrypted.
    package init(
        certificate: (name: String, bytes: [UInt8]),
        key: (name: String, bytes: [UInt8]),
        passphrase: String?
    ) throws(AttachFailure) {
        do {
            certificates = try NIOSSLCertificate.fromPEMBytes(certificate.bytes)
        } catch {
            throw AttachFailure(
                .noInput,
                "--client-cert: \(certificate.name) cannot be read as certificates",
                hint: "it has to be PEM: lines between BEGIN CERTIFICATE and END CERTIFICATE"
            )
        }
        do {
            // Without this BoringSSL would ask at the terminal.
            self.key = try NIOSSLPrivateKey(bytes: key.bytes, format: .pem) { use in use((passphrase ?? "").utf8) }
        } catch {
            let isEncrypted = key.bytes.firstRange(of: "ENCRYPTED".utf8) != nil
            throw AttachFailure(
                .noInput,
                "--client-key: \(key.name) cannot be read as a private key",
                hint: isEncrypted
                    ? "it is encrypted: its passphrase goes into GWSNIFF_KEY_PASSPHRASE"
                    : "it has to be PEM: lines between BEGIN PRIVATE KEY and END PRIVATE KEY"
            )
        }
        var tls = TLSConfiguration.makeClientConfiguration()
        apply(to: &tls)
        // Now, and not at the first request: by then it would be a failure of the connection.
        guard (try? NIOSSLContext(configuration: tls)) != nil else {
            throw AttachFailure(.noInput, "--client-key: \(key.name) is not the key of \(certificate.name)")
        }
    }

    func apply(to tls: inout TLSConfiguration) {
        tls.certificateChain = certificates.map { .certificate($0) }
        tls.privateKey = .privateKey(key)
    }
}
