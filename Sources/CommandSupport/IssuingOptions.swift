public import ArgumentParser
internal import Certificates
public import Evidence
internal import Foundation
internal import Glibc
internal import Signing
internal import TransparencyLog

/// Who signs certificates, and which log has them.
public struct IssuingOptions: ParsableArguments {
  @Option(
    help: """
      The private key to sign with; otherwise the environment variable VPALS_SIGNING_KEY, the systemd credential \
      vpals-signing-key, or the key in .vpals/keys that the trust file lets sign.
      """)
  public var signingKey: String?

  @Option(help: "The trust file.")
  public var trust = KeyStore.standardTrustFile

  @Option(help: "The transparency log; its private key is LOG.key. (default: .vpals/log when it is there)")
  public var log: String?

  @Option(help: "For how many days the certificate counts, 1 to 3650.")
  public var validDays = Certificate.standardValidityDays

  public static let standardLog = ".vpals/log"

  public init() {}

  public func validate() throws {
    guard (1...Certificate.maximumValidityDays).contains(validDays) else {
      throw ValidationError("--valid-days is \(validDays); it must be 1 to \(Certificate.maximumValidityDays)")
    }
  }

  /// The issuer that the options, the environment and the working directory name.
  ///
  /// The key is taken out of the environment, so that no child process has it.
  /// - Throws: ``CommandFailure`` when a key or a log that is there cannot be used: what is meant to be signed and logged
  ///   is not silently neither.
  public func issuer() throws -> Issuer {
    let key: PrivateKey?
    let openedLog: IssuingLog?
    do {
      key = try signer()
      openedLog = try Self.openLog(log)
    } catch {
      throw CommandFailure("\(error)")
    }
    return Issuer(key: key, log: openedLog, validityDays: validDays)
  }

  /// The log that is named, or the standard one; nil when none is named and none is there.
  public static func openLog(_ log: String?) throws -> IssuingLog? {
    if let log { return try IssuingLog(directory: log) }
    guard access(standardLog, F_OK) == 0 else { return nil }
    return try IssuingLog(directory: standardLog)
  }

  private func signer() throws -> PrivateKey? {
    let now = Timestamp(Date())
    let keys = KeyStore(trustPath: trust)
    let hasTrust = access(trust, F_OK) == 0
    let known = try keys.trust()
    defer { unsetenv(PrivateKey.environmentVariable) }
    do throws(SigningError) {
      let key = try PrivateKey.find(file: signingKey, environment: ProcessInfo.processInfo.environment)
      // Nobody would accept what a key signs that the trust file refuses; without the file, its reader has another.
      if hasTrust { try known.checkMaySign(key.publicKey, for: .certificates, at: now) }
      return key
    } catch {
      guard error.code == .noKey else { throw error }
    }
    for entry in known.signingKeys(for: .certificates, at: now) {
      let path = keys.privatePath(of: entry.id)
      guard access(path, F_OK) == 0 else { continue }
      let key = try PrivateKey(contentsOf: path)
      guard key.publicKey.id == entry.id else {
        throw CommandFailure("\(path) is not the private key of \(entry.id); restore the file, or rotate the key")
      }
      return key
    }
    return nil
  }
}
