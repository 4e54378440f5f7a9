import Model

extension CauseGuides {
    /// Names of upstreams, and what the gateway makes of them.
    static let names: [CauseGuide] = [dnsFailure, staleAddress]

    private static let dnsFailure = CauseGuide(
        .dnsFailure,
        whatHappened: """
            The gateway could not find an address for the upstream's name, so it dialled nobody. Either its query failed \
            while the request waited, or its latest background lookup had failed before.
            """,
        signature: [
            "variant nxdomain: response code 3; nodata: no error and no address, neither A nor AAAA",
            "variant servfail, refused, formerr, notimp: response code 2, 5, 1, 4",
            "variant timeout: queries repeat and nothing answers; unreachable: an ICMP error answers them",
            "no connection attempt for this request; the error comes with the failing answer, or when the gateway gives up",
            """
            A and AAAA, resends, further servers and the names of a search list are one lookup, and its last answers count
            """,
        ],
        lookAlikes: [
            .init(.noUpstreamAttempt, "no lookup failed; nginx without `resolver` asks nobody"),
            .init(.noLiveUpstream, "addresses are known, and what was dialled there had failed"),
            .init(.staleAddress, "an address is dialled, and it is an old one"),
        ],
        contradicting: [
            "a connection attempt of this request",
            "a good answer to the same lookup: of the other type, from another server, to a resend, or over TCP",
        ],
        remedies: [
            Remedy("gateway", "ask the same server for the same name from the gateway's host: `dig @SERVER NAME`"),
            Remedy(
                "nginx",
                "`resolver` with more than one server, `resolver_timeout`, `ipv6=off` where there is no AAAA; spelling of the name"
            ),
            Remedy(
                "HAProxy",
                "`resolvers` section: `nameserver`, `resolve_retries`, `hold valid` and `hold nx`; `init-addr last,libc,none`"
            ),
            Remedy("Envoy", "`dns_lookup_family`, `dns_refresh_rate`, `dns_failure_refresh_rate`, `dns_resolvers`"),
            Remedy("Apache httpd", "/etc/resolv.conf of its host; it asks through the C library"),
            Remedy("Caddy", "/etc/resolv.conf of its host, or `resolvers` in `dynamic a`"),
            Remedy(
                "network",
                "variant timeout or unreachable: UDP and TCP port 53 from the gateway to its name servers"
            ),
        ],
        logLines: [
            .init("nginx", "could not be resolved (3: Host not found)"),
            .init("nginx", "could not be resolved (2: Server failure)"),
            .init("nginx", "could not be resolved (5: Operation refused)"),
            .init("nginx", "could not be resolved (110: Operation timed out)"),
            .init("HAProxy", "<NOSRV>, termination state SC; before it: is going DOWN for maintenance (DNS"),
            .init("Envoy", "UH, no_healthy_upstream; DF, dns_resolution_failure"),
            .init("Apache httpd", "DNS lookup failure for:"),
            .init("Caddy", "lookup NAME: no such host"),
        ],
        sources: [
            "RFC 1035 §4.1.1: response codes; RFC 2308 §2.2: no data; RFC 7766: DNS over TCP",
            "nginx 1.22.1 and HAProxy 2.6.12, as run: nginx asks for each request, HAProxy all the time",
        ]
    )

    private static let staleAddress = CauseGuide(
        .staleAddress,
        whatHappened: """
            The upstream's name has other addresses by now, and the gateway still dials one of the old ones: it \
            resolved the name once, or keeps answers longer than they are valid.
            """,
        signature: [
            "an attempt that fails at an address",
            "an earlier answer for a name held that address, or the gateway writes that name into its requests' Host field",
            "the newest answer before the attempt does not hold it, and later ones do not bring it back",
        ],
        lookAlikes: [
            .init(.connectRefused, "the newest answer still holds the address, or no answer is in the capture"),
            .init(.connectTimeout, "the same"),
            .init(.dnsFailure, "nothing is dialled"),
        ],
        contradicting: [
            "another name whose newest answer holds the address",
            "answers that rotate through more addresses than each of them holds",
        ],
        remedies: [
            Remedy(
                "nginx",
                """
                a variable in `proxy_pass` with `resolver`, or `server NAME resolve` with `zone` (since 1.27.3); until then \
                a reload after each move
                """
            ),
            Remedy("HAProxy", "`resolvers` on the server line, `hold obsolete` short"),
            Remedy("Envoy", "STRICT_DNS instead of a fixed address, `respect_dns_ttl`"),
            Remedy("Apache httpd", "`addressTTL` of the worker, or `disablereuse=on`"),
            Remedy("Caddy", "`dynamic a` with a short `refresh`; kept connections go on to the old address"),
            Remedy("upstream", "keep the old address serving until the record's time to live is over"),
        ],
        sources: ["RFC 1035 §3.2.1: time to live; nginx resolves `server` names once, at its start (as run, 1.22.1)"]
    )
}
