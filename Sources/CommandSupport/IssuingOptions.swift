public import ArgumentParser
internal import Certificates
public import Evidence
internal import Foundation
internal import Gating
internal import Glibc
public import Signing
internal import TransparencyLog

/// Where trust file and log lie when no option names them: where the policy `gate.yaml` of the working directory says, so
/// that what is issued is what the gate looks for; else `trust.json` and `.vpals/log`.
public struct EvidencePlaces: Sendable {
  public static let standardLog = ".vpals/log"

  public let trust: String
  public let log: String
  /// Whether the policy names the log, which then must be there.
  public let isLogNamed: Bool

  /// - Throws: ``CommandFailure`` when there is a policy that cannot be read.
  public init() throws {
    let policy: GatePolicy
    do throws(GatePolicyError) {
      policy = try GatePolicy.ofRun(named: nil, now: Timestamp(Date()))
    } catch {
      throw CommandFailure(error.description)
    }
    trust = policy.trust ?? KeyStore.standardTrustFile
    log = policy.log.directory ?? Self.standardLog
    isLogNamed = policy.log.directory != nil
  }
}

/// The option that names the log of a command that writes into it.
public struct LogPlaceOption: ParsableArguments {
  @Option(
    help:
      "The transparency log; its private key is LOG.key. (default: that of gate.yaml, or .vpals/log when it is there)")
  public var log: String?

  @Flag(help: "Write into no log: what is to be logged waits in the store.")
  public var noLog = false

  public init() {}

  public func validate() throws {
    guard !noLog || log == nil else { throw ValidationError("--no-log and --log do not go together") }
  }

  /// The log that is named, or the standard one; nil when none is to be written, or none is named and none is there.
  ///
  /// - Parameter trust: The keys that count. A log whose key the file has and does not admit is not written into: the
  ///   gate would refuse it.
  public func open(trust: TrustFile?) throws -> IssuingLog? {
    guard !noLog else { return nil }
    let places = try EvidencePlaces()
    let directory = log ?? places.log
    let isKnown = access(LogFiles.publicKeyPath(directory), F_OK) == 0
    if log == nil, access(directory, F_OK) != 0, errno == ENOENT, !isKnown {
      guard !places.isLogNamed else {
        throw CommandFailure(
          "gate.yaml names the log \(directory), which is not there; restore it, or use --no-log",
          next: commandLine(["vpals", "log", "init", "--log", directory, "--origin", "NAME"]))
      }
      return nil
    }
    if log == nil, access(LogFiles.secretKeyPath(directory), F_OK) != 0, errno == ENOENT {
      // A copy of somebody else's log: it is read, and written where its key is.
      printError(
        "note: the private key of the log in \(directory) is not here; what is to be logged waits in the store")
      return nil
    }
    let opened: IssuingLog
    do {
      opened = try IssuingLog(directory: directory)
    } catch {
      throw CommandFailure("cannot write into the log \(directory): \(error) (--no-log leaves the log out)")
    }
    if let entry = trust?.keys.first(where: { $0.publicKey.ed25519Bytes == opened.publicKey }) {
      guard entry.maySign(at: Timestamp(Date())) else {
        throw CommandFailure(
          "the key of the log \(directory) is \(entry.state.name) or out of its time in the trust file, so what it signs "
            + "does not count; make a log with a new key (--no-log leaves the log out)")
      }
    } else if trust != nil {
      printError(
        "note: the trust file does not have the key of the log \(directory), so the gate cannot believe it; "
          + commandLine(["vpals", "keys", "add", LogFiles.publicKeyPath(directory)]))
    }
    return opened
  }
}

/// Who signs certificates, and which log has them.
public struct IssuingOptions: ParsableArguments {
  @Option(
    help: """
      The private key to sign with; otherwise the environment variable VPALS_SIGNING_KEY, the systemd credential \
      vpals-signing-key, or the key in .vpals/keys that the trust file lets sign.
      """)
  public var signingKey: String?

  @Flag(help: "Sign nothing, also where a signed certificate lies.")
  public var unsigned = false

  @Flag(help: "Issue a certificate also of a network of which somebody has revoked one.")
  public var reissue = false

  @Option(help: "The trust file. (default: that of gate.yaml, or trust.json)")
  public var trust: String?

  @OptionGroup public var logPlace: LogPlaceOption

  @Option(help: "For how many days the certificate counts, 1 to 3650; not longer than the key that signs it.")
  public var validDays = Certificate.standardValidityDays

  public init() {}

  public func validate() throws {
    guard (1...Certificate.maximumValidityDays).contains(validDays) else {
      throw ValidationError("--valid-days is \(validDays); it must be 1 to \(Certificate.maximumValidityDays)")
    }
    guard !unsigned || signingKey == nil else {
      throw ValidationError("--unsigned and --signing-key do not go together")
    }
  }

  /// The issuer that the options, the environment and the working directory name.
  ///
  /// The key is taken out of the environment, so that no child process has it.
  /// - Throws: ``CommandFailure`` when a key, a trust file or a log that is named or there cannot be used: what is meant
  ///   to be signed and logged is not silently neither.
  public func issuer() throws -> Issuer {
    defer { unsetenv(PrivateKey.environmentVariable) }
    let trustPath = try trust ?? EvidencePlaces().trust
    let isThere = access(trustPath, F_OK) == 0 || errno != ENOENT
    guard isThere || trust == nil else {
      throw CommandFailure("the trust file \(trustPath) is not there; check --trust")
    }
    do {
      let known = isThere ? try TrustFile(contentsOf: trustPath) : nil
      let (key, problem) = try unsigned ? (nil, "--unsigned was given") : signer(known, trustPath: trustPath)
      return Issuer(
        key: key, log: try logPlace.open(trust: known), validityDays: validDays,
        keyValidUntil: key.flatMap { known?.key(id: $0.publicKey.id)?.validUntil }, unsignedBecause: problem,
        trustPath: isThere ? trustPath : nil)
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw CommandFailure("\(error)")
    }
  }

  /// The key, or why there is none.
  private func signer(_ trust: TrustFile?, trustPath: String) throws -> (PrivateKey?, String) {
    let now = Timestamp(Date())
    do throws(SigningError) {
      let key = try PrivateKey.find(file: signingKey, environment: ProcessInfo.processInfo.environment)
      // Nobody would accept what a key signs that the trust file refuses; without the file, its reader has another.
      try trust?.checkMaySign(key.publicKey, for: .certificates, at: now)
      return (key, "")
    } catch {
      guard error.code == .noKey else { throw error }
    }
    let keys = KeyStore(trustPath: trustPath)
    let signing = trust?.signingKeys(for: .certificates, at: now) ?? []
    for entry in signing {
      let path = keys.privatePath(of: entry.id)
      if access(path, F_OK) != 0, errno == ENOENT { continue }
      let key = try PrivateKey(contentsOf: path)
      guard key.publicKey.id == entry.id else {
        throw CommandFailure("\(path) is not the private key of \(entry.id); restore the file, or rotate the key")
      }
      return (key, "")
    }
    guard trust != nil else { return (nil, "there is no \(trustPath)") }
    return (
      nil,
      signing.isEmpty
        ? "no key of \(trustPath) may sign now"
        : "the private key of \(signing[0].id.prefix(16)) is not here (--signing-key FILE, VPALS_SIGNING_KEY)"
    )
  }
}
