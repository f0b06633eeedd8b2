import ArgumentParser
import Certificates
import CommandSupport
import Evidence
import Foundation
import Glibc
import Signing
import TransparencyLog

struct LogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log",
    abstract: "The transparency log: what was certified and revoked, in an order that cannot be rewritten unseen.",
    subcommands: [
      LogInitCommand.self, LogShowCommand.self, LogProveCommand.self, LogVerifyCommand.self, LogCheckpointCommand.self,
    ])
}

/// The option that names the log, and the keys that are trusted to sign it.
struct LogOption: ParsableArguments {
  @Option(name: .customLong("log"), help: "The directory of the log. (default: that of gate.yaml, or .vpals/log)")
  var named: String?

  var log: String {
    get throws { try named ?? EvidencePlaces().log }
  }

  @Option(
    name: .customLong("key"),
    help: "The public key that must have signed: NAME+ID+BASE64, or a file with it (repeatable). (default: LOG.vkey)")
  var keys: [String] = []

  /// The keys, of a log that may not be there.
  func verifierKeys() throws -> [VerifierKey] {
    let log = try log
    if keys.isEmpty, access(LogFiles.publicKeyPath(log), F_OK) != 0, errno == ENOENT {
      throw CommandFailure(
        "there is no log \(log) with a key \(LogFiles.publicKeyPath(log)); name the log with --log, or make one with vpals "
          + "log init")
    }
    return try refusing {
      if keys.isEmpty { return [try LogFiles.readPublicKey(LogFiles.publicKeyPath(log))] }
      return try keys.map { text in
        // A file's name has no two plus signs with a key's ID between them.
        FileManager.default.fileExists(atPath: text)
          ? try LogFiles.readPublicKey(text) : try VerifierKey(text: text)
      }
    }
  }

  func open() throws -> LogReader {
    let keys = try verifierKeys()
    let log = try log
    return try refusing { try LogReader(directory: log, keys: keys) }
  }
}

/// Runs `body`; a log or a proof that is wrong ends the command with 1, everything else that fails with 2.
private func refusing<T>(_ body: () throws -> T) throws -> T {
  do {
    return try body()
  } catch let error as LogError {
    guard error.code.isRefusal else { throw CommandFailure("\(error)") }
    printError("error: \(error)")
    throw ExitCode(1)
  }
}

/// Refuses an output that would write over a file of the log or of its keys.
private func checkOutput(_ output: String?, of log: String) throws {
  guard let output else { return }
  let target = URL(filePath: output).resolvingSymlinksInPath().path
  let directory = URL(filePath: log).resolvingSymlinksInPath().path
  let keys = [LogFiles.secretKeyPath(directory), LogFiles.publicKeyPath(directory)]
  guard target != directory, !target.hasPrefix(directory + "/"), !keys.contains(target) else {
    throw CommandFailure("cannot write \(output): it is a file of the log \(log) or its key; name another file")
  }
}

/// Writes `bytes` to a file, or to standard output when none is named.
private func put(_ bytes: [UInt8], _ output: String?) throws {
  guard let output else {
    // Every one of our text files ends in a newline, which printLine adds.
    printLine(String(decoding: bytes.dropLast(), as: UTF8.self))
    return
  }
  do {
    try AtomicFile.write(bytes, to: output)
  } catch {
    throw CommandFailure("\(error)")
  }
}

private func read(_ path: String, maximumBytes: Int) throws -> [UInt8] {
  do {
    return try BoundedFile.read(path, maximumBytes: maximumBytes)
  } catch {
    throw CommandFailure("\(error)")
  }
}

struct LogInitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: """
      Makes an empty log with a new key pair: LOG.key, for its owner alone, and LOG.vkey, for everybody; and enters the \
      key into the trust file.
      """)

  @Option(help: "The name of the log and its key, such as example.com/models: no spaces, no +.")
  var origin: String

  @Option(name: .customLong("log"), help: "The directory of the log. (default: that of gate.yaml, or .vpals/log)")
  var named: String?

  @Option(help: "The trust file. (default: that of gate.yaml, or trust.json)")
  var trust: String?

  @OptionGroup var storeOption: StoreOption

  @Option(help: "For how many days what the log's key signs is accepted, 1 to 3650.")
  var days = 3650

  func validate() throws {
    guard (1...3650).contains(days) else { throw ValidationError("--days is \(days); it must be 1 to 3650") }
  }

  /// The key of a new log; or of one of this name whose making was cut off before the trust file had its key.
  private func created(_ log: String) throws -> VerifierKey {
    do throws(LogError) {
      return try LogFiles.create(log, origin: origin)
    } catch {
      guard error.code == .exists else { throw CommandFailure("\(error)") }
      let trust = try trust ?? EvidencePlaces().trust
      guard let key = try? LogFiles.readPublicKey(LogFiles.publicKeyPath(log)),
        key.name.utf8.elementsEqual(origin.utf8),
        (try? LogReader(directory: log, keys: [key])) != nil
      else { throw CommandFailure("\(error)") }
      let known = FileManager.default.fileExists(atPath: trust) ? try TrustFile(contentsOf: trust) : TrustFile()
      guard !known.keys.contains(where: { $0.publicKey.ed25519Bytes == key.publicKey }) else {
        throw CommandFailure("\(error)")
      }
      printError("note: the log is there already; its key is entered into \(oneLine(trust))")
      return key
    }
  }

  func run() throws {
    let places = try EvidencePlaces()
    let log = named ?? places.log
    let trust = trust ?? places.trust
    let key = try created(log)
    let id: String
    do throws(SigningError) {
      let publicKey = try PublicKey(ed25519: key.publicKey, source: "the log's key")
      id = try KeyStore(trustPath: trust).trust(publicKey, now: Timestamp(Date()), days: days).id
    } catch {
      throw CommandFailure("the log is made, but its key is not entered into \(trust): \(error)")
    }
    printLine("log \(oneLine(log)): named \(origin)")
    printLine("private key \(LogFiles.secretKeyPath(log)): keep a copy where nobody else can read it")
    printLine("public key \(LogFiles.publicKeyPath(log)): give it to everybody who verifies")
    printLine("trust file \(oneLine(trust)): key \(id) signs checkpoints of logs")
    printLine("\(key)")
    let folder = (log as NSString).deletingLastPathComponent
    if (folder as NSString).lastPathComponent == ".vpals" {
      // What must never be committed; the log and its public key may.
      let ignored = "\(folder)/.gitignore"
      if !FileManager.default.fileExists(atPath: ignored) {
        try? AtomicFile.write(Array("keys/\n*.key\nstore.sqlite*\n".utf8), to: ignored)
      }
    }
    if let store = try? storeOption.openExisting() {
      do {
        let count = try IssuingLog(directory: log).publish(from: store)
        if count > 0 { printLine("\(counted(count, "entry", "entries")) that waited in \(storeOption.store)") }
      } catch {
        throw CommandFailure("the log is made, but what waits in \(storeOption.store) is not in it: \(error)")
      }
    }
    printLine(
      "next: \(commandLine(["git", "add", log, LogFiles.publicKeyPath(log), trust]))  # never \(LogFiles.secretKeyPath(log))"
    )
  }
}

struct LogShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Lists entries, newest first, each checked against the signed root.")

  @Option(help: "Only entries of this type, such as certificate-issued.")
  var type: String?

  @Option(help: "The most entries to list.")
  var limit = 100

  @Option(help: "text or json.")
  var format = OutputFormat.text

  @OptionGroup var logOption: LogOption

  func validate() throws { try checkLimit(limit) }

  private struct JSONEntry: Encodable {
    struct Subject: Encodable {
      let name: String
      let sha256: String
    }

    let index: Int
    let leaf: String
    let type: String?
    let time: String?
    let subject: [Subject]?
    let annotations: [String: String]?
    /// Base64, of an entry that is none of ours.
    let bytes: String?
  }

  private struct JSONLog: Encodable {
    let origin: String
    let size: Int
    let root: String
    let entries: [JSONEntry]
  }

  func run() throws {
    var log = try logOption.open()
    let found = try refusing { try newest(&log) }
    switch format {
    case .json:
      let entries = found.map { index, bytes, entry in
        JSONEntry(
          index: index, leaf: "\(TreeHash.leaf(bytes))", type: entry?.kind.rawValue, time: entry?.time.description,
          subject: entry?.subjects.map { JSONEntry.Subject(name: $0.name, sha256: $0.sha256) },
          annotations: entry.flatMap { $0.annotations.isEmpty ? nil : $0.annotations },
          bytes: entry == nil ? Data(bytes).base64EncodedString() : nil)
      }
      printLine(
        try jsonText(
          JSONLog(origin: log.signed.origin, size: log.size, root: log.signed.root.base64, entries: entries)))
    case .text:
      if !found.isEmpty {
        var table = TextTable(["entry", "time", "type", "subject", "sha256"], rightAligned: [0])
        for (index, bytes, entry) in found { for row in rows(index, bytes, entry) { table.add(row) } }
        for line in table.lines { printLine(line) }
        if found.count == limit { printLine("at most \(limit) are listed; more with --limit") }
      }
      printLine(
        "log \(log.signed.origin): \(counted(log.size, "entry", "entries")), root \(log.signed.root.base64)")
    }
  }

  private func newest(_ log: inout LogReader) throws -> [(index: Int, bytes: [UInt8], entry: LogEntry?)] {
    var found: [(Int, [UInt8], LogEntry?)] = []
    for bundle in (0..<log.bundles).reversed() {
      let entries = try log.entries(bundle: bundle)
      for position in entries.indices.reversed() {
        if found.count == limit { return found }
        let bytes = entries[position]
        let entry = try? LogEntry(parsing: bytes, place: "entry")
        if let type, entry?.kind.rawValue != type { continue }
        found.append((bundle * Tile.fullWidth + position, bytes, entry))
      }
    }
    return found
  }

  private func rows(_ index: Int, _ bytes: [UInt8], _ entry: LogEntry?) -> [[String]] {
    guard let entry else { return [["\(index)", "", "(other)", counted(bytes.count, "byte"), SHA256Digest.of(bytes)]] }
    return entry.subjects.enumerated().map { position, subject in
      let start = position == 0 ? ["\(index)", "\(entry.time)", "\(entry.kind)"] : ["", "", ""]
      return start + [oneLine(subject.name), subject.sha256]
    }
  }
}

struct LogProveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prove", abstract: "Writes a proof that an entry is in the log, for who has only the log's key.")

  @Argument(help: "The number of the entry, or the SHA-256 of one of its subjects, of its bytes, or of its leaf.")
  var entry: String

  @Option(help: "The file of the proof (.tlog-proof); standard output when none is named.")
  var output: String?

  @Option(help: "Also writes the bytes of the entry to this file: the proof is verified with them.")
  var entryOutput: String?

  @OptionGroup var logOption: LogOption

  func run() throws {
    for path in [output, entryOutput] { try checkOutput(path, of: try logOption.log) }
    if let output, output == entryOutput {
      throw CommandFailure("--output and --entry-output are one file, \(output); name two")
    }
    var log = try logOption.open()
    let (proof, bytes) = try refusing { try log.proof(of: try index(&log)) }
    if let entryOutput { try put(bytes, entryOutput) }
    try put(proof.bytes, output)
    if let output {
      printLine("\(output): entry \(proof.inclusion.index) of \(log.size) in \(log.signed.origin)")
    }
  }

  private func index(_ log: inout LogReader) throws -> Int {
    let digest = entry.hasPrefix("sha256:") ? String(entry.dropFirst(7)) : entry
    guard SHA256Digest.isValid(digest) else {
      guard let index = Int(entry), index >= 0, String(index) == entry else {
        throw CommandFailure(
          "\(oneLine(entry)) is neither the number of an entry nor a SHA-256 of 64 lowercase digits; see vpals log show"
        )
      }
      return index
    }
    var found: [Int] = []
    try log.verifyAll { index, bytes in
      let isMeant =
        "\(TreeHash.leaf(bytes))" == digest || SHA256Digest.of(bytes) == digest
        || (try? LogEntry(parsing: bytes, place: "entry"))?.subjects.contains { $0.sha256 == digest } == true
      if isMeant { found.append(index) }
    }
    guard let only = found.first else {
      throw CommandFailure("no entry of the log \(try logOption.log) has the digest \(digest); see vpals log show")
    }
    guard found.count == 1 else {
      let some = found.prefix(20).map(String.init).joined(separator: ", ")
      throw CommandFailure(
        "\(found.count) entries of the log \(try logOption.log) have the digest \(digest): \(some)"
          + "\(found.count > 20 ? ", …" : ""); name one by its number")
    }
    return only
  }
}

struct LogVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Checks the whole log: signature, root, every tile, every entry. Or one proof, without the log.")

  @Option(help: "A checkpoint that was saved elsewhere: the log must extend it.")
  var since: String?

  @Option(help: "A tlog-proof to verify instead of the log, with --entry.")
  var proof: String?

  @Option(help: "The bytes of the entry that the proof is about.")
  var entry: String?

  @OptionGroup var logOption: LogOption

  func validate() throws {
    guard (proof == nil) == (entry == nil) else {
      throw ValidationError("--proof and --entry belong together: name both files")
    }
    guard proof == nil || since == nil else {
      throw ValidationError("--since is about a log, --proof about one entry: name one of them")
    }
  }

  func run() throws {
    let keys = try logOption.verifierKeys()
    if let proof, let entry {
      let proofBytes = try read(proof, maximumBytes: LogProof.maximumBytes)
      let entryBytes = try read(entry, maximumBytes: EntryBundle.maximumEntryBytes)
      let checked = try refusing {
        let checked = try LogProof(parsing: proofBytes, keys: keys, file: proof)
        try checked.verify(entry: entryBytes)
        return checked
      }
      printLine("valid: \(oneLine(entry)) is entry \(checked.inclusion.index) of \(text(checked.signed))")
      return
    }
    let saved = try since.map { try savedCheckpoint($0, keys) }
    let log = try refusing {
      var log = try LogReader(directory: try logOption.log, keys: keys)
      // First: a history that was rewritten says more than a file that is missing.
      if let saved, let since { try log.verifyExtends(saved, file: since) }
      try log.verifyAll()
      return log
    }
    printLine("valid: \(counted(log.size, "entry", "entries")) in \(text(log.signed))")
    if let saved, let since { printLine("extends \(oneLine(since)), which has \(saved.size)") }
  }

  private func text(_ signed: SignedCheckpoint) -> String {
    "\(signed.origin), size \(signed.size), root \(signed.root.base64), signed by "
      + signed.signers.map(\.shortName).joined(separator: ", ")
  }

  /// What is wrong with the saved file is not the log's fault.
  private func savedCheckpoint(_ path: String, _ keys: [VerifierKey]) throws -> SignedCheckpoint {
    let bytes = try read(path, maximumBytes: SignedNote.maximumBytes)
    do {
      return try SignedCheckpoint(verifying: bytes, keys: keys, file: path)
    } catch {
      throw CommandFailure("cannot compare with the saved checkpoint: \(error)")
    }
  }
}

struct LogCheckpointCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint",
    abstract: "Prints the signed checkpoint. Save it elsewhere: log verify --since then sees what was rewritten.")

  @Option(help: "The file of the checkpoint; standard output when none is named.")
  var output: String?

  @OptionGroup var logOption: LogOption

  func run() throws {
    try checkOutput(output, of: try logOption.log)
    let log = try logOption.open()
    try put(log.signed.bytes, output)
    if let output { printLine("\(output): \(log.signed.origin), size \(log.size)") }
  }
}
