import Evidence
import Foundation
import Reporting

@testable import Ticketing

/// Bundles and reports of our own making.
enum Samples {
    static func report(cause: String = "connect-refused", upstream: String = "10.0.3.7:8080", count: Int = 3) -> [UInt8]
    {
        Array(
            """
            {"schema": "gwsniff.report/1", "tool": {"name": "gwsniff", "version": "1"},
             "capture": {"sources": [{"name": "a.pcap"}], "firstPacket": "2026-11-22T17:22:27.000000001Z",
                         "lastPacket": "2026-11-22T17:22:28.5Z", "quality": {"verdict": "fair", "notes": ["12 packets missing"]}},
             "roles": {"software": [{"gateway": "10.0.0.1", "name": "nginx"}]},
             "findings": [{"id": "F1", "cause": "\(cause)", "title": "\(upstream) refused the connection", "confidence": "high",
                           "blame": "upstream", "severity": "failure", "upstream": "\(upstream)", "count": \(count),
                           "remedies": [{"gateway": "HAProxy", "text": "not this"}, {"gateway": "nginx", "text": "tune `max_fails`"}]}],
             "requests": {"total": 12, "failed": \(count), "counted": "client"}}
            """.utf8
        )
    }

    static func files(_ report: [UInt8], packets: Int = 2_000, redacted: Bool = true) -> [ArchiveFile] {
        // Nothing that could be compressed, and the same each time.
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        let noise = (0..<packets).map { _ -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
        let files = [
            ArchiveFile(name: "report.json", bytes: report),
            ArchiveFile(name: "report.md", bytes: Array("# gwsniff report\n".utf8)),
            ArchiveFile(name: "report.html", bytes: Array("<html></html>".utf8)),
            ArchiveFile(name: "evidence/F1-connect-refused.pcapng", bytes: noise),
            ArchiveFile(name: "evidence/all.pcapng", bytes: noise + noise),
        ]
        let entries = files.map { #"{"name":"\#($0.name)","sha256":"\#(SHA256.hexadecimal(of: $0.bytes))"}"# }
        let manifest =
            #"{"schema":"gwsniff.bundle/1","redacted":\#(redacted),"leftOut":[],"files":[\#(entries.joined(separator: ","))]}"#
        return files + [ArchiveFile(name: "manifest.json", bytes: Array(manifest.utf8))]
    }

    /// A bundle in volumes, as `gwsniff bundle --split` writes them.
    static func volumes(
        count: Int = 3,
        packets: Int = 2_000,
        redacted: Bool = true,
        name: String = "gwsniff",
        members: String = ""
    ) throws -> [ArchiveFile] {
        let report = report()
        let names = (1...count).map { "\(name).\($0)of\(count).zip" }
        let listed = names.map { #"{"name":"\#($0)","files":[]}"# }.joined(separator: ",")
        return try (1...count).map { number in
            let noise = files(report, packets: packets + number)[3].bytes
            var files = [ArchiveFile(name: "evidence/F\(number)-connect-refused.pcapng", bytes: noise)]
            if number == 1 { files.append(ArchiveFile(name: "report.json", bytes: report)) }
            let entries = files.map { #"{"name":"\#($0.name)","sha256":"\#(SHA256.hexadecimal(of: $0.bytes))"}"# }
            let manifest =
                #"{"schema":"gwsniff.bundle/1","redacted":\#(redacted),"leftOut":["evidence/all.pcapng: too large"],\#(members)"#
                + #""files":[\#(entries.joined(separator: ","))],"volume":\#(number),"volumes":[\#(listed)]}"#
            files.append(ArchiveFile(name: "manifest.json", bytes: Array(manifest.utf8)))
            return ArchiveFile(
                name: names[number - 1],
                bytes: try ArchiveFormat.zip.packed(files, seconds: 1_700_000_000)
            )
        }
    }

    static func bundle(cause: String = "connect-refused", count: Int = 3, packets: Int = 2_000) throws -> Contents {
        let files = files(report(cause: cause, count: count), packets: packets)
        return try Contents(archive: ArchiveFormat.zip.packed(files, seconds: 1_700_000_000), name: "gwsniff.zip")
    }
}
