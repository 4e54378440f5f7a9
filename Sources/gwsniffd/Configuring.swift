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
            guard let text = SmallFile.text(named) else {
                throw Failing.fail("\(named): cannot be read, is larger than 1 MiB or is no UTF-8", status: cannotOpen)
            }
            file = (named, text)
        } else if access(Gwsniffd.defaultConfigurationPath, F_OK) == 0 {
            let path = Gwsniffd.defaultConfigurationPath
            guard let text = SmallFile.text(path) else {
                throw Failing.fail("\(path): cannot be read, is larger than 1 MiB or is no UTF-8", status: cannotOpen)
            }
            file = (path, text)
        }
        do throws(ConfigurationError) {
            return try ConfigurationLoader.load(file: file, environment: environment, options: options)
        } catch {
            throw Failing.fail(error.message, status: wrongConfiguration)
        }
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
