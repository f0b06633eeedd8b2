internal import ExactArithmetic

/// A property's negation as a VNN-LIB query: `sat` means that the property is violated.
///
/// Version 2.0 (Daggitt, Antony et al., *The VNN-LIB Standard*) has several networks and strict comparisons; version 1.0
/// (Demarchi, Guidotti, Pulina, Tacchella, *Supporting Standardization of Neural Networks Verification with VNNLIB and
/// CoCoNet*, FoMLAS 2023) has one network at one point and `<=` alone. Neither has division or exponents, so rows are
/// multiplied until every number is a decimal. The network itself is not needed: its shapes are those of the
/// specification.
public struct VNNLIBExport: Sendable {
  public enum Version: Sendable, Hashable, CaseIterable {
    case one
    case two
  }

  /// Digits behind the point of a bound that version 1.0 must round.
  static let roundedPlaces = 40

  private let specification: Specification
  private let property: Property
  private let version: Version
  private let negation: PropertyNegation
  /// Inputs of all points, then their outputs.
  private let names: [String]

  /// - Parameter query: One of the property's queries, from 0; nil for the whole property.
  /// - Throws: ``ExportError``: `inexpressible` for a property about two points in version 1.0; `vacuous`; `mismatch`.
  public init(
    _ property: Property, of specification: Specification, query: Int? = nil, version: Version
  ) throws(ExportError) {
    negation = try PropertyNegation(of: property, query: query, outputCount: specification.outputs.count)
    if version == .one, negation.pointCount > 1 {
      throw ExportError(
        .inexpressible,
        "\(property.id) compares two points, and VNN-LIB 1.0 has one network with one input; use --to vnnlib "
          + "(VNN-LIB 2.0 has two networks), or --to smt2")
    }
    guard negation.pointCount <= 2 else {
      throw ExportError(.inexpressible, "\(property.id) is about more than two points; use --to smt2")
    }
    self.specification = specification
    self.property = property
    self.version = version
    let (n, m) = (specification.features.count, specification.outputs.count)
    switch version {
    case .one: names = (0..<n).map { "X_\($0)" } + (0..<m).map { "Y_\($0)" }
    case .two:
      let letters = negation.pointCount == 1 ? (["X"], ["Y"]) : (["X", "Z"], ["Y", "W"])
      names =
        letters.0.flatMap { letter in (0..<n).map { "\(letter)[0,\($0)]" } }
        + letters.1.flatMap { letter in (0..<m).map { "\(letter)[0,\($0)]" } }
    }
  }

  /// Writes the file.
  public func write(to stream: inout some TextOutputStream) {
    func line(_ text: String) { stream.write(text + "\n") }
    if version == .two { line("(vnnlib-version <2.0>)") }
    for comment in comments { line(comment) }
    let (n, m) = (specification.features.count, specification.outputs.count)
    switch version {
    case .one:
      for name in names { line("(declare-const \(name) Real)") }
    case .two:
      line("(declare-network f (declare-input X real [1,\(n)]) (declare-output Y real [1,\(m)]))")
      if negation.pointCount == 2 {
        line(
          "(declare-network g (equal-to f) (declare-input Z real [1,\(n)]) (declare-output W real [1,\(m)]))")
      }
    }
    for condition in negation.common { line("(assert \(text(condition)))") }
    if negation.cases.count == 1 {
      for condition in negation.cases[0].conditions { line("(assert \(text(condition)))") }
      line("(assert \(failure(negation.cases[0])))")
    } else {
      line("(assert (or")
      for alternative in negation.cases {
        let parts = alternative.conditions.map(text) + [failure(alternative)]
        line("  (and \(parts.joined(separator: " ")))")
      }
      line("))")
    }
  }

  /// The whole file.
  public var text: String {
    var text = ""
    write(to: &text)
    return text
  }

  // MARK: Comments

  private var comments: [String] {
    var lines: [String] = []
    func add(_ text: String, indent: String = "") { lines += CommentText.lines(text, indent: indent) }
    let one = negation.cases.count < property.queries.count ? "query \(negation.cases[0].query + 1)" : nil
    let what = one.map { "\($0) of the property" } ?? "the property"
    add("Property \(property.id)\(one.map { ", \($0)" } ?? "") of specification \(specification.name), negated.")
    add(property.statement)
    switch version {
    case .two:
      add("sat: violated, the values are a counterexample. unsat: \(what) holds.")
    case .one:
      add(
        "unsat: \(what) holds. sat: it is violated, unless the values meet its bound exactly: VNN-LIB 1.0 has "
          + "no strict comparison, so that the claim's negation (<, >) is weakened to <=, >=. Check values that are sat."
      )
      if hasRoundedBounds {
        add(
          "A bound of an input that no decimal can write is rounded outwards after \(Self.roundedPlaces) digits, so that "
            + "unsat still implies the property.")
      }
    }
    if property.isRounded {
      add(
        "Bounds on a log2 scale are irrational: they are rounded so that unsat implies the property. Values that miss it "
          + "by less than 2^-119 per logarithm decide nothing.")
    }
    if specification.features.contains(where: { $0.scale == .log2 }) {
      add(
        "The ends of a log2 domain are multiples of 2^-44 that enclose the logarithms; points in between count as points "
          + "of the domain.")
    }
    add("Specification \(specification.digest).")
    add("The numbers are real: a solver in binary32 or binary64 answers another question.")
    let (n, m) = (specification.features.count, specification.outputs.count)
    for point in 0..<negation.pointCount {
      let at = negation.pointCount == 2 ? " at \(negation.pointNames[point])" : ""
      for (i, feature) in specification.features.enumerated() {
        add("\(names[point * n + i]): \(feature.numberText)\(at)", indent: "  ")
      }
    }
    for point in 0..<negation.pointCount {
      let at = negation.pointCount == 2 ? " at \(negation.pointNames[point])" : ""
      for (k, output) in specification.outputs.enumerated() {
        add("\(names[negation.pointCount * n + point * m + k]): \(output.numberText)\(at)", indent: "  ")
      }
    }
    return lines
  }

  // MARK: Rows

  private var hasRoundedBounds: Bool {
    (negation.common + negation.cases.flatMap(\.conditions)).contains { rounded(row($0)) != nil }
  }

  private func row(_ condition: PointQuery.Condition) -> LinearRow {
    LinearRow(condition.form, condition.sign)
  }

  private func text(_ condition: PointQuery.Condition) -> String {
    let row = row(condition)
    if version == .one {
      if let rounded = rounded(row) { return rounded }
      // An equation becomes two inequalities.
      if row.comparison == .equal { return "(and \(text(row, .atMost)) \(text(row, .atLeast)))" }
    }
    return text(row, row.comparison)
  }

  private func failure(_ alternative: PropertyNegation.Case) -> String {
    let row = LinearRow(
      alternative.failure(inputCount: negation.pointCount * negation.inputCount),
      version == .one ? .nonnegative : .positive)
    return text(row, row.comparison)
  }

  /// For version 1.0, whose readers expect `X_i <= number`: a bound that no decimal can write, rounded outwards.
  private func rounded(_ row: LinearRow) -> String? {
    guard version == .one, row.left.count == 1, row.left[0].coefficient == .one, case .number(let number) = row.right,
      VNNLIBNumber.exact(number) == nil
    else { return nil }
    let name = names[row.left[0].variable]
    let low = "(>= \(name) \(VNNLIBNumber.below(number, places: Self.roundedPlaces)))"
    let high = "(<= \(name) \(VNNLIBNumber.above(number, places: Self.roundedPlaces)))"
    switch row.comparison {
    case .equal: return "(and \(low) \(high))"
    case .atLeast, .above: return low
    case .atMost, .below: return high
    }
  }

  private func text(_ row: LinearRow, _ comparison: LinearRow.Comparison) -> String {
    let sign = comparison == .equal ? "==" : comparison.rawValue
    var numbers = row.left.map(\.coefficient)
    if case .number(let number) = row.right { numbers.append(number) }
    let factor = VNNLIBNumber.clearing(numbers)
    func number(_ value: Rational) -> String {
      guard let text = VNNLIBNumber.exact(value * factor) else { preconditionFailure("the row was cleared") }
      return text
    }
    let terms = row.left.map { term in
      factor == .one && term.coefficient == .one
        ? names[term.variable] : "(* \(number(term.coefficient)) \(names[term.variable]))"
    }
    let left = terms.count == 1 ? terms[0] : "(+ \(terms.joined(separator: " ")))"
    switch row.right {
    case .number(let value): return "(\(sign) \(left) \(number(value)))"
    case .variable(let variable): return "(\(sign) \(left) \(names[variable]))"
    }
  }
}
