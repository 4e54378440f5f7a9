import ArgumentParser
import Service

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// From options, environment and file to a configuration, or to a message and an exit status.
enum Configuring {
    private static let wrongConfiguration: Int32 = 78
    private static let cannotOpen: Int32 = 66

    static func load(_ path: String?, _ options: [ConfigurationLoader.Option]) throws -> ServiceConfiguration {
        let environment = Environment.all
        let named = path ?? environment["GWSNIFFD_CONFIG"]
        var file: (name: String, text: String)?
        if let named {
            file = (named, try text(of: named))
        } else if access(Gwsniffd.defaultConfigurationPath, F_OK) == 0 {
            file = (Gwsniffd.defaultConfigurationPath, try text(of: Gwsniffd.defaultConfigurationPath))
        }
        do throws(ConfigurationError) {
            return try ConfigurationLoader.load(file: file, environment: environment, options: options)
        } catch {
            throw Failing.fail(error.message, status: wrongConfiguration)
        }
    }
}

extension Configuring {
    private static func text(of path: String) throws -> String {
        if let text = SmallFile.text(path) { return text }
        var status = stat()
        if access(path, R_OK) != 0 {
            let isMissing = errno == ENOENT
            let reason = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
            throw Failing.fail(
                "\(path): the configuration cannot be read: \(reason)",
                hint: isMissing ? "without --config and GWSNIFFD_CONFIG the service runs on its defaults" : nil,
                status: cannotOpen
            )
        }
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            throw Failing.fail("\(path): is a directory, not a configuration", status: cannotOpen)
        }
        throw Failing.fail("\(path): is no configuration: larger than 1 MiB, or not UTF-8", status: cannotOpen)
    }
}

enum Environment {
    static var all: [String: String] {
        var result: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let sides = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if sides.count == 2 { result[String(sides[0])] = String(sides[1]) }
            entry += 1
        }
        return result
    }
}
