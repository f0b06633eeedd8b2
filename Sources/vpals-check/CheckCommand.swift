import ArgumentParser
import Certificates
import CommandBasics
import Foundation
import GateCommands
import Networks
import ProofChecking
import Signing
import Specifications

/// Checks certificates, alone: neither solver nor store is linked.
@main
struct CheckProgram: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vpals-check",
    abstract: "Checks a certificate against its model and specification, or all of a repository.",
    discussion: """
      Neither solver nor store is needed: this program, the files and a trust file are enough.
      """,
    version: "vpals-check \(VPALs.version)", subcommands: [CheckCommand.self, GateCommand.self],
    defaultSubcommand: CheckCommand.self)

  static func main() { runAsProgram() }
}

/// Checks a certificate and its proofs.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certificate",
    abstract: "Checks a certificate against its model and specification; the word may be left out.",
    discussion: """
      Prints the digests that it computed and the properties as it understood them, and checks the proof of each, which \
      lies beside the certificate. For an invalid proof it names the first node that fails and the rule. Signatures, the \
      log and the calendar are for the gate; see vpals-check gate.

      Exit code: 0 valid, 1 not valid, 2 unreadable.
      """)

  @Argument(help: "The certificate, SPEC.intoto.json.")
  var certificate: String

  @Option(help: "The ONNX file, with its external data beside it, or the NNet file.")
  var model: String

  @Option(help: "The specification.")
  var spec: String

  @Option(help: "A trust file: the certificate must be signed by one of its keys, and not be expired.")
  var trust: String?

  func run() throws { throw ExitCode(try check() ? 0 : 1) }

  /// Prints the findings; true when everything that the certificate claims was checked.
  private func check() throws -> Bool {
    let file: CertificateFile
    let trusted: TrustFile?
    let read: StoredNetwork
    let specification: Specifications.Specification
    do {
      file = try CertificateFile(contentsOf: certificate)
      trusted = try trust.map { try TrustFile(contentsOf: $0) }
      read = try StoredNetwork(
        bytes: try BoundedFile.read(model, maximumBytes: StoredNetwork.maximumBytes), path: model)
      specification = try Specifications.Specification.read(path: spec)
    } catch let error as NetworkError {
      throw CommandFailure("\(model): \(error)")
    } catch {
      throw CommandFailure("\(error)")
    }
    let claims = file.certificate.claims
    let stored = read.network
    let network = ExactNetwork(stored)
    var problems: [String] = []
    printLine("network        \(network.digest)")
    for file in read.files.dropFirst() { printLine("data file      \(file.name)  sha256:\(file.sha256)") }
    for remark in read.remarks { printLine("note           \(remark)") }
    printLine("specification  \(specification.digest)")
    if !network.digest.hasSuffix(claims.model.networkDigest) {
      problems.append("\(model) is not the network that the certificate speaks of")
    }
    for (index, file) in read.files.enumerated()
    where !claims.model.files.contains(where: { $0.sha256 == file.sha256 && (index == 0 || $0.name == file.name) }) {
      let name = index == 0 ? model : file.name
      problems.append("the bytes of \(name) are not those that the certificate speaks of")
    }
    if !specification.digest.hasSuffix(claims.specification.digest) {
      problems.append("\(spec) does not mean what the certificate's specification means")
    }
    if claims.specification.features != specification.certificateFeatures
      || claims.specification.outputs != specification.certificateOutputs
    {
      problems.append("the certificate describes other features or outputs than \(spec)")
    }
    if specification.properties.map(\.id) != claims.properties.map(\.id) {
      problems.append("the certificate speaks of other properties than \(spec)")
    }
    printLine("certificate    \(file.certificate.sha256), counts until \(claims.expiresAt)")
    if let trusted {
      let now = Timestamp(Date())
      do {
        let signed = try file.verified(by: trusted, now: now)
        printLine("signed by      \(signed.keyIDs.joined(separator: ", "))")
      } catch {
        problems.append("\(error)")
      }
      if now >= claims.expiresAt { problems.append("the certificate expired at \(claims.expiresAt)") }
    }
    printLine("arithmetic     \(claims.arithmetic): \(claims.arithmetic.meaning)")
    do {
      try specification.checkArity(inputCount: network.inputCount, outputCount: network.outputCount)
      if let problem = claims.arithmetic.problem(
        network: stored, specification: specification, records: claims.properties)
      {
        problems.append("\(claims.arithmetic) is not true of \(model): \(problem)")
      }
    } catch {
      problems.append("\(error)")
    }
    for record in claims.properties {
      printLine("property       \(record.id): claimed to be \(record.outcome.name)")
      if let property = specification.properties.first(where: { $0.id == record.id }) {
        printLine("               \(property.statement)")
        if !property.queries.map(\.digest).elementsEqual(record.queryDigests, by: { $0.hasSuffix($1) }) {
          problems.append("property '\(record.id)' was verified with another meaning")
        }
      }
      if record.outcome != .holds {
        problems.append("property '\(record.id)' is claimed to be \(record.outcome.name)")
      } else if let reference = record.proof {
        guard let property = specification.properties.first(where: { $0.id == record.id }) else { continue }
        let directory = certificate.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        let path = (directory + [reference.path[...]]).joined(separator: "/")
        guard let queries = claims.arithmetic.provenQueries(of: property) else {
          problems.append("property '\(record.id)' cannot have been proved with a margin for rounding")
          continue
        }
        do throws(ProofFailure) {
          let summary = try ProofChecker(network: network).check(file: path, queries: queries)
          let margin = queries == property.queries ? "" : ", with a margin for rounding"
          printLine("               proof \(summary.digest): \(summary.leaves) leaves, \(summary.bytes) bytes\(margin)")
          if summary.digest != reference.sha256 || summary.bytes != reference.bytes {
            problems.append("\(path) proves property '\(record.id)', but is not the proof that the certificate names")
          }
        } catch {
          problems.append("property '\(record.id)': \(path): \(error)")
        }
      } else {
        problems.append("property '\(record.id)' has no proof")
      }
    }
    for problem in problems { printLine("invalid: \(problem)") }
    if problems.isEmpty { printLine("valid") }
    return problems.isEmpty
  }
}
