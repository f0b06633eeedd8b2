public import ArgumentParser
internal import Certificates
internal import CommandBasics
internal import Foundation
internal import GateReports
internal import Gating

public struct GateCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "gate",
    abstract: "Refuses every model version that is not proven.",
    discussion: """
      Judges each version under PATH from its files alone: the certificates must speak of exactly these bytes and the \
      specifications of the policy, and every property must hold. docs/gate.md describes rules, policy and reports.

      Exit code: 0 all versions pass, 1 one is refused, 2 the gate could not run.
      """)

  @Argument(help: "The directory of the models, or one version's directory.")
  var path = "models"

  @Option(help: "The directory of the specifications, one APPLICATION.yaml each.")
  var specs = "specs"

  @Option(help: "The policy; by default gate.yaml of the working directory, when it is there.")
  var policy: String?

  @Option(help: "The trust file, in place of the policy's. (default: trust.json)")
  var trust: String?

  @Option(help: "The directory of the transparency log, in place of the policy's.")
  var log: String?

  @Option(help: "A checkpoint of the log that was saved elsewhere, in place of the policy's: the log must extend it.")
  var checkpoint: String?

  @Flag(
    help: """
      Look at nothing but the models, the specifications, the policy and the trust file: not at the log, which alone \
      knows of revocations.
      """)
  var offline = false

  @Flag(help: "Believe certificates without checking their proofs again.")
  var noProofCheck = false

  @Option(
    help: ArgumentHelp(
      "text, json, sarif, junit or github; several, each other than the first as FORMAT=FILE.",
      valueName: "format[=file]"))
  var format: [String] = []

  public init() {}

  public func validate() throws {
    guard !offline || (log == nil && checkpoint == nil) else {
      throw ValidationError("--offline looks at no log, so --log and --checkpoint do not go with it")
    }
    for option in format where GateReports.Format(option: option) == nil {
      throw ValidationError(
        "'\(oneLine(option))' is no report; write text, json, sarif, junit or github, or FORMAT=FILE")
    }
  }

  /// A report must not be written over what the run reads, or into a version, which is signed as a whole.
  private func requireOthersPlaces(_ policy: GatePolicy) throws {
    func real(_ path: String) -> String { URL(filePath: path).resolvingSymlinksInPath().path }
    let places =
      ([path, specs, policy.log.directory, policy.path, policy.trust ?? "trust.json", policy.log.checkpoint])
      .compactMap { $0 }.map(real)
    for option in format {
      guard let equals = option.firstIndex(of: "=") else { continue }
      let file = String(option[option.index(after: equals)...])
      let target = real(file)
      if let place = places.first(where: { target == $0 || target.hasPrefix($0 + "/") }) {
        throw CommandFailure(
          "the report \(oneLine(file)) would lie in \(oneLine(place)), which the gate reads; write it elsewhere")
      }
    }
  }

  public func run() throws {
    let now = Timestamp(Date())
    let run: GateRun
    let reports: GateReports
    var policy = GatePolicy()
    do {
      reports = try GateReports(format)
      policy = try GatePolicy.ofRun(named: self.policy, now: now)
      if noProofCheck { policy.proofs = .trust }
      if let trust { policy.trust = trust }
      if let log { policy.log.directory = log }
      if let checkpoint { policy.log.checkpoint = checkpoint }
      policy.isOffline = offline
      // The log that the other commands write into by themselves.
      let standard = ".vpals/log"
      if policy.log.directory == nil, !offline, FileManager.default.fileExists(atPath: standard) {
        policy.log.directory = standard
      }
      try requireOthersPlaces(policy)
      run = try Gate(specifications: specs, policy: policy, now: now).run(path: path)
    } catch let failure as CommandFailure {
      throw failure
    } catch let error as GatePolicyError {
      throw CommandFailure(error.description)
    } catch {
      throw CommandFailure(oneLine("\(error)"))
    }
    var output = StandardOutput()
    do throws(GateReportError) {
      try reports.write(
        run, toolVersion: VPALs.version,
        summaryFile: ProcessInfo.processInfo.environment["GITHUB_STEP_SUMMARY"]
      ) { output.write($0) }
    } catch {
      output.flush()
      throw CommandFailure("\(error)")
    }
    output.flush()
    if !run.readsLog, policy.signature == .required {
      printError("note: no log was read, so revocations are not known")
    }
    throw ExitCode(run.passes ? 0 : 1)
  }
}
