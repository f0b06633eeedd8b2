public import ExactArithmetic

/// A unit of measurement.
///
/// Ratios, times and sizes convert exactly into each other within their kind, and so do their quotients: `MiB/s` and
/// `KiB/min`, `req/s` and `req/min`, `ms/percent`. Every other unit (`cores`, `tasks`, …) is a name that fits only itself.
public struct Unit: Sendable, Hashable, CustomStringConvertible {
  indirect enum Kind: Sendable, Hashable {
    case ratio, time, size
    case none
    case named(String)
    /// One kind per another; `none` above stands for `1/…`.
    case quotient(Kind, Kind)
  }

  /// As written in the file; `none` for numbers without a unit.
  public let name: String
  let kind: Kind
  /// How many base units (1, second, byte) this unit is.
  let factor: Rational

  /// The unit of shares.
  static let fraction = Unit(name: "fraction", kind: .ratio, factor: .one)
  /// The unit of plain numbers.
  public static let none = Unit(name: "none", kind: .none, factor: .one)

  public var description: String { name }
  public var isNone: Bool { kind == .none }

  /// The number of `other` units in one of this unit, or nil when they do not convert.
  public func factor(to other: Unit) -> Rational? {
    kind == other.kind ? factor / other.factor : nil
  }

  /// The longest name of a unit.
  static let maximumLength = 32

  /// The convertible units, in the order in which messages list them.
  static let table: [Unit] = [
    fraction,
    Unit(name: "percent", kind: .ratio, factor: .one / 100),
    Unit(name: "ns", kind: .time, factor: .one / 1_000_000_000),
    Unit(name: "us", kind: .time, factor: .one / 1_000_000),
    Unit(name: "ms", kind: .time, factor: .one / 1000),
    Unit(name: "s", kind: .time, factor: 1),
    Unit(name: "min", kind: .time, factor: 60),
    Unit(name: "h", kind: .time, factor: 3600),
    Unit(name: "B", kind: .size, factor: 1),
    Unit(name: "kB", kind: .size, factor: 1000),
    Unit(name: "MB", kind: .size, factor: 1_000_000),
    Unit(name: "GB", kind: .size, factor: 1_000_000_000),
    Unit(name: "KiB", kind: .size, factor: 1024),
    Unit(name: "MiB", kind: .size, factor: 1_048_576),
    Unit(name: "GiB", kind: .size, factor: 1_073_741_824),
  ]

  /// Other spellings of the convertible units. They are refused, because as names of their own they would silently
  /// convert to nothing.
  private static let misspellings: [String: String] = [
    "%": "percent", "pct": "percent", "percents": "percent", "ratio": "fraction",
    "nsec": "ns", "usec": "us", "µs": "us", "μs": "us", "msec": "ms", "millis": "ms", "milliseconds": "ms",
    "microseconds": "us", "nanoseconds": "ns", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "minute": "min", "minutes": "min", "mins": "min", "hour": "h", "hours": "h", "hr": "h", "hrs": "h",
    "millisecond": "ms", "microsecond": "us", "nanosecond": "ns", "fractions": "fraction", "day": "h", "days": "h",
    "byte": "B", "bytes": "B",
  ]

  struct Problem: Error {
    let message: String
    let fix: String
  }

  /// The unit of that name.
  ///
  /// A name is `none`, one of the table, or `name`, `name/name`, `1/name` with letters, digits and `_`.
  static func named(_ text: String) throws(Problem) -> Unit {
    if text == none.name { return none }
    if let known = table.first(where: { $0.name == text }) { return known }
    let lower = text.lowercased()
    if let meant = misspellings[lower] ?? table.first(where: { $0.name.lowercased() == lower })?.name {
      throw Problem(message: "'\(text)' is not a unit", fix: "write \(meant)")
    }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    let isWellFormed =
      parts.count <= 2 && text.utf8.count <= maximumLength
      && parts.enumerated().allSatisfy { index, part in
        Name.isIdentifier(part) || (part == "1" && index == 0 && parts.count == 2)
      }
    guard isWellFormed else {
      throw Problem(
        message: "'\(Name.clipped(text))' is not a unit",
        fix: "write a unit such as fraction, percent, ms, MiB, cores, req/s, 1/s or none")
    }
    guard parts.count == 2 else { return Unit(name: text, kind: .named(text), factor: .one) }
    let above = parts[0] == "1" ? none : try part(parts[0], of: text)
    let below = try part(parts[1], of: text)
    return Unit(name: text, kind: .quotient(above.kind, below.kind), factor: above.factor / below.factor)
  }

  /// One side of a quotient.
  private static func part(_ part: Substring, of text: String) throws(Problem) -> Unit {
    let unit: Unit
    do {
      unit = try named(String(part))
    } catch {
      // Where one name is meant, the whole unit is written out.
      let meant = error.fix.dropFirst("write ".count)
      let whole = text.split(separator: "/").map { $0 == part ? String(meant) : String($0) }.joined(separator: "/")
      throw Problem(
        message: "'\(part)' in '\(text)' is not a unit", fix: meant.contains(" ") ? error.fix : "write \(whole)")
    }
    guard !unit.isNone else {
      throw Problem(message: "'\(text)' is not a unit", fix: "write 1/s, for example, where nothing is counted")
    }
    return unit
  }

  /// The units that convert to this one, for messages: `ns, us, ms, s, min or h`.
  var alternatives: String {
    let names = Self.table.filter { $0.kind == kind }.map(\.name)
    guard let last = names.last, names.count > 1 else {
      if case .quotient(let above, let below) = kind {
        let isConvertible = Self.table.contains { $0.kind == above || $0.kind == below }
        return isConvertible ? "\(name) or a unit that converts to it" : name
      }
      return name
    }
    return names.dropLast().joined(separator: ", ") + " or " + last
  }
}
