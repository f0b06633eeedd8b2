import Certificates
import Glibc
import TestHelpers
import Testing

@Suite struct AtomicFileTests {
  let directory = TemporaryDirectory()
  var path: String { directory.path + "/file" }
  var names: [String] { TemporaryDirectory.names(in: directory.path) }

  func content(_ path: String) throws -> [UInt8] { try BoundedFile.read(path, maximumBytes: 1 << 24) }

  static func expectError(_ code: CertificateError.Code, _ message: String, _ body: () throws -> Void) {
    let error = #expect(throws: CertificateError.self, performing: body)
    #expect(error?.code == code)
    #expect(error?.message == message)
  }

  /// A process number that no process has.
  func deadProcess() throws -> pid_t {
    try #require(((1 << 21)..<(1 << 22)).map(pid_t.init).first { kill($0, 0) == -1 && errno == ESRCH })
  }

  @Test func writesAndReplacesWholeFiles() throws {
    for bytes in [[], [1], [UInt8](repeating: 7, count: 3 << 20), [2]] as [[UInt8]] {
      try AtomicFile.write(bytes, to: path)
      #expect(try content(path) == bytes)
      #expect(names == ["file"])
    }
  }

  @Test func saysWhatStandsInTheWay() throws {
    Self.expectError(
      .missing, "cannot write \(directory.path)/none/file: there is no such file or directory; check the path"
    ) { try AtomicFile.write([1], to: directory.path + "/none/file") }
    #expect(mkdir(path, 0o755) == 0)
    Self.expectError(.file, "cannot write \(path): the path is a directory, not a file; check the path") {
      try AtomicFile.write([1], to: path)
    }
    Self.expectError(.name, "cannot write \(path)/: it does not end in the name of a file; check the path") {
      try AtomicFile.write([1], to: path + "/")
    }
    #expect(names == ["file"])
  }

  @Test func removesOnlyItsOwnLeftoversOfDeadProcesses() throws {
    let dead = try deadProcess()
    let stale = ".file.tmp-\(dead)-5"
    let kept = [".file.tmp-\(getpid())-5", ".other.tmp-\(dead)-5", ".file.tmp-x-5", "file.tmp-\(dead)"]
    for name in [stale] + kept {
      let file = open(directory.path + "/" + name, O_CREAT | O_WRONLY, 0o644)
      #expect(file >= 0)
      close(file)
    }
    try AtomicFile.write([1], to: path)
    #expect(Set(names) == Set(kept + ["file"]))
  }

  @Test func leavesALockedLeftoverAlone() throws {
    let name = "\(directory.path)/.file.tmp-\(try deadProcess())-5"
    let file = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)
    #expect(file >= 0 && flock(file, LOCK_EX) == 0)
    try AtomicFile.write([1], to: path)
    #expect(names.count == 2)
    close(file)
    try AtomicFile.write([1], to: path)
    #expect(names == ["file"])
  }

  @Test(.enabled(if: SmallDisk.isAvailable, "needs the right to mount a small file system (root)"))
  func aFullDiskLeavesTheOldFileAndNothingElse() throws {
    let disk = try #require(SmallDisk(kibibytes: 256))
    defer { withExtendedLifetime(disk) {} }
    let path = disk.path + "/file"
    try AtomicFile.write([1, 2, 3], to: path)
    Self.expectError(
      .noSpace, "cannot write \(path): no space is left on the file system; free some and run the command again"
    ) { try AtomicFile.write([UInt8](repeating: 7, count: 1 << 20), to: path) }
    #expect(try content(path) == [1, 2, 3])
    Self.expectError(
      .noSpace,
      "cannot write \(disk.path)/v0001/b: no space is left on the file system; free some and run the command again"
    ) {
      try AtomicDirectory.write(["a": [1], "b": [UInt8](repeating: 7, count: 1 << 20)], to: disk.path + "/v0001")
    }
    #expect(TemporaryDirectory.names(in: disk.path) == ["file"])
    try AtomicFile.write([4], to: path)
    #expect(try content(path) == [4])
  }

  @Test(.enabled(if: SmallDisk.isAvailable, "needs the right to mount a small file system (root)"))
  func aReadOnlyFileSystemIsNamedAsSuch() throws {
    let disk = try #require(SmallDisk(kibibytes: 256))
    defer { withExtendedLifetime(disk) {} }
    try #require(disk.makeReadOnly())
    let reason = "the file system is mounted read-only; choose a place that can be written"
    Self.expectError(.file, "cannot write \(disk.path)/file: \(reason)") {
      try AtomicFile.write([1], to: disk.path + "/file")
    }
    Self.expectError(.file, "cannot write \(disk.path)/v0001: \(reason)") {
      try AtomicDirectory.write([:], to: disk.path + "/v0001")
    }
  }

  @Test(.enabled(if: getuid() != 0, "root may write everywhere")) func aMissingPermissionIsNamedAsSuch() throws {
    chmod(directory.path, 0o555)
    defer { chmod(directory.path, 0o755) }
    Self.expectError(
      .file, "cannot write \(path): permission is denied; change the permissions or choose another place"
    ) { try AtomicFile.write([1], to: path) }
  }

  // MARK: Directories

  @Test func aDirectoryAppearsWithAllItsFilesAndOnlyOnce() throws {
    let version = directory.path + "/v0001"
    try AtomicDirectory.write(["model.onnx": [1], "training.json": []], to: version)
    #expect(names == ["v0001"])
    #expect(TemporaryDirectory.names(in: version) == ["model.onnx", "training.json"])
    #expect(try content(version + "/model.onnx") == [1])
    Self.expectError(.exists, "cannot write \(version): it exists already; choose another name") {
      try AtomicDirectory.write(["model.onnx": [2]], to: version)
    }
    #expect(try content(version + "/model.onnx") == [1])
    #expect(mkdir(directory.path + "/v0002", 0o755) == 0)
    Self.expectError(.exists, "cannot write \(directory.path)/v0002: it exists already; choose another name") {
      try AtomicDirectory.write([:], to: directory.path + "/v0002")
    }
    #expect(names == ["v0001", "v0002"])
  }

  @Test func aDirectoryNeedsItsParentAndGoodNames() throws {
    Self.expectError(
      .missing, "cannot write \(directory.path)/none/v0001: there is no such file or directory; check the path"
    ) { try AtomicDirectory.write([:], to: directory.path + "/none/v0001") }
    for name in ["../a", "", "a/b", ".."] {
      #expect(throws: CertificateError.self) {
        try AtomicDirectory.write([name: [1]], to: directory.path + "/v0001")
      }
    }
    #expect(names == [])
  }

  @Test func removesPartialDirectoriesOfDeadProcessesOnly() throws {
    let stale = "v0001.partial-\(try deadProcess())"
    let own = "v0002.partial-\(getpid())"
    for name in [stale, own] {
      #expect(mkdir("\(directory.path)/\(name)", 0o755) == 0)
      try AtomicFile.write([1], to: "\(directory.path)/\(name)/model.onnx")
    }
    #expect(AtomicDirectory.nextVersion(in: directory.path) == "v0003")
    try AtomicDirectory.write(["a": [1]], to: directory.path + "/v0003")
    #expect(names == [own, "v0003"])
  }

  @Test func versionsAreCountedFromTheHighest() throws {
    #expect(AtomicDirectory.nextVersion(in: directory.path + "/none") == "v0001")
    for (name, next) in [
      ("v0009", "v0010"), ("v12", "v0010"), ("w0100", "v0010"), ("v0100x", "v0010"), ("v9999", "v10000"),
      ("v10000", "v10001"),
    ] {
      #expect(mkdir("\(directory.path)/\(name)", 0o755) == 0)
      #expect(AtomicDirectory.nextVersion(in: directory.path) == next, "\(name)")
    }
  }

  // MARK: Reading

  @Test func digestsAreThoseOfTheStandard() throws {
    #expect(SHA256Digest.of([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(SHA256Digest.of(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    let million = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
    try AtomicFile.write(million, to: path)
    let digest = try SHA256Digest.ofFile(path)
    #expect(digest.sha256 == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    #expect(digest.bytes == 1_000_000)
    #expect(SHA256Digest.isValid(digest.sha256))
    #expect(!SHA256Digest.isValid(digest.sha256.uppercased()))
    #expect(!SHA256Digest.isValid(String(digest.sha256.dropLast())))
  }

  @Test func readsNoMoreThanItsBound() throws {
    try AtomicFile.write([UInt8](repeating: 1, count: 100), to: path)
    #expect(try BoundedFile.read(path, maximumBytes: 100).count == 100)
    Self.expectError(.tooLarge, "cannot read \(path): it has more than 99 bytes") {
      _ = try BoundedFile.read(path, maximumBytes: 99)
    }
    Self.expectError(.tooLarge, "cannot read \(path): it has more than 99 bytes") {
      _ = try SHA256Digest.ofFile(path, maximumBytes: 99)
    }
  }

  @Test func readsRegularFilesOnly() throws {
    Self.expectError(.file, "cannot read \(directory.path): it is not a regular file; check the path") {
      _ = try BoundedFile.read(directory.path, maximumBytes: 1)
    }
    #expect(mkfifo(path, 0o644) == 0)
    Self.expectError(.file, "cannot read \(path): it is not a regular file; check the path") {
      _ = try BoundedFile.read(path, maximumBytes: 1)
    }
    Self.expectError(.missing, "cannot read \(path)x: there is no such file or directory; check the path") {
      _ = try BoundedFile.read(path + "x", maximumBytes: 1)
    }
  }
}

struct FileTextTests {
  /// More than one buffer, in pieces of all sizes.
  @Test func aLongTextIsWrittenInFull() throws {
    let directory = TemporaryDirectory()
    let path = "\(directory.path)/text"
    var expected: [UInt8] = []
    try AtomicFile.write(to: path, maximumBytes: 4 << 20) { stream in
      for number in 0..<3000 {
        let piece = String(repeating: "\(number) ü\n", count: number % 150)
        expected += piece.utf8
        stream.write(piece)
      }
    }
    #expect(expected.count > 1 << 20)
    #expect(try BoundedFile.read(path, maximumBytes: 4 << 20) == expected)
    #expect(TemporaryDirectory.names(in: directory.path) == ["text"])
  }

  @Test func aTextBeyondTheBoundLeavesTheFileAsItWas() throws {
    let directory = TemporaryDirectory()
    let path = "\(directory.path)/text"
    try AtomicFile.write([1, 2], to: path)
    let error = #expect(throws: CertificateError.self) {
      try AtomicFile.write(to: path, maximumBytes: 10) { stream in
        stream.write("0123456789")
        stream.write("x")
      }
    }
    #expect(error?.code == .tooLarge)
    #expect(try BoundedFile.read(path, maximumBytes: 10) == [1, 2])
    #expect(TemporaryDirectory.names(in: directory.path) == ["text"])
    try AtomicFile.write(to: path, maximumBytes: 10) { $0.write("0123456789") }
    #expect(try BoundedFile.read(path, maximumBytes: 10) == Array("0123456789".utf8))
  }
}
