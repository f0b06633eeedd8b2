// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target: the language's strictest, and no warning left standing.
let settings: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let bigInt: Target.Dependency = .product(name: "BigInt", package: "BigInt")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

/// Kernels are optimised in debug builds too: the tests would otherwise take hours.
let kernelSettings: [CSetting] = [.unsafeFlags(["-O3", "-Wno-psabi"])]

/// A library target with the common settings.
func library(
  _ name: String, _ dependencies: [Target.Dependency], extra: [SwiftSetting] = [], exclude: [String] = []
) -> Target {
  .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings + extra)
}

/// A test target with the common settings.
func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

let package = Package(
  name: "vPALs",
  products: [
    .executable(name: "vpals", targets: ["vpals"]),
    .executable(name: "vpals-train", targets: ["vpals-train"]),
    .executable(name: "vpals-check", targets: ["vpals-check"]),
    .executable(name: "vpals-vnnlib", targets: ["vpals-vnnlib"]),
    .executable(name: "vpals-solver", targets: ["vpals-solver"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
    .package(url: "https://github.com/attaswift/BigInt", exact: "6.0.1"),
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
  ],
  targets: [
    // Trusted: exact arithmetic, networks, specifications, certificates, and the routine that accepts a leaf.
    library("ExactArithmetic", [bigInt]),
    library("Networks", ["ExactArithmetic", bigInt, crypto, protobuf], exclude: ["onnx.proto"]),
    library("Specifications", ["ExactArithmetic", bigInt, crypto, yams]),
    library("Certificates", ["Networks", "Specifications", "ExactArithmetic", crypto]),
    // What was certified and revoked, in a Merkle log that anyone can check.
    library("TransparencyLog", ["Certificates", crypto]),
    // The integer kernel of the checker, compiled for several instruction sets.
    .target(name: "CLeafBound", cSettings: kernelSettings),
    library(
      "ProofChecking",
      [
        "CLeafBound", crypto, "Certificates", "ExactArithmetic", bigInt, "Networks", "Specifications",
      ]),

    // Keys, signatures and the formats that stock tools verify.
    library("Signing", ["Certificates", "Networks", crypto]),

    // The solver. SMT is the only importer of libz3, and vpals-solver the only program that links it; the others ask it
    // by SolverProcess.
    .systemLibrary(name: "CZ3", pkgConfig: "z3", providers: [.apt(["libz3-dev"])]),
    library("SMT", ["CZ3", "ExactArithmetic", "SolverProcess", bigInt], extra: [.strictMemorySafety()]),
    library("SolverProcess", ["ExactArithmetic", bigInt]),
    // The binary32 kernel of the search. Never a ground for a verdict.
    .target(
      name: "CBoundSearch", cSettings: kernelSettings + [.unsafeFlags(["-ffp-contract=fast", "-fno-math-errno"])]),
    library(
      "Verification",
      [
        "CBoundSearch", "ExactArithmetic", bigInt, "Networks", "Specifications", "SolverProcess", "Certificates",
        "ProofChecking",
      ]),

    // For other solvers: SMT-LIB 2 from networks and queries, without the encoder above.
    library("Exporting", ["ExactArithmetic", bigInt, "Networks", "Specifications"]),

    // Data, training and the loop.
    library("Telemetry", []),
    library("Training", ["Networks", "ExactArithmetic", "Telemetry"]),
    library("CertificateStorage", ["Certificates", "ExactArithmetic", "Networks", "Signing", "TransparencyLog"]),
    library(
      "CertificateStorageSQLite", ["CertificateStorage", "Certificates", "ExactArithmetic", "TransparencyLog", grdb]),
    // What lies beside a model for others to check: the envelope, its place in the log, the signature of the directory.
    library("Evidence", ["Certificates", "CertificateStorage", "Signing", "TransparencyLog"]),
    library(
      "Retraining",
      [
        "Training", "Telemetry", "Verification", "ProofChecking", "CertificateStorage", "CertificateStorageSQLite",
        "Certificates", "Evidence", "Networks", "Specifications", "ExactArithmetic",
      ]),

    // Counterexamples for people: in units, as a sketch, as a figure.
    library(
      "Explaining",
      ["Verification", "Certificates", "Specifications", "Networks", "ExactArithmetic", "Telemetry"]),

    library(
      "Gating",
      [
        "Certificates", "ProofChecking", "Networks", "Signing", "Specifications", "TransparencyLog", "ExactArithmetic",
      ]),
    // What the gate found: for people, for programs, for the services that run it.
    library("GateReports", ["Gating", "Certificates", "Specifications"]),
    // For every program: messages, exit codes, tables. The second has the store and the solver with it.
    library("CommandBasics", [argumentParser]),
    // `vpals gate`, which is `vpals-check gate` as well.
    library("GateCommands", ["CommandBasics", "Gating", "GateReports", "Certificates", argumentParser]),
    library(
      "CommandSupport",
      [
        "CommandBasics", "CertificateStorage", "CertificateStorageSQLite", "Certificates", "Evidence", "Gating",
        "Signing",
        "TransparencyLog", "Verification", argumentParser,
      ]),

    // Executables: thin.
    .executableTarget(name: "vpals-solver", dependencies: ["SMT", "SolverProcess"], swiftSettings: settings),
    .executableTarget(
      name: "vpals",
      dependencies: [
        "Verification", "CertificateStorage", "CertificateStorageSQLite", "Certificates", "Networks", "Specifications",
        "ExactArithmetic", "Retraining", "Training", "Telemetry", "Gating", "GateCommands", "GateReports", "Exporting",
        "Explaining",
        "TransparencyLog", "Evidence", "Signing", "CommandSupport", argumentParser,
      ], swiftSettings: settings),
    .executableTarget(
      name: "vpals-check",
      dependencies: [
        "Certificates", "CommandBasics", "GateCommands", "ProofChecking", "Networks", "Signing", "Specifications",
        argumentParser,
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "vpals-vnnlib",
      dependencies: [
        "Verification", "Certificates", "Networks", "Specifications", "ExactArithmetic", "CommandSupport",
        argumentParser,
      ], swiftSettings: settings),
    .executableTarget(
      name: "vpals-train",
      dependencies: [
        "Retraining", "Training", "Telemetry", "Verification", "CertificateStorage", "CertificateStorageSQLite",
        "Certificates", "Evidence", "Networks", "Specifications", "ExactArithmetic", "CommandSupport", argumentParser,
      ], swiftSettings: settings),

    // Tests.
    .target(
      name: "TestHelpers",
      dependencies: ["CertificateStorage", "Certificates", "ExactArithmetic", "Networks", "Signing"],
      path: "Tests/Helpers",
      swiftSettings: settings),
    .executableTarget(
      name: "store-exerciser",
      dependencies: [
        "CertificateStorageSQLite", "CertificateStorage", "Certificates", "Evidence", "TransparencyLog", "TestHelpers",
      ],
      path: "Tests/StoreExerciser", swiftSettings: settings),
    tests("ExactArithmeticTests", ["ExactArithmetic", bigInt]),
    tests("NetworksTests", ["Networks", "Specifications", "ExactArithmetic", bigInt, protobuf], exclude: ["Fixtures"]),
    tests("SpecificationsTests", ["Specifications", "ExactArithmetic", "TestHelpers"], exclude: ["Golden"]),
    tests(
      "CertificatesTests",
      ["CertificateStorage", "Certificates", "Networks", "Specifications", "ExactArithmetic", "TestHelpers"]),
    tests(
      "EvidenceTests",
      [
        "Evidence", "Signing", "TransparencyLog", "CertificateStorage", "CertificateStorageSQLite", "Certificates",
        "ExactArithmetic", "TestHelpers", "store-exerciser",
      ]),
    tests(
      "SigningTests", ["Signing", "Certificates", "ExactArithmetic", "Networks", "TestHelpers"], exclude: ["Fixtures"]),
    tests(
      "CertificateStorageTests",
      [
        "CertificateStorageSQLite", "CertificateStorage", "Certificates", "ExactArithmetic", "TestHelpers",
        "store-exerciser", grdb,
      ]),
    tests("TransparencyLogTests", ["TransparencyLog", "Certificates", "TestHelpers", "store-exerciser", crypto]),
    tests("SMTTests", ["SMT", "SolverProcess", "ExactArithmetic", bigInt]),
    tests(
      "SolverProcessTests", ["SolverProcess", "ExactArithmetic", bigInt, "TestHelpers", "vpals-solver"],
      exclude: ["Fixtures"]),
    tests("TelemetryTests", ["Telemetry"]),
    tests("TrainingTests", ["Training", "Networks", "ExactArithmetic"]),
    tests(
      "ProofCheckingTests",
      ["ProofChecking", "Certificates", "Specifications", "Networks", "ExactArithmetic", bigInt, "TestHelpers"]),
    tests(
      "VerificationTests",
      [
        "Verification", "ProofChecking", "SolverProcess", "Certificates", "Specifications", "Networks",
        "ExactArithmetic", bigInt, "TestHelpers", "vpals-solver",
      ]),
    tests(
      "ExportingTests",
      [
        "Exporting", "Verification", "Certificates", "Specifications", "Networks", "ExactArithmetic", "TestHelpers",
        "vpals-solver",
      ], exclude: ["Golden"]),
    tests(
      "ExplainingTests",
      [
        "Explaining", "Verification", "Certificates", "Specifications", "Networks", "ExactArithmetic", "Telemetry",
        "TestHelpers",
      ], exclude: ["Golden"]),
    tests(
      "GatingTests",
      [
        "Gating", "GateReports", "ProofChecking", "Verification", "Certificates", "Evidence", "Signing",
        "TransparencyLog", "CertificateStorage", "CertificateStorageSQLite", "Specifications", "Networks",
        "ExactArithmetic", "TestHelpers", "vpals-solver",
      ], exclude: ["Golden"]),
    tests(
      "RetrainingTests",
      [
        "Retraining", "Training", "Telemetry", "Verification", "ProofChecking", "CertificateStorageSQLite",
        "CertificateStorage", "Certificates", "Evidence", "Signing", "Specifications", "Networks", "ExactArithmetic",
        "TestHelpers", "vpals-solver",
      ]),
    tests(
      "IntegrationTests",
      [
        "vpals", "vpals-train", "vpals-check", "vpals-vnnlib", "vpals-solver", "Retraining", "Training",
        "CertificateStorageSQLite", "CertificateStorage", "Networks", "Certificates", "Signing", "Specifications",
        "ExactArithmetic", "TransparencyLog", "TestHelpers",
      ], exclude: ["Fixtures"]),
  ],
  swiftLanguageModes: [.v6]
)

// For `make fuzz` alone: the fuzzer, and coverage counters in what it runs. Ordinary builds have neither.
if Context.environment["VPALS_FUZZ"] != nil {
  let trusted = [
    "ExactArithmetic", "Networks", "Specifications", "Certificates", "Signing", "TransparencyLog", "ProofChecking",
  ]
  for target in package.targets {
    if trusted.contains(target.name) {
      target.swiftSettings = (target.swiftSettings ?? []) + [.unsafeFlags(["-sanitize=fuzzer"])]
    } else if target.name == "CLeafBound" {
      target.cSettings = (target.cSettings ?? []) + [.unsafeFlags(["-fsanitize=fuzzer-no-link"])]
    }
  }
  package.targets.append(
    .executableTarget(
      name: "vpals-fuzz",
      dependencies: trusted.map { .byName(name: $0) },
      path: "Tests/Fuzzing",
      // libFuzzer has the main function.
      swiftSettings: settings + [.unsafeFlags(["-sanitize=fuzzer", "-parse-as-library"])],
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]))
  package.products.append(.executable(name: "vpals-fuzz", targets: ["vpals-fuzz"]))
}
