import ExactArithmetic
import TestHelpers
import Testing

@testable import SolverProcess

@Suite struct WireTests {
  private static let formula: Formula = {
    var formula = Formula()
    let x = formula.variable("x")
    let y = formula.variable("y")
    formula.require(x + y >= Rational(1, 3))
    return formula
  }()

  static let questions: [Question] = [
    Question(Formula()),
    Question(
      formula, values: [RealVariable("y"), RealVariable("x")], method: .general,
      limits: Question.Limits(milliseconds: 1, work: 7, memoryMegabytes: 3, goalMilliseconds: 9),
      goal: Question.Goal(RealVariable("x"), in: formula), wantsMultipliers: true),
  ]

  static let messages: [Wire.Message] = [
    .greeting(version: "4.8.12.0"), .interim(number: 7, values: [Rational(-2, 3), 0]),
    .final(number: .max, microseconds: 12, .satisfiable([])),
    .final(number: 1, microseconds: 12, .satisfiable([Rational(1, 7).scaled(bits: -2000)])),
    .final(number: 2, microseconds: 12, .unsatisfiable(multipliers: nil)),
    .final(number: 2, microseconds: 12, .unsatisfiable(multipliers: [:])),
    .final(number: 2, microseconds: 12, .unsatisfiable(multipliers: [0: 1, 5: Rational(3, 4)])),
    .final(number: 3, microseconds: 12, .unknown("why")),
  ]

  @Test(arguments: questions)
  func questionsAreReadAsWritten(question: Question) throws {
    let (number, read) = try #require(Wire.question(Wire.encode(question, number: 1 << 40)))
    #expect(number == 1 << 40)
    #expect(read == question)
  }

  @Test(arguments: messages)
  func messagesAreReadAsWritten(message: Wire.Message) {
    #expect(Wire.message(Wire.encode(message)) == message)
  }

  @Test func everyTruncationAndExtensionIsRefused() {
    for question in Self.questions {
      let bytes = Wire.encode(question, number: 5)
      for count in bytes.indices { #expect(Wire.question(Array(bytes.prefix(count))) == nil) }
      #expect(Wire.question(bytes + [0]) == nil)
    }
    for message in Self.messages {
      let bytes = Wire.encode(message)
      for count in bytes.indices { #expect(Wire.message(Array(bytes.prefix(count))) == nil) }
      #expect(Wire.message(bytes + [0]) == nil)
    }
  }

  /// Hostile bytes are refused or read as some message; nothing else happens.
  @Test func changedBytesAreNeverReadAsWhatTheyWere() {
    var generator = SeededGenerator(seed: 3)
    for message in Self.messages {
      let bytes = Wire.encode(message)
      for _ in 0..<2000 {
        var changed = bytes
        let place = Int.random(in: changed.indices, using: &generator)
        changed[place] ^= UInt8.random(in: 1...255, using: &generator)
        #expect(Wire.message(changed) != message, "seed 3: \(changed)")
      }
    }
  }

  @Test(arguments: ["", "-", "1/0", "1/-2", "+1", "1/", "/1", "1/2/3", "0x1", " 1", "1.5", "--1", "１"])
  func onlyPlainRationalsAreNumbers(text: String) {
    var bytes = Wire.encode(.interim(number: 1, values: [8]))
    bytes.removeLast(5)
    bytes += [UInt8(text.utf8.count), 0, 0, 0] + text.utf8
    #expect(Wire.message(bytes) == nil)
  }

  @Test func multipliersThatAreNotPositiveAreRefused() {
    #expect(Wire.message(Wire.encode(.final(number: 1, microseconds: 12, .unsatisfiable(multipliers: [0: -1])))) == nil)
    #expect(Wire.message(Wire.encode(.final(number: 1, microseconds: 12, .unsatisfiable(multipliers: [0: 0])))) == nil)
  }

  @Test func headersAreCheckedBeforeAnythingIsRead() {
    let frame = Wire.frame([1, 2, 3])
    #expect(Wire.length(header: frame.prefix(8), limit: 3) == 3)
    #expect(Wire.length(header: frame.prefix(8), limit: 2) == nil)
    #expect(Wire.length(header: frame.prefix(7), limit: 3) == nil)
    #expect(Wire.length(header: [0x56, 0x50, 0x53, 0x32, 0, 0, 0, 0], limit: 3) == nil)
  }

  @Test func limitsBeyondLibz3AreBroughtIntoItsRange() throws {
    var question = Self.questions[0]
    question.limits = Question.Limits(milliseconds: .max, work: 0, memoryMegabytes: -5, goalMilliseconds: 1 << 40)
    let limits = try #require(Wire.question(Wire.encode(question, number: 1))).question.limits
    #expect(limits.milliseconds == Int(UInt32.max) - 1)
    #expect(limits.work == 1)
    #expect(limits.memoryMegabytes == 1)
    #expect(limits.goalMilliseconds == Int(UInt32.max) - 1)
  }
}
