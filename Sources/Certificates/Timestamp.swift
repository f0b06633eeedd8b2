public import FoundationEssentials

/// A moment in UTC to the millisecond, from 1970 to 9999: the form of every time in our files.
public struct Timestamp: Sendable, Hashable, Comparable {
  /// The last moment that four digits of a year can write.
  public static let maximumMilliseconds = 253_402_300_799_999

  /// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
  public let milliseconds: Int

  /// Clamped to the range of the type.
  public init(milliseconds: Int) {
    self.milliseconds = min(max(milliseconds, 0), Self.maximumMilliseconds)
  }

  /// The date, rounded down to the millisecond and clamped to the range of the type.
  public init(_ date: Date) {
    let seconds = date.timeIntervalSince1970
    let limit = Double(Self.maximumMilliseconds)
    self.init(milliseconds: Int(min(max((seconds * 1000).rounded(.down), 0), limit)))
  }

  public var date: Date { Date(timeIntervalSince1970: Double(milliseconds) / 1000) }

  public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

  /// The moment `duration` later, rounded down to the millisecond.
  public func advanced(by duration: Duration) -> Timestamp {
    let (seconds, attoseconds) = duration.components
    let limit = Int64(Self.maximumMilliseconds / 1000 + 1)
    let whole = Int(min(max(seconds, -limit), limit)) * 1000
    return Timestamp(milliseconds: milliseconds + whole + Int(attoseconds / 1_000_000_000_000_000))
  }
}

extension Timestamp: CustomStringConvertible {
  /// RFC 3339 with `Z`: `2026-05-01T12:00:00Z`, with three digits of a second only when they are not zero.
  public var description: String {
    let (year, month, day) = Self.civil(day: milliseconds / 86_400_000)
    let rest = milliseconds % 86_400_000
    func padded(_ value: Int, _ width: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    let fraction = rest % 1000 == 0 ? "" : "." + padded(rest % 1000, 3)
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(padded(rest / 3_600_000, 2)):"
      + "\(padded(rest / 60_000 % 60, 2)):\(padded(rest / 1000 % 60, 2))\(fraction)Z"
  }

  /// Reads exactly what ``description`` writes; nil on any other text.
  public init?(text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count == 20 || bytes.count == 24 else { return nil }
    func number(_ range: Range<Int>) -> Int? {
      var value = 0
      for byte in bytes[range] {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        value = value * 10 + Int(byte - UInt8(ascii: "0"))
      }
      return value
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
      let minute = number(14..<16), let second = number(17..<19),
      let fraction = bytes.count == 24 ? number(20..<23) : 0,
      year >= 1970, (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    let time = (hour * 60 + minute) * 60 + second
    self.init(milliseconds: (Self.day(year: year, month: month, day: day) * 86_400 + time) * 1000 + fraction)
    // Catches the separators, 30 February and 25 o'clock alike.
    guard description == text else { return nil }
  }

  /// Days since 1970-01-01 of a date in the Gregorian calendar.
  ///
  /// Counts years from March, so that the leap day comes last (Hinnant, *chrono-Compatible Low-Level Date
  /// Algorithms*, 2013).
  private static func day(year: Int, month: Int, day: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func civil(day: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = day + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }
}
