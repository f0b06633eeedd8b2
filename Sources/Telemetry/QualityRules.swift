/// A reason to leave a measured row out, stated before any model is fitted; none looks at a model's error.
public struct QualityRule: Sendable, Hashable, Codable {
  /// What makes a row break the rule.
  public enum Condition: Sendable, Hashable, Codable {
    /// The column's number is greater than the limit.
    case above(column: String, limit: Double)
    /// The column's field is empty, zero or negative.
    case missingOrNotPositive(column: String)
    /// The window ended at most so many seconds after the earliest one; `column` is the time in seconds.
    case within(seconds: Double, ofFirst: String)
  }

  /// A short name, such as `disturbed`.
  public let id: String
  public let condition: Condition
  /// Why rows that break it are left out.
  public let about: String

  public init(id: String, condition: Condition, about: String) {
    self.id = id
    self.condition = condition
    self.about = about
  }
}

/// The rules of one application, applied together.
public struct QualityRules: Sendable, Hashable, Codable {
  public let rules: [QualityRule]

  public init(_ rules: [QualityRule]) { self.rules = rules }

  /// The rules that `models/README.md` states: disturbed windows, windows without a label, and, for applications on a
  /// just-in-time compiler, the warm-up.
  public static func standard(application: String) -> QualityRules {
    var rules = [
      QualityRule(
        id: "disturbed", condition: .above(column: "other_cpu_cores", limit: 0.2),
        about: "more than 0.2 cores went to processes that are neither application, generator nor neighbour"),
      QualityRule(
        id: "no-throughput", condition: .missingOrNotPositive(column: "throughput"),
        about: "no request was completed in the window, so its logarithm and its latency do not exist"),
      QualityRule(
        id: "no-p99", condition: .missingOrNotPositive(column: "p99_ms"),
        about: "no latency was measured in the window"),
    ]
    if application == "lucene" {
      rules.append(
        QualityRule(
          id: "warm-up", condition: .within(seconds: 30, ofFirst: "t"),
          about: "the Java virtual machine compiles in its first 30 s"))
    }
    return QualityRules(rules)
  }

  /// Applies every rule to every row.
  /// - Throws: ``DatasetError`` when a column that a rule needs is missing or holds text that is not a number.
  public func apply(to dataset: Dataset) throws(DatasetError) -> FilterReport {
    var entries: [FilterReport.Entry] = []
    var isKept = Array(repeating: true, count: dataset.rowCount)
    for rule in rules {
      let rows = try rule.brokenBy(dataset)
      for row in rows { isKept[row] = false }
      entries.append(FilterReport.Entry(rule: rule, rows: rows))
    }
    return FilterReport(rowCount: dataset.rowCount, entries: entries, kept: isKept.indices.filter { isKept[$0] })
  }
}

/// What the rules left out, and why.
public struct FilterReport: Sendable, Hashable, Codable {
  public struct Entry: Sendable, Hashable, Codable {
    public let rule: QualityRule
    /// The rows that break it, counting from 0 without the header. A row may break several rules.
    public let rows: [Int]
  }

  /// Rows before filtering.
  public let rowCount: Int
  /// One per rule, in the order of the rules.
  public let entries: [Entry]
  /// The rows that break no rule, counting from 0 without the header.
  public let kept: [Int]

  /// Rows that break at least one rule.
  public var droppedCount: Int { rowCount - kept.count }
}

extension QualityRule {
  fileprivate func brokenBy(_ dataset: Dataset) throws(DatasetError) -> [Int] {
    switch condition {
    case .above(let column, let limit):
      let numbers = try dataset.column(column)
      return numbers.indices.filter { numbers[$0] > limit }
    case .missingOrNotPositive(let column):
      let numbers = try dataset.optionalColumn(column)
      return numbers.indices.filter { (numbers[$0] ?? 0) <= 0 }
    case .within(let seconds, let column):
      let times = try dataset.column(column)
      guard let first = times.min() else { return [] }
      return times.indices.filter { times[$0] - first <= seconds }
    }
  }
}
