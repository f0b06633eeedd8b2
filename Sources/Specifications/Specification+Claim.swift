public import ExactArithmetic

/// What one query of a property says, for people.
public struct ClaimDescription: Sendable, Hashable {
  /// As mathematics, such as `p99 ≤ 60000 ms`.
  public let text: String
  /// What the claim's quantity is measured in; for `log2` it is the logarithm of a factor.
  public let unit: Unit
  public let scale: Scale
}

extension Property {
  /// - Precondition: the property has that query.
  public func claim(ofQuery query: Int) -> ClaimDescription {
    ClaimDescription(text: claims[query].text, unit: claims[query].unit, scale: claims[query].scale)
  }
}

extension PropertyNegation {
  /// By how much a case fails at points: the amount by which its claim's quantity lies below zero. Nil where the points
  /// do not meet the conditions, or the claim holds.
  ///
  /// - Parameters:
  ///   - points: One list of inputs per point.
  ///   - values: The network's outputs there.
  public func failure(ofCase index: Int, points: [[Rational]], values: [[Rational]]) -> Rational? {
    let one = cases[index]
    guard points.count == pointCount, points.allSatisfy({ $0.count == inputCount }) else { return nil }
    let x = points.flatMap { $0 }
    let isMet = (common + one.conditions).allSatisfy { condition in
      let value = condition.form.value(at: x)
      switch condition.sign {
      case .zero: return value.isZero
      case .nonnegative: return !value.isNegative
      case .positive: return value.isPositive
      }
    }
    guard isMet else { return nil }
    let sum = zip(one.outputs, values.flatMap { $0 }).reduce(one.inputs.value(at: x)) { $0 + $1.0 * $1.1 }
    return sum.isNegative ? -sum : nil
  }

  /// The same for the property as it must be refuted (``Property/refutations``): numbers that a logarithm makes
  /// irrational are rounded the other way.
  /// - Throws: as ``init(of:query:outputCount:)``.
  public init(refuting property: Property, query: Int, outputCount: Int) throws(ExportError) {
    guard property.refutations.indices.contains(query) else {
      throw ExportError(
        .mismatch, "\(property.id) has no query \(query + 1); its queries are 1 to \(property.refutations.count)")
    }
    guard let asked = property.refutations[query].points(outputCount: outputCount) else {
      throw ExportError(
        .inexpressible, "the points of \(property.id) cannot be told from each other's coordinates; please report it")
    }
    self.init(asked, query: query, of: property, outputCount: outputCount)
  }
}
