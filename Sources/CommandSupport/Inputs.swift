public import ArgumentParser
public import CertificateStorage
internal import CertificateStorageSQLite
internal import Glibc
public import Verification

/// How results are printed.
public enum OutputFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
  case text
  case json
}

/// A length of time: `90`, `90s`, `1.5m`, `2h` or `250ms`, up to a week.
public struct TimeSpan: ExpressibleByArgument, Sendable {
  public let seconds: Double

  public init(seconds: Double) { self.seconds = seconds }

  public init?(argument: String) {
    let units: [(suffix: String, factor: Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("", 1)]
    for (suffix, factor) in units where argument.hasSuffix(suffix) {
      guard let number = Double(argument.dropLast(suffix.count)), number > 0, number * factor <= 604_800 else {
        return nil
      }
      seconds = number * factor
      return
    }
    return nil
  }

  /// The same text as a user would write it, for the help.
  public var defaultValueDescription: String {
    seconds < 120 ? "\(decimal(seconds, 0))s" : "\(decimal(seconds / 60, 0))m"
  }
}

extension Engine: ExpressibleByArgument {}
extension SplitChoice: ExpressibleByArgument {}
extension QueueEntry.State: ExpressibleByArgument {}
extension CertificateState: ExpressibleByArgument {}
extension CertificateVerdict: ExpressibleByArgument {}

/// The option that names the store.
public struct StoreOption: ParsableArguments {
  @Option(help: "The store of certificates and counterexamples, sqlite:PATH.")
  public var store = StoreOption.standard

  /// The store of a command that names none.
  public static let standard = "sqlite:.vpals/store.sqlite"

  public init() {}

  public func open() throws -> any Store {
    do {
      switch try StoreLocation.parse(store) {
      case .sqlite(let path): return try SQLiteStore(path: path)
      }
    } catch {
      throw CommandFailure("\(error)".contains(store) ? "\(error)" : "store \(store): \(error)")
    }
  }

  /// Opens a store that must be there: a command that only looks must not answer a misspelt path with an empty store.
  public func openExisting() throws -> any Store {
    if case .sqlite(let path)? = try? StoreLocation.parse(store), access(path, F_OK) != 0, errno == ENOENT {
      throw CommandFailure(
        "the store \(store) does not exist; name another with --store, or fill it with vpals verify or vpals-train")
    }
    return try open()
  }
}

/// Whether standard error is a terminal, on which a line may be rewritten.
public var isTerminal: Bool { isatty(2) == 1 }
