import Certificates
import ExactArithmetic
import Foundation
import Testing
import TestHelpers

@testable import Signing

/// A signer with a trust file that holds its key, valid through 2026.
struct Signer {
  let key = PrivateKey()
  var trust: TrustFile { TrustFile(keys: [Signer.entry(key.publicKey)]) }

  static let start = time("2026-01-01T00:00:00Z")
  static let end = time("2027-01-01T00:00:00Z")
  static let now = time("2026-06-01T00:00:00Z")

  static func time(_ text: String) -> Timestamp {
    guard let time = Timestamp(text: text) else { preconditionFailure("\(text) is no time") }
    return time
  }

  static func entry(_ key: PublicKey, state: TrustedKey.State = .active) -> TrustedKey {
    TrustedKey(publicKey: key, purpose: .certificates, validFrom: start, validUntil: end, state: state)
  }

  /// A certificate in which all holds.
  static let certificate: Certificate = {
    let example = StoreExamples.certificate()
    return Certificate(
      model: example.model, specification: example.specification, properties: [example.properties[1]],
      arithmetic: .real, verifier: example.verifier, solver: example.solver, startedAt: example.startedAt,
      finishedAt: example.finishedAt)
  }()
}

/// The code of the failure that `body` ends with; nil when it ends well.
func refusal<T>(_ body: () throws(SigningError) -> T) -> SigningError.Code? {
  do throws(SigningError) {
    _ = try body()
    return nil
  } catch {
    return error.code
  }
}

/// JSON taken apart and put together again by another program than ours.
struct Document {
  var members: [String: Any]

  struct NotAnObject: Error {}

  init(_ bytes: [UInt8]) throws {
    guard let members = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] else {
      throw NotAnObject()
    }
    self.members = members
  }

  var bytes: [UInt8] {
    get throws {
      [UInt8](try JSONSerialization.data(withJSONObject: members, options: [.sortedKeys, .withoutEscapingSlashes]))
    }
  }

  /// The envelope in a bundle, or the document itself.
  private var envelope: [String: Any] {
    get { members["dsseEnvelope"] as? [String: Any] ?? members }
    set {
      if members["dsseEnvelope"] == nil { members = newValue } else { members["dsseEnvelope"] = newValue }
    }
  }

  mutating func set(_ name: String, _ value: Any) { envelope[name] = value }

  mutating func setSignature(_ name: String, _ value: Any?) {
    guard var signatures = envelope["signatures"] as? [[String: Any]], !signatures.isEmpty else { return }
    signatures[0][name] = value
    envelope["signatures"] = signatures
  }

  /// Flips a bit of a base64 text.
  private static func flipped(_ text: Any?, byte place: (Int) -> Int) -> String {
    guard let text = text as? String, var data = Data(base64Encoded: text), !data.isEmpty else { return "" }
    data[place(data.count)] ^= 1
    return data.base64EncodedString()
  }

  mutating func flipPayload() { envelope["payload"] = Self.flipped(envelope["payload"], byte: { $0 / 2 }) }

  mutating func flipSignature() {
    let signatures = envelope["signatures"] as? [[String: Any]]
    setSignature("sig", Self.flipped(signatures?.first?["sig"], byte: { $0 - 1 }))
  }
}

/// A program that is not ours.
enum StockTool {
  struct Outcome {
    let status: Int32
    /// Standard output and standard error.
    let text: String
  }

  static func run(_ path: String, _ arguments: [String], input: String? = nil, in directory: String? = nil) throws
    -> Outcome
  {
    let scratch = TemporaryDirectory()
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    if let directory { process.currentDirectoryURL = URL(filePath: directory) }
    try Data((input ?? "").utf8).write(to: URL(filePath: "\(scratch.path)/input"))
    process.standardInput = try FileHandle(forReadingFrom: URL(filePath: "\(scratch.path)/input"))
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Outcome(status: process.terminationStatus, text: String(decoding: data, as: UTF8.self))
  }

  static let openssl = "/usr/bin/openssl"
  static let hasOpenSSL = FileManager.default.isExecutableFile(atPath: openssl)
  /// A missing openssl is a visible skip, and a failure in continuous integration.
  static let mayRunOpenSSL = hasOpenSSL || PythonTools.isContinuousIntegration

  @discardableResult
  static func openssl(_ arguments: String..., input: String? = nil, in directory: String) throws -> Outcome {
    try run(openssl, arguments, input: input, in: directory)
  }
}

extension TemporaryDirectory {
  func file(_ name: String) -> String { "\(path)/\(name)" }

  func write(_ bytes: [UInt8], to name: String, mode: Int = 0o644) throws {
    let url = URL(filePath: file(name))
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: url.path)
  }

  func write(_ text: String, to name: String, mode: Int = 0o644) throws {
    try write(Array(text.utf8), to: name, mode: mode)
  }

  func read(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: file(name)))) }
}
