import CertificateStorage
import Testing

@Suite struct StoreLocationTests {
  @Test(arguments: ["sqlite:a.sqlite", "sqlite:/var/lib/vpals/store.sqlite", "sqlite:with space/s", "sqlite:../x"])
  func readsThePathOfASQLiteFile(_ text: String) throws {
    #expect(try StoreLocation.parse(text) == .sqlite(path: String(text.dropFirst(7))))
    #expect(try StoreLocation.parse(text).description == text)
  }

  @Test(arguments: ["", "sqlite:", "sqlite://host/path", "sqlite::memory:", "sqlite:dir/", "store.sqlite", "SQLITE:a"])
  func refusesOtherTextsWithTheFormToUse(_ text: String) {
    let error = #expect(throws: StorageError.self) { try StoreLocation.parse(text) }
    #expect(error?.code == .location)
    #expect(error?.message.hasSuffix("for example sqlite:.vpals/store.sqlite") == true)
  }

  @Test(arguments: ["postgres://host/db", "postgresql://host/db"])
  func saysThatPostgreSQLIsNotSupportedYet(_ text: String) {
    let error = #expect(throws: StorageError.self) { try StoreLocation.parse(text) }
    #expect(
      error?.message
        == "--store \(text): PostgreSQL is not supported yet; use sqlite:PATH, for example sqlite:.vpals/store.sqlite")
  }
}
