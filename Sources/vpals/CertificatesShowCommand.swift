import ArgumentParser
import CertificateStorage
import Certificates
import CommandSupport
import Evidence
import ExactArithmetic
import Foundation
import Signing

struct CertificatesShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows one certificate: what was proved, where, by what, who signed, and how to verify it yourself.")

  @Argument(help: "A certificate's file, or the first digits of its identifier in the store.")
  var certificate: String

  @Option(help: "The specification's file, for the commands that verify. (default: specs/SPEC.yaml)")
  var spec: String?

  @Option(help: "The trust file. (default: that of gate.yaml, or trust.json)")
  var trust: String?

  @Flag(help: "Only the commands that verify it with stock tools: a script for a shell.")
  var commands = false

  @Option(help: "text, or json for the certificate's own bytes.")
  var format = OutputFormat.text

  @OptionGroup var storeOption: StoreOption

  func run() throws {
    let found = try FoundCertificate(certificate, store: storeOption)
    let trust = try trust ?? EvidencePlaces().trust
    if commands {
      guard let steps = steps(found, trust: trust) else {
        throw CommandFailure(
          found.file == nil
            ? "no file of this certificate is known; name it instead of its identifier"
            : "nobody signed this certificate, so there is no signature to verify",
          next: "vpals certificates verify \(shellQuoted(certificate))")
      }
      printLine("set -e")
      for step in steps { printLine("# \(step.title)\n\(step.command)") }
      return
    }
    switch format {
    case .json: printLine(String(decoding: found.certificate.bytes, as: UTF8.self))
    case .text:
      for line in Self.lines(found, trust: trust, now: Timestamp(Date())) { printLine(line) }
      guard let path = found.file?.file else { return }
      printLine("")
      if let steps = steps(found, trust: trust) {
        printLine("verify it yourself, with stock tools (--commands prints them alone):")
        for step in steps { printLine("  # \(step.title)\n  \(oneLine(step.command))") }
        printLine("and the proofs:")
      } else {
        printLine("verify the proofs yourself:")
      }
      let model =
        "\(found.directory)/\(found.certificate.claims.model.files.first { $0.name.hasSuffix(".onnx") || $0.name.hasSuffix(".nnet") }?.name ?? "model.onnx")"
      let check = commandLine(["vpals-check", path, "--model", model, "--spec", specificationPath(found)])
      printLine("  \(oneLine(check))")
    }
  }

  private func specificationPath(_ found: FoundCertificate) -> String {
    spec ?? "specs/\(found.certificate.claims.specification.name).yaml"
  }

  private func steps(_ found: FoundCertificate, trust: String) -> [StockCommands.Step]? {
    guard let file = found.file, let signature = file.envelope.signatures.first else { return nil }
    return StockCommands.steps(
      path: file.file, keyID: signature.keyID, specification: found.certificate.claims.specification,
      specificationPath: specificationPath(found), trust: trust,
      isDirectorySigned: FileManager.default.fileExists(atPath: "\(found.directory)/\(ModelSignature.fileName)"),
      quoted: shellQuoted)
  }

  // MARK: Text

  private static func lines(_ found: FoundCertificate, trust: String, now: Timestamp) -> [String] {
    let certificate = found.certificate
    let claims = certificate.claims
    var lines = [
      "certificate    \(certificate.sha256)",
      "model          \(oneLine("\(claims.model.name)/\(claims.model.version)"))",
      "network        sha256:\(claims.model.networkDigest)",
    ]
    lines += claims.model.files.map { "file           \(oneLine($0.name))  sha256:\($0.sha256)  \($0.bytes) bytes" }
    lines.append("specification  \(oneLine(claims.specification.name))  sha256:\(claims.specification.digest)")
    lines += claims.specification.features.map { "  for all      \(oneLine($0.statement))" }
    if !claims.specification.outputs.isEmpty {
      lines.append(
        "  of           \(claims.specification.outputs.map { oneLine($0.statement) }.joined(separator: ", "))")
    }
    lines += [
      "arithmetic     \(claims.arithmetic): \(claims.arithmetic.meaning)",
      "data           \(claims.data.map(coverage) ?? "not known")",
      "verified by    \(tool(claims.verifier)) with \(tool(claims.solver)); proofs accepted by \(tool(claims.checker))",
      "verified       \(claims.startedAt) to \(claims.finishedAt)",
      "state          \(state(found, now: now))",
      "signature      \(signature(found, trust: trust, now: now))",
      "log            \(found.logLine)", "",
    ]
    for record in claims.properties { lines += Self.lines(record) }
    let holds = claims.properties.count { $0.outcome == .holds }
    lines += [
      "",
      "\(holds) of \(counted(claims.properties.count, "property", "properties")) \(claims.properties.count == 1 ? "is" : "are") "
        + "claimed to hold; vpals gate compares the claim with the files",
    ]
    return lines
  }

  private static func lines(_ record: PropertyRecord) -> [String] {
    var line = "\(record.outcome.mark) \(oneLine(record.id)): \(record.outcome.name)"
    line += ", \(secondsText(Double(record.milliseconds) / 1000)), \(counted(record.leaves, "leaf", "leaves"))"
    if let proof = record.proof { line += ", proof of \(proof.bytes) bytes" }
    if case .unknown(let reason) = record.outcome {
      line += " (\(oneLine("\(reason)")); a share of \(record.provedShare) proved)"
    }
    var lines = [line, "    \(oneLine(record.statement))"]
    if case .violated(let example) = record.outcome {
      lines.append("    x  ≈ \(list(example.x))")
      if let second = example.xPrime { lines.append("    x′ ≈ \(list(second))") }
      let values = [example.fx, example.fxPrime, example.drop].map { $0.map { short($0) } ?? "" }
      lines.append(
        "    f(x) ≈ \(values[0])\(example.fxPrime == nil ? "" : ", f(x′) ≈ \(values[1])"), fails by about \(values[2]); "
          + "the network's own numbers, exactly with --format json")
    }
    return lines
  }

  private static func coverage(_ data: Certificate.Coverage) -> String {
    func share(_ share: Certificate.Coverage.Share) -> String {
      "\(share.inside) of \(share.rows) rows (\(decimal(100 * Double(share.inside) / Double(max(1, share.rows)), 1)) %)"
    }
    return "in the domain lie \(share(data.training)) of training, \(share(data.heldOut)) held out"
  }

  private static func state(_ found: FoundCertificate, now: Timestamp) -> String {
    let expiry = found.certificate.claims.expiresAt
    if let revocation = found.stored?.revocation {
      return "revoked at \(revocation.revokedAt): \(oneLine(revocation.reason))"
    }
    if now >= expiry { return "expired at \(expiry)" }
    return "counts until \(expiry)"
      + (found.stored == nil ? "; whether it was revoked, only its store and log know" : "")
  }

  private static func signature(_ found: FoundCertificate, trust: String, now: Timestamp) -> String {
    guard let file = found.file else { return "no file is known: name it instead of the identifier" }
    guard let first = file.envelope.signatures.first else { return "none; the gate refuses the certificate" }
    do {
      let verified = try file.verified(by: try TrustFile(contentsOf: trust), now: now)
      return "good, by the key \(verified.keyIDs.joined(separator: ", ")) of \(oneLine(trust))"
    } catch {
      return "by the key \(oneLine(first.keyID)), but it does not count: \(oneLine("\(error)"))"
    }
  }

  private static func tool(_ tool: Certificate.Tool) -> String { oneLine("\(tool.name) \(tool.version)") }

  private static func list(_ numbers: [Rational]) -> String {
    "(\(numbers.map(short).joined(separator: ", ")))"
  }

  private static func short(_ number: Rational) -> String {
    let value = number.approximation
    return value == 0 || abs(value) >= 1e-4 ? decimal(value, 6) : "\(value)"
  }
}

extension PropertyRecord.Outcome {
  /// ✓, ✗ or ?.
  var mark: String {
    switch self {
    case .holds: "✓"
    case .violated: "✗"
    case .unknown: "?"
    }
  }
}
