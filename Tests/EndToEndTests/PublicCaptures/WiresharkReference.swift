import Foundation

/// What Wireshark counted in each public capture: `reference.json` beside them.
struct WiresharkReference: Decodable {
    struct HTTP: Decodable {
        /// Responses by status code, as text.
        var status: [String: Int]
    }

    struct Entry: Decodable {
        /// tshark's exit status: not 0 where it could not read the file to its end.
        var rc: Int
        var tcp_streams: Int?
        var syn: Int?
        var synack: Int?
        var fin: Int?
        var rst: Int?
        var http: HTTP?
        /// Packets by `tcp.analysis` flag.
        var an: [String: Int]?
    }

    var files: [String: Entry]

    init(directory: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: directory + "/reference.json"))
        self = try JSONDecoder().decode(WiresharkReference.self, from: data)
    }
}
