/// Public captures in which gwsniff and Wireshark count differently, and why that is no fault of gwsniff's.
enum KnownDifferences {
    private static let noHeader = "a segment whose header is cut or lies about its length is no segment here"
    private static let notPassedOver = "an outer header that is not passed over: "

    static let reasons: [String: String] = [
        "OISF+suricata-verify/bug-76.pcap": noHeader,
        "OISF+suricata-verify/drop-protocol-change.pcap": noHeader,
        "boundary+wireshark/docbook/examples/test.cap": noHeader,
        "ntop+nDPI/fuzz-2006-09-29-28586.pcap": noHeader,
        "OISF+suricata-verify/decode-etag-02.pcap": notPassedOver + "802.1BR",
        "kbandla+dpkt/examples/data/nb6-http.pcap": notPassedOver + "L2TP",
        "zeek+zeek/tunnels/ayiya3.pcap": notPassedOver + "AYIYA",
        "zeek+zeek/tunnels/gre-aruba-amsdu.pcap": notPassedOver + "802.11 in GRE",
        "zeek+zeek/vntag_vlan_sandwich_clean.pcap": notPassedOver + "VN-Tag",
        "the-tcpdump-group+tcpdump/bigtcp-ipv4-vxlan-ipv4.pcap":
            "length 0 in IP and UDP is offload (BIG TCP); the inner packet is read, Wireshark stops",
    ]
}
