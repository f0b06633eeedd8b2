import CertificateStorage
import Certificates
import GRDB
import Glibc

/// The store's errors in words: each names the file, what stands in the way and the fix.
enum SQLiteFailure {
  static func unavailable(_ path: String, _ reason: String) -> StorageError {
    StorageError(.unavailable, "cannot use the store \(path): \(reason)")
  }

  static func foreign(_ path: String) -> StorageError {
    StorageError(
      .foreign,
      "\(path) is not a vPALs store, but a file of another program; name another file with --store sqlite:PATH")
  }

  static func newerSchema(_ path: String, version: Int) -> StorageError {
    StorageError(
      .newerSchema,
      "the store \(path) was written by a later vPALs (schema \(version), this one knows \(SQLiteSchema.migrations.count)); "
        + "use that version, or another store")
  }

  static func corrupt(_ path: String, _ detail: String) -> StorageError {
    StorageError(.corrupt, "the store \(path) is damaged: \(detail); restore it from a copy or begin a new one")
  }

  static func system(_ path: String, _ failure: SystemFailure) -> StorageError {
    let code: StorageError.Code
    switch failure.errorNumber {
    case ENOSPC, EDQUOT: code = .noSpace
    case EROFS, EACCES, EPERM: code = .readOnly
    case EWOULDBLOCK: code = .busy
    default: code = .unavailable
    }
    return StorageError(code, "cannot use the store \(path): \(failure.reason)")
  }

  static func map(_ error: any Error, path: String) -> StorageError {
    if let error = error as? StorageError { return error }
    guard let error = error as? DatabaseError else { return unavailable(path, "\(error)") }
    switch error.resultCode {
    case .SQLITE_FULL: return system(path, SystemFailure(errorNumber: ENOSPC))
    case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_IOERR:
      // SQLite tells these apart less well than the file system does.
      if let failure = obstacle(path) { return system(path, failure) }
      return unavailable(path, "\(error.message ?? "input/output error"); check the path and the disk")
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      return StorageError(
        .busy, "the store \(path) is locked by another process; wait for it to end and run the command again")
    case .SQLITE_NOTADB: return foreign(path)
    case .SQLITE_CORRUPT: return corrupt(path, error.message ?? "its structure is broken")
    case .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_ERROR:
      return corrupt(path, error.message ?? "a rule of its tables is broken")
    default: return unavailable(path, error.message ?? "\(error.resultCode)")
    }
  }

  /// What keeps the file and its directory from being written, as far as the file system tells.
  static func obstacle(_ path: String) -> SystemFailure? {
    let directory = SQLiteStore.directory(of: path)
    if access(directory, W_OK | X_OK) != 0 { return .last }
    if access(path, F_OK) == 0, access(path, R_OK | W_OK) != 0 { return .last }
    var statistics = statvfs()
    if statvfs(directory, &statistics) == 0, statistics.f_bavail == 0, statistics.f_blocks > 0 {
      return SystemFailure(errorNumber: ENOSPC)
    }
    return nil
  }
}
