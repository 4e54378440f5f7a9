package import Model

/// Everything that can be set of the service, with its defaults.
package struct ServiceConfiguration: Sendable, Equatable {
    package var capture = CaptureSettings()
    package var http = HTTPSettings()
    package var metrics = MetricsSettings()
    package var health = HealthSettings()
    package var history = HistorySettings()
    package var recorder = RecorderSettings()
    package var log = LogSettings()

    package init() {}
}

package struct CaptureSettings: Sendable, Equatable {
    package var interfaces = ["any"]
    /// BPF expression; nil lets everything through.
    package var filter: String?
    /// Bytes kept of each packet.
    package var snapshotLength = 262_144
    /// Bytes of the kernel's buffer.
    package var bufferSize = 64 << 20
    package var isPromiscuous = true
    package var gateways: [AddressPrefix] = []
    package var upstreams: [AddressPrefix] = []
    /// Bytes that the analysis may take, about.
    package var maximumMemory = 512 << 20
    /// Where every captured packet is kept, besides what the recorder keeps; nil for nowhere. And when another file is begun.
    package var savefile: String?
    package var savefileSize: Int?
    package var savefileTime: Nanoseconds?
    package var savefileCount: Int?
    /// Whom the process becomes once the interfaces are open; nil stays who it is.
    package var user: String?
}

package struct HTTPSettings: Sendable, Equatable {
    /// Nil serves nothing.
    package var listen: Endpoint? = Endpoint(address: IPAddress(v4: 127, 0, 0, 1), port: 9_502)
    /// Names by which browsers may call the server, besides its address and localhost.
    package var allowedHosts: [String] = []
    package var hasPage = true
}

package struct MetricsSettings: Sendable, Equatable {
    package struct Group: Sendable, Equatable {
        package var name: String
        package var members: [AddressPrefix]
    }

    /// Upstreams, or groups of them, that get series of their own; the others share one.
    package var largestUpstreamCount = 100
    /// Upstreams that share a name in the metrics and on the page. The first that contains one names it.
    package var groups: [Group] = []
}

package struct HealthSettings: Sendable, Equatable {
    /// A last packet older than this is unhealthy; nil: a quiet network is none.
    package var largestPacketAge: Nanoseconds?
}

package struct HistorySettings: Sendable, Equatable {
    /// Nil keeps none.
    package var path: String? = "/var/lib/gwsniff/history.sqlite"
    package var maximumAge: Nanoseconds = .seconds(90 * 86_400)
    package var maximumSize = 512 << 20
}

package struct RecorderSettings: Sendable, Equatable {
    /// Nil records nothing.
    package var directory: String? = "/var/lib/gwsniff/evidence"
    package var before: Nanoseconds = .seconds(30)
    package var after: Nanoseconds = .seconds(10)
    /// Bytes of memory for the recent packets.
    package var memory = 256 << 20
    /// Bytes of each packet that are written; nil writes all.
    package var largestPacket: Int?
    /// The same incident is not recorded again for so long.
    package var pause: Nanoseconds = .seconds(600)
    package var mostPerHour = 60
    /// Gateway logs of which a line that matches makes it record.
    package var logs: [String] = []
    /// POSIX extended regular expression; nil for what tells of a failed request in the logs of the usual gateways.
    package var logPattern: String?
    /// Bytes of the directory's evidence files; the oldest go.
    package var maximumSize = 2 << 30
}

package struct LogSettings: Sendable, Equatable {
    package enum Level: String, Sendable, CaseIterable {
        case debug, info, notice, warning, error
    }

    package var level = Level.info
}
