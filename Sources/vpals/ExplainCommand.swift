import ArgumentParser
import CertificateStorage
import Certificates
import CommandSupport
import ExactArithmetic
import Explaining
import Foundation
import Networks
import Signing
import Specifications

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Shows a counterexample: what fails in units, how far from measured rows, and the function around it.",
    discussion: """
      COUNTEREXAMPLE is the first digits of a queue entry (vpals queue list), a file that vpals verify --format json \
      wrote, or a certificate. Model and specification are those that it names; give --model and --spec when they lie elsewhere. The \
      counterexample is computed again, exactly, by the model that is explained.

      Exit code: 0 explained, or the property holds at these points by now; 2 error.
      """)

  @Argument(help: "A queue entry's identifier, a JSON file of vpals verify, or a certificate.")
  var counterexample: String

  @Option(help: "A model version's directory, or an ONNX file.")
  var model: String?

  @Option(help: "The specification.")
  var spec: String?

  @Option(help: "The property, when a file has counterexamples to several.")
  var property: String?

  @Option(help: "Measured rows; the default is data.csv beside the model's versions.")
  var data: String?

  @Option(help: "Write the figure into this file.")
  var svg: String?

  @OptionGroup var storeOption: StoreOption

  func run() throws {
    let source = try self.source()
    let target = try self.target(source)
    let specification = try target.specification()
    let network = try self.network(target)
    do throws(SpecificationError) {
      try specification.checkArity(inputCount: network.inputCount, outputCount: network.outputCount)
    } catch {
      throw CommandFailure("\(target.modelPath) and \(target.specificationPath) do not fit: \(error)")
    }
    guard let property = specification.properties.first(where: { $0.id == source.property }) else {
      throw CommandFailure(
        "\(specification.path) has no property '\(oneLine(source.property))', to which \(source.name) is a counterexample"
      )
    }
    guard source.x.count == specification.features.count, (source.xPrime ?? source.x).count == source.x.count else {
      throw CommandFailure(
        "\(source.name) has points of \(source.x.count) numbers, but \(specification.path) declares "
          + "\(counted(specification.features.count, "feature")); name its own specification with --spec")
    }
    let measured = try MeasuredData(
      data, else: target.dataCandidates, application: target.application, specification: specification
    ).rows
    if network.digest != source.network {
      printError(
        "note: found in another network (\(oneLine(String(source.network.prefix(19))))…) than is explained here")
    }
    if specification.digest != source.specification {
      printError("note: found with another text of the specification than \(specification.path) has now")
    }
    printLine("\(property.id) on \(target.modelPath)  \(network.digest.prefix(19))…")
    for line in SpecificationText.wrapped(property.statement) { printLine("    \(line)") }
    printLine("")
    switch Replay(property, network: network, x: source.x, xPrime: source.xPrime, drop: source.drop) {
    case .outside:
      throw CommandFailure(
        "the points of \(source.name) are not ones that \(property.id) speaks of; was the specification changed?")
    case .holds:
      printLine("the property holds at these points on this network")
      if svg != nil { throw CommandFailure("there is no violation to draw; leave --svg out, or name its own model") }
    case .violated(let example):
      let explanation = Explanation(
        example, to: property, of: specification, network: network, measured: measured)
      for line in explanation.lines { printLine(oneLine(line)) }
      printLine("")
      for line in explanation.sketch { printLine(line) }
      guard let svg else { return }
      try AtomicFile.write(Array(explanation.figure.utf8), to: svg)
      printLine("")
      printLine("figure: \(svg)")
    }
  }

  private func source() throws -> CounterexampleSource {
    let isFile = FileManager.default.fileExists(atPath: counterexample)
    let looksLikeFile = counterexample.contains("/") || counterexample.hasSuffix(".json")
    if isFile || looksLikeFile {
      do {
        return counterexample.hasSuffix(".intoto.json")
          ? try CounterexampleSource(certificate: counterexample, property: property)
          : try CounterexampleSource(json: counterexample, property: property)
      } catch let error as CertificateError {
        throw CommandFailure("\(error)")
      } catch let error as SigningError {
        throw CommandFailure("\(error)")
      }
    }
    let entry = try storeOption.openExisting().queueEntry(id: counterexample)
    if let property, property != entry.found.property {
      throw CommandFailure(
        "entry \(entry.id.prefix(12)) is a counterexample to \(oneLine(entry.found.property)), not to "
          + "'\(oneLine(property))'; leave --property out")
    }
    return CounterexampleSource(entry)
  }

  private func target(_ source: CounterexampleSource) throws -> ModelTarget {
    guard let path = model ?? source.modelPath else {
      throw CommandFailure(
        "\(source.name) does not say where its model lies; add --model MODEL",
        next: "vpals explain \(shellQuoted(counterexample)) --model MODEL --spec FILE")
    }
    return try ModelTarget(path, spec: spec ?? source.specificationPath)
  }

  private func network(_ target: ModelTarget) throws -> ExactNetwork {
    do {
      return ExactNetwork(
        try Network(onnx: BoundedFile.read(target.modelPath, maximumBytes: ONNXModel.maximumBytes)))
    } catch {
      let message = "\(error)"
      throw CommandFailure(message.contains(target.modelPath) ? message : "\(target.modelPath): \(message)")
    }
  }
}

/// Long sentences on a terminal.
enum SpecificationText {
  /// Lines of at most 76 characters, broken at blanks.
  static func wrapped(_ text: String) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in oneLine(text).split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > 76 {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    return line.isEmpty ? lines : lines + [line]
  }
}
