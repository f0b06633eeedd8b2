import CertificateStorage
import Certificates
import CommandSupport
import Evidence
import ExactArithmetic
import Explaining
import Foundation
import Networks
import Retraining
import Specifications
import Verification

/// The answer of `vpals verify`, as text and as the JSON of the command contract.
struct VerifyReport {
  let target: ModelTarget
  let network: ExactNetwork
  let specification: Specification
  let properties: [Property]
  let results: [PropertyResult]
  let arithmetic: Certificate.Arithmetic
  let evidence: Evidence
  let found: [FoundCounterexample]
  /// Where searches that ended undecided are kept, by property.
  let saved: [String: String]
  /// `--store` and its value when it is not the default one: what the next command must name too.
  let sameStore: [String]
  /// The rows that counterexamples are compared with.
  let measured: MeasuredRows?
  /// Whether the trust file has a key that may sign, whose private half is elsewhere.
  let hasSigningKeys: Bool
  /// `--data` and its value, when it was given.
  let sameData: [String]

  /// What became of the certificate.
  enum Evidence {
    /// Some properties were left out: there is none.
    case none
    /// An earlier one decides more than this run did, and stays.
    case earlier(path: String)
    /// `log` is the name of the log, when there is one.
    case issued(Issuer.Issued, log: String?, unsignedBecause: String?)

    var path: String? {
      switch self {
      case .none: nil
      case .earlier(let path): path
      case .issued(let issued, _, _): issued.path
      }
    }

    /// Who signed, and where it is logged.
    var line: String? {
      guard case .issued(let issued, let log, let reason) = self else { return nil }
      let signature =
        issued.keyID.map { "signed by the key \($0.prefix(16))" } ?? "not signed: \(reason ?? "there is no key")"
      guard let log, let index = issued.logIndex else { return "\(signature); not logged" }
      return "\(signature); entry \(index) of the log \(log)"
    }

    var isSigned: Bool {
      guard case .issued(let issued, _, _) = self else { return false }
      return issued.keyID != nil
    }
  }

  private var certificate: String? { evidence.path }

  var violated: Int { results.count { if case .violated = $0.verdict { true } else { false } } }
  var undecided: Int { results.count { if case .unknown = $0.verdict { true } else { false } } }
  var exitCode: Int32 { violated > 0 ? 1 : undecided > 0 ? 3 : 0 }

  private struct JSONNearestRow: Encodable {
    let path: String
    /// From 1, without the header.
    let row: Int
    let line: Int
    /// The greatest difference in a feature, in widths of its domain.
    let distance: Double
    let feature: String
  }

  /// Where model and specification were read: what `vpals explain` looks for.
  private struct JSONFiles: Encodable {
    let model: String
    let spec: String
  }

  private struct JSONCounterexample: Encodable {
    /// The violated query, from 0.
    let query: Int
    let x: [String]
    let xPrime: [String]?
    let fx: String
    let fxPrime: String?
    let drop: String
    let dropInUnits: String
    let text: [String]
    let nearestRow: JSONNearestRow?
  }

  private struct JSONProof: Encodable {
    let path: String?
    let bytes: Int
    let checked: Bool
    /// Processor time of the checker.
    let checkSeconds: Double
  }

  private struct JSONRepair: Encodable {
    let output: String
    let feature: String
    /// What to add (for a claim that nothing decreases) or to subtract, per unit of the feature above `lowerEnd`.
    let slope: String
    let lowerEnd: String
    let change: String
  }

  private struct JSONProperty: Encodable {
    let id: String
    let verdict: String
    let reason: String?
    let seconds: Double
    let cpuSeconds: Double
    let leaves: Int
    let solverLeaves: Int
    let proof: JSONProof?
    let provedShare: Double
    let lowerBound: String?
    /// For undecided properties: what would make each monotone query hold that is still open.
    let repairs: [JSONRepair]?
    /// Where the search that ended undecided is kept.
    let search: String?
    let counterexample: JSONCounterexample?
    let counterexamples: Int
  }

  private struct JSONReport: Encodable {
    let model: String
    let spec: String
    let arithmetic: String
    let certificate: String?
    /// The key's id; absent when nobody signed.
    let signedBy: String?
    let logIndex: Int?
    let files: JSONFiles
    let properties: [JSONProperty]
  }

  func json() throws -> String {
    var issued: Issuer.Issued?
    if case .issued(let new, _, _) = evidence { issued = new }
    let report = JSONReport(
      model: network.digest, spec: specification.digest, arithmetic: arithmetic.description,
      certificate: certificate, signedBy: issued?.keyID, logIndex: issued?.logIndex,
      files: JSONFiles(model: target.modelPath, spec: target.specificationPath),
      properties: zip(properties, results).map { property, result in
        var reason: String?
        var examples: [Counterexample] = []
        switch result.verdict {
        case .holds: break
        case .violated(let found): examples = found
        case .unknown(let why): reason = why.description
        }
        return JSONProperty(
          id: result.id, verdict: result.verdict.name, reason: reason, seconds: result.seconds,
          cpuSeconds: result.cpuSeconds, leaves: result.leaves, solverLeaves: result.solverLeaves,
          proof: result.proof.map { proof in
            JSONProof(
              path: certificate.map { _ in
                "\(target.directory)/\(ProofFile.name(specification: specification.name, property: result.id))"
              }, bytes: proof.bytes, checked: true, checkSeconds: proof.checkSeconds)
          },
          provedShare: result.provedShare, lowerBound: result.lowerBound?.description,
          repairs: repairs(property, result), search: saved[result.id],
          counterexample: examples.first.map { example in
            JSONCounterexample(
              query: example.query, x: example.x.map(\.description), xPrime: example.xPrime?.map(\.description),
              fx: example.fx.description, fxPrime: example.fxPrime?.description, drop: example.drop.description,
              dropInUnits: specification.describeDrop(of: property, query: example.query, drop: example.drop),
              text: FoundCounterexample.lines(property, example, specification), nearestRow: nearestRow(example))
          }, counterexamples: examples.count)
      })
    return try jsonText(report)
  }

  private func nearestRow(_ example: Counterexample) -> JSONNearestRow? {
    guard let measured else { return nil }
    let points = [example.x] + (example.xPrime.map { [$0] } ?? [])
    return measured.nearest(to: points, count: 1).first.map { nearest in
      JSONNearestRow(
        path: measured.path, row: nearest.row.number, line: nearest.row.line, distance: nearest.distance,
        feature: specification.features[nearest.feature].name)
    }
  }

  /// What the certified bounds leave open of an undecided property.
  private func gaps(_ property: Property, _ result: PropertyResult) -> [RemainingGap] {
    guard case .unknown = result.verdict else { return [] }
    return result.lowerBounds.enumerated().compactMap { query, bound in
      bound.flatMap { specification.gap(of: property, query: query, lowerBound: $0) }
    }
  }

  private func repairs(_ property: Property, _ result: PropertyResult) -> [JSONRepair]? {
    let repairs = gaps(property, result).compactMap(\.repair)
    guard !repairs.isEmpty else { return nil }
    return repairs.map {
      JSONRepair(
        output: specification.outputs[$0.output].name, feature: specification.features[$0.feature].name,
        slope: $0.slope.description, lowerEnd: $0.lowerEnd.description, change: $0.change.description)
    }
  }

  /// What shows the first counterexample to a property in full.
  private func explainCommand(_ property: Property) -> String? {
    guard let first = found.first(where: { $0.property == property.id }) else { return nil }
    let id = String(QueueEntry.id(application: target.application, found: first).prefix(12))
    // The queue knows an application's version by name, not where it lies.
    let isFound =
      target.directory == "models/\(target.application)/\(target.version)"
      && target.specificationPath == "specs/\(target.application).yaml"
    let place = isFound ? [] : ["--model", target.argument, "--spec", target.specificationPath]
    return commandLine(["vpals", "explain", id] + place + sameData + sameStore)
  }

  func lines() -> [String] {
    var lines = ["\(target.modelPath)  \(network.digest.prefix(19))…", "\(target.specificationPath)", ""]
    for (property, result) in zip(properties, results) {
      let mark =
        switch result.verdict {
        case .holds: "✓"
        case .violated: "✗"
        case .unknown: "?"
        }
      var line = "\(mark) \(result.id): \(result.verdict.name), \(secondsText(result.seconds))"
      if result.leaves > 0 { line += ", \(result.leaves) \(result.leaves == 1 ? "leaf" : "leaves")" }
      if case .unknown(let reason) = result.verdict {
        line += " (\(reason); \(decimal(result.provedShare * 100, 3)) % proved)"
      }
      lines.append(line)
      lines += gaps(property, result).flatMap(\.lines).map { "    \($0)" }
      guard case .violated(let examples) = result.verdict else { continue }
      for example in examples.prefix(3) {
        lines += FoundCounterexample.lines(property, example, specification).map { "    \($0)" }
        if let measured {
          lines += specification.describeNearest(to: example, of: property, in: measured).map { "    \(oneLine($0))" }
        }
      }
      if examples.count > 3 { lines.append("    and \(examples.count - 3) more in the retraining queue") }
      if let command = explainCommand(property) { lines.append("    closer: \(command)") }
    }
    lines += ["", "\(arithmetic): \(arithmetic.meaning)"]
    let count = "\(results.count - violated - undecided) of \(results.count) properties hold"
    switch evidence {
    case .earlier(let path): lines.append("\(count); the earlier certificate decides all and stays: \(path)")
    case .issued(let issued, _, _): lines.append("\(count); certificate: \(issued.path)")
    case .none: lines.append(count)
    }
    if let line = evidence.line { lines.append(line) }
    if violated > 0 {
      if target.isVersion {
        let train = ["vpals-train", target.application, "--queue", "--until-proven"] + sameStore
        lines.append("next: \(commandLine(train))  # retrains on the counterexamples")
      } else {
        lines.append(
          "next: \(commandLine(["vpals", "queue", "list", "--application", target.application] + sameStore))")
      }
    } else if undecided > 0 {
      let verify = ["vpals", "verify", target.argument, "--spec", target.specificationPath]
      // More time finds no certificate for a cell that has none; Z3 alone has an answer without proof.
      let isStuck = results.allSatisfy { result in
        if case .unknown(let reason) = result.verdict { reason == .noProof } else { true }
      }
      let how = isStuck ? ["--engine", "smt"] : ["--resume", "--timeout", "1h"]
      lines.append("next: \(commandLine(verify + how + sameStore))\(isStuck ? "  # an answer, but no proof" : "")")
    } else if results.contains(where: { $0.proof == nil }) {
      // The gate would refuse it.
      let verify = ["vpals", "verify", target.argument, "--spec", target.specificationPath]
      lines.append("the solver's word is no proof, and the gate asks for proofs")
      lines.append("next: \(commandLine(verify + sameStore))")
    } else if case .issued = evidence, !evidence.isSigned, target.isVersion {
      // The gate would refuse it.
      let verify = ["vpals", "verify", target.argument, "--spec", target.specificationPath]
      let keys = hasSigningKeys ? ["--signing-key", "FILE"] : []
      lines.append(
        "next: \(hasSigningKeys ? "" : "vpals keys init && ")\(commandLine(verify + keys + sameStore))  # the gate asks for a "
          + "signature")
    } else if case .issued = evidence, !target.isVersion, let certificate {
      let check = ["vpals-check", certificate, "--model", target.modelPath, "--spec", target.specificationPath]
      lines.append("next: \(commandLine(check))  # the gate judges models/APP/vNNNN alone")
    } else if certificate != nil, target.isVersion {
      lines.append("next: vpals gate \(shellQuoted(target.directory))")
    }
    return lines
  }
}
