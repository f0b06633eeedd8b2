import ArgumentParser
import CertificateStorage
import CommandSupport
import ExactArithmetic
import Foundation

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

  @Option(help: "text or json.")
  var format = OutputFormat.text

  @OptionGroup var storeOption: StoreOption

  func run() throws {
    let entry = try storeOption.openExisting().queueEntry(id: id)
    switch format {
    case .json: printLine(try jsonText(QueueReport(entry)))
    case .text: for line in QueueReport.details(entry) { printLine(line) }
    }
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
