import ArgumentParser
import Certificates
import CommandSupport
import Evidence
import Foundation
import Signing
import TransparencyLog

struct KeysCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys",
    abstract: "Keys that certificates and models are signed with.",
    discussion: "Exits 0 when done, 1 when the state of the keys refuses it, 2 when it could not run.",
    subcommands: [
      KeysInitCommand.self, KeysShowCommand.self, KeysAddCommand.self, KeysRotateCommand.self, KeysRetireCommand.self,
    ])
}

/// Where keys and the trust file lie.
struct KeyOptions: ParsableArguments {
  @Option(help: "The directory of private keys, mode 0700.")
  var directory = KeyStore.standardDirectory

  @Option(help: "The trust file.")
  var trust = KeyStore.standardTrustFile

  /// Logs what happened to keys.
  static func record(_ kind: LogEntry.Kind, _ keys: [TrustedKey], in log: IssuingLog?, now: Timestamp) throws {
    guard let log else { return }
    for key in keys {
      let entry = LogEntry(
        kind: kind, time: now, subjects: [LogEntry.Subject(name: "key", sha256: key.id)],
        annotations: ["state": key.state.name, "purpose": key.purpose.rawValue, "validUntil": "\(key.validUntil)"])
      do {
        let index = try log.append(entry)
        printLine("entry \(index) of the log \(log.origin): \(kind) \(key.id.prefix(16))")
      } catch {
        throw CommandFailure("the key was changed, but the log does not know: \(error)")
      }
    }
  }

  var store: KeyStore { KeyStore(directory: directory, trustPath: trust) }

  /// Runs `body`; a refusal ends the command with 1, every other failure with 2.
  func attempt<T>(_ body: () throws(SigningError) -> T) throws -> T {
    do throws(SigningError) {
      return try body()
    } catch {
      guard error.code == .refused else { throw CommandFailure(error.message) }
      printError("refused: \(error.message)")
      throw ExitCode(1)
    }
  }

  static func printCreated(_ created: KeyStore.Created, trust: String) {
    for key in created.retired {
      printLine("retired key \(key.id)")
      printLine("  what it signed before counts until \(key.validUntil)")
    }
    printLine("created key \(created.key.id)")
    printLine("  private  \(created.privatePath), mode 600: keep a copy in a safe place, and none in a repository")
    printLine("  public   \(created.publicPath)")
    printLine("  trust    \(trust): signs certificates from \(created.key.validFrom) to \(created.key.validUntil)")
  }

  /// What to do with the changed trust file; the last line.
  func printNext() { printLine("next: \(commandLine(["git", "add", trust]))  # and the log; never a private key") }
}

/// The log that is told what happens to keys.
struct KeyLogOption: ParsableArguments {
  @OptionGroup var place: LogPlaceOption

  /// The log, opened before a key changes: an event that cannot be logged must not happen unseen.
  func open(_ keys: KeyOptions) throws -> IssuingLog? {
    let trust = try keys.attempt { () throws(SigningError) in try keys.store.trust() }
    do {
      return try place.open(trust: trust)
    } catch let failure as CommandFailure {
      throw CommandFailure("\(failure); nothing was changed", next: failure.next)
    } catch {
      throw CommandFailure("\(error); nothing was changed")
    }
  }
}

/// For how many days a new key is valid.
struct ValidityOption: ParsableArguments {
  @Option(help: "For how many days what the key signs is accepted, 1 to 3650.")
  var days = 365

  func validate() throws {
    guard (1...3650).contains(days) else { throw ValidationError("--days is \(days); it must be 1 to 3650") }
  }
}

struct KeysInitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Makes the first key and enters it into the trust file.")

  @OptionGroup var validity: ValidityOption
  @OptionGroup var keys: KeyOptions
  @OptionGroup var log: KeyLogOption

  func run() throws {
    let log = try log.open(keys)
    let now = Timestamp(Date())
    let created = try keys.attempt { () throws(SigningError) in
      try keys.store.create(now: now, days: validity.days)
    }
    KeyOptions.printCreated(created, trust: keys.trust)
    try KeyOptions.record(.keyAdded, [created.key], in: log, now: now)
    keys.printNext()
  }
}

struct KeysRotateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate",
    abstract: "Makes a new key and retires the active one; what that signed counts until its window ends.")

  @OptionGroup var validity: ValidityOption
  @OptionGroup var keys: KeyOptions
  @OptionGroup var log: KeyLogOption

  func run() throws {
    let log = try log.open(keys)
    let now = Timestamp(Date())
    let created = try keys.attempt { () throws(SigningError) in
      try keys.store.rotate(now: now, days: validity.days)
    }
    KeyOptions.printCreated(created, trust: keys.trust)
    try KeyOptions.record(.keyRetired, created.retired, in: log, now: now)
    try KeyOptions.record(.keyAdded, [created.key], in: log, now: now)
    keys.printNext()
  }
}

struct KeysRetireCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retire",
    abstract: "Retires a key without a new one, or revokes it: then nothing that it signed counts.")

  @Argument(help: "The first digits of the key's identifier, at least 4.")
  var id: String

  @Option(help: "Revokes the key for this reason, for example because somebody else may have it.")
  var revoke: String?

  @OptionGroup var keys: KeyOptions
  @OptionGroup var log: KeyLogOption

  func run() throws {
    let log = try log.open(keys)
    let now = Timestamp(Date())
    let key = try keys.attempt { () throws(SigningError) in
      try keys.store.retire(id: try found(), now: now, revokedBecause: revoke)
    }
    switch key.state {
    case .revoked: printLine("revoked key \(key.id): nothing that it signed counts any more")
    default: printLine("retired key \(key.id): what it signed before \(now) counts until \(key.validUntil)")
    }
    try KeyOptions.record(.keyRetired, [key], in: log, now: now)
    let left = try keys.attempt { () throws(SigningError) in try keys.store.trust() }
    if left.signingKeys(for: .certificates, at: now).isEmpty {
      printLine("no key may sign now; vpals keys init makes one")
    }
    keys.printNext()
  }

  private func found() throws(SigningError) -> String {
    let matching = try TrustFile(contentsOf: keys.trust).keys.map(\.id).filter { $0.hasPrefix(id) }
    guard id.utf8.count >= 4, matching.count == 1, let first = matching.first else {
      throw SigningError(
        .unknownKey,
        "\(matching.count == 0 ? "no key" : "more than one key, or too few digits:") \"\(oneLine(id))\" in "
          + "\(keys.trust); see `vpals keys show`")
    }
    return first
  }
}

struct KeysAddCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Enters somebody else's public key into the trust file: a colleague's, or that of a log.",
    discussion: """
      FILE is a public key as PEM (ID.pub.pem of vpals keys init; P-256 for certificates, Ed25519 for a log) or the public \
      key of a log as vpals log init writes it, LOG.vkey. Have the key from a person, not from the place it signs.
      """)

  @Argument(help: "The public key.")
  var file: String

  @OptionGroup var validity: ValidityOption
  @OptionGroup var keys: KeyOptions
  @OptionGroup var log: KeyLogOption

  func run() throws {
    let log = try log.open(keys)
    let now = Timestamp(Date())
    let key = try keys.attempt { () throws(SigningError) in try publicKey() }
    let entry = try keys.attempt { () throws(SigningError) in
      try keys.store.trust(key, now: now, days: validity.days)
    }
    printLine("trusted key \(entry.id) for \(entry.purpose.rawValue) until \(entry.validUntil)")
    try KeyOptions.record(.keyAdded, [entry], in: log, now: now)
    keys.printNext()
  }

  private func publicKey() throws(SigningError) -> PublicKey {
    if let key = try? LogFiles.readPublicKey(file) { return try PublicKey(ed25519: key.publicKey, source: file) }
    return try PublicKey(contentsOf: file)
  }
}

struct KeysShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows the keys of the trust file, and exits 0 only if one may sign certificates now.")

  @Option(help: "text or json.")
  var format = OutputFormat.text

  @OptionGroup var keys: KeyOptions

  private struct JSONKey: Encodable {
    let id: String
    let algorithm: String
    let purpose: String
    let state: String
    let since: String?
    let reason: String?
    let validFrom: String
    let validUntil: String
    let maySign: Bool
    let privateKey: String?
    let publicKey: String

    init(_ key: TrustedKey, now: Timestamp, store: KeyStore) {
      id = key.id
      algorithm = key.publicKey.algorithm.rawValue
      purpose = key.purpose.rawValue
      state = key.state.name
      switch key.state {
      case .active: (since, reason) = (nil, nil)
      case .retired(let time): (since, reason) = ("\(time)", nil)
      case .revoked(let time, let text): (since, reason) = ("\(time)", text)
      }
      validFrom = "\(key.validFrom)"
      validUntil = "\(key.validUntil)"
      maySign = key.maySign(at: now)
      let path = store.privatePath(of: key.id)
      privateKey = FileManager.default.fileExists(atPath: path) ? path : nil
      publicKey = key.publicKey.pem
    }
  }

  func run() throws {
    let now = Timestamp(Date())
    let trust = try keys.attempt { () throws(SigningError) in
      do throws(SigningError) {
        return try TrustFile(contentsOf: keys.trust)
      } catch {
        guard error.code == .missing else { throw error }
        throw SigningError(.missing, "\(error.message.split(separator: ";")[0]); make a key with `vpals keys init`")
      }
    }
    let shown = trust.keys.map { JSONKey($0, now: now, store: keys.store) }
    switch format {
    case .json: printLine(try jsonText(shown))
    case .text:
      for key in shown {
        printLine("\(key.id)  \(key.state)  \(key.purpose)  \(key.algorithm)")
        printLine("  valid from \(key.validFrom) to \(key.validUntil)")
        if let since = key.since {
          printLine("  \(key.state) at \(since)" + (key.reason.map { " (\(oneLine($0)))" } ?? ""))
        }
        if let path = key.privateKey { printLine("  private key \(path)") }
      }
    }
    if trust.signingKeys(for: .certificates, at: now).isEmpty {
      printError("no key of \(keys.trust) may sign certificates now")
      printError("next: vpals keys init")
      throw ExitCode(1)
    }
  }
}
