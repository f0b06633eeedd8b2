import Telemetry
import Testing

/// Splitmix64, so that a printed seed repeats a case.
private struct Generator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

@Suite struct DatasetPropertyTests {
  @Test(arguments: UInt64(1)...40)
  func whatIsWrittenIsReadBack(seed: UInt64) throws {
    var generator = Generator(state: seed)
    let alphabet: [Character] = ["a", "7", ",", "\"", "\n", "\r\n", " ", "é", "😀", "-"]
    let (rows, columns) = (Int.random(in: 1...8, using: &generator), Int.random(in: 1...5, using: &generator))
    var table: [[String]] = []
    for _ in 0..<rows {
      table.append(
        (0..<columns).map { _ in
          let length = Int.random(in: 0...6, using: &generator)
          return String((0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] })
        })
    }
    let lineEnd = Bool.random(using: &generator) ? "\n" : "\r\n"
    var text = (0..<columns).map { "c\($0)" }.joined(separator: ",") + lineEnd
    for row in table {
      let fields = row.map { field in
        // A record of one empty field looks like a blank line, so it is quoted.
        let mustQuote = field.contains { [",", "\"", "\n", "\r\n"].contains($0) } || columns == 1
        return mustQuote || Bool.random(using: &generator) ? "\"\(quoted(field))\"" : field
      }
      text += fields.joined(separator: ",") + lineEnd
    }
    let data = try dataset(text)
    #expect(data.rowCount == rows, "seed \(seed)")
    for column in 0..<columns {
      #expect(try data.text("c\(column)") == table.map { $0[column] }, "seed \(seed)")
    }
  }

  @Test(arguments: UInt64(1)...40)
  func randomBytesAreReadOrRefusedButNeverTrap(seed: UInt64) throws {
    var generator = Generator(state: seed)
    let alphabet = Array("a1,\"\n\r.\u{FEFF}é".utf8) + [0xFF, 0x00]
    for _ in 0..<200 {
      let bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
        alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
      }
      guard let data = try? Dataset(csv: bytes, path: "data.csv") else { continue }
      for name in data.columns { #expect(try data.text(name).count == data.rowCount, "seed \(seed): \(bytes)") }
    }
  }

  private func quoted(_ field: String) -> String {
    String(field.flatMap { $0 == "\"" ? ["\"", "\""] : [$0] })
  }
}
