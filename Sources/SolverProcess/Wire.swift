internal import BigInt
internal import ExactArithmetic

/// The messages between a program and its solver processes.
///
/// A frame is the four bytes `VPS1`, the length of what follows as a 32-bit number, and so many bytes. Numbers are
/// little-endian, texts are UTF-8 after their length. A process starts with a greeting and answers each question with
/// its number; anything else means that the other side is not what it should be.
enum Wire {
  static let magic: [UInt8] = [0x56, 0x50, 0x53, 0x31]
  static let headerLength = 8
  /// The longest question and the longest answer, in bytes.
  static let maximumQuestion = 64 << 20
  static let maximumAnswer = 16 << 20
  /// The longest reason and version, in bytes.
  static let maximumText = 4096
  /// The longest number, in decimal digits of numerator and denominator together: what BigInt reads in a few
  /// milliseconds.
  static let maximumDigits = 40_000

  /// What a process says.
  enum Message: Hashable {
    case greeting(version: String)
    /// A solution that may yet be improved.
    case interim(number: UInt64, values: [Rational])
    /// The answer, and the processor time that it took in microseconds.
    case final(number: UInt64, microseconds: UInt64, Answer)
  }

  static func frame(_ payload: [UInt8]) -> [UInt8] {
    var writer = Writer()
    writer.bytes = magic
    writer.number(UInt32(payload.count))
    return writer.bytes + payload
  }

  /// The length that a header announces; nil when it is none or more than `limit`.
  static func length(header: ArraySlice<UInt8>, limit: Int) -> Int? {
    guard header.count == headerLength, header.prefix(4).elementsEqual(magic) else { return nil }
    let length = header.dropFirst(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    return length <= limit ? length : nil
  }

  // MARK: Questions

  static func encode(_ question: Question, number: UInt64) -> [UInt8] {
    var writer = Writer()
    writer.number(number)
    writer.number(question.method.rawValue)
    writer.number(UInt8(question.wantsMultipliers ? 1 : 0))
    writer.number(bounded(question.limits.milliseconds))
    writer.number(bounded(question.limits.work))
    writer.number(bounded(question.limits.memoryMegabytes))
    writer.number(bounded(question.limits.goalMilliseconds))
    writer.number(UInt32(question.conditionCount))
    writer.text(question.goal?.variable.name ?? "")
    writer.text(question.goal?.text ?? "")
    writer.number(UInt32(question.values.count))
    for variable in question.values { writer.text(variable.name) }
    writer.text(question.text)
    return writer.bytes
  }

  /// A limit in the range of libz3's parameters; zero for none.
  private static func bounded(_ limit: Int?) -> UInt32 {
    limit.map { UInt32(clamping: max(1, min($0, Int(UInt32.max) - 1))) } ?? 0
  }

  static func question(_ payload: [UInt8]) -> (number: UInt64, question: Question)? {
    var reader = Reader(payload)
    guard let number: UInt64 = reader.number(), let method = reader.number().flatMap(Question.Method.init(rawValue:)),
      let wantsMultipliers: UInt8 = reader.number(), wantsMultipliers <= 1,
      let milliseconds: UInt32 = reader.number(), let work: UInt32 = reader.number(),
      let memory: UInt32 = reader.number(), let goalMilliseconds: UInt32 = reader.number(),
      let conditionCount: UInt32 = reader.number(), let goal = reader.text(limit: RealVariable.maximumNameLength),
      goal.isEmpty || RealVariable.isValid(goal), let goalText = reader.text(limit: maximumQuestion),
      let count: UInt32 = reader.number(),
      count <= Question.maximumValues
    else { return nil }
    var values: [RealVariable] = []
    for _ in 0..<count {
      guard let name = reader.text(limit: RealVariable.maximumNameLength), RealVariable.isValid(name) else {
        return nil
      }
      values.append(RealVariable(name))
    }
    guard let text = reader.text(limit: maximumQuestion), reader.isAtEnd else { return nil }
    let limits = Question.Limits(
      milliseconds: milliseconds == 0 ? nil : Int(milliseconds), work: work == 0 ? nil : Int(work),
      memoryMegabytes: Int(memory), goalMilliseconds: Int(goalMilliseconds))
    return (
      number,
      Question(
        text: text, conditionCount: Int(conditionCount), values: values, method: method, limits: limits,
        goal: goal.isEmpty ? nil : Question.Goal(variable: RealVariable(goal), text: goalText),
        wantsMultipliers: wantsMultipliers == 1)
    )
  }

  // MARK: Answers

  private enum Tag {
    static let greeting: UInt8 = 1
    static let interim: UInt8 = 2
    static let satisfiable: UInt8 = 3
    static let unsatisfiable: UInt8 = 4
    static let unknown: UInt8 = 5
  }

  static func encode(_ message: Message) -> [UInt8] {
    var writer = Writer()
    switch message {
    case .greeting(let version):
      writer.number(Tag.greeting)
      writer.text(version.truncated(to: maximumText))
    case .interim(let number, let values):
      writer.number(Tag.interim)
      writer.number(number)
      writer.rationals(values)
    case .final(let number, let microseconds, .satisfiable(let values)):
      writer.number(Tag.satisfiable)
      writer.number(number)
      writer.number(microseconds)
      writer.rationals(values)
    case .final(let number, let microseconds, .unsatisfiable(let multipliers)):
      writer.number(Tag.unsatisfiable)
      writer.number(number)
      writer.number(microseconds)
      writer.number(UInt8(multipliers == nil ? 0 : 1))
      let list = (multipliers ?? [:]).sorted { $0.key < $1.key }
      writer.number(UInt32(list.count))
      for (place, value) in list {
        writer.number(UInt32(place))
        writer.text(value.description)
      }
    case .final(let number, let microseconds, .unknown(let reason)):
      writer.number(Tag.unknown)
      writer.number(number)
      writer.number(microseconds)
      writer.text(reason.truncated(to: maximumText))
    }
    return writer.bytes
  }

  static func message(_ payload: [UInt8]) -> Message? {
    var reader = Reader(payload)
    guard let tag: UInt8 = reader.number() else { return nil }
    if tag == Tag.greeting {
      guard let version = reader.text(limit: maximumText), reader.isAtEnd else { return nil }
      return .greeting(version: version)
    }
    guard let number: UInt64 = reader.number() else { return nil }
    if tag == Tag.interim {
      guard let values = reader.rationals(), reader.isAtEnd else { return nil }
      return .interim(number: number, values: values)
    }
    guard let microseconds: UInt64 = reader.number() else { return nil }
    let answer: Answer
    switch tag {
    case Tag.satisfiable:
      guard let values = reader.rationals() else { return nil }
      answer = .satisfiable(values)
    case Tag.unsatisfiable:
      guard let hasMultipliers: UInt8 = reader.number(), hasMultipliers <= 1, let count: UInt32 = reader.number(),
        hasMultipliers == 1 || count == 0
      else { return nil }
      var multipliers: [Int: Rational] = [:]
      for _ in 0..<count {
        guard let place: UInt32 = reader.number(), let value = reader.rational(), value.isPositive,
          multipliers.updateValue(value, forKey: Int(place)) == nil
        else { return nil }
      }
      answer = .unsatisfiable(multipliers: hasMultipliers == 1 ? multipliers : nil)
    case Tag.unknown:
      guard let reason = reader.text(limit: maximumText) else { return nil }
      answer = .unknown(reason)
    default:
      return nil
    }
    return reader.isAtEnd ? .final(number: number, microseconds: microseconds, answer) : nil
  }
}

private struct Writer {
  var bytes: [UInt8] = []

  mutating func number(_ value: some FixedWidthInteger & UnsignedInteger) {
    for shift in stride(from: 0, to: value.bitWidth, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  mutating func text(_ text: String) {
    number(UInt32(text.utf8.count))
    bytes += text.utf8
  }

  mutating func rationals(_ values: [Rational]) {
    number(UInt32(values.count))
    for value in values { text(value.description) }
  }
}

private struct Reader {
  private let bytes: [UInt8]
  private var place = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { place == bytes.count }

  mutating func number<Number: FixedWidthInteger & UnsignedInteger>() -> Number? {
    let count = Number.bitWidth / 8
    guard bytes.count - place >= count else { return nil }
    defer { place += count }
    return bytes[place..<(place + count)].reversed().reduce(0) { $0 << 8 | Number($1) }
  }

  mutating func text(limit: Int) -> String? {
    guard let count: UInt32 = number(), count <= limit, bytes.count - place >= Int(count) else { return nil }
    defer { place += Int(count) }
    return String(validating: bytes[place..<(place + Int(count))], as: UTF8.self)
  }

  /// `n` or `n/d` in decimal digits.
  mutating func rational() -> Rational? {
    guard let text = text(limit: Wire.maximumDigits + 2) else { return nil }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let numerator = Self.integer(parts[0]),
      let denominator = parts.count == 2 ? Self.integer(parts[1]) : 1, denominator.signum() == 1
    else { return nil }
    return Rational(numerator, denominator)
  }

  private static func integer(_ text: Substring) -> BigInt? {
    let digits = text.first == "-" ? text.dropFirst() : text
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return BigInt(String(text))
  }

  mutating func rationals() -> [Rational]? {
    guard let count: UInt32 = number(), count <= Question.maximumValues else { return nil }
    var values: [Rational] = []
    for _ in 0..<count {
      guard let value = rational() else { return nil }
      values.append(value)
    }
    return values
  }
}

extension String {
  /// The text without its end, so that it has at most `count` bytes.
  fileprivate func truncated(to count: Int) -> String {
    var text = self
    while text.utf8.count > count { text.removeLast(max(1, (text.utf8.count - count) / 4)) }
    return text
  }
}

extension Rational {
  /// Whether the number is short enough to be sent.
  var isSendable: Bool {
    // A digit takes more than three bits.
    (numerator.magnitude.bitWidth + denominator.bitWidth) / 3 <= Wire.maximumDigits
  }
}
