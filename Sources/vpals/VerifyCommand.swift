import ArgumentParser
import CertificateStorage
import Certificates
import CommandSupport
import Evidence
import ExactArithmetic
import Foundation
import Gating
import Glibc
import Networks
import Retraining
import Signing
import Specifications
import Synchronization
import Verification

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Decides each property of a model, in exact arithmetic.",
    discussion: """
      MODEL is a version's directory, an ONNX file (its external data beside it) or an NNet file. Writes the certificate, \
      SPEC.intoto.json, beside the model and into the store, signed and logged when there are a key and a log (vpals keys \
      init, vpals log init), and puts counterexamples into the retraining queue.

      Exit code: 0 all properties hold, 1 one is violated, 3 none is violated but one is undecided, 2 error.
      """)

  @Argument(help: "A model version's directory, an ONNX file, or an NNet file.")
  var model: String

  @Option(help: "The specification; for models/APP/VERSION the default is specs/APP.yaml.")
  var spec: String?

  @Option(name: .customLong("property"), help: "Only this property (repeatable); no certificate is written then.")
  var properties: [String] = []

  @Option(help: "Time for the whole run: 30s, 5m, 1h.")
  var timeout = TimeSpan(seconds: 600)

  @Option(help: "auto: bounds first, Z3 for what they leave; smt: the whole query to Z3.")
  var engine = Engine.auto

  @Option(help: "text or json.")
  var format = OutputFormat.text

  @Option(help: "Threads that decide properties at the same time.")
  var threads = 2

  @Flag(
    help: """
      Go on from an earlier, stopped run with exactly this model and specification: what it proved is taken over, and \
      searches that it left undecided continue from SPEC.PROPERTY.search beside the model.
      """)
  var resume = false

  @Option(
    name: .customLong("from"),
    help: "The directory of an earlier version of this model: start from the split trees of its proofs.")
  var predecessor: String?

  @Option(
    help: "Measured rows to compare counterexamples with; for models/APP/VERSION the default is models/APP/data.csv.")
  var data: String?

  @Option(
    help: """
      How cells are split. look-ahead: a search that tries both an input and a phase at some cells and learns which \
      pays, then turns; turns: input halves and mixed splits take turns; inputs, mixed: one kind of search alone.
      """)
  var splitChoice = SplitChoice.lookAhead

  @Flag(name: .customLong("no-shared-bounds"), help: .hidden)
  var withoutSharedBounds = false

  @OptionGroup var storeOption: StoreOption
  @OptionGroup var issuing: IssuingOptions

  func validate() throws {
    guard (1...64).contains(threads) else { throw ValidationError("--threads is \(threads); it must be from 1 to 64") }
  }

  func run() throws {
    let target = try ModelTarget(model, spec: spec)
    let specification = try target.specification()
    let read: StoredNetwork
    do {
      read = try StoredNetwork(
        bytes: try BoundedFile.read(target.modelPath, maximumBytes: StoredNetwork.maximumBytes), path: target.modelPath)
    } catch {
      let message = "\(error)"
      throw CommandFailure(message.contains(target.modelPath) ? message : "\(target.modelPath): \(message)")
    }
    for remark in read.remarks { printError("note: \(target.modelPath): \(remark)") }
    let stored = read.network
    let network = ExactNetwork(stored)
    let chosen = try chosenProperties(specification)
    let covered = chosen.count == specification.properties.count
    try requireOthersNames(read, target, specification)
    // A wrong --data is better known now than after the work.
    let named = try data.map { _ in
      try MeasuredData(data, else: [], application: target.application, specification: specification)
    }
    if covered, access(target.directory, W_OK) != 0 {
      // Better now than after the work.
      throw CommandFailure(SystemFailure.last.error("write a certificate into \(target.directory)").message)
    }
    let writable = access(target.directory, W_OK) == 0
    var options = VerificationOptions(engine: engine)
    options.savesSearches = writable && engine == .auto
    options.splitChoice = splitChoice
    options.sharesBounds = !withoutSharedBounds
    let session: VerificationSession
    do {
      session = try VerificationSession(
        network: network, specification: specification, options: options, threads: threads)
    } catch {
      throw CommandFailure("\(target.modelPath) and \(target.specificationPath) do not fit: \(error)")
    }
    // Also for a part of the properties: the search that is kept then lies in a directory that may be signed.
    let isSigned = access("\(target.directory)/\(ModelSignature.fileName)", F_OK) == 0 && target.isVersion
    let issuer = try issuing.issuer()
    if covered {
      let name = try Certificate.fileName(specification: specification.name)
      do {
        // Asked for by name, an unsigned certificate may take the place of a signed one.
        if !issuing.unsigned { try issuer.checkMayReplace("\(target.directory)/\(name)") }
      } catch {
        throw CommandFailure("\(error)")
      }
    }
    let further = covered ? try target.furtherFiles(than: read.files, specification: specification) : []
    if issuer.key != nil, target.isVersion {
      do throws(SigningError) {
        try ModelSignature.checkSignable(target.directory)
      } catch {
        throw CommandFailure("the directory cannot be signed: \(error)")
      }
    }
    let store = try storeOption.open()
    if covered, !issuing.reissue { try refuseRevoked(target, network, specification, store) }
    let stop = StopSignal()
    let interrupts = Interrupts(stop)
    defer { withExtendedLifetime(interrupts) {} }
    let startedAt = Timestamp(Date())
    var decided: [String: PropertyResult] = [:]
    if resume {
      decided = try StoredResults.proven(
        of: network, specification: specification, application: target.application, store: store,
        proofs: target.directory)
      // A second opinion is no second opinion when the first engine gave it.
      decided = decided.filter { entry in
        entry.value.engine == engine.rawValue && chosen.contains { $0.id == entry.key }
      }
    }
    let (starts, copies) = try self.starts(
      chosen.filter { decided[$0.id] == nil }, target, specification, network, stop, scratch: options.scratchDirectory)
    defer { withExtendedLifetime(copies) {} }
    let progress = VerifyProgress(total: chosen.count, decided: decided.count, quiet: format == .json)
    var results: [PropertyResult]
    let arithmetic: Certificate.Arithmetic
    do {
      defer { progress.clear() }
      let budget = Budget(seconds: timeout.seconds, boundShare: 0.15, stop: stop)
      results = try session.run(
        properties: chosen, decided: decided, known: try knownPairs(target, specification, store),
        starts: starts, budget: budget, onEvent: progress.handle)
      if covered {
        (arithmetic, results) = try session.rounding(of: stored, results: results, budget: budget) { event in
          // The properties are decided; this may still take its time.
          if case .progress = event { progress.handle(event) }
        }
      } else {
        arithmetic = Certificate.Arithmetic(of: stored, for: specification)
      }
    } catch let error as VerificationError {
      throw CommandFailure(error, keepingEvidenceIn: target.directory, as: target.application)
    }

    let found = foundCounterexamples(chosen, results, specification)
    // Before the certificate: a signature of the directory covers what lies there.
    let saved = keepSearches(results, target, specification, writable: writable && (!isSigned || issuer.key != nil))
    if writable, isSigned, issuer.key == nil, !results.allSatisfy({ $0.saved == nil }) {
      printError("note: the searches are not kept: \(target.directory) is signed, and there is no key to sign it again")
    }
    var evidence = VerifyReport.Evidence.none
    let finishedAt = Timestamp(Date())
    if covered {
      let certificate = Certificate(
        model: Certificate.Model(
          name: target.application, version: target.version, files: read.files.map(Certificate.Subject.init) + further,
          networkDigest: network.digest.hexadecimalPart),
        specification: specification, results: results, arithmetic: arithmetic,
        data: coverage(target, specification), startedAt: startedAt, finishedAt: finishedAt,
        expiresAt: issuer.expiry(of: finishedAt))
      evidence = try write(certificate, results, found, target, store, issuer)
    } else {
      _ = try store.enqueue(
        found,
        origin: QueueOrigin(
          application: target.application, modelVersion: target.version, networkDigest: network.digest.hexadecimalPart,
          specificationDigest: specification.digest.hexadecimalPart), now: Date())
      try issuer.log?.publish(from: store)
      if isSigned, issuer.key != nil { try issuer.sign(target.directory, now: Timestamp(Date())) }
    }
    let measured =
      found.isEmpty
      ? nil
      : try named
        ?? MeasuredData(
          nil, else: target.dataCandidates, application: target.application, specification: specification)
    let report = VerifyReport(
      target: target, network: network, specification: specification, properties: chosen, results: results,
      arithmetic: arithmetic, evidence: evidence, found: found, saved: saved,
      sameStore: storeOption.store == StoreOption.standard ? [] : ["--store", storeOption.store],
      measured: measured?.rows, hasSigningKeys: issuer.unsignedBecause?.hasPrefix("the private key of") ?? false,
      sameData: data.map { ["--data", $0] } ?? [])
    switch format {
    case .json: printLine(try report.json())
    case .text: for line in report.lines() { printLine(line) }
    }
    throw ExitCode(report.exitCode)
  }

  /// Records what was found, and writes the certificate unless an earlier one decides more.
  private func write(
    _ certificate: Certificate, _ results: [PropertyResult], _ found: [FoundCounterexample], _ target: ModelTarget,
    _ store: any Store, _ issuer: Issuer
  ) throws -> VerifyReport.Evidence {
    if let path = try earlierCertificate(deciding: certificate, in: target.directory) {
      _ = try store.record(VerificationRecord(certificate: certificate, found: found), now: Date())
      try issuer.log?.publish(from: store)
      if issuer.key != nil, target.isVersion { try issuer.sign(target.directory, now: Timestamp(Date())) }
      return .earlier(path: path)
    }
    var proofs: [String: ProofFile] = [:]
    for (result, record) in zip(results, certificate.properties) {
      if let proof = result.proof, let reference = record.proof { proofs[reference.path] = proof }
    }
    let issued = try issuer.issue(
      certificate, found: found, proofs: proofs, into: target.directory, isVersion: target.isVersion, store: store,
      now: Timestamp(Date()))
    return .issued(issued, log: issuer.log?.origin, unsignedBecause: issuer.unsignedBecause)
  }

  /// Refuses to issue a certificate of a network and a specification of which somebody has revoked one: verifying them
  /// again says nothing about the reason. What a counterexample revoked, verifying decides.
  private func refuseRevoked(
    _ target: ModelTarget, _ network: ExactNetwork, _ specification: Specification, _ store: any Store
  ) throws {
    let filter = CertificateFilter(
      application: target.application, state: .revoked, now: Timestamp(Date()), limit: StoreBounds.page)
    for summary in try store.certificates(filter)
    where summary.networkDigest == network.digest.hexadecimalPart
      && summary.specificationDigest == specification.digest.hexadecimalPart
    {
      guard let revocation = summary.revocation, revocation.cause == .operator else { continue }
      throw CommandFailure(
        "certificate \(summary.id.prefix(12)) of this very network and specification was revoked at "
          + "\(revocation.revokedAt): \(oneLine(revocation.reason)); --reissue issues a new one all the same")
    }
  }

  /// How much of the application's measured rows lies in the domain; nil, with a note when there are rows, if that
  /// cannot be told.
  private func coverage(_ target: ModelTarget, _ specification: Specification) -> Certificate.Coverage? {
    guard let path = data ?? target.dataCandidates.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
      return nil
    }
    do {
      let digest = try SHA256Digest.ofFile(path).sha256
      return try PreparedData(application: target.application, path: path, specification: specification).coverage(
        sha256: digest)
    } catch {
      printError("note: the certificate does not say how much of the data lies in the domain: \(oneLine("\(error)"))")
      return nil
    }
  }

  /// No file that was read may have the name of one that this command writes beside it, and be lost.
  private func requireOthersNames(
    _ read: StoredNetwork, _ target: ModelTarget, _ specification: Specification
  ) throws {
    var written: Set = [ModelSignature.fileName]
    for file in Certificate.File.allCases {
      written.insert(try Certificate.fileName(specification: specification.name, file))
    }
    for property in specification.properties {
      written.insert(ProofFile.name(specification: specification.name, property: property.id))
      written.insert(SavedSearch.name(specification: specification.name, property: property.id))
    }
    // SQLite makes and removes files beside the store.
    if case .sqlite(let path)? = try? StoreLocation.parse(storeOption.store) {
      func real(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
      let store = real((path as NSString).deletingLastPathComponent + "/.")
      let folder = path.contains("/") ? store : real(".")
      if folder == real(target.directory) {
        let name = (path as NSString).lastPathComponent
        written.formUnion(["", "-journal", "-wal", "-shm"].map { name + $0 })
      }
    }
    for file in read.files where written.contains(file.name) {
      throw CommandFailure(
        "\(target.directory)/\(file.name) has the name of a file that vpals verify writes; rename the model or its data file"
      )
    }
  }

  /// The trees to start from. A saved search that does not fit is named and passed over: nothing depends on it.
  private func starts(
    _ open: [Property], _ target: ModelTarget, _ specification: Specification, _ network: ExactNetwork,
    _ stop: StopSignal, scratch: String
  ) throws -> (starts: [String: SearchStart], copies: [SavedSearch]) {
    var starts: [String: SearchStart] = [:]
    // What was checked is what is read, whatever happens beside the model: copies, which live as long as they are read.
    var copies: [SavedSearch] = []
    if let predecessor {
      var isDirectory: ObjCBool = false
      guard FileManager.default.fileExists(atPath: predecessor, isDirectory: &isDirectory), isDirectory.boolValue else {
        throw CommandFailure(
          "--from \(predecessor) is not a directory; name that of an earlier version with its proofs")
      }
      for property in open {
        let path = "\(predecessor)/\(ProofFile.name(specification: specification.name, property: property.id))"
        if FileManager.default.fileExists(atPath: path) { starts[property.id] = .predecessor(path: path) }
      }
      if starts.isEmpty, !open.isEmpty {
        throw CommandFailure(
          "\(predecessor) holds no proof of these properties; a proof is named \(specification.name).PROPERTY.proof")
      }
    }
    guard resume else {
      for property in open {
        let path = "\(target.directory)/\(SavedSearch.name(specification: specification.name, property: property.id))"
        guard FileManager.default.fileExists(atPath: path), engine == .auto else { continue }
        printError("note: \(path) of an earlier run will be replaced; --resume goes on from it")
      }
      return (starts, copies)
    }
    for property in open {
      let path = "\(target.directory)/\(SavedSearch.name(specification: specification.name, property: property.id))"
      guard FileManager.default.fileExists(atPath: path) else { continue }
      do {
        let copy = SavedSearch(temporary: "\(scratch)/vpals-\(getpid())-\(UUID().uuidString).search", bytes: 0)
        try AtomicFile.copy(path, to: copy.path)
        _ = try SavedSearch.check(
          copy.path, named: path, network: network, property: property, shouldStop: { stop.isRequested })
        starts[property.id] = .saved(path: copy.path)
        copies.append(copy)
      } catch {
        if stop.isRequested { throw CommandFailure("stopped while \(path) was read; nothing has changed") }
        if let failure = error as? CertificateError, failure.code == .noSpace {
          // Starting anew would replace the search in the end.
          throw CommandFailure("\(failure); the search in \(path) is as it was: make room, or set TMPDIR")
        }
        printError("note: \(error); \(property.id) starts anew")
      }
    }
    return (starts, copies)
  }

  /// Puts searches that ended undecided beside the model and removes those of properties that are decided now.
  private func keepSearches(
    _ results: [PropertyResult], _ target: ModelTarget, _ specification: Specification, writable: Bool
  ) -> [String: String] {
    guard writable else { return [:] }
    var kept: [String: String] = [:]
    for result in results {
      let path = "\(target.directory)/\(SavedSearch.name(specification: specification.name, property: result.id))"
      if let saved = result.saved {
        guard saved.bytes <= SavedSearch.maximumBytes else { continue }
        do {
          try AtomicFile.copy(saved.path, to: path)
          kept[result.id] = path
        } catch {
          // The answers are written; only the way that was gone is lost.
          printError("note: the search of \(result.id) is not kept: \(error)")
        }
      } else if case .unknown = result.verdict {
        // Nothing to keep, and an earlier search may still be of use.
        continue
      } else {
        unlink(path)
      }
    }
    return kept
  }

  private func chosenProperties(_ specification: Specification) throws -> [Property] {
    guard !properties.isEmpty else { return specification.properties }
    for id in properties where !specification.properties.contains(where: { $0.id == id }) {
      throw CommandFailure(
        "\(specification.path) has no property '\(id)'; it has "
          + specification.properties.map(\.id).joined(separator: ", "))
    }
    return specification.properties.filter { properties.contains($0.id) }
  }

  /// The certificate that lies beside the model already, when it decides every property of exactly the same files and
  /// `new` leaves some open: a run that was stopped takes nothing away.
  private func earlierCertificate(deciding new: Certificate, in directory: String) throws -> String? {
    guard new.properties.contains(where: { $0.outcome.isOpen }) else { return nil }
    let path = "\(directory)/\(try Certificate.fileName(specification: new.specification.name))"
    guard let old = try? CertificateFile(contentsOf: path).certificate.claims, old.model == new.model,
      old.specification == new.specification, old.verifier == new.verifier,
      old.properties.map(\.queryDigests) == new.properties.map(\.queryDigests),
      !old.properties.contains(where: { $0.outcome.isOpen }),
      // What this run refutes does not stay.
      !zip(old.properties, new.properties).contains(where: { $0.outcome == .holds && $1.outcome.name == "violated" })
    else { return nil }
    return path
  }

  /// Pairs that refuted earlier versions: replayed first.
  private func knownPairs(_ target: ModelTarget, _ specification: Specification, _ store: any Store) throws
    -> [String: [KnownPair]]
  {
    var known: [String: [KnownPair]] = [:]
    let filter = QueueFilter(
      application: target.application, states: [.pending, .leased, .consumed], limit: StoreBounds.page)
    for entry in try store.queueEntries(filter)
    where entry.found.counterexample.x.count == specification.features.count {
      let example = entry.found.counterexample
      known[entry.found.property, default: []].append(
        KnownPair(query: example.query, x: example.x, xPrime: example.xPrime))
    }
    return known
  }

  private func foundCounterexamples(
    _ properties: [Property], _ results: [PropertyResult], _ specification: Specification
  ) -> [FoundCounterexample] {
    zip(properties, results).flatMap { property, result -> [FoundCounterexample] in
      guard case .violated(let examples) = result.verdict else { return [] }
      return examples.map { FoundCounterexample(property: property, counterexample: $0, specification: specification) }
    }
  }
}

extension PropertyRecord.Outcome {
  fileprivate var isOpen: Bool { if case .unknown = self { true } else { false } }
}
