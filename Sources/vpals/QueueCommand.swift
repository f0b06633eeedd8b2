import ArgumentParser
import CertificateStorage
import Certificates
import CommandSupport
import ExactArithmetic
import Explaining
import Foundation
import Specifications

struct QueueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue",
    abstract: "The retraining queue: counterexamples that the next version is trained with.",
    subcommands: [
      QueueListCommand.self, QueueShowCommand.self, QueueRequeueCommand.self, QueueDropCommand.self,
    ])
}

struct QueueListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists counterexamples, oldest first.")

  @Option(help: "Only this application's.")
  var application: String?

  @Option(help: "Only counterexamples to this property.")
  var property: String?

  @Option(name: .customLong("state"), help: "Only entries in this state (repeatable).")
  var states: [QueueEntry.State] = []

  @Option(help: "The most entries to list.")
  var limit = 100

  @Option(help: "text or json.")
  var format = OutputFormat.text

  @OptionGroup var storeOption: StoreOption

  func validate() throws { try checkLimit(limit) }

  func run() throws {
    let store = try storeOption.openExisting()
    var filter = QueueFilter(application: application, property: property, limit: limit)
    if !states.isEmpty { filter.states = Set(states) }
    let entries = try store.queueEntries(filter)
    switch format {
    case .json: printLine(try jsonText(entries.map(QueueReport.init)))
    case .text:
      for entry in entries {
        for line in QueueReport.summary(entry) { printLine(line) }
      }
      if entries.count == limit { printLine("at most \(limit) are listed; more with --limit") }
      let counts = try store.queueCounts(application: application)
      printLine(
        "queue\(application.map { " of \($0)" } ?? ""): \(counts.pending) pending, \(counts.leased) leased, "
          + "\(counts.consumed) consumed, \(counts.dropped) dropped")
    }
  }
}

struct QueueShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Shows one counterexample: where, how far, found and consumed by whom.")

  @Argument(help: "The first digits of an entry's identifier.")
  var id: String

  @Option(help: "The specification; the default is specs/APP.yaml.")
  var spec: String?

  @Option(help: "Measured rows to compare it with; the default is models/APP/data.csv.")
  var data: String?

  @Option(help: "text or json.")
  var format = OutputFormat.text

  @OptionGroup var storeOption: StoreOption

  func run() throws {
    let entry = try storeOption.openExisting().queueEntry(id: id)
    switch format {
    case .json: printLine(try jsonText(QueueReport(entry)))
    case .text: for line in QueueReport.details(entry, nearest: try nearest(to: entry)) { printLine(line) }
    }
  }

  /// The nearest measured row in words; nothing when specification or data are not where they are looked for, unless
  /// they were named.
  private func nearest(to entry: QueueEntry) throws -> [String] {
    let application = entry.origin.application
    let specification: Specification
    do {
      guard let path = spec ?? CounterexampleSource(entry).specificationPath else {
        if data != nil {
          throw CommandFailure("specs/\(oneLine(application)).yaml does not exist here; add --spec FILE")
        }
        return []
      }
      specification = try Specification.read(path: path)
    } catch let error as SpecificationError {
      guard spec == nil, data == nil else { throw CommandFailure("the specification has errors\n\(error)") }
      return []
    }
    let example = entry.found.counterexample
    guard example.x.count == specification.features.count,
      let property = specification.properties.first(where: { $0.id == entry.found.property })
    else {
      guard spec == nil, data == nil else {
        throw CommandFailure("\(specification.path) has not the property or the features that the entry is about")
      }
      return []
    }
    let candidates = FileName.isValid(application) ? ["models/\(application)/data.csv"] : []
    let measured = try MeasuredData(data, else: candidates, application: application, specification: specification)
    guard let rows = measured.rows else { return [] }
    return specification.describeNearest(to: example, of: property, in: rows).map(oneLine)
  }
}

struct QueueRequeueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "requeue", abstract: "Makes entries pending again, whatever their state.")

  @Argument(help: "The first digits of each entry's identifier.")
  var ids: [String]

  @OptionGroup var storeOption: StoreOption

  func run() throws {
    let store = try storeOption.openExisting()
    let found = try QueueReport.identifiers(ids, store)
    let changed = try store.requeue(found, now: Date())
    printLine("\(changed) of \(counted(found.count, "entry", "entries")) made pending")
  }
}

struct QueueDropCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drop",
    abstract: "Takes entries out: finding them again does not bring them back, only requeue does.")

  @Argument(help: "The first digits of each entry's identifier.")
  var ids: [String]

  @OptionGroup var storeOption: StoreOption

  func run() throws {
    let store = try storeOption.openExisting()
    let found = try QueueReport.identifiers(ids, store)
    let changed = try store.drop(found, now: Date())
    printLine("\(changed) of \(counted(found.count, "entry", "entries")) dropped")
  }
}
