import Foundation
import Specifications
import TestHelpers
import Testing

@Suite struct SchemaTests {
  private static let file = PythonTools.root.appending(path: "schemas/vpals-spec-v1.schema.json")

  @Test func thePublishedFileIsTheProgramsText() throws {
    let published = try String(contentsOf: Self.file, encoding: .utf8)
    #expect(published == SpecificationSchema.text)
  }

  private struct Report: Decodable {
    struct Problem: Decodable {
      let filename: String
      let message: String
    }
    let status: String
    let errors: [Problem]
    let parse_errors: [Problem]?
  }

  /// What `check-jsonschema` says of files.
  private static func validate(_ files: [String]) throws -> Report {
    let program = try #require(PythonTools.program("check-jsonschema"), "run `make deps`")
    let child = try #require(
      ChildProcess(program, ["--output-format", "json", "--schemafile", Self.file.path] + files))
    var text = ""
    while let line = child.line() { text += line + "\n" }
    return try JSONDecoder().decode(Report.self, from: Data(text.utf8))
  }

  private static func golden(_ name: String) -> String {
    GoldenTests.directory.appending(path: "\(name).yaml").path
  }

  private static func isValid(_ name: String) throws -> Bool {
    try String(contentsOf: GoldenTests.directory.appending(path: "\(name).txt"), encoding: .utf8).hasPrefix("valid")
  }

  @Test(.enabled(if: PythonTools.mayRun("check-jsonschema"), "needs check-jsonschema: run `make deps`"))
  func theSchemaAcceptsWhatTheReaderAccepts() throws {
    let specs = PythonTools.root.appending(path: "specs")
    let ours = try FileManager.default.contentsOfDirectory(atPath: specs.path).filter { $0.hasSuffix(".yaml") }
      .map { specs.appending(path: $0).path }
    let valid = try GoldenTests.names.filter(Self.isValid)
    #expect(ours.count >= 5 && valid.count >= 8)
    let report = try Self.validate(ours + valid.map(Self.golden))
    #expect(report.status == "ok")
    #expect(report.errors.isEmpty && (report.parse_errors ?? []).isEmpty, "\(report)")
  }

  /// What an editor would underline: keys, shapes, spelling of scales and units, malformed numbers, kinds.
  static let rejected = [
    "unknown-key-feature", "unknown-key-property", "missing-in", "missing-outputs", "identifier-feature",
    "identifier-property", "version", "values-empty-list", "values-not-a-list", "values-too-many", "domain-and-values",
    "forall-one-point", "forall-same-points", "forall-without-then", "strict", "strict-then", "for-each-shape",
    "for-each-word", "planned-integer", "shape-feature-text", "property-with-two-kinds", "property-without-kind",
    "values-twice",
  ]

  @Test(.enabled(if: PythonTools.mayRun("check-jsonschema"), "needs check-jsonschema: run `make deps`"))
  func theSchemaRejectsWhatAnEditorShouldUnderline() throws {
    let known = Self.rejected.filter(GoldenTests.names.contains)
    #expect(known.count >= 20)
    let report = try Self.validate(known.map(Self.golden))
    let refused = Set((report.errors + (report.parse_errors ?? [])).map(\.filename))
    for name in known { #expect(refused.contains(Self.golden(name)), "\(name) is accepted") }
  }

  /// An editor completes what the schema lists: every key that the reader knows, each with a description.
  @Test func theSchemaListsEveryKeyWithADescription() throws {
    let schema = try #require(
      JSONSerialization.jsonObject(with: Data(SpecificationSchema.text.utf8)) as? [String: Any])
    let definitions = try #require(schema["definitions"] as? [String: [String: Any]])
    func keys(_ object: [String: Any]?) throws -> [String] {
      let properties = try #require(object?["properties"] as? [String: [String: Any]])
      for (key, value) in properties { #expect(value["description"] is String, "\(key) has no description") }
      return properties.keys.sorted()
    }
    /// The keys that the reader's own message names for an unknown one.
    func known(_ text: String) throws -> [String] {
      var fix = ""
      do throws(SpecificationError) {
        _ = try Specification.parse(text: text, path: "t.yaml")
      } catch {
        fix = error.diagnostics.first { $0.code == .unknownKey }?.fix ?? ""
      }
      let list = try #require(fix.split(separator: ": ").last)
      return list.split(separator: ", ").map(String.init).sorted()
    }
    func file(feature: String = "domain: 0..1", output: String = "unit: ms", property: String = "always: y >= 0 ms")
      -> String
    {
      "spec: vpals/v1\nfeatures:\n  a: {\(feature)}\noutputs:\n  y: {\(output)}\nproperties:\n  - {id: p, \(property)}\n"
    }
    #expect(try keys(schema) == known("bogus: 1\n" + file()))
    #expect(try keys(definitions["feature"]) == known(file(feature: "domain: 0..1, bogus: 1")))
    #expect(try keys(definitions["output"]) == known(file(output: "bogus: 1")))
    #expect(try keys(definitions["property"]) == known(file(property: "always: y >= 0 ms, bogus: 1")))
    let kinds = try #require(definitions["property"]?["properties"] as? [String: [String: Any]])
    #expect(try keys(kinds["nondecreasing"]) == known(file(property: "nondecreasing: {of: y, in: a, bogus: 1}")))
    #expect(try keys(kinds["rate"]) == known(file(property: "rate: {of: y, in: a, max: 1 ms, bogus: 1}")))
  }
}
