import ArgumentParser
import CertificateStorage
import Certificates
import CommandSupport
import Evidence
import Foundation
import Networks
import Retraining
import Specifications
import Telemetry
import Training
import Verification

@main
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vpals-train",
    abstract: "Trains a network on an application's measured data, for proof.",
    discussion: """
      Writes a new immutable version under models/APP/vNNNN/. With --until-proven it trains, verifies, puts \
      counterexamples into the queue, trains on with them and repairs the last slivers, until every property of \
      specs/APP.yaml is proved; only then a version appears, with its certificate. A stopped or killed run goes on where \
      it was when the same command is given again.

      Exit code: 0 done, 1 not proven within the budget (or stopped), 2 error.
      """,
    version: versionText("vpals-train"))

  @Argument(help: "The application: the name of specs/APP.yaml and of the directory under models.")
  var application: String

  @Option(help: "The measured rows; default models/APP/data.csv.")
  var data: String?

  @Option(help: "The specification; default specs/APP.yaml.")
  var spec: String?

  @Option(help: "The directory under which APP/vNNNN is written.")
  var models = "models"

  @Option(help: "Widths of the hidden layers, such as 16,16.")
  var hidden = Widths([16, 16])

  @Option(help: "Seed of every random choice: same seed, same network.")
  var seed: UInt64 = 1

  @Option(help: "Epochs of the first round.")
  var epochs: Int?

  @Option(help: "A file with a JSON object of training settings that replace the recipe's: {\"l1\": 0.002}.")
  var settings: String?

  @Option(
    help: """
      free: the loss asks for the properties. signed: the signs of the weights make every monotone property hold \
      whatever is learned. auto: both, and of what is proved the better on the validation rows.
      """)
  var shape: ShapeChoice?

  @Flag(help: "Train, verify and retrain until every property is proved.")
  var untilProven = false

  @Flag(help: "Train without any term that asks for a property: the network to compare with.")
  var unconstrained = false

  @Flag(help: "Leave out the unverified network that the result is otherwise compared with: half the time.")
  var skipUnverified = false

  @Flag(help: "Train with the pending counterexamples of the queue (always so with --until-proven).")
  var queue = false

  @Option(help: "The most rounds of training with --until-proven.")
  var rounds = 8

  @Option(help: "Time for the whole run: 90s, 15m, 1h.")
  var budget = TimeSpan(seconds: 900)

  @Option(help: "Time for one property in one verification.")
  var propertyTime = TimeSpan(seconds: 10)

  @Option(help: "Threads that verify.")
  var threads = 2

  @Option(help: "Compare verified and unverified networks over this many seeds, from --seed on; writes no version.")
  var study: Int?

  @Option(help: "text or json.")
  var format = OutputFormat.text

  @OptionGroup var storeOption: StoreOption
  @OptionGroup var issuing: IssuingOptions

  func validate() throws {
    guard FileName.isValid(application), application.first != "." else {
      throw ValidationError("'\(application)' cannot name an application; use letters, digits, '-' and '_'")
    }
    guard (1...100).contains(rounds) else { throw ValidationError("--rounds is \(rounds); it must be from 1 to 100") }
    guard (1...64).contains(threads) else { throw ValidationError("--threads is \(threads); it must be from 1 to 64") }
    guard !(unconstrained && (untilProven || queue || study != nil)) else {
      throw ValidationError("--unconstrained trains once; it goes with none of --until-proven, --queue and --study")
    }
    if let shape, shape != .free, unconstrained {
      throw ValidationError("--unconstrained trains a free network; it does not go with --shape \(shape.rawValue)")
    }
    if shape == .auto, !untilProven, study == nil {
      throw ValidationError("--shape auto compares what is proved; it goes with --until-proven or --study")
    }
    if let epochs, !(1...1_000_000).contains(epochs) {
      throw ValidationError("--epochs is \(epochs); it must be from 1 to 1,000,000")
    }
    if let study, !(1...1000).contains(study) {
      throw ValidationError("--study is \(study); it must be from 1 to 1000 seeds")
    }
  }

  static func main() { runAsProgram() }

  private var specificationPath: String { spec ?? "specs/\(application).yaml" }
  private var dataPath: String { data ?? "models/\(application)/data.csv" }

  private func options(seed: UInt64) throws -> LoopOptions {
    var configuration = try recipe()
    if unconstrained {
      configuration.monotonicity = 0
      configuration.counterexample = 0
      configuration.bound = 0
      configuration.shape = .free
      configuration.slopeBound = nil
    }
    switch shape {
    case .free: configuration.shape = .free
    case .signed: configuration.shape = .signed
    case .auto, nil: break
    }
    configuration.hidden = hidden.widths
    configuration.seed = seed
    if let epochs {
      configuration.epochs = epochs
      configuration.minimumEpochs = min(configuration.minimumEpochs, epochs - 1)
    }
    var options = LoopOptions(
      configuration: configuration, choosesShape: shape == .auto, untilProven: untilProven || shape == .auto,
      usesQueue: queue, maximumRounds: rounds,
      budgetSeconds: budget.seconds, propertySeconds: propertyTime.seconds, threads: threads, models: models)
    options.trainsUnverified = !skipUnverified
    // Only what is proved has a certificate.
    if options.untilProven, study == nil { options.issuer = try issuing.issuer() }
    return options
  }

  /// The recipe, with the settings of `--settings` in place of its own.
  private func recipe() throws -> TrainingConfiguration {
    guard let settings else { return TrainingConfiguration() }
    let bytes: [UInt8]
    do {
      bytes = try BoundedFile.read(settings, maximumBytes: 1 << 20)
    } catch {
      throw CommandFailure("\(error)")
    }
    do {
      let recipe = try JSONSerialization.jsonObject(with: JSONEncoder().encode(TrainingConfiguration()))
      guard var merged = recipe as? [String: Any],
        let changes = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
      else { throw CommandFailure("\(settings) is no JSON object; write {\"l1\": 0.002} and the like") }
      for (name, value) in changes {
        guard merged[name] != nil || name == "huberThreshold" || name == "slopeBound" else {
          throw CommandFailure(
            "\(settings): '\(name)' is no setting; there are \(merged.keys.sorted().joined(separator: ", "))")
        }
        merged[name] = value
      }
      return try JSONDecoder().decode(
        TrainingConfiguration.self, from: JSONSerialization.data(withJSONObject: merged))
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw CommandFailure("\(settings) cannot be read as settings: it must be a JSON object of numbers and words")
    }
  }

  func run() throws {
    let specification: Specification
    do {
      specification = try Specification.read(path: specificationPath)
    } catch {
      throw CommandFailure("the specification has errors\n\(error)", next: "vpals spec check \(specificationPath)")
    }
    let prepared: PreparedData
    do {
      prepared = try PreparedData(application: application, path: dataPath, specification: specification)
    } catch {
      throw CommandFailure("\(error)")
    }
    for (feature, count, range) in prepared.clamped {
      printError(
        "warning: \(count) of \(prepared.filter.kept.count) values of '\(feature)' (\(range.lowerBound) to "
          + "\(range.upperBound)) lie outside its domain in \(specificationPath) and were clamped to it; is the unit "
          + "right?")
    }
    let stop = StopSignal()
    let interrupts = Interrupts(stop)
    defer { withExtendedLifetime(interrupts) {} }
    do {
      if let study {
        try runStudy(study, specification, prepared, stop)
      } else {
        try runLoop(specification, prepared, stop)
      }
    } catch let error as CommandFailure {
      throw error
    } catch let error as ExitCode {
      throw error
    } catch let error as VerificationError {
      throw CommandFailure(error, keepingEvidenceIn: "\(models)/\(application)", as: application)
    } catch {
      throw CommandFailure("\(error)")
    }
  }

  private func runLoop(_ specification: Specification, _ prepared: PreparedData, _ stop: StopSignal) throws {
    // A place that cannot be written must be known before the work, not after it.
    try requireWritable("\(models)/\(application)")
    let store = try storeOption.open()
    let options = try options(seed: seed)
    let printer = LoopPrinter(budgetSeconds: options.budgetSeconds, quiet: format == .json)
    if format == .text {
      let dropped = prepared.filter.entries.filter { !$0.rows.isEmpty }.map { "\($0.rows.count) \($0.rule.id)" }
      printLine(
        "\(application): \(prepared.filter.kept.count) of \(prepared.filter.rowCount) rows"
          + (dropped.isEmpty ? "" : " (left out: \(dropped.joined(separator: ", ")))")
          + ", \(specification.features.count) features, hidden \(hidden), seed \(seed), "
          + "\(specification.properties.count) properties")
    }
    let loop = try TrainVerifyLoop(
      application: application, specification: specification, data: prepared, store: store, options: options,
      stop: stop, onEvent: printer.handle)
    let outcome = try loop.run()
    printer.clear()
    let counts = try store.queueCounts(application: application)
    switch format {
    case .json: printLine(try Self.json(outcome, counts))
    case .text:
      for line in lines(outcome, counts, specification, issuer: options.issuer) { printLine(line) }
    }
    throw ExitCode(outcome.end == .proven || outcome.end == .trained ? 0 : 1)
  }

  private func requireWritable(_ directory: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      let probe = "\(directory)/.write-test"
      try AtomicFile.write([], to: probe)
      // Another run may have removed it already.
      try? FileManager.default.removeItem(atPath: probe)
    } catch let error as CertificateError {
      throw CommandFailure("\(directory) cannot be written: \(error.message)")
    } catch {
      throw CommandFailure("\(directory) cannot be created; check its permissions and the space on the disk")
    }
  }

  private func lines(
    _ outcome: LoopOutcome, _ counts: QueueCounts, _ specification: Specification, issuer: Issuer
  ) -> [String] {
    let report = outcome.report
    var lines: [String] = []
    let again = "vpals-train " + CommandLine.arguments.dropFirst().map(shellQuoted).joined(separator: " ")
    switch outcome.end {
    case .proven:
      lines.append(
        "proven: \(report.propertiesProven) of \(report.propertyCount) properties, \(report.rounds.count) "
          + "\(report.rounds.count == 1 ? "round" : "rounds"), \(report.counterexamplesFound) counterexamples, "
          + secondsText(report.seconds))
    case .trained:
      lines.append("trained, not verified, \(secondsText(report.seconds))")
    case .notProven:
      lines.append(
        "not proven within the budget: \(report.propertiesProven) of \(report.propertyCount) properties after "
          + "\(report.rounds.count) rounds; no version was written, the work is kept")
    case .interrupted:
      lines.append(
        "stopped; \(report.rounds.count) finished \(report.rounds.count == 1 ? "round is" : "rounds are") kept, "
          + "\(counts.pending) counterexamples wait in the queue")
    }
    if let network = report.scores(of: "network") {
      let unverified = report.scores(of: "unverified")
      func beside(_ text: (Accuracy) -> String, _ index: Int) -> String {
        text(network[index]) + (unverified.map { " (unverified \(text($0[index])))" } ?? "")
      }
      for (index, name) in report.outputs.enumerated() {
        lines.append(
          "held out, \(name): R² \(beside({ Self.number($0.rSquared) }, index)), MAPE "
            + beside({ "\(decimal($0.meanAbsolutePercentageError * 100, 1)) %" }, index))
      }
    }
    if let shapes = report.shapes, outcome.end == .proven {
      let tried = shapes.map { attempt in
        "\(attempt.shape.rawValue) "
          + (attempt.validationError.map { "validation error \(decimal($0, 4))" } ?? "not proved")
      }
      lines.append("shape: \(report.configuration.shape.rawValue) (\(tried.joined(separator: ", ")))")
    }
    if !report.repairs.isEmpty {
      // On a linear scale a repair adds a number, on a logarithmic one it multiplies.
      let changes = report.outputs.indices.compactMap { output -> String? in
        let repairs = report.repairs.filter { $0.repair.output == output }
        guard let most = repairs.map(\.greatestChange).max() else { return nil }
        let isLogarithmic = specification.outputs[output].scale == .log2
        return "\(report.outputs[output]) by at most "
          + (isLogarithmic ? "\(decimal((pow(2, most) - 1) * 100, 3)) %" : "\(Float(most))")
      }
      lines.append(
        "repaired: \(report.repairs.count) slopes, \(changes.joined(separator: ", ")), "
          + "validation error \(report.repairCost.map { decimal($0 * 100, 3) } ?? "–") % higher")
    }
    switch outcome.end {
    case .proven where issuer.keyID == nil:
      // The gate would refuse it.
      let verify = ["vpals", "verify", outcome.path ?? models, "--spec", specificationPath]
      lines.append("not signed: \(issuer.unsignedBecause ?? "there is no key")")
      // Somebody else's key may sign here already.
      let hasKeys = issuer.unsignedBecause?.hasPrefix("the private key of") ?? false
      let command = commandLine(verify + (hasKeys ? ["--signing-key", "FILE"] : []))
      lines.append("next: \(hasKeys ? "" : "vpals keys init && ")\(command)  # the gate asks for a signature")
    case .proven:
      if let key = issuer.keyID {
        lines.append(
          "signed by the key \(key.prefix(16)); "
            + (issuer.log.map { "in the log \($0.origin)" } ?? "not logged"))
      }
      lines.append("next: vpals gate \(shellQuoted(models))")
    case .trained:
      lines.append("next: vpals verify \(shellQuoted(outcome.path ?? models)) --spec \(shellQuoted(specificationPath))")
    case .notProven:
      lines.append("next: vpals queue list --application \(shellQuoted(application))")
      lines.append("next: \(Self.commandAgain(rounds: rounds * 2))")
    case .interrupted: lines.append("next: \(again)")
    }
    return lines
  }

  /// This command with another bound on the rounds.
  static func commandAgain(rounds: Int) -> String {
    var words: [String] = []
    var skipsNext = false
    for word in CommandLine.arguments.dropFirst() {
      if skipsNext {
        skipsNext = false
      } else if word == "--rounds" {
        skipsNext = true
      } else if !word.hasPrefix("--rounds=") {
        words.append(word)
      }
    }
    return (["vpals-train"] + words + ["--rounds", "\(rounds)"]).map(shellQuoted).joined(separator: " ")
  }

  static func number(_ value: Double?) -> String { value.map { decimal($0, 3) } ?? "–" }

  private struct JSONOutcome: Encodable {
    let end: String
    let path: String?
    let report: VersionReport
    let queuePending: Int
  }

  static func json(_ outcome: LoopOutcome, _ counts: QueueCounts) throws -> String {
    let end =
      switch outcome.end {
      case .proven: "proven"
      case .trained: "trained"
      case .notProven: "not-proven"
      case .interrupted: "interrupted"
      }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(
      decoding: try encoder.encode(
        JSONOutcome(end: end, path: outcome.path, report: outcome.report, queuePending: counts.pending)),
      as: UTF8.self)
  }

  // MARK: Study

  private func runStudy(_ count: Int, _ specification: Specification, _ prepared: PreparedData, _ stop: StopSignal)
    throws
  {
    let study = Study(
      application: application, specification: specification, data: prepared, options: try options(seed: seed))
    let result = try study.run(seeds: (0..<UInt64(count)).map { seed &+ $0 }, stop: stop) { line in
      if format == .text { printLine(line) }
    }
    switch format {
    case .text: for line in result.lines { printLine(line) }
    case .json:
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      printLine(String(decoding: try encoder.encode(result), as: UTF8.self))
    }
    throw ExitCode(result.rows.count == count && result.provenShare == 1 ? 0 : 1)
  }
}

/// The value of `--shape`.
enum ShapeChoice: String, ExpressibleByArgument, CaseIterable {
  case free, signed, auto
}

/// Widths of hidden layers: `16,16`.
struct Widths: ExpressibleByArgument, CustomStringConvertible {
  let widths: [Int]

  init(_ widths: [Int]) { self.widths = widths }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Int($0) }
    guard numbers.count == parts.count, (1...8).contains(numbers.count), numbers.allSatisfy({ (1...1024).contains($0) })
    else { return nil }
    widths = numbers
  }

  var description: String { widths.map(String.init).joined(separator: ",") }
  var defaultValueDescription: String { description }
}
