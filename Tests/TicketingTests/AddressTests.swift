import Testing

@testable import Ticketing

@Suite struct AddressTests {
    private static let id = "0123456789abcdef0123456789abcdef"

    struct Known: CustomTestStringConvertible, Sendable {
        var url: String
        var kind: TicketAddress.Kind
        var ticket: TicketAddress.Ticket
        var base: String

        init(_ url: String, _ kind: TicketAddress.Kind, _ ticket: TicketAddress.Ticket, _ base: String) {
            (self.url, self.kind, self.ticket, self.base) = (url, kind, ticket, base)
        }

        var testDescription: String { url }
    }

    private static let known: [Known] = [
        Known("https://redmine.example.com/issues/12", .redmine, .number(12), "https://redmine.example.com"),
        Known(
            "https://example.com/redmine/issues/12?tab=x#note-3",
            .redmine,
            .number(12),
            "https://example.com/redmine"
        ),
        Known("https://rt.example.com/Ticket/Display.html?id=7", .rt, .number(7), "https://rt.example.com"),
        Known("http://h:8080/rt/Ticket/Update.html?Action=Comment&id=7", .rt, .number(7), "http://h:8080/rt"),
        Known("https://rt.example.com/SelfService/Display.html?id=7", .rt, .number(7), "https://rt.example.com"),
        Known("https://x.atlassian.net/browse/OPS-7", .jiraCloud, .key("OPS-7"), "https://x.atlassian.net"),
        Known(
            "https://x.atlassian.net/jira/software/projects/OPS/boards/1?selectedIssue=OPS-7",
            .jiraCloud,
            .key("OPS-7"),
            "https://x.atlassian.net"
        ),
        Known("https://jira.example.com/browse/A_B2-7?page=1", .jira, .key("A_B2-7"), "https://jira.example.com"),
        Known("https://example.com/jira/browse/OPS-7", .jira, .key("OPS-7"), "https://example.com/jira"),
        Known(
            "https://example.com/jira/secure/RapidBoard.jspa?rapidView=1&selectedIssue=OPS-7",
            .jira,
            .key("OPS-7"),
            "https://example.com/jira"
        ),
        Known(
            "https://gitlab.com/g/s/p/-/issues/3#note_99",
            .gitlab,
            .inProject("g/s/p", kind: "issues", number: 3),
            "https://gitlab.com"
        ),
        Known(
            "https://git.example.com/g/p/-/work_items/3",
            .gitlab,
            .inProject("g/p", kind: "issues", number: 3),
            "https://git.example.com"
        ),
        Known(
            "https://git.example.com/g/p/-/merge_requests/4/diffs",
            .gitlab,
            .inProject("g/p", kind: "merge_requests", number: 4),
            "https://git.example.com"
        ),
        Known(
            "https://github.com/o/r/issues/5#issuecomment-1",
            .github,
            .inRepository(owner: "o", name: "r", number: 5),
            "https://api.github.com"
        ),
        Known(
            "https://github.example.com/o/r/pull/5/files",
            .github,
            .inRepository(owner: "o", name: "r", number: 5),
            "https://github.example.com/api/v3"
        ),
        Known(
            "https://x.service-now.com/nav_to.do?uri=%2Fincident.do%3Fsys_id%3D\(id)%26sysparm_view%3D",
            .servicenow,
            .record(table: "incident", id: id),
            "https://x.service-now.com"
        ),
        Known(
            "https://x.service-now.com/now/nav/ui/classic/params/target/change_request.do%3Fsys_id%3D\(id)",
            .servicenow,
            .record(table: "change_request", id: id),
            "https://x.service-now.com"
        ),
        Known(
            "https://x.service-now.com/now/sow/record/incident/\(id)",
            .servicenow,
            .record(table: "incident", id: id),
            "https://x.service-now.com"
        ),
    ]

    @Test("a ticket is recognised by the address that the browser shows", arguments: known)
    func recognised(_ known: Known) throws {
        let address = try TicketAddress(known.url, kind: nil)
        #expect(address.kind == known.kind)
        #expect(address.ticket == known.ticket)
        #expect(address.base == known.base)
    }

    @Test(
        "where GitLab begins is told besides, for groups look like directories",
        arguments: [
            ("https://h/gitlab/g/p/-/issues/7", "https://h/gitlab", "g/p", "https://h/gitlab"),
            ("https://h/gitlab/g/p/-/issues/7", "https://h/gitlab/", "g/p", "https://h/gitlab"),
            ("https://H/a/b/g/s/t/p/-/work_items/7", "https://h/a/b", "g/s/t/p", "https://h/a/b"),
            ("https://h:8443/g/s/p/-/issues/7", "https://h:8443/", "g/s/p", "https://h:8443"),
        ]
    )
    func roots(url: String, root: String, project: String, base: String) throws {
        for kind in [nil, TicketAddress.Kind.gitlab] {
            let address = try TicketAddress(url, kind: kind, root: root)
            #expect(address.kind == .gitlab && address.base == base)
            #expect(address.ticket == .inProject(project, kind: "issues", number: 7))
        }
    }

    @Test(
        "a beginning that is not the ticket's gets no token",
        arguments: [
            "https://other/gitlab", "http://h/gitlab", "https://h:444/gitlab", "https://h/git", "https://h/gitlab/g",
            "https://h/gitlab/g/p/-/issues", "https://h/gitlab?x=y", "gitlab", "https://u:secret@h/gitlab", "",
        ]
    )
    func wrongRoots(root: String) {
        let failure = #expect(throws: AttachFailure.self) {
            try TicketAddress("https://h/gitlab/g/p/-/issues/7", kind: nil, root: root)
        }
        #expect(failure?.kind == .usage && failure?.message.contains("secret") == false)
        #expect(throws: AttachFailure.self) {
            try TicketAddress("https://h/redmine/issues/7", kind: .redmine, root: "https://h/redmine")
        }
    }

    @Test(
        "what is no ticket of a known kind is sent nowhere",
        arguments: [
            "https://example.com/", "https://example.com/a/b/issues/12", "https://hooks.example.com/T/B/x",
            "https://x.atlassian.net/",
            "https://github.com/o/r/actions", "https://x.service-now.com/incident_list.do",
            "https://redmine.example.com/issues/new",
            "https://redmine.example.com/issues/-3", "https://rt.example.com/Ticket/Display.html",
            "ftp://example.com/issues/1",
            "https:///issues/1", "https://h:99999/issues/1", "https://exa mple/issues/1",
            "https://user:secret@h/issues/1", "issues/1", "",
            "https://x.service-now.com/incident.do?sys_id=0123",
        ]
    )
    func unknown(_ url: String) {
        let failure = #expect(throws: AttachFailure.self) { try TicketAddress(url, kind: nil) }
        #expect(failure?.kind == .usage)
        #expect(failure?.hint != nil)
        #expect(failure?.message.contains("secret@") != true)
    }

    @Test("a kind that is given is not guessed, and its page is checked")
    func given() throws {
        #expect(
            try TicketAddress("https://forge.example.com/o/r/issues/5", kind: .github).base
                == "https://forge.example.com/api/v3"
        )
        #expect(try TicketAddress("https://h/x?k=a%2Fb&c#f", kind: .webhook).page == "https://h/x?k=a%2Fb&c")
        #expect(throws: AttachFailure.self) { try TicketAddress("https://h/x", kind: .redmine) }
    }

    @Test("loopback is what leads nowhere else")
    func loopback() throws {
        for host in ["127.0.0.1", "127.8.0.1:80", "[::1]:8080", "localhost", "a.localhost"] {
            #expect(try WebAddress("http://\(host)/").isLoopback)
        }
        for host in ["127.0.0.1.example.com", "localhost.example.com", "10.0.0.1", "[::2]"] {
            #expect(try !WebAddress("http://\(host)/").isLoopback)
        }
    }

    @Test("percent-encoding there and back")
    func encoding() {
        #expect(WebAddress.encoded("a/b c%é") == "a%2Fb%20c%25%C3%A9")
        #expect(WebAddress.decoded("a%2Fb%20c%25%C3%A9") == "a/b c%é")
        #expect(WebAddress.decoded("%") == "%")
        #expect(WebAddress.decoded("%zz%4") == "%zz%4")
    }

    struct Way: CustomTestStringConvertible, Sendable {
        var variables: [String: String]
        var option: String?
        var host: String?

        var testDescription: String { "\(variables) \(option ?? "")" }
    }

    @Test(
        "the proxy is the option's, else the environment's, but for what is excepted",
        arguments: [
            Way(variables: [:], host: nil), Way(variables: ["HTTPS_PROXY": "http://p:1"], host: "p"),
            Way(variables: ["https_proxy": "q:2", "HTTPS_PROXY": "p:1"], host: "q"),
            Way(variables: ["HTTP_PROXY": "p:1"], host: nil),
            Way(variables: ["ALL_PROXY": "socks5://s:9"], host: "s"),
            Way(variables: ["HTTPS_PROXY": "http://u:p%40@p:1/"], host: "p"),
            Way(variables: ["HTTPS_PROXY": "p", "NO_PROXY": "other, example.com"], host: nil),
            Way(variables: ["HTTPS_PROXY": "p", "NO_PROXY": ".example.com:443"], host: nil),
            Way(variables: ["HTTPS_PROXY": "p", "NO_PROXY": "example.com:80"], host: "p"),
            Way(variables: ["HTTPS_PROXY": "p", "NO_PROXY": "ample.com"], host: "p"),
            Way(variables: ["HTTPS_PROXY": "p", "NO_PROXY": "*"], host: nil),
            Way(variables: ["HTTPS_PROXY": "p"], option: "", host: nil),
            Way(variables: ["HTTPS_PROXY": "p", "NO_PROXY": "*"], option: "http://o:3", host: "o"),
        ]
    )
    func proxies(_ way: Way) throws {
        let address = try WebAddress("https://tickets.example.com/issues/1")
        let settings = try ProxySettings.find(for: address, option: way.option) { way.variables[$0] }
        #expect(settings?.host == way.host)
    }

    @Test("a proxy's credentials come from the environment and are not an argument")
    func proxyCredentials() throws {
        let address = try WebAddress("https://h/")
        let settings = try ProxySettings.find(for: address, option: nil) {
            $0 == "HTTPS_PROXY" ? "http://u:p%40@p:1" : nil
        }
        #expect(settings?.credentials == "dTpwQA==")
        #expect(throws: AttachFailure.self) {
            try ProxySettings.find(for: address, option: "http://u:p@p:1") { _ in nil }
        }
        #expect(throws: AttachFailure.self) { try ProxySettings.find(for: address, option: "https://p:1") { _ in nil } }
    }
}
