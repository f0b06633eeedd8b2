public import Foundation

/// The PyPI packages that `make deps` installs, for tests that let stock tools judge what we write.
public enum PythonTools {
  public static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Whether a missing tool is a failure instead of a visible skip.
  public static let isContinuousIntegration = ProcessInfo.processInfo.environment["CI"] == "true"

  /// The path of a program of the environment: `VPALS_PYTHON`'s folder, or `.venv/bin`; nil when it is not there.
  public static func program(_ name: String) -> String? {
    var folder = root.appending(path: ".venv/bin")
    if let path = ProcessInfo.processInfo.environment["VPALS_PYTHON"], !path.isEmpty {
      folder = URL(filePath: path).deletingLastPathComponent()
    }
    let path = folder.appending(path: name).path
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }

  /// Whether a test that needs a program should run: it is there, or its absence must be a failure.
  public static func mayRun(_ name: String) -> Bool { program(name) != nil || isContinuousIntegration }
}
