import Diagnosis
import Model
import Testing

@testable import Reporting

/// What came off the wire neither drives a terminal, nor is markup, nor carries query values.
@Suite struct SafetyTests {
    private static let hostile = "\u{1b}]0;owned\u{7}\u{9b}2J/<script>`rm`|x\n# [a](b) @all \u{202e}?password=hunter2"

    private static func hostileReport() -> Report {
        var report = Sample.outage()
        var finding = Sample.resetFinding()
        finding.title = hostile
        finding.variant = hostile
        finding.pattern = hostile
        finding.upstreamName = hostile
        finding.statusMismatch = hostile
        finding.missing = [hostile]
        finding.ruledOut = [RuledOut(.clientAbort, hostile)]
        finding.occurrences = [Sample.resetOccurrence(target: hostile)]
        finding.occurrences[0].explanation = hostile
        finding.occurrences[0].request?.method = hostile
        finding.occurrences[0].request?.host = hostile
        finding.severity = .failure
        var miss = finding
        miss.severity = .nearMiss
        var note = finding
        note.severity = .note
        report.findings = [finding, miss, note]
        report.clientErrors[1].why = hostile
        report.clientErrors[1].request?.target = hostile
        report.sources[0].name = hostile
        report.sources[0].truncated = hostile
        report.quality.notes = [hostile]
        report.roles.reasons = [hostile]
        report.roles.software = [GatewaySoftware(gateway: report.roles.gateways[0], name: "nginx", evidence: hostile)]
        return report
    }

    @Test("No control or invisible character reaches the output of any format, line ends apart")
    func noControls() {
        let report = Self.hostileReport()
        let outputs = [
            TextReport.render(report, options: TextOptions(width: 80, verbose: true)),
            TextReport.live(report.findings[0].occurrences[0], of: report.findings[0], options: TextOptions()),
            MarkdownReport.render(report), JSONReport.render(report), NDJSONReport.render(report),
            Explanation.unknown(Self.hostile), HTMLReport.render(report), SARIFReport.render(report),
            JiraReport.render(report), ADFReport.render(report),
        ]
        for output in outputs {
            #expect(!output.unicodeScalars.contains { $0 != "\n" && SafeText.isUnsafe($0) })
        }
    }

    @Test("Markup from the wire is inert in Markdown")
    func noMarkup() {
        let text = MarkdownReport.render(Self.hostileReport())
        let outsideCode = text.split(separator: "```", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 0 }.map { String($0.element) }.joined()
        #expect(SafeText.markdown("<b>*x*_[a](b)|@all`") == "&lt;b&gt;\\*x\\*\\_\\[a\\](b)\\|&#64;all\\`")
        #expect(SafeText.codeSpan("a`b``c|d") == "```a`b``c\\u{7c}d```")
        #expect(!outsideCode.contains("\n# [a]"))
        #expect(outsideCode.contains("&lt;script&gt;"))
    }

    @Test("Colour only where asked for, and the text is the same without it")
    func color() {
        let report = Sample.everything()
        let plain = TextReport.render(report, options: TextOptions(width: 90))
        let colored = TextReport.render(report, options: TextOptions(width: 90, color: true))
        #expect(!plain.contains("\u{1b}"))
        #expect(colored.contains("\u{1b}[1;31m"))
        #expect(colored.replacing(/\u{1b}\[[0-9;]*m/, with: "") == plain)
    }

    @Test(
        "Query values are masked, names and paths stay",
        arguments: [
            ("/", "/"), ("*", "*"), ("", ""), ("/a/b;v=1", "/a/b;v=***"),
            ("/search?q=x&page=2", "/search?q=***&page=***"), ("/a?", "/a?"), ("/a?x=", "/a?x="),
            ("/a?token", "/a?***"), ("/a?a=b=c;d=e", "/a?a=***;d=***"), ("/a?q=x?y=z", "/a?q=***"),
            ("/a#frag=1", "/a#***"), ("/a?b=c#d", "/a?b=***#***"), ("/a?é=語&&=", "/a?é=***&&="),
            ("http://u:p@h/x?y=z", "http://***@h/x?y=***"), ("http://h/x", "http://h/x"), ("h:443", "h:443"),
            ("/a;jsessionid=8A3F/b;v=1;w=2;bare", "/a;jsessionid=***/b;v=***;w=***;***"), ("/a;", "/a;"),
            ("/a%3Bsid%3dabc/b", "/a%3Bsid%3d***/b"), ("u:p@h:443", "***@h:443"), ("u:p@h/x", "***@h/x"),
            ("http://u:p;q,r@h/x", "http://***@h/x"), ("/p/http://u:p@h/x", "/p/http://***@h/x"),
            ("/access_token=abc/x", "/access_token=***/x"), ("/page=2/x", "/page=2/x"),
            ("/reset/kX9vQ2mT7bR4wZ1c/done", "/reset/***/done"), ("/reset/MQ/kX9vQ2mT7bR4wZ1c", "/reset/MQ/***"),
            ("/orders/kX9vQ2mT7bR4wZ1c", "/orders/kX9vQ2mT7bR4wZ1c"),
            ("/v/550e8400-e29b-41d4-a716-446655440000", "/v/***"),
            ("/i/9f86d081884c7d659a2feaa0c55ad015.png", "/i/***.png"),
            ("/j/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig-nature_1/x", "/j/***/x"),
            ("/t/kX9vQ2mT7b.R4wZ1cY8nL.5dF3gH6jK0pS", "/t/***"),
            ("/b/kX9vQ2mT7bR4wZ1c%2BY8nL5dF3gH6jK0pS%3D%3D", "/b/***"),
            (
                "/blog/how-to-configure-your-load-balancer-for-production",
                "/blog/how-to-configure-your-load-balancer-for-production"
            ),
            ("/rpc/GetCustomerAccountInformationDetails", "/rpc/GetCustomerAccountInformationDetails"),
            (
                "/google.cloud.secretmanager.v1.SecretManagerService/Get",
                "/google.cloud.secretmanager.v1.SecretManagerService/Get"
            ),
            (
                "/log/app-server-2026-11-27T03-12-07-final-report.txt",
                "/log/app-server-2026-11-27T03-12-07-final-report.txt"
            ),
            ("/%E6%97%A5%E6%9C%AC%E8%AA%9E%E6%97%A5%E6%9C%AC", "/%E6%97%A5%E6%9C%AC%E8%AA%9E%E6%97%A5%E6%9C%AC"),
        ]
    )
    func masking(target: String, expected: String) {
        #expect(TargetMask.masked(target) == expected)
        #expect(TargetMask.masked(expected) == expected)
    }

    @Test(
        "A name is secret by its words",
        arguments: [
            "Authorization", "Ocp-Apim-Subscription-Key", "X-Functions-Key", "X-Pass", "X-Pwd", "X-Sid",
            "X-Client-Auth", "X-PIN",
            "X-Login", "x_api_key2", "accessKey", "PHPSESSID", "JSESSIONID", "X-Amz-Security-Token", "Cookie2", "X-Otp",
            "X-SSL-Client-Cert", "X-Forwarded-Client-Cert", "Api.Secret", "X-MyPasswordField", "Signature-Input",
        ]
    )
    func secretNames(name: String) {
        #expect(SecretNames.isSecret(name.utf8))
        #expect(SecretNames.isSecret(name.lowercased().utf8) || name == "accessKey")
    }

    @Test(
        "and not by letters that happen to be in it",
        arguments: [
            "Host", "Accept", "Content-Type", "Keep-Alive", "X-Author", "X-Authority", "Compass", "X-Monkeys", "X-Ping",
            "Pinned",
            "X-Request-Id", "Server-Timing", "Sec-WebSocket-Key", "Sec-WebSocket-Accept", "Public-Key-Pins",
            "WWW-Authenticate",
            "Proxy-Authenticate", "Access-Control-Allow-Credentials", "X-Forwarded-For", "Design", "Upgrade", "",
        ]
    )
    func harmlessNames(name: String) {
        #expect(!SecretNames.isSecret(name.utf8))
    }

    @Test("No format shows a query value, wherever a sentence quotes it")
    func noQueryValues() {
        let report = Sample.everything()
        let outputs = [
            TextReport.render(report, options: TextOptions(width: 120, verbose: true)), MarkdownReport.render(report),
            JSONReport.render(report), NDJSONReport.render(report),
            TextReport.live(report.findings[0].occurrences[0], of: report.findings[0], options: TextOptions()),
        ]
        for output in outputs {
            #expect(!output.contains("private") && !output.contains("secret"))
            #expect(output.contains("q=***"))
        }
        #expect(TargetMask.maskedText("Is it? a=b: GET /x?k=v, done") == "Is it? a=b: GET /x?k=***, done")
        #expect(TargetMask.maskedText("(GET pool0/x;sid=9/y), a; b") == "(GET pool0/x;sid=***/y), a; b")
        #expect(TargetMask.maskedText("10.0.0.0/8 over HTTP/1.1; see /x?") == "10.0.0.0/8 over HTTP/1.1; see /x?")
    }
}
