import Certificates
import CommandSupport
import ExactArithmetic
import Foundation
import Signing
import Specifications

/// A counterexample as a queue entry, the JSON of `vpals verify` or a certificate names it.
struct CounterexampleSource {
  /// In messages.
  let name: String
  let property: String
  let x: [Rational]
  let xPrime: [Rational]?
  let drop: Rational
  /// `sha256:…` of the network that it was found in.
  let network: String
  /// Of the specification that it was found with.
  let specification: String
  /// Where model and specification lay; nil when the source does not say.
  let modelPath: String?
  let specificationPath: String?

  /// The most bytes and the most properties of a JSON file.
  static let maximumBytes = 64 << 20
  static let maximumProperties = Specification.maximumProperties

  // MARK: JSON

  private struct Report: Decodable {
    struct Files: Decodable {
      let model: String
      let spec: String
    }

    struct Property: Decodable {
      let id: String
      let verdict: String
      let counterexample: Example?
    }

    struct Example: Decodable {
      let x: [String]
      let xPrime: [String]?
      let drop: String
    }

    let model: String
    let spec: String
    let files: Files?
    let properties: [Property]
  }

  /// Reads the JSON of `vpals verify --format json`.
  /// - Parameter wanted: The property; by default the only one that is violated.
  init(json path: String, property wanted: String?) throws {
    let bytes = try BoundedFile.read(path, maximumBytes: Self.maximumBytes)
    let report: Report
    do {
      report = try JSONDecoder().decode(Report.self, from: Data(bytes))
    } catch {
      throw CommandFailure(
        "\(path) is not what vpals verify --format json writes: \(Self.reason(error)); write it again, or name an entry "
          + "of the queue")
    }
    guard report.properties.count <= Self.maximumProperties else {
      throw CommandFailure(
        "\(path) has \(report.properties.count) properties; at most \(Self.maximumProperties) are read")
    }
    let violated = report.properties.filter { $0.counterexample != nil }
    let names = violated.prefix(20).map { oneLine($0.id) }.joined(separator: ", ")
    guard !violated.isEmpty else { throw CommandFailure("\(path) has no counterexample: nothing is violated") }
    let found: Report.Property
    if let wanted {
      guard let one = violated.first(where: { $0.id == wanted }) else {
        throw CommandFailure("\(path) has no counterexample to '\(oneLine(wanted))'; it has some to \(names)")
      }
      found = one
    } else {
      guard violated.count == 1 else {
        throw CommandFailure("\(path) has counterexamples to several properties; choose with --property: \(names)")
      }
      found = violated[0]
    }
    // Found above.
    guard let example = found.counterexample else { throw CommandFailure("\(path) has no counterexample") }
    func numbers(_ texts: [String], _ field: String) throws -> [Rational] {
      guard (1...Specification.maximumFeatures).contains(texts.count) else {
        throw CommandFailure(
          "\(path): \(field) has \(texts.count) numbers; expected 1 to \(Specification.maximumFeatures), one per feature"
        )
      }
      return try texts.enumerated().map { try Self.number($1, "\(field)[\($0)]", path) }
    }
    name = path
    property = found.id
    x = try numbers(example.x, "counterexample.x")
    xPrime = try example.xPrime.map { try numbers($0, "counterexample.xPrime") }
    drop = try Self.number(example.drop, "counterexample.drop", path)
    network = report.model
    specification = report.spec
    modelPath = report.files?.model
    specificationPath = report.files?.spec
  }

  // MARK: Certificates

  /// Reads a certificate, which keeps one counterexample to each violated property.
  /// - Parameter wanted: The property; by default the only one that is violated.
  init(certificate path: String, property wanted: String?) throws {
    let claims = try CertificateFile(contentsOf: path).certificate.claims
    let violated = claims.properties.compactMap { record -> (id: String, example: Counterexample)? in
      guard case .violated(let example) = record.outcome else { return nil }
      return (record.id, example)
    }
    let found = violated.filter { wanted == nil || $0.id == wanted }
    guard found.count == 1 else {
      let names = violated.prefix(20).map { oneLine($0.id) }.joined(separator: ", ")
      throw CommandFailure(
        violated.isEmpty
          ? "\(path) has no counterexample: nothing is violated"
          : "\(path) has counterexamples to \(names); choose one with --property")
    }
    name = path
    property = found[0].id
    x = found[0].example.x
    xPrime = found[0].example.xPrime
    drop = found[0].example.drop
    network = "sha256:\(claims.model.networkDigest)"
    specification = "sha256:\(claims.specification.digest)"
    let slash = path.lastIndex(of: "/")
    modelPath = slash.map { String(path[..<$0]) } ?? "."
    specificationPath = nil
  }

  private static func number(_ text: String, _ field: String, _ path: String) throws -> Rational {
    guard let number = Rational(text: text) else {
      throw CommandFailure(
        "\(path): \(field) is no exact number (\"n\" or \"n/d\", at most \(Rational.maximumTextLength) characters)")
    }
    return number
  }

  /// What the decoder missed, and where.
  private static func reason(_ error: any Error) -> String {
    func place(_ path: [any CodingKey]) -> String {
      let text = path.map { key in key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)" }.joined()
      return text.isEmpty ? "the top" : String(text.drop { $0 == "." })
    }
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      return oneLine("'\(key.stringValue)' is missing at \(place(context.codingPath))")
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
      return oneLine("a value of another type at \(place(context.codingPath))")
    default: return "it is not JSON"
    }
  }
}
