import ArgumentParser
import Certificates
import Glibc
import Networks
import ProofChecking
import Signing
import Specifications

/// Checks a certificate and its proofs, alone: neither solver nor store is linked.
@main
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vpals-check",
    abstract: "Checks a certificate against its model and specification.",
    discussion: """
      Prints the digests that it computed and the properties as it understood them, and checks the proof of each, which \
      lies beside the certificate. For an invalid proof it names the first node that fails and the rule.

      Exit code: 0 valid, 1 not valid, 2 unreadable.
      """)

  @Argument(help: "The certificate, SPEC.intoto.json.")
  var certificate: String

  @Option(help: "The ONNX file, with its external data beside it, or the NNet file.")
  var model: String

  @Option(help: "The specification.")
  var spec: String

  static func main() {
    do {
      let command = try parse()
      Glibc.exit(try command.check() ? 0 : 1)
    } catch let error as Unreadable {
      writeError("error: \(error.message)")
      Glibc.exit(2)
    } catch {
      let isHelp = exitCode(for: error) == .success
      if isHelp { print(fullMessage(for: error)) } else { writeError(fullMessage(for: error)) }
      Glibc.exit(isHelp ? 0 : 2)
    }
  }

  /// Unlike `FileHandle`, survives a standard error that is closed or full.
  private static func writeError(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  struct Unreadable: Error {
    let message: String
  }

  mutating func run() {}

  /// Prints the findings; true when everything that the certificate claims was checked.
  private func check() throws -> Bool {
    let claims: Certificate
    let read: StoredNetwork
    let specification: Specifications.Specification
    do {
      claims = try CertificateFile(contentsOf: certificate).certificate.claims
      read = try StoredNetwork(
        bytes: try BoundedFile.read(model, maximumBytes: StoredNetwork.maximumBytes), path: model)
      specification = try Specifications.Specification.read(path: spec)
    } catch let error as NetworkError {
      throw Unreadable(message: "\(model): \(error)")
    } catch {
      throw Unreadable(message: "\(error)")
    }
    let stored = read.network
    let network = ExactNetwork(stored)
    var problems: [String] = []
    print("network        \(network.digest)")
    for file in read.files.dropFirst() { print("data file      \(file.name)  sha256:\(file.sha256)") }
    for remark in read.remarks { print("note           \(remark)") }
    print("specification  \(specification.digest)")
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
    if specification.properties.map(\.id) != claims.properties.map(\.id) {
      problems.append("the certificate speaks of other properties than \(spec)")
    }
    print("arithmetic     \(claims.arithmetic): \(claims.arithmetic.meaning)")
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
      print("property       \(record.id): claimed to be \(record.outcome.name)")
      if let property = specification.properties.first(where: { $0.id == record.id }) {
        print("               \(property.statement)")
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
          print("               proof \(summary.digest): \(summary.leaves) leaves, \(summary.bytes) bytes\(margin)")
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
    for problem in problems { print("invalid: \(problem)") }
    if problems.isEmpty { print("valid") }
    return problems.isEmpty
  }
}
