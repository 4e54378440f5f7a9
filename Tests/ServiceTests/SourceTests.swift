import Model
import Testing

@testable import Service

@Suite struct SourceTests {
    @Test("What is said to the service itself is not captured, whatever else is asked for")
    func ownTraffic() {
        let here = Endpoint(address: IPAddress(v4: 127, 0, 0, 1), port: 9_502)
        #expect(LiveSource.filter(nil, without: here) == "not (host 127.0.0.1 and tcp port 9502)")
        #expect(
            LiveSource.filter("tcp or icmp", without: here)
                == "(tcp or icmp) and not (host 127.0.0.1 and tcp port 9502)"
        )
        let everywhere = Endpoint(address: IPAddress(v4: 0), port: 80)
        #expect(LiveSource.filter(nil, without: everywhere) == "not (tcp port 80)")
        #expect(LiveSource.filter("tcp", without: nil) == "tcp")
        #expect(LiveSource.filter(nil, without: nil) == nil)
    }
}
