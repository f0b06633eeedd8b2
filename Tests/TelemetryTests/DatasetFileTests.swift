import Foundation
import Telemetry
import Testing

@Suite struct DatasetFileTests {
  @Test func readsAFile() throws {
    try withFolder { folder in
      let path = folder.appendingPathComponent("x.csv").path
      try Data("a\n1\n".utf8).write(to: URL(fileURLWithPath: path))
      let data = try Dataset.read(csv: path)
      #expect(data.path == path)
      #expect(try data.column("a") == [1])
    }
  }

  @Test func aMissingFileIsRefusedWithTheReason() throws {
    try withFolder { folder in
      let error = #expect(throws: DatasetError.self) {
        try Dataset.read(csv: folder.appendingPathComponent("none.csv").path)
      }
      #expect(error?.code == .file)
      #expect(error?.problem == "the file cannot be opened (No such file or directory)")
    }
  }

  @Test func aFolderIsRefused() throws {
    try withFolder { folder in
      let error = #expect(throws: DatasetError.self) { try Dataset.read(csv: folder.path) }
      #expect(error?.problem == "this is not a regular file")
    }
  }

  @Test func anEndlessDeviceIsRefused() {
    let error = #expect(throws: DatasetError.self) { try Dataset.read(csv: "/dev/zero") }
    #expect(error?.problem == "this is not a regular file")
  }

  @Test func aFileBeyondTheBoundIsRefusedWithoutReadingIt() throws {
    try withFolder { folder in
      let url = folder.appendingPathComponent("large.csv")
      _ = FileManager.default.createFile(atPath: url.path, contents: nil)
      let handle = try FileHandle(forWritingTo: url)
      // A sparse file takes no room.
      try handle.truncate(atOffset: UInt64(Dataset.maximumBytes) + 1)
      try handle.close()
      let error = #expect(throws: DatasetError.self) { try Dataset.read(csv: url.path) }
      #expect(error?.code == .tooLarge)
      #expect(error?.problem == "the file is larger than 268435456 bytes")
    }
  }

  private func withFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("telemetry-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }
}
