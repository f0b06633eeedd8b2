internal import ExactArithmetic

extension SpecificationReader {
  /// What the names of an expression may mean.
  struct Scope {
    let features: [Declared<Feature>]
    let outputs: [Declared<Output>]
    /// The names of the points, for expressions that speak of two; empty for those that speak of one.
    var points: [String] = []
    /// Whether outputs may be named: not in a precondition.
    var allowsOutputs = true
    /// What the expression is, for messages: `'when'`.
    let what: String
  }

  /// A name that was found, or why there is nothing more to say about it.
  private struct Named {
    let atom: Atom
    let name: String
    let unit: Unit
    let scale: Scale
    let declaration: Place
    let isSound: Bool
  }

  /// The comparisons that a text holds, joined by `and`; nil after a report.
  mutating func conjunction(_ text: String, from start: Place) -> [Comparison]? {
    do {
      var parser = try ExpressionParser(text)
      let comparisons = try parser.conjunction()
      for comparison in comparisons {
        if let turn = comparison.signs.first(where: { $0.direction != comparison.signs[0].direction }) {
          report(
            .form, place(turn.span, from: start), "the comparisons of a chain must point the same way",
            fix: "write it as low <= output <= high")
          return nil
        }
      }
      return comparisons
    } catch {
      report(error, from: start)
      return nil
    }
  }

  /// Refuses strict comparisons in claims; false after a report.
  mutating func requireClosed(_ comparison: Comparison, from start: Place) -> Bool {
    guard let strict = comparison.signs.first(where: \.isStrict) else { return true }
    report(
      .strict, place(strict.span, from: start),
      "a claim cannot be strict: over a closed domain it would hold by no margin",
      fix: "write \(strict.text)=, with a margin if one is meant, as in p50 + 0.1 ms <= p99")
    return false
  }

  /// The inequalities that a comparison means, in the network's numbers; nil after a report. A comparison that is true
  /// of all numbers on a logarithmic scale gives none.
  mutating func inequalities(_ comparison: Comparison, from start: Place, in scope: Scope) -> [Inequality]? {
    var result: [Inequality] = []
    var isSound = true
    if scope.allowsOutputs, !requireClosed(comparison, from: start) { return nil }
    for (index, sign) in comparison.signs.enumerated() {
      let (left, right) = (comparison.sums[index], comparison.sums[index + 1])
      let text = "\(left.text) \(sign.symbol) \(right.text)"
      let pairs =
        switch sign.text {
        case "<=", "<": [(left, right)]
        case ">=", ">": [(right, left)]
        default: [(left, right), (right, left)]
        }
      for (low, high) in pairs {
        switch inequality(low, high, text, from: start, scope) {
        case .inequality(var inequality):
          inequality.isStrict = sign.isStrict
          result.append(inequality)
        case .alwaysTrue: break
        case .refused: isSound = false
        }
        // What is wrong with one direction of an equation is wrong with the other.
        if !isSound { break }
      }
    }
    return isSound ? result : nil
  }

  private enum Lowered {
    case inequality(Inequality)
    case alwaysTrue
    case refused
  }

  /// low ≤ high.
  private mutating func inequality(_ low: Sum, _ high: Sum, _ text: String, from start: Place, _ scope: Scope)
    -> Lowered
  {
    let span = low.span.joined(high.span)
    var found: [Span: Named] = [:]
    var order: [Named] = []
    var isKnown = true
    for term in low.terms + high.terms {
      guard case .name(let name, let span, _) = term else { continue }
      guard let named = named(name, at: place(span, from: start), scope) else {
        isKnown = false
        continue
      }
      found[span] = named
      order.append(named)
    }
    guard isKnown, order.allSatisfy(\.isSound) else { return .refused }
    guard let reference = order.first(where: \.atom.isOutput) ?? order.first else {
      report(
        .form, place(span, from: start), "the expression compares numbers only",
        fix: "name \(scope.allowsOutputs ? "an output, as in p99 <= 60 ms" : "a feature, as in cores <= 2 cores")")
      return .refused
    }
    if let other = order.first(where: { $0.scale != reference.scale }) {
      report(
        .scale, place(span, from: start),
        "'\(reference.name)' has scale \(reference.scale.rawValue) and '\(other.name)' has scale "
          + "\(other.scale.rawValue): no linear inequality holds both",
        note: "declared at \(reference.declaration) and \(other.declaration)",
        fix: "compare each with numbers, or give them the same scale")
      return .refused
    }
    let sides = [low, high]
    if reference.scale == .log2 {
      for side in sides where side.terms.count > 1 {
        report(
          .scale, place(side.span, from: start),
          "'\(reference.name)' has scale log2, on which sums and differences are not linear",
          note: "declared at \(reference.declaration)",
          fix: "compare one multiple with another, as in p50 <= 2 * p99")
        return .refused
      }
    }
    // On either scale the inequality is high − low ≥ 0 or its logarithm.
    var coefficients: [Atom: Rational] = [:]
    var constant: ClosedRange<Rational> = .zero ... .zero
    for (side, sign) in zip(sides, [Rational(-1), .one]) {
      for term in side.terms {
        let factor: Rational
        let atom: Atom?
        switch term {
        case .quantity(let quantity):
          guard
            let value = value(
              quantity, in: reference.unit, from: start, of: reference.name, at: reference.declaration,
              unitNeeded: true)
          else { return .refused }
          (factor, atom) = (value, nil)
        case .name(_, let span, let written):
          guard let named = found[span] else { return .refused }
          guard let conversion = named.unit.factor(to: reference.unit) else {
            report(
              .unitMismatch, place(span, from: start),
              "cannot compare \(named.unit) with \(reference.unit)",
              note:
                "\(named.name) has unit \(named.unit) (declared at \(named.declaration)), \(reference.name) has unit "
                + "\(reference.unit) (declared at \(reference.declaration))",
              fix: "compare numbers of one kind")
            return .refused
          }
          (factor, atom) = (written * conversion, named.atom)
        }
        switch reference.scale {
        case .linear:
          if let atom {
            coefficients[atom, default: .zero] += sign * factor
          } else {
            constant = (constant.lowerBound + sign * factor)...(constant.upperBound + sign * factor)
          }
        case .log2:
          guard factor.isPositive else {
            // Every number on this scale is above zero.
            if atom == nil, sign.isNegative { return .alwaysTrue }
            report(
              .impossible, place(term.span, from: start),
              "'\(reference.name)' has scale log2 and is always above zero",
              note: "declared at \(reference.declaration)",
              fix: atom == nil ? "write a number above zero" : "write a factor above zero")
            return .refused
          }
          if let atom { coefficients[atom, default: .zero] += sign }
          let logarithm = BinaryLogarithm.enclosure(of: factor, bits: Property.boundBits)
          constant =
            sign.isPositive
            ? (constant.lowerBound + logarithm.lowerBound)...(constant.upperBound + logarithm.upperBound)
            : (constant.lowerBound - logarithm.upperBound)...(constant.upperBound - logarithm.lowerBound)
        }
      }
    }
    coefficients = coefficients.filter { !$0.value.isZero }
    // Two names with one index have been reported.
    if coefficients.isEmpty, Set(order.map(\.name)).count > Set(order.map(\.atom)).count { return .refused }
    guard !coefficients.isEmpty else {
      report(
        .form, place(span, from: start), "the names cancel out: the comparison says nothing about them",
        fix: "delete it, or compare different names")
      return .refused
    }
    return .inequality(
      Inequality(
        coefficients: coefficients, constant: constant, unit: reference.unit, scale: reference.scale, text: text))
  }

  /// What a name means; nil after a report.
  private mutating func named(_ text: String, at place: Place, _ scope: Scope) -> Named? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    var point = 0
    if scope.points.isEmpty {
      guard parts.count == 1 else {
        report(
          .unknownName, place, "'\(Name.clipped(text))' names a point, but \(scope.what) speaks of one point only",
          fix: "write '\(Name.clipped(parts[1]))'; points belong to 'where' and 'then' of a property with 'forall'")
        return nil
      }
    } else {
      let example = "\(scope.points[0]).\(Name.clipped(parts[parts.count - 1]))"
      guard parts.count == 2 else {
        report(
          .unknownName, place, "'\(Name.clipped(text))' does not say at which point",
          fix: "write \(example) or \(scope.points[1]).\(Name.clipped(parts[parts.count - 1]))")
        return nil
      }
      guard let index = scope.points.firstIndex(of: parts[0]) else {
        report(
          .unknownName, place, "unknown point '\(Name.clipped(parts[0]))'",
          fix: "the points are \(scope.points.joined(separator: " and ")), as in \(example)")
        return nil
      }
      point = index
    }
    let name = parts[parts.count - 1]
    if let feature = scope.features.first(where: { $0.measure.name == name }) {
      return Named(
        atom: Atom(point: point, isOutput: false, index: feature.measure.index), name: text,
        unit: feature.measure.unit, scale: feature.measure.scale, declaration: feature.place,
        isSound: feature.isSound)
    }
    if let output = scope.outputs.first(where: { $0.measure.name == name }) {
      guard scope.allowsOutputs else {
        report(
          .unknownName, place, "'\(name)' is an output, and \(scope.what) speaks of features only",
          fix: "name a feature declared above")
        return nil
      }
      return Named(
        atom: Atom(point: point, isOutput: true, index: output.measure.index), name: text,
        unit: output.measure.unit, scale: output.measure.scale, declaration: output.place, isSound: output.isSound)
    }
    // Without any declaration something else has been reported already.
    if scope.features.isEmpty || scope.outputs.isEmpty { return nil }
    let features = scope.features.map(\.measure.name)
    let outputs = scope.allowsOutputs ? scope.outputs.map(\.measure.name) : []
    let kind = scope.allowsOutputs ? "feature or output" : "feature"
    report(
      .unknownName, place, "unknown \(kind) '\(Name.clipped(name))'" + suggestion(for: name, among: features + outputs),
      fix: scope.allowsOutputs
        ? "name an output: \(outputs.prefix(8).joined(separator: ", ")); or a feature" : "name a feature declared above"
    )
    return nil
  }

  /// The comparisons of an entry that holds one or a list of them, with their places.
  mutating func comparisons(_ entry: SyntaxNode.Entry) -> [(comparison: Comparison, start: Place)] {
    let items: [SyntaxNode]
    if case .list(let list) = entry.value.content {
      items = list
      if list.isEmpty {
        report(
          .shape, entry.value.place, "'\(entry.key)' is an empty list", fix: "write a comparison, or delete the key")
      }
    } else {
      items = [entry.value]
    }
    func refuse(_ count: Int) -> [(comparison: Comparison, start: Place)] {
      report(
        .tooLarge, entry.place,
        "'\(entry.key)' has \(count) comparisons; at most \(Self.maximumComparisons) are supported")
      return []
    }
    guard items.count <= Self.maximumComparisons else { return refuse(items.count) }
    var result: [(comparison: Comparison, start: Place)] = []
    for item in items {
      guard
        let (text, start) = expression(
          SyntaxNode.Entry(key: entry.key, place: entry.place, value: item), what: "'\(entry.key)'"),
        let comparisons = conjunction(text, from: start)
      else { continue }
      result += comparisons.map { ($0, start) }
    }
    return result.count <= Self.maximumComparisons ? result : refuse(result.count)
  }

  /// The most comparisons in one list.
  static let maximumComparisons = 64

  /// Preconditions: what they mean, how they read, and where each stands.
  struct Conditions {
    var inequalities: [(inequality: Inequality, place: Place)] = []
    var texts: [String] = []
    /// Whether all of them were understood.
    var isSound = true
    /// Features that 'for-each' sets to one value.
    var fixed: [Int: Rational] = [:]
  }

  /// The preconditions of an entry, `when` or `assume`, or `where` with its points.
  mutating func conditions(_ entry: SyntaxNode.Entry?, in scope: Scope) -> Conditions {
    var result = Conditions()
    guard let entry else { return result }
    let before = diagnostics.count
    for (comparison, start) in comparisons(entry) {
      guard let lowered = inequalities(comparison, from: start, in: scope) else { continue }
      let place = Place(line: start.line, column: start.column, length: start.length)
      result.inequalities += lowered.map { ($0, place) }
      result.texts.append(comparison.text)
    }
    result.isSound = diagnostics.count == before
    return result
  }
}
