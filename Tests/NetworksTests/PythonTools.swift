import Foundation
import Testing

/// A Python with onnx, onnxruntime and numpy, which the tests compare with.
enum PythonTools {
  /// `VPALS_PYTHON`, or the one that `make deps` installs.
  static let interpreter: String? = {
    let environment = ProcessInfo.processInfo.environment
    if let path = environment["VPALS_PYTHON"], !path.isEmpty { return path }
    let path = root.appendingPathComponent(".venv/bin/python3").path
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }()

  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Whether the tests that need it run. In continuous integration they do, and fail without it.
  static let isExpected = interpreter != nil || ProcessInfo.processInfo.environment["CI"] == "true"

  static let reason: Comment =
    "needs onnxruntime: run `make deps`, or set VPALS_PYTHON to a Python that has onnx, onnxruntime and numpy"

  /// The lines that a script of Tests/Python prints. What it says on standard error is shown by the test run.
  /// - Parameter input: A file for its standard input.
  static func lines(_ script: String, _ arguments: [String], input: String? = nil) throws -> [Substring] {
    let python = try #require(
      interpreter, "in CI a Python with onnx, onnxruntime and numpy must be there: run `make deps`")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = [root.appendingPathComponent("Tests/Python/\(script)").path] + arguments
    if let input { process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: input)) }
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(python) \(script) \(arguments.joined(separator: " ")) failed")
    return try #require(String(bytes: data, encoding: .utf8)).split(separator: "\n")
  }
}

/// A new directory, removed with its content when the value goes.
final class Folder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("vpals-networks-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  @discardableResult func write(_ bytes: [UInt8], _ name: String) throws -> String {
    try Data(bytes).write(to: url.appendingPathComponent(name))
    return path(name)
  }
}
