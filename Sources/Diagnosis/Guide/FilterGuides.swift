import Model

extension CauseGuides {
    /// What the network or a filter says about the upstream by ICMP, or by silence of the neighbour.
    static let filters: [CauseGuide] = [icmpPortUnreachable, icmpAdminProhibited, hostUnreachable]

    private static let icmpPortUnreachable = CauseGuide(
        .icmpPortUnreachable,
        whatHappened: """
            A packet filter rejects the connection with ICMP port unreachable, the default of nftables and iptables \
            REJECT. The gateway's log says "Connection refused", as if the port were closed.
            """,
        signature: ["SYN from the gateway", "ICMP type 3 code 3 (ICMPv6 type 1 code 4) that quotes this SYN"],
        lookAlikes: [
            .init(.connectRefused, "a RST answers the SYN; the gateway's log is the same"),
            .init(.icmpAdminProhibited, "ICMP code 9, 10 or 13: the filter says that it is one"),
        ],
        contradicting: ["the SYN connected after all", "the ICMP error quotes a datagram, not this SYN"],
        remedies: [
            Remedy(
                "network",
                """
                on the sender of the ICMP error (shown in the finding) allow the gateway's address to the upstream's \
                port: `nft list ruleset`, `iptables -L -nv`
                """
            ),
            Remedy("upstream", "if the sender is the upstream itself, it is its host firewall"),
            Remedy("nginx", "a peer on another path as `backup`"),
            Remedy("HAProxy", "`option redispatch 1` with a second server"),
            Remedy("Envoy", "`retry_on: connect-failure`, outlier detection, while the filter is corrected"),
            Remedy("Caddy", "`lb_try_duration` with a second upstream"),
        ],
        logLines: [
            .init("nginx", "connect() failed (111: Connection refused) while connecting to upstream"),
            .init("HAProxy", "termination state SC"),
            .init("Envoy", "UF, delayed_connect_error: Connection refused"),
            .init("Caddy", "connect: connection refused"),
        ],
        sources: [
            "RFC 792, RFC 4443 §3.1: destination unreachable",
            "RFC 1122 §3.2.2.1: a host answers TCP without listener by RST, not by port unreachable",
        ]
    )

    private static let icmpAdminProhibited = CauseGuide(
        .icmpAdminProhibited,
        whatHappened: """
            A router or firewall forbids the connection and says so by ICMP. The gateway's log says "No route to \
            host" or "Network is unreachable", although routing is fine.
            """,
        signature: [
            "SYN from the gateway",
            """
            ICMP type 3 code 9, 10 or 13 (ICMPv6 type 1 code 1, 5 or 6) that quotes this SYN; its sender is the filter
            """,
        ],
        lookAlikes: [
            .init(.hostUnreachable, "ICMP code 0, 1 or 6: a routing problem, with the same text in the gateway's log"),
            .init(.connectTimeout, "a filter that drops without a word"),
        ],
        contradicting: ["the SYN connected after all"],
        remedies: [
            Remedy(
                "network",
                """
                allow the gateway's address to the upstream's port on the sender of the ICMP error, shown in the \
                finding
                """
            ),
            Remedy("nginx", "a peer on another path as `backup`"),
            Remedy("HAProxy", "`option redispatch 1` with a second server"),
            Remedy("Envoy", "`retry_on: connect-failure`, outlier detection, while the filter is corrected"),
            Remedy("Caddy", "`lb_try_duration` with a second upstream"),
        ],
        logLines: [
            .init("nginx", "connect() failed (113: No route to host) while connecting to upstream"),
            .init("HAProxy", "termination state SC"),
            .init("Envoy", "UF, delayed_connect_error: No route to host, or Network is unreachable"),
            .init("Caddy", "connect: no route to host"),
        ],
        sources: [
            "RFC 1812 §5.2.7.1: codes 9, 10 and 13",
            "RFC 4443 §3.1: codes 1, 5 and 6",
            "Linux: code 13 and 10 become EHOSTUNREACH, 9 becomes ENETUNREACH",
        ]
    )

    private static let hostUnreachable = CauseGuide(
        .hostUnreachable,
        whatHappened: """
            The host is not there: a router says that it has no way to it, or on the same network nobody answers for its \
            address. Usually the machine is down, moved, or its address is wrong.
            """,
        signature: [
            """
            variant icmp: ICMP type 3 code 0, 1, 6 or 7 (ICMPv6 type 1 code 0 or 3) quotes the SYN; often after 3 s, \
            the router's own ARP timeout
            """,
            "variant neighbour: ARP or neighbour solicitation for the upstream repeats unanswered, and no SYN leaves",
        ],
        lookAlikes: [
            .init(.icmpAdminProhibited, "codes 9, 10, 13 come from a filter, with the same text in the gateway's log"),
            .init(.connectTimeout, "SYNs leave and nothing at all comes back"),
        ],
        contradicting: ["the neighbour answered in between", "a SYN-ACK from the same address"],
        remedies: [
            Remedy("upstream", "is the machine or container up, and is this still its address?"),
            Remedy("network", "routes and VLAN between gateway and upstream; with containers, the overlay network"),
            Remedy(
                "nginx",
                """
                a second peer or `backup`; `proxy_connect_timeout` above 3 s shows the reason (502) instead of a \
                timeout (504)
                """
            ),
            Remedy("HAProxy", "`check`, `option redispatch 1`"),
            Remedy("Envoy", "active health checks, outlier detection"),
            Remedy("Caddy", "`lb_try_duration` with a second upstream, active health checks (`health_uri`)"),
        ],
        logLines: [
            .init("nginx", "connect() failed (113: No route to host) while connecting to upstream"),
            .init("HAProxy", "termination state SC or sC"),
            .init("Envoy", "UF, delayed_connect_error: No route to host"),
            .init("Caddy", "connect: no route to host"),
        ],
        sources: [
            "RFC 792 and RFC 1122 §3.2.2.1: codes 0, 1, 6, 7",
            "RFC 4861 §7.2.2: address resolution gives up after three solicitations, one second apart; Linux ARP alike",
        ]
    )
}
