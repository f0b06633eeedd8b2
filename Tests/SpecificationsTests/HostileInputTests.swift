import Foundation
import Testing

@testable import Specifications

/// A small reproducible generator (Steele, Lea and Flood, *OOPSLA* 2014: SplitMix64).
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

@Suite struct HostileInputTests {
  /// Parses; if it fails, every diagnostic must lie in the file. Returns whether it was accepted.
  private func check(_ bytes: [UInt8], _ seed: UInt64) -> Bool {
    do throws(SpecificationError) {
      let specification = try Specification.parse(bytes, path: "fuzz.yaml")
      #expect(specification.digest.count == 71)
      // What is accepted can be laid out anew and explained.
      let text = try SpecificationFormatter.formatted(bytes, path: "fuzz.yaml")
      let again = try Specification.parse(text: text, path: "fuzz.yaml")
      #expect(again.digest == specification.digest, "seed \(seed)")
      for property in specification.properties {
        #expect(!specification.explanation(of: property).words.isEmpty)
      }
      return true
    } catch {
      #expect(!error.diagnostics.isEmpty && error.diagnostics.count <= SpecificationError.maximumDiagnostics)
      let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
      for diagnostic in error.diagnostics {
        guard let place = diagnostic.place else {
          Issue.record("seed \(seed): no place: \(diagnostic)")
          continue
        }
        #expect(place.line >= 1 && place.line <= max(1, lines.count), "seed \(seed): \(diagnostic)")
        if place.line >= 1, place.line <= lines.count {
          let length = String(decoding: lines[place.line - 1], as: UTF8.self).unicodeScalars.count
          #expect(place.column >= 1 && place.column <= length + 1, "seed \(seed): \(diagnostic)")
        }
        #expect(!diagnostic.message.isEmpty && !diagnostic.description.isEmpty)
      }
      return false
    }
  }

  @Test func randomBytesNeverCrash() {
    for seed in 0..<1500 as Range<UInt64> {
      var random = SplitMix64(state: seed)
      let alphabet: [UInt8]? = seed % 3 == 0 ? nil : Array("spec:vals/1 \n\n-{}[],.'\"#&*!|>%@`?~0159e<=\\\tµ".utf8)
      let bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
        alphabet?.randomElement(using: &random) ?? UInt8.random(in: 0...255, using: &random)
      }
      #expect(!check(bytes, seed), "seed \(seed)")
    }
  }

  /// The golden file that uses every kind of property.
  static let kinds: String? = try? String(
    contentsOf: GoldenTests.directory.appending(path: "linear-valid.yaml"), encoding: .utf8)

  @Test func randomMutationsOfEveryKindNeverCrash() throws {
    let text = try #require(Self.kinds)
    let accepted = mutate(text, seeds: 20_000..<22_000)
    #expect(accepted > 20 && accepted < 1000, "\(accepted)")
    let bytes = Array(text.utf8)
    for count in stride(from: 0, to: bytes.count, by: 3) { _ = check(Array(bytes[..<count]), UInt64(count)) }
    #expect(check(bytes, 0))
  }

  @Test func randomMutationsNeverCrash() {
    // Some mutations fall into comments; most must be refused.
    let accepted = mutate(SpecificationTests.example, seeds: 10_000..<13_000)
    #expect(accepted > 50 && accepted < 1500)
  }

  /// How many of the mutations of a text, one per seed, are accepted.
  private func mutate(_ text: String, seeds: Range<UInt64>) -> Int {
    let words = [
      "{", "}", "[", "]", ":", ": ", "- ", "\n", "\n  ", "'", "\"", "..", "<=", ">=", " ms", " s", "0", "-1", "1e9",
      "log2",
      "index: 0", "domain: 1..0", "p99", "cores", "&a", "*a", "!!str", "|", ">", "#", "\u{2028}", "é", "---", "1/0",
      "always:", "id: x",
      "in:", "of:", "\t", "\r", "😀", "\\", " * ", " + ", " - ", "==", "x.", "y.cores", "when: ", "min: ", "-", "1e-400",
    ].map { Array($0.utf8) }
    var acceptedCount = 0
    for seed in seeds {
      var random = SplitMix64(state: seed)
      var bytes = Array(text.utf8)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        let end = min(bytes.count, at + Int.random(in: 0...6, using: &random))
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes.removeSubrange(at..<end)
        case 1: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes.insert(contentsOf: words.randomElement(using: &random) ?? [], at: at)
        case 3: bytes.replaceSubrange(at..<end, with: words.randomElement(using: &random) ?? [])
        default:
          let from = Int.random(in: 0..<bytes.count, using: &random)
          bytes.insert(contentsOf: bytes[from..<min(bytes.count, from + 30)], at: at)
        }
      }
      if check(bytes, seed) { acceptedCount += 1 }
    }
    return acceptedCount
  }

  @Test func everyPrefixOfAFileIsHandled() {
    let bytes = Array(SpecificationTests.example.utf8)
    for count in 0..<bytes.count { _ = check(Array(bytes[..<count]), UInt64(count)) }
    #expect(check(bytes, 0))
  }

  @Test func bombsAreRefused() {
    let aliases = (0..<30).map { "a\($0): &a\($0) [\($0 == 0 ? "x" : "*a\($0 - 1), *a\($0 - 1)")]\n" }.joined()
    let bombs = [
      aliases, String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 50_000),
      String(repeating: "- ", count: 50_000), String(repeating: "? ", count: 50_000),
      String(repeating: "{", count: 400) + String(repeating: "a,", count: 2_000) + String(repeating: "}", count: 400),
      "spec: " + String(repeating: "\"", count: 99_999), "spec: " + String(repeating: "9", count: 100_000),
      String(repeating: "{a,\n{a,", count: 450) + "[" + String(repeating: "a,", count: 20_000) + "]"
        + String(repeating: "}", count: 900),
      String(repeating: "? ", count: 900) + String(repeating: "a ", count: 20_000),
      String(repeating: "a: 1\n", count: 10_000), String(repeating: "#\n", count: 100_000),
    ]
    for (index, bomb) in bombs.enumerated() { #expect(!check(Array(bomb.utf8), UInt64(index))) }
  }
}
