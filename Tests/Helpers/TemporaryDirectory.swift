import Glibc

/// A new directory, removed with all its content when the value goes.
public final class TemporaryDirectory: Sendable {
  public let path: String

  public init() {
    var template = Array("/var/tmp/vpals-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { preconditionFailure("no temporary directory: error \(errno)") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Self.removeTree(path) }

  /// The names in a directory, sorted, without `.` and `..`.
  public static func names(in path: String) -> [String] {
    guard let stream = opendir(path) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  private static func removeTree(_ path: String) {
    if unlink(path) == 0 { return }
    for name in names(in: path) { removeTree("\(path)/\(name)") }
    rmdir(path)
  }
}

/// A small file system in memory, unmounted when the value goes.
public final class SmallDisk: Sendable {
  public let path: String
  private let directory = TemporaryDirectory()

  /// Whether this process may mount one. In continuous integration as root it is expected to, so that a test which
  /// needs it fails there instead of being skipped.
  public static let isAvailable: Bool = {
    if getuid() == 0, getenv("CI").map({ String(cString: $0) }) == "true" { return true }
    return SmallDisk(kibibytes: 64) != nil
  }()

  public init?(kibibytes: Int) {
    path = directory.path
    guard ChildProcess.run("/bin/mount", ["-t", "tmpfs", "-o", "size=\(kibibytes)k", "tmpfs", path]) == 0 else {
      return nil
    }
  }

  /// Whether the file system is now read-only.
  public func makeReadOnly() -> Bool { ChildProcess.run("/bin/mount", ["-o", "remount,ro", path]) == 0 }

  deinit { _ = ChildProcess.run("/bin/umount", ["-l", path]) }
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): small, fast, the same on every machine.
public struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
