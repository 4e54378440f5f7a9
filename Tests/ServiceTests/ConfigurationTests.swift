import Foundation
import Model
import TestSupport
import Testing

@testable import Service

@Suite struct ConfigurationTests {
    private static func load(
        _ text: String? = nil,
        environment: [String: String] = [:],
        options: [ConfigurationLoader.Option] = []
    ) throws(ConfigurationError) -> ServiceConfiguration {
        try ConfigurationLoader.load(file: text.map { ("a.yaml", $0) }, environment: environment, options: options)
    }

    private static func message(_ text: String, environment: [String: String] = [:]) -> String {
        do throws(ConfigurationError) {
            _ = try load(text, environment: environment)
            return "nothing is wrong"
        } catch {
            return error.message
        }
    }

    @Test("Nothing set is the default")
    func defaults() throws {
        #expect(try Self.load() == ServiceConfiguration())
        #expect(try Self.load("") == ServiceConfiguration())
        #expect(try Self.load("# nothing\n") == ServiceConfiguration())
        #expect(try Self.load("capture:\nhttp:\n") == ServiceConfiguration())
    }

    @Test("An option goes before the environment, that before the file, that before the default")
    func precedence() throws {
        let text = "history:\n  max-age: 1d\n  max-size: 10M\nrecorder:\n  per-hour: 5\n"
        let environment = ["GWSNIFFD_HISTORY_MAX_AGE": "2d", "GWSNIFFD_HISTORY_MAX_SIZE": "20M", "PATH": "/bin"]
        let options = [ConfigurationLoader.Option(spelling: "--set", setting: "history.max-age", value: .text("3d"))]
        let configuration = try Self.load(text, environment: environment, options: options)
        #expect(configuration.history.maximumAge == .seconds(3 * 86_400))
        #expect(configuration.history.maximumSize == 20 << 20)
        #expect(configuration.recorder.mostPerHour == 5)
        #expect(configuration.recorder.pause == .seconds(600))
    }

    @Test("Every kind of value arrives")
    func values() throws {
        let text = """
            capture:
              interfaces: [eth0, "eth1"]
              filter: tcp or icmp
              promiscuous: false
              gateways:
                - 10.0.0.5
                - fd00::/64
              upstreams: 10.0.3.0/24:8080, [fd00::7]:9000
              user: nobody
            http:
              listen: "[::1]:9000"
              allowed-hosts: [Gateway.Example]
            health:
              max-packet-age: 5m
            metrics:
              groups:
                checkout: [10.0.3.0/24, "10.0.4.7:8080"]
                search: 10.0.5.1
            history:
              path: off
            recorder:
              directory: ~
              before: 1.5s
              snapshot-length: 512
            log:
              level: debug
            """
        let configuration = try Self.load(text)
        #expect(configuration.capture.interfaces == ["eth0", "eth1"])
        #expect(configuration.capture.filter == "tcp or icmp")
        #expect(configuration.capture.isPromiscuous == false)
        #expect(configuration.capture.gateways.count == 2)
        #expect(configuration.capture.upstreams.map(\.port) == [8_080, 9_000])
        #expect(configuration.capture.user == "nobody")
        #expect(configuration.http.listen == Endpoint(address: IPAddress(v6High: 0, low: 1), port: 9_000))
        #expect(configuration.http.allowedHosts == ["gateway.example"])
        #expect(configuration.health.largestPacketAge == .seconds(300))
        #expect(configuration.metrics.groups.map(\.name) == ["checkout", "search"])
        #expect(configuration.metrics.groups.map(\.members.count) == [2, 1])
        #expect(configuration.history.path == nil)
        #expect(configuration.recorder.directory == nil)
        #expect(configuration.recorder.before == 1_500_000_000)
        #expect(configuration.recorder.largestPacket == 512)
        #expect(configuration.log.level == .debug)
        let environment = ["GWSNIFFD_METRICS_GROUPS": "a=10.0.0.1 10.0.0.2; b=[fd00::1]:80"]
        #expect(try Self.load(environment: environment).metrics.groups.map(\.members.count) == [2, 1])
    }

    @Test(
        "What is wrong is named with its place and what is allowed",
        arguments: [
            (
                "history:\n  max-age: soon\n",
                "a.yaml:2: history.max-age is 'soon'; allowed: a time such as 30s, 1h to 3650d"
            ),
            (
                "history:\n\n  max-size: 1K\n",
                "a.yaml:3: history.max-size is '1K'; allowed: a size such as 512M, 1M to 1T"
            ),
            (
                "history:\n  max-size: [1, 2]\n",
                "a.yaml:2: history.max-size is '1', '2'; allowed: a size such as 512M, 1M to 1T"
            ),
            (
                "history:\n  age: 1d\n",
                "a.yaml:2: there is no setting history.age; there are history.path, history.max-age, history.max-size"
            ),
            (
                "histories:\n  age: 1d\n",
                "a.yaml:2: there is no setting histories.age; the sections are capture, http, health, metrics, history, recorder, log"
            ),
            ("history: 1d\n", "a.yaml:1: history is a section; its settings stand below it"),
            ("- a\n", "a.yaml:1: settings stand in sections, such as \"capture:\""),
            (
                "capture:\n  interfaces: []\n",
                "a.yaml:2: capture.interfaces is empty; allowed: names of interfaces, or any"
            ),
            (
                "capture:\n  max-memory:\n",
                "a.yaml:2: capture.max-memory has no value; allowed: a size such as 512M, 64M to 64G"
            ),
            (
                "capture:\n  promiscuous: perhaps\n",
                "a.yaml:2: capture.promiscuous is 'perhaps'; allowed: true or false"
            ),
            ("log:\n  level: loud\n", "a.yaml:2: log.level is 'loud'; allowed: debug, info, notice, warning, error"),
            (
                "http:\n  listen: 9502\n",
                "a.yaml:2: http.listen is '9502'; allowed: ADDRESS:PORT such as 127.0.0.1:9502 or [::1]:9502, or off"
            ),
        ]
    )
    func errors(_ text: String, _ message: String) {
        #expect(Self.message(text) == message)
    }

    @Test("What is no YAML, and what is set twice, is named with its line")
    func broken() {
        #expect(Self.message("capture:\n  filter: \"tcp\n").hasPrefix("a.yaml:"))
        #expect(Self.message("capture: [\n").contains("not YAML"))
        #expect(Self.message("log:\n  level: info\n  level: debug\n").contains("twice"))
        #expect(Self.message("a: &a [*a]\n") != "nothing is wrong")
    }

    @Test("A variable that sets nothing is an error, and all errors are told at once")
    func environment() {
        let environment = ["GWSNIFFD_HISTORY_AGE": "1d", "GWSNIFFD_LOG_LEVEL": "loud", "GWSNIFFD_CONFIG": "x"]
        let lines = Self.message("", environment: environment).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.contains("GWSNIFFD_HISTORY_AGE") == true)
        #expect(lines.last?.contains("GWSNIFFD_LOG_LEVEL: log.level is 'loud'") == true)
    }

    @Test("The example names every setting once, and what it shows is the default")
    func example() throws {
        let file = packageRoot.appending(path: "tools/service/gwsniffd.yaml")
        let lines = try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
        // A setting's line has no space behind its mark, an explanation's has.
        let active = lines.map { line -> String in
            guard let mark = line.firstIndex(of: "#") else { return String(line) }
            let rest = line[line.index(after: mark)...]
            return rest.first == " " ? "" : String(line[..<mark] + rest)
        }
        let text = active.joined(separator: "\n")
        #expect(try Self.load(text) == ServiceConfiguration())
        let names = try ConfigurationFile.entries(of: text, name: "example").map(\.name)
        #expect(names == Settings.all.map(\.name))
    }

    @Test("Every variable belongs to one setting")
    func variables() {
        #expect(Set(Settings.all.map(\.variable)).count == Settings.all.count)
        #expect(Settings.all.first { $0.name == "history.max-age" }?.variable == "GWSNIFFD_HISTORY_MAX_AGE")
    }

    @Test(
        "Sizes, times and endpoints are read as they are written",
        arguments: ["", "x", "-1", "1x", "1.2.3", "M", "99999999999999999999", "1e5"]
    )
    func quantities(_ bad: String) {
        #expect(Quantity.bytes(bad) == nil)
        #expect(Quantity.time(bad) == nil)
        #expect(Quantity.endpoint(bad) == nil)
        #expect(Quantity.bytes("1536") == 1_536)
        #expect(Quantity.bytes("2G") == 2 << 30)
        #expect(Quantity.bytes("5000000000") == 5_000_000_000)
        #expect(Quantity.time("250ms") == 250_000_000)
        #expect(Quantity.time("90") == .seconds(90))
        #expect(Quantity.text(bytes: Quantity.bytes("3M") ?? 0) == "3M")
        #expect(Quantity.text(time: Quantity.time("36h") ?? 0) == "36h")
        #expect(Quantity.endpoint(":80") == Endpoint(address: IPAddress(v4: 0), port: 80))
        #expect(Quantity.endpoint("10.0.0.0/8:80") == nil)
    }
}
