import CertificateStorage
import CertificateStorageSQLite
import TestHelpers

/// The stores that the conformance suite runs on. A new backend is a new case.
enum Backend: CaseIterable, Sendable {
  case sqlite

  /// A new, empty store; `directory` is a new directory that outlives the test.
  func make(in directory: TemporaryDirectory, maximumOpenEntries: Int = StoreBounds.openEntries) throws
    -> StoreUnderTest
  {
    switch self {
    case .sqlite:
      let path = directory.path + "/deep/store.sqlite"
      return try StoreUnderTest {
        try SQLiteStore(path: path, maximumOpenEntries: maximumOpenEntries)
      }
    }
  }
}

/// A store that can be opened a second time, as another process would.
struct StoreUnderTest {
  let store: any Store
  let openAgain: () throws -> any Store

  init(_ open: @escaping () throws -> any Store) throws {
    store = try open()
    openAgain = open
  }
}
