import Foundation
import Specifications
import Testing

/// Each `Golden/NAME.yaml` with the diagnostics that it must give, in `Golden/NAME.txt`.
///
/// With `VPALS_UPDATE_GOLDEN=1` in the environment the texts are written instead of compared; review the difference.
@Suite struct GoldenTests {
  static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden")

  static let names: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
  }()

  /// What the user reads: the diagnostics, or `valid`.
  static func outcome(_ name: String, _ bytes: Data) -> String {
    do {
      let specification = try Specification.parse(bytes, path: "specs/\(name).yaml")
      return (["valid"] + specification.warnings.map(\.description)).joined(separator: "\n") + "\n"
    } catch {
      return error.description + "\n"
    }
  }

  @Test func thereAreGoldenFilesForEveryErrorCodeOfAFile() throws {
    #expect(Self.names.count >= 160)
    var seen: Set<String> = []
    for name in Self.names {
      let text = try String(contentsOf: Self.directory.appending(path: "\(name).txt"), encoding: .utf8)
      for match in text.matches(of: /\[([EW][0-9]{3})\]/) { seen.insert(String(match.1)) }
    }
    // E001 and E027 have no text to point at and are tested beside it.
    let expected = Set((Array(2...26) + [28]).map { "E0" + ($0 < 10 ? "0" : "") + String($0) } + ["W001", "W002"])
    #expect(seen == expected)
  }

  @Test(arguments: names) func diagnosticsAreAsRecorded(name: String) throws {
    let bytes = try Data(contentsOf: Self.directory.appending(path: "\(name).yaml"))
    let url = Self.directory.appending(path: "\(name).txt")
    let outcome = Self.outcome(name, bytes)
    if ProcessInfo.processInfo.environment["VPALS_UPDATE_GOLDEN"] == "1" {
      try Data(outcome.utf8).write(to: url)
    } else {
      let expected = try String(contentsOf: url, encoding: .utf8)
      #expect(outcome == expected)
    }
  }
}
