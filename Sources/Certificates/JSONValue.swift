/// A JSON value of the subset that our files use: integers are the only numbers.
///
/// Other numbers are written as text (`"3/4"`, `"0.25"`), so that no reader rounds them.
public enum JSONValue: Sendable, Hashable {
  case null
  case boolean(Bool)
  /// Between −(2⁵³ − 1) and 2⁵³ − 1, the integers that every JSON reader keeps (RFC 7493, §2.2).
  case integer(Int)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// The word for the value's type in messages.
  public var typeName: String {
    switch self {
    case .null: "null"
    case .boolean: "a boolean"
    case .integer: "an integer"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

extension JSONValue {
  /// An array of strings.
  public static func strings(_ values: [String]) -> JSONValue { .array(values.map(JSONValue.string)) }

  /// The string, or null for nil.
  public static func optional(_ value: String?) -> JSONValue { value.map(JSONValue.string) ?? .null }
}
