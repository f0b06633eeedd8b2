import ArgumentParser
import CertificateStorage
import Certificates
import CommandSupport
import Evidence
import Foundation
import GateReports
import Gating
import Signing

struct CertificatesVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Verifies one certificate with all that is known: files, proofs, signature, log, calendar, revocation.",
    discussion: """
      Judges the certificate as the gate does under a policy that asks for everything, and asks the store whether it was \
      revoked. The log is asked when it is there, or named.

      Exit code: 0 valid, 1 not valid, 2 it could not be judged.
      """)

  @Argument(help: "A certificate's file, or the first digits of its identifier in the store.")
  var certificate: String

  @Option(help: "The specification's file. (default: specs/SPEC.yaml)")
  var spec: String?

  @Option(help: "The trust file. (default: that of gate.yaml, or trust.json)")
  var trust: String?

  @Option(help: "The transparency log. (default: that of gate.yaml, or .vpals/log when it is there)")
  var log: String?

  @Option(help: "A checkpoint of the log that was saved elsewhere: the log must extend it.")
  var checkpoint: String?

  @Option(help: "text or json.")
  var format = OutputFormat.text

  @OptionGroup var storeOption: StoreOption

  func run() throws {
    let found = try FoundCertificate(certificate, store: storeOption)
    guard let file = found.file else {
      throw CommandFailure("no file of this certificate is known; name it instead of its identifier")
    }
    let claims = found.certificate.claims
    guard ModelPath.isVersion(ModelPath.names(ofVersion: found.directory).version) else {
      throw CommandFailure(
        "\(found.directory) is no version models/APP/vNNNN, of which alone a directory is signed",
        next: commandLine([
          "vpals-check", file.file, "--model", "MODEL", "--spec", spec ?? "specs/\(claims.specification.name).yaml",
          "--trust",
          trust ?? "trust.json",
        ]))
    }
    let specification = claims.specification.name
    guard (file.file as NSString).lastPathComponent == (try Certificate.fileName(specification: specification)) else {
      throw CommandFailure(
        "\(file.file) is a certificate for \(oneLine(specification)), whose file must be named "
          + "\(oneLine(specification)).intoto.json")
    }
    let path = spec ?? "specs/\(specification).yaml"
    guard (path as NSString).lastPathComponent == "\(specification).yaml" else {
      throw CommandFailure("the certificate is for \(oneLine(specification)).yaml, which --spec must name")
    }
    var policy = GatePolicy()
    policy.specifications = [GatePolicy.SpecificationRule(models: .all, allOf: [specification])]
    let places = try EvidencePlaces()
    policy.trust = trust ?? places.trust
    let hasLog = places.isLogNamed || FileManager.default.fileExists(atPath: places.log)
    policy.log.directory = log ?? (hasLog ? places.log : nil)
    policy.log.checkpoint = checkpoint
    policy.log.inclusion = policy.log.directory == nil ? .optional : .required
    let directory = (path as NSString).deletingLastPathComponent
    let run: GateRun
    let reports: GateReports
    do {
      reports = try GateReports([format.rawValue])
      run = try Gate(specifications: directory.isEmpty ? "." : directory, policy: policy).run(path: found.directory)
    } catch {
      throw CommandFailure(oneLine("\(error)"))
    }
    var output = StandardOutput()
    do {
      try reports.write(run, toolVersion: VPALs.version, summaryFile: nil) { output.write($0) }
    } catch {
      output.flush()
      throw CommandFailure("\(error)")
    }
    output.flush()
    var isValid = run.passes
    if let revocation = found.stored?.revocation {
      printError("revoked in \(storeOption.store) at \(revocation.revokedAt): \(oneLine(revocation.reason))")
      isValid = false
    }
    if policy.log.directory == nil { printError("note: no log was asked, so revocations elsewhere are not known") }
    throw ExitCode(isValid ? 0 : 1)
  }
}
