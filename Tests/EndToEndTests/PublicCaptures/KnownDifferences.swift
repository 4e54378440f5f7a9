/// Public captures in which gwsniff and Wireshark count differently, per class, and why that is no fault of gwsniff's.
enum KnownDifferences {
    private static let noHeader = "a segment whose header is cut or lies about its length is no segment here"
    private static let bigTCP = "length 0 in IP and UDP is offload (BIG TCP); the inner packet is read, Wireshark stops"
    private static let cutFrame =
        "the IP packet is longer than its frame (the writer cut both lengths alike): what IP says was on the wire, Wireshark takes the rest"
    private static let zeroIsNone = "number 0 is a number; Wireshark keeps 0 for none seen yet"
    private static let optionOfTwo = "an IP option of two bytes is one; Wireshark stops at it"
    private static let noStatusLine = "no status line of RFC 9112 §4: a control character stands in it"
    private static let emptyLine =
        "what precedes the status line is skipped as empty lines are (RFC 9112 §2.2); Wireshark gives up"
    private static let takenPort = "Wireshark takes a client's port for another protocol's and reads no HTTP there"
    private static let noRequest =
        "a connection that opens with what is no request line is not taken for HTTP, whatever it is answered"

    static let reasons: [CountClass: [String: String]] = [
        .streams: [
            "OISF+suricata-verify/bug-76.pcap": noHeader,
            "OISF+suricata-verify/drop-protocol-change.pcap": noHeader,
            "ntop+nDPI/fuzz-2006-09-29-28586.pcap": noHeader,
            "the-tcpdump-group+tcpdump/bigtcp-ipv4-vxlan-ipv4.pcap": bigTCP,
        ],
        .syn: [
            "OISF+suricata-verify/bug-76.pcap": noHeader,
            "ntop+nDPI/fuzz-2006-09-29-28586.pcap": noHeader,
        ],
        .fin: ["boundary+wireshark/docbook/examples/test.cap": noHeader],
        .lostSegment: [
            "blitz+tcptrace/6syns.dmp": cutFrame,
            "blitz+tcptrace/long_rtt.dmp": cutFrame,
            "blitz+tcptrace/tcpudp.dmp": cutFrame,
            "zeek+zeek/tcp/reassembly.pcap": cutFrame,
        ],
        .ackLostSegment: [
            "blitz+tcptrace/6syns.dmp": cutFrame,
            "blitz+tcptrace/long_rtt.dmp": cutFrame,
            "blitz+tcptrace/tcpudp.dmp": cutFrame,
            "ntop+nDPI/fuzz-2006-09-29-28586.pcap": noHeader,
            "zeek+zeek/tcp/reassembly.pcap": cutFrame,
        ],
        .retransmission: [
            "OISF+suricata-verify/firewall/tcp-session-decode-malformed-ipv4.pcap": optionOfTwo,
            "ntop+nDPI/fuzz-2006-09-29-28586.pcap": noHeader,
        ],
        .fastRetransmission: ["zeek+zeek/tcp/reassembly.pcap": cutFrame],
        .windowUpdate: ["zeek+zeek/tcp/syn-then-ack-then-rst.pcap": zeroIsNone],
        .status: [
            "OISF+suricata-verify/http-evader/http-evader-382.pcap": noStatusLine,
            "OISF+suricata-verify/http-evader/http-evader-387.pcap":
                "Content-Length says where the response ends; Wireshark obeys a field behind a bare CR and waits for a chunk",
            "OISF+suricata-verify/http-evader/http-evader-392.pcap": noStatusLine,
            "OISF+suricata-verify/http-evader/http-evader-394.pcap": noStatusLine,
            "OISF+suricata-verify/http-evader/http-evader-480.pcap": emptyLine,
            "OISF+suricata-verify/http-evader/http-evader-489.pcap": emptyLine,
            "OISF+suricata-verify/http-evader/http-evader-490.pcap": emptyLine,
            "ajbanjara+Wireshark/SampleCaptures/c05-http-reply-r1.first3000.pcap":
                "a status of more than three digits is none (RFC 9112 §4); Wireshark takes its first three",
            "ajbanjara+Wireshark/SampleCaptures/c05-http-reply-r1.pcap.gz": takenPort,
            "ajbanjara+Wireshark/wiki-96afe2/pcapng-example.pcapng":
                "TLS, whose keys are in the file: Wireshark decrypts, gwsniff never does",
            "colinnewell+pcap2har-go/test/captures/insecure.pcap": takenPort,
            "zeek+zeek/http/http-bad-request-with-version.pcap": noRequest,
            "zeek+zeek/http/methods.pcap": noRequest,
            "zeek+zeek/http/no-uri.pcap": noRequest,
        ],
    ]

    /// Captures of an encapsulation that is not passed over, and its name: they count for no class.
    static let undecodedEncapsulations: [String: String] = [
        "OISF+suricata-verify/decode-etag-02.pcap": "802.1BR",
        "arkime+arkime/socks-http-example.pcap": "SOCKS",
        "arkime+arkime/socks-http-pass.pcap": "SOCKS",
        "arkime+arkime/socks5-http-302.pcap": "SOCKS",
        "kbandla+dpkt/examples/data/nb6-http.pcap": "L2TP",
        "the-tcpdump-group+libpcap/filter/AH-IPcomp-IPv6.pcap": "IPComp",
        "zeek+zeek/socks.pcap": "SOCKS",
        "zeek+zeek/tunnels/ayiya3.pcap": "AYIYA",
        "zeek+zeek/tunnels/gre-aruba-amsdu.pcap": "802.11 in GRE",
        "zeek+zeek/tunnels/socks.pcap": "SOCKS",
        "zeek+zeek/vntag_vlan_sandwich_clean.pcap": "VN-Tag",
    ]
}
