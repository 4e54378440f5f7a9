private import CLibpcap

/// The library behind live capture and filters.
package enum CaptureLibrary {
    /// libpcap's own words: name, version and what it was built with.
    package static var version: String { String(cString: pcap_lib_version()) }

    /// Has the allocator give blocks of 256 KiB and more back to the system as soon as they are free, for runs of weeks.
    package static func returnLargeBlocks() { gwsniff_return_large_blocks(256 << 10) }
}
