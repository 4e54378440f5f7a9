private import CLibpcap

/// The library behind live capture and filters.
package enum CaptureLibrary {
    /// libpcap's own words: name, version and what it was built with.
    package static var version: String { String(cString: pcap_lib_version()) }
}
