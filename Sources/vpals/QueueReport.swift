import CertificateStorage
import Certificates
import CommandSupport
import ExactArithmetic

/// An entry of the queue as JSON and as text.
struct QueueReport: Encodable {
  let id: String
  let application: String
  let version: String
  let model: String
  let spec: String
  let property: String
  let state: String
  let engineering: [String]
  let x: [String]
  let xPrime: [String]?
  let fx: String
  let fxPrime: String?
  let drop: String
  let leasedBy: String?
  let leaseExpires: String?
  let consumedBy: String?
  let leaseCount: Int
  let createdAt: String
  let changedAt: String

  init(_ entry: QueueEntry) {
    let example = entry.found.counterexample
    id = entry.id
    application = entry.origin.application
    version = entry.origin.modelVersion
    model = "sha256:\(entry.origin.networkDigest)"
    spec = "sha256:\(entry.origin.specificationDigest)"
    property = entry.found.property
    state = entry.state.rawValue
    engineering = Self.text(entry)
    x = example.x.map(\.description)
    xPrime = example.xPrime?.map(\.description)
    fx = example.fx.description
    fxPrime = example.fxPrime?.description
    drop = example.drop.description
    leasedBy = entry.leasedBy
    leaseExpires = entry.leaseExpires?.description
    consumedBy = entry.consumedBy
    leaseCount = entry.leaseCount
    createdAt = entry.createdAt.description
    changedAt = entry.changedAt.description
  }

  private static func text(_ entry: QueueEntry) -> [String] {
    entry.found.engineering.split(separator: "\n", omittingEmptySubsequences: false).map { oneLine(String($0)) }
  }

  private static func consumer(_ entry: QueueEntry) -> String {
    if let version = entry.consumedBy { return "consumed by \(oneLine(version))" }
    return "not consumed yet"
  }

  /// One line on the entry, the others on the pair.
  static func summary(_ entry: QueueEntry) -> [String] {
    let state = entry.state.rawValue
    let padded = state + String(repeating: " ", count: max(0, 8 - state.count))
    let origin = oneLine("\(entry.origin.application)/\(entry.origin.modelVersion)")
    return [
      "\(entry.id.prefix(12))  \(padded)  \(oneLine(entry.found.property))  found in \(origin), \(consumer(entry))"
    ] + text(entry).map { "    \($0)" }
  }

  /// - Parameter nearest: The nearest measured row in words, if data is known.
  static func details(_ entry: QueueEntry, nearest: [String] = []) -> [String] {
    let example = entry.found.counterexample
    var lines = [
      "entry        \(entry.id)",
      "property     \(oneLine(entry.found.property))",
      "state        \(entry.state.rawValue) since \(entry.changedAt)",
      "found        \(entry.createdAt), last in \(oneLine("\(entry.origin.application)/\(entry.origin.modelVersion)"))",
      "             network sha256:\(entry.origin.networkDigest)",
    ]
    if entry.state == .leased, let owner = entry.leasedBy, let end = entry.leaseExpires {
      lines.append("leased       by \(oneLine(owner)) until \(end)")
    }
    lines.append("trained      \(consumer(entry)), leased \(counted(entry.leaseCount, "time"))")
    lines.append("")
    lines += (text(entry) + nearest).map { "    \($0)" }
    lines.append("")
    lines.append("exactly, in the network's own numbers:")
    lines.append("    x     = (\(example.x.map(\.description).joined(separator: ", ")))")
    if let second = example.xPrime {
      lines.append("    x′    = (\(second.map(\.description).joined(separator: ", ")))")
    }
    lines.append("    f(x)  = \(example.fx)")
    if let second = example.fxPrime { lines.append("    f(x′) = \(second)") }
    lines.append("    drop  = \(example.drop), about \(decimal(example.drop.approximation, 6))")
    return lines
  }

  /// The whole identifiers that abbreviations stand for.
  static func identifiers(_ prefixes: [String], _ store: any Store) throws -> [String] {
    var ids: [String] = []
    for prefix in prefixes {
      let id = try store.queueEntry(id: prefix).id
      if !ids.contains(id) { ids.append(id) }
    }
    return ids
  }
}
