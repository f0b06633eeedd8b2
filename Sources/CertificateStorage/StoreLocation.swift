/// Where a store is, as `--store` names it.
public enum StoreLocation: Sendable, Hashable, CustomStringConvertible {
  /// A SQLite file.
  case sqlite(path: String)

  /// `sqlite:.vpals/store.sqlite`, relative to the working directory.
  public static let standard = StoreLocation.sqlite(path: ".vpals/store.sqlite")

  /// Reads `sqlite:PATH`.
  /// - Throws: ``StorageError`` `.location` with the form to use.
  public static func parse(_ text: String) throws(StorageError) -> StoreLocation {
    let scheme = "sqlite:"
    if text.hasPrefix("postgres:") || text.hasPrefix("postgresql:") {
      throw StorageError(
        .location, "--store \(text): PostgreSQL is not supported yet; use sqlite:PATH, for example \(standard)")
    }
    guard text.hasPrefix(scheme) else {
      throw StorageError(.location, "--store \(text): expected sqlite:PATH, for example \(standard)")
    }
    let path = String(text.dropFirst(scheme.count))
    guard !path.isEmpty, !path.hasSuffix("/"), !path.hasPrefix(":"), !path.hasPrefix("//"), !path.utf8.contains(0)
    else {
      throw StorageError(
        .location, "--store \(text): expected the path of a file after `sqlite:`, for example \(standard)")
    }
    return .sqlite(path: path)
  }

  public var description: String {
    switch self {
    case .sqlite(let path): "sqlite:\(path)"
    }
  }
}
