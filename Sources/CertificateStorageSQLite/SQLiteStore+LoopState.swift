public import CertificateStorage
import Certificates
public import FoundationEssentials
import GRDB

extension SQLiteStore {
  public func saveLoopState(application: String, _ bytes: [UInt8], now: Date) throws(StorageError) {
    try StoreBounds.check(name: application, as: "the application")
    try StoreBounds.check(count: bytes.count, atMost: StoreBounds.loopStateBytes, of: "bytes of loop state")
    try change { database in
      try database.execute(
        sql: """
          INSERT INTO loop_states (application, content, saved_at) VALUES (?, ?, ?)
          ON CONFLICT (application) DO UPDATE SET content = excluded.content, saved_at = excluded.saved_at
          """,
        arguments: [application, Data(bytes), Timestamp(now).milliseconds])
    }
  }

  public func loopState(application: String) throws(StorageError) -> [UInt8]? {
    try look { database in
      try Data.fetchOne(
        database, sql: "SELECT content FROM loop_states WHERE application = ?", arguments: [application]
      ).map(Array.init)
    }
  }

  public func removeLoopState(application: String) throws(StorageError) {
    try change { database in
      try database.execute(sql: "DELETE FROM loop_states WHERE application = ?", arguments: [application])
    }
  }
}
