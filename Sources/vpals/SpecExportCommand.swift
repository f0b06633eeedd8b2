public import ArgumentParser
import Certificates
import CommandSupport
public import Exporting
import Foundation
import Networks
import Specifications

struct SpecExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes the negation of properties for other solvers: sat means violated.",
    discussion: """
      smt2 is SMT-LIB 2 (QF_LRA) of one model and exact; vnnlib is VNN-LIB 2.0 and vnnlib1 is VNN-LIB 1.0, which name the \
      network but do not hold it. docs/exports.md says what each means.

      Without --output the text of one property goes to standard output. With --output DIR every property gets a file \
      SPEC.PROPERTY.smt2 (.vnnlib), and one with several queries a file SPEC.PROPERTY.QN.smt2 for each of them, too.

      Exit code: 0 written, 2 error.
      """)

  enum Language: String, ExpressibleByArgument, CaseIterable {
    case smt2
    case vnnlib
    case vnnlib1
  }

  @Argument(help: "A specification file.")
  var spec: String

  @Option(name: .customLong("to"), help: "smt2, vnnlib or vnnlib1.")
  var language: Language

  @Option(help: "A model version's directory, or an ONNX file; for smt2.")
  var model: String?

  @Option(help: "For monotone properties in smt2: slope (one copy and its derivative) or pair (two copies).")
  var encoding = SMTLIBExport.Encoding.slope

  @Option(name: .customLong("property"), help: "Only this property (repeatable).")
  var properties: [String] = []

  @Option(help: "Only the N-th query of the property, from 1.")
  var query: Int?

  @Option(help: "For smt2: the answer if it is known, sat or unsat, for (set-info :status …).")
  var status: SMTLIBExport.Status?

  @Option(help: "A file for one property, or a directory.")
  var output: String?

  /// The largest file that is written.
  static let maximumBytes = 4 << 30

  /// One file to write.
  private struct Job {
    enum Export {
      case smtLIB(SMTLIBExport)
      case vnnLIB(VNNLIBExport)
    }

    let property: Property
    /// From 0; nil for the whole property.
    let query: Int?
    let export: Export

    func write(to stream: inout some TextOutputStream) {
      switch export {
      case .smtLIB(let export): export.write(to: &stream)
      case .vnnLIB(let export): export.write(to: &stream)
      }
    }

    /// An identifier of a property has no capital letters, so that no two jobs share a name.
    func name(_ specification: Specification, _ suffix: String) -> String {
      "\(specification.name).\(property.id)\(query.map { ".Q\($0 + 1)" } ?? "").\(suffix)"
    }
  }

  func validate() throws {
    if language == .smt2, model == nil {
      throw ValidationError("--to smt2 needs the network's weights; add --model MODEL")
    }
    if language != .smt2, model != nil {
      throw ValidationError("--to \(language.rawValue) does not hold the network; leave --model out")
    }
    if language != .smt2, status != nil { throw ValidationError("--status is written to smt2 only; leave it out") }
    if query != nil, properties.count != 1 {
      throw ValidationError("--query is about one property; name it with --property")
    }
    if let query, query < 1 { throw ValidationError("--query is \(query); queries count from 1") }
  }

  func run() throws {
    let specification: Specification
    do {
      specification = try Specification.read(path: spec)
    } catch {
      throw CommandFailure("the specification has errors\n\(error)")
    }
    let chosen = try chosenProperties(specification)
    var network: ExactNetwork?
    if let model {
      let target = try ModelTarget(model, spec: spec)
      do {
        let bytes = try BoundedFile.read(target.modelPath, maximumBytes: ONNXModel.maximumBytes)
        network = ExactNetwork(try Network(onnx: bytes))
      } catch {
        let message = "\(error)"
        throw CommandFailure(message.contains(target.modelPath) ? message : "\(target.modelPath): \(message)")
      }
    }
    let directory = output.flatMap { Self.isDirectory($0) || $0.hasSuffix("/") ? $0 : nil }
    guard directory != nil || chosen.count == 1 else {
      throw CommandFailure(
        "\(spec) has \(chosen.count) properties, which do not fit into one text; name one with --property, or a "
          + "directory with --output DIR/ (they are \(chosen.map(\.id).joined(separator: ", ")))")
    }
    var jobs: [Job] = []
    var refused: [(property: Property, error: ExportError)] = []
    for property in chosen {
      do throws(ExportError) {
        jobs.append(try job(property, query.map { $0 - 1 }, specification, network))
        if directory != nil, query == nil, property.queries.count > 1 {
          for index in property.queries.indices { jobs.append(try job(property, index, specification, network)) }
        }
      } catch {
        refused.append((property, error))
      }
    }
    if let first = refused.first {
      let rest = refused.count > 1 ? " (and \(counted(refused.count - 1, "other property", "other properties")))" : ""
      let able = chosen.filter { property in !refused.contains { $0.property.id == property.id } }
      let next = able.isEmpty ? nil : nextCommand(able.map(\.id))
      throw CommandFailure("\(first.error)\(rest); nothing is written", next: next)
    }
    let suffix = language == .smt2 ? "smt2" : "vnnlib"
    guard let output else {
      var stream = StandardOutput()
      jobs[0].write(to: &stream)
      stream.flush()
      return
    }
    if let directory {
      do {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      } catch {
        throw CommandFailure("\(directory) cannot be made a directory: \(error.localizedDescription)")
      }
    }
    for job in jobs {
      let path = directory.map { ($0.hasSuffix("/") ? $0 : $0 + "/") + job.name(specification, suffix) } ?? output
      do {
        try AtomicFile.write(to: path, maximumBytes: Self.maximumBytes) { job.write(to: &$0) }
      } catch {
        throw CommandFailure("\(error)")
      }
      printLine("\(path)")
    }
  }

  private func job(
    _ property: Property, _ query: Int?, _ specification: Specification, _ network: ExactNetwork?
  ) throws(ExportError) -> Job {
    switch language {
    case .smt2:
      guard let network else {
        throw ExportError(.mismatch, "--to smt2 needs the network's weights; add --model MODEL")
      }
      let export = try SMTLIBExport(
        property, of: specification, network: network, query: query, encoding: encoding, status: status)
      return Job(property: property, query: query, export: .smtLIB(export))
    case .vnnlib, .vnnlib1:
      let export = try VNNLIBExport(
        property, of: specification, query: query, version: language == .vnnlib ? .two : .one)
      return Job(property: property, query: query, export: .vnnLIB(export))
    }
  }

  private func nextCommand(_ ids: [String]) -> String {
    var words = ["vpals", "spec", "export", spec, "--to", language.rawValue]
    if let model { words += ["--model", model] }
    words += ids.flatMap { ["--property", $0] }
    if let output { words += ["--output", output] }
    return commandLine(words)
  }

  private func chosenProperties(_ specification: Specification) throws -> [Property] {
    guard !properties.isEmpty else { return specification.properties }
    for id in properties where !specification.properties.contains(where: { $0.id == id }) {
      throw CommandFailure(
        "\(specification.path) has no property '\(oneLine(id))'; it has "
          + specification.properties.map(\.id).joined(separator: ", "))
    }
    return specification.properties.filter { properties.contains($0.id) }
  }

  private static func isDirectory(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
  }
}

extension SMTLIBExport.Encoding: ExpressibleByArgument {}
extension SMTLIBExport.Status: ExpressibleByArgument {}
