// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

// Every access to a stored property of a class is checked for overlap at run time; the tests, which run on a debug build, keep that.
// Per packet it costs more than the reading: see docs/decisions.
let hot =
    settings + [
        .unsafeFlags(["-enforce-exclusivity=unchecked", "-cross-module-optimization"], .when(configuration: .release))
    ]

let model =
    settings + [
        .unsafeFlags(["-enforce-exclusivity=unchecked", "-enable-cmo-everything"], .when(configuration: .release))
    ]

let package = Package(
    name: "gwsniff",
    products: [.executable(name: "gwsniff", targets: ["gwsniff"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        .systemLibrary(name: "CLibpcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
        .systemLibrary(
            name: "CCompression",
            providers: [.apt(["zlib1g-dev", "libzstd-dev", "liblz4-dev"])]
        ),

        .target(name: "Model", swiftSettings: model),
        .target(name: "Capture", dependencies: ["Model", "CLibpcap", "CCompression"], swiftSettings: hot),
        .target(name: "Dissection", dependencies: ["Model"], swiftSettings: hot),
        .target(name: "Diagnosis", dependencies: ["Model"], swiftSettings: hot),
        .target(name: "Reporting", dependencies: ["Diagnosis", "Model"], swiftSettings: settings),
        .target(
            name: "Pipeline",
            dependencies: ["Capture", "Dissection", "Diagnosis", "Model"],
            swiftSettings: hot
        ),
        .target(
            name: "Evidence",
            dependencies: ["Capture", "Dissection", "Reporting", "Model"],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "gwsniff",
            dependencies: [
                "Evidence", "Pipeline", "Reporting", "Capture", "Diagnosis", "Model",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings
        ),

        .target(name: "TestSupport", dependencies: ["Model"], path: "Tests/TestSupport", swiftSettings: settings),
        .testTarget(name: "ModelTests", dependencies: ["Model", "TestSupport"], swiftSettings: settings),
        .testTarget(name: "CaptureTests", dependencies: ["Capture", "Model", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "DissectionTests",
            dependencies: ["Dissection", "Model", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "DiagnosisTests",
            dependencies: ["Diagnosis", "Model", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ReportingTests",
            dependencies: ["Reporting", "Diagnosis", "Model", "TestSupport"],
            exclude: ["Snapshots"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "EvidenceTests",
            dependencies: ["Evidence", "Pipeline", "Capture", "Dissection", "Reporting", "Model", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "Evidence", "Pipeline", "Reporting", "Capture", "Dissection", "Diagnosis", "Model", "TestSupport",
            ],
            swiftSettings: settings
        ),
    ]
)

// What lies beside the command, as products of their own, so that it links neither SQLite, nor an HTTP client, nor Foundation. What is not
// asked for is not even fetched: GWSNIFF_PARTS names what is ("service", "attach", both, or nothing), unset means all;
// tools/gwsniff and tools/gwsniffd set it to what somebody has built here.
let parts =
    Context.environment["GWSNIFF_PARTS"] ?? (Context.environment["GWSNIFF_PLAIN"] == nil ? "service attach" : "")

if parts.contains("service") {
    package.products.append(.executable(name: "gwsniffd", targets: ["gwsniffd"]))
    package.dependencies += [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ]
    package.targets += [
        .target(
            name: "Service",
            dependencies: [
                "Pipeline", "Reporting", "Capture", "Diagnosis", "Model", "Yams",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            resources: [
                .embedInCode("Web/Page/page.html"), .embedInCode("Web/Page/page.css"),
                .embedInCode("Web/Page/page.js"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "gwsniffd",
            dependencies: [
                "Service", "Evidence", "Reporting", "Model",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ServiceTests",
            dependencies: ["Service", "Reporting", "Diagnosis", "Model", "TestSupport"],
            swiftSettings: settings
        ),
    ]
}

if parts.contains("attach") {
    package.products.append(.executable(name: "gwsniff-attach", targets: ["gwsniff-attach"]))
    package.dependencies += [
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    ]
    package.targets += [
        .target(
            name: "Ticketing",
            dependencies: [
                "Evidence", "Reporting", "Model",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "gwsniff-attach",
            dependencies: [
                "Ticketing", "Evidence", "Reporting", "Model",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "TicketingTests",
            dependencies: [
                "Ticketing", "Evidence", "Reporting", "Model", "TestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
    ]
}
