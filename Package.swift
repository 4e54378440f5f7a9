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

        .target(name: "Model", swiftSettings: hot),
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
            dependencies: ["Capture", "Dissection", "Reporting", "Model", "CCompression"],
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
