import CertificateStorage
import GRDB

/// A row whose values are read with a check: a damaged file gives an error, not a trap.
struct SQLiteFields {
  let row: Row
  let path: String

  func callAsFunction<Value: DatabaseValueConvertible>(_ column: String) throws(StorageError) -> Value {
    guard let value: Value = try self[optional: column] else {
      throw SQLiteFailure.corrupt(path, "the column \(column) of a row is empty")
    }
    return value
  }

  subscript<Value: DatabaseValueConvertible>(optional column: String) -> Value? {
    get throws(StorageError) {
      guard let stored = row[column] as DatabaseValue?, !stored.isNull else { return nil }
      guard let value = Value.fromDatabaseValue(stored) else {
        throw SQLiteFailure.corrupt(path, "the column \(column) of a row has the wrong type")
      }
      return value
    }
  }
}
