internal import ExactArithmetic

extension SpecificationReader {
  /// Where in the network a slope is bounded.
  private struct Slope: Hashable {
    let output: Int
    let feature: Int
    let region: [ClosedRange<Rational>]
    let constraints: [LinearInequality]
  }

  private struct Bound {
    let property: Property
    let value: Rational
  }

  /// Warns of pairs of properties that leave no slope, or only one: what grows and does not grow is constant. Properties
  /// with a tolerance are not among them, and only those on the same domain are compared.
  /// - Complexity: linear in the number of queries.
  mutating func warnContradictions(_ properties: [Property]) {
    var least: [Slope: Bound] = [:]
    var greatest: [Slope: Bound] = [:]
    var warned: Set<[String]> = []
    for property in properties where property.tolerance == nil {
      for query in property.queries where query.relation == nil {
        guard case .monotone(let output, let feature, let direction, let minimumSlope) = query.claim else { continue }
        let slope = Slope(output: output, feature: feature, region: query.region, constraints: query.constraints)
        switch direction {
        case .nondecreasing:
          if least[slope].map({ $0.value < minimumSlope }) ?? true {
            least[slope] = Bound(property: property, value: minimumSlope)
          }
        case .nonincreasing:
          if greatest[slope].map({ $0.value > -minimumSlope }) ?? true {
            greatest[slope] = Bound(property: property, value: -minimumSlope)
          }
        }
        guard let low = least[slope], let high = greatest[slope], low.value >= high.value,
          low.property.id != high.property.id, warned.insert([low.property.id, high.property.id]).inserted
        else { continue }
        let other = low.property.id == property.id ? high.property : low.property
        let place = source.place(line: property.line, column: property.column, length: property.id.unicodeScalars.count)
        let names = "'\(property.id)' and '\(other.id)'"
        let note = "'\(other.id)' is at \(other.line):\(other.column)"
        if low.value > high.value {
          warnings.append(
            source.diagnostic(
              .contradiction, at: place, "no network satisfies both \(names)", note: note, fix: "correct one of them"))
        } else {
          let what = low.value.isZero ? "does not depend on the feature" : "has one slope everywhere"
          warnings.append(
            source.diagnostic(
              .contradiction, at: place, "together \(names) are satisfied only by an output that \(what)", note: note,
              fix: "correct one of them, or give them a tolerance"))
        }
      }
    }
  }
}
