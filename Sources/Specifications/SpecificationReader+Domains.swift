internal import ExactArithmetic

/// What properties range over: the declared domains, cut by preconditions, one piece for each choice from lists of values.
extension SpecificationReader {
  /// A domain with points.
  struct Inhabited {
    let domain: Domain
    /// Whether it is known to have an interior.
    let hasInterior: Bool
    /// For a domain with strict preconditions: a point (or two) that satisfies all of them.
    let inner: [[Rational]]?
    /// The values chosen from lists: ` at replicas = 4`.
    let choice: String
  }

  /// Values chosen for features, and how that reads.
  private struct Choice {
    var values: [Int: Rational] = [:]
    var text = ""
  }

  /// One of the properties that `for-each` makes.
  struct Case {
    var fixed: [Int: Rational] = [:]
    /// Behind the property's id: `.replicas-4`.
    var suffix = ""
    /// As mathematics, one for each feature.
    var texts: [String] = []
  }

  // MARK: for-each

  /// The properties that `for-each` makes of one; a single case without it, nil after a report.
  mutating func cases(_ entry: SyntaxNode.Entry?, _ declarations: Declarations) -> [Case]? {
    guard let entry else { return [Case()] }
    guard case .mapping(let entries) = entry.value.content, !entries.isEmpty else {
      report(
        .shape, entry.place, "'for-each' maps features to their values",
        fix: "write it as in for-each: {replicas: all} or for-each: {replicas: [1, 2]}")
      return nil
    }
    guard entries.count <= Self.maximumKeys else {
      report(.tooLarge, entry.place, "'for-each' has \(entries.count) features")
      return nil
    }
    var cases = [Case()]
    for one in entries {
      guard let declared = declarations.features.first(where: { $0.measure.name == one.key }) else {
        if !declarations.features.isEmpty {
          report(
            .unknownName, one.place,
            declarations.outputs.contains { $0.measure.name == one.key }
              ? "'\(one.key)' is an output, not a feature"
              : "unknown feature '\(Name.clipped(one.key))'"
                + suggestion(for: one.key, among: declarations.features.map(\.measure.name)),
            fix: "name a feature declared above")
        }
        return nil
      }
      guard declared.isSound, let values = values(one, of: declared) else { return nil }
      let measure = declared.measure
      guard cases.count * values.count <= Specification.maximumProperties else {
        report(
          .tooLarge, one.place, "'for-each' makes more than \(Specification.maximumProperties) properties",
          fix: "list fewer values")
        return nil
      }
      cases = cases.flatMap { known in
        values.map { value in
          var result = known
          result.fixed[measure.index] = value
          let number = String(DecimalText.exact(value).map { $0 == "/" ? "_" : $0 })
          result.suffix += ".\(measure.name.lowercased())-\(number)"
          result.texts.append("\(measure.name) = \(DecimalText.exact(value))\(measure.unitSuffix)")
          return result
        }
      }
    }
    return cases
  }

  /// The values of one feature of `for-each`.
  private mutating func values(_ entry: SyntaxNode.Entry, of declared: Declared<Feature>) -> [Rational]? {
    let measure = declared.measure
    if case .text(let text, _) = entry.value.content {
      guard text == "all" else {
        report(
          .shape, entry.value.place, "'\(Name.clipped(text))' is no list of values",
          fix: "write all, or a list as in [1, 2]")
        return nil
      }
      guard let values = measure.values else {
        report(
          .form, entry.value.place, "'\(measure.name)' is declared with a domain, not with a list of values",
          note: "declared at \(declared.place)", fix: "list the values here, or declare 'values' there")
        return nil
      }
      return values
    }
    let common = Common(
      name: measure.name, place: declared.place, column: measure.column, index: measure.index, unit: measure.unit,
      scale: measure.scale, about: nil)
    guard let values = values(entry, common, what: "'for-each'") else { return nil }
    if let surplus = values.first(where: { !measure.admits($0) }) {
      report(
        .form, entry.value.place,
        "\(DecimalText.exact(surplus))\(measure.unitSuffix) is not in the domain of '\(measure.name)'",
        note: "declared at \(declared.place)", fix: "list values that the feature is declared to have")
      return nil
    }
    return values
  }

  // MARK: Choices from lists

  /// The most choices that are looked at for one property, before preconditions.
  private static let maximumChoices = 65_536

  /// All ways to choose a value for each of the features; nil after a report.
  private mutating func choices(_ features: [Feature], at place: Place) -> [Choice]? {
    var result = [Choice()]
    for feature in features {
      let values = feature.values ?? []
      guard result.count * values.count <= Self.maximumChoices else {
        report(
          .tooLarge, place, "the lists of values make more than \(Self.maximumChoices) cases of this property",
          fix: "list fewer values, or declare a domain where the numbers in between are meant as well")
        return nil
      }
      result = result.flatMap { known in
        values.map { value in
          var next = known
          next.values[feature.index] = value
          next.text += (known.text.isEmpty ? " at " : ", ") + Self.text(feature, value)
          return next
        }
      }
    }
    return result
  }

  /// Whether the choices of all properties together stay within their bound; reports when not.
  private mutating func spend(_ count: Int, at place: Place) -> Bool {
    choicesLeft -= count
    if choicesLeft >= 0 { return true }
    report(
      .tooLarge, place,
      "the lists of values make more than \(Self.maximumChoicesOfFile) cases of all properties together",
      fix: "list fewer values, or declare a domain where the numbers in between are meant as well")
    return false
  }

  private static func text(_ feature: Feature, _ value: Rational) -> String {
    "\(feature.name) = \(DecimalText.exact(value))\(feature.unitSuffix)"
  }

  private func box(_ declarations: Declarations, _ values: [Int: Rational], over: SubRange? = nil)
    -> [ClosedRange<Rational>]
  {
    declarations.features.map(\.measure).map { feature in
      if let value = values[feature.index] { return feature.networkInterval(value...value) }
      return over?.feature == feature.index ? over?.interval ?? feature.networkDomain : feature.networkDomain
    }
  }

  /// The features with lists of values that `for-each` leaves open.
  private func listed(_ declarations: Declarations, _ conditions: Conditions) -> [Feature] {
    declarations.features.map(\.measure).filter { $0.values != nil && conditions.fixed[$0.index] == nil }
  }

  // MARK: Domains

  private enum Piece {
    case domain(Inhabited)
    /// No point, because of the precondition at a place, if it is known which.
    case empty(Place?)
    case refused
  }

  /// The pieces of the domain of a property about one point, or two that it moves apart, after all preconditions: one
  /// for each choice from lists that leaves a point. Nil when something is wrong with the preconditions.
  mutating func domains(
    _ conditions: Conditions, _ declarations: Declarations, over: SubRange? = nil, at entry: SyntaxNode.Entry?,
    in kind: SyntaxNode.Entry
  ) -> [Inhabited]? {
    guard declarations.isSound, declarations.assumed.isSound, conditions.isSound else { return nil }
    let place = entry?.place ?? declarations.assumed.inequalities.last?.place ?? Place(line: 1, column: 1)
    guard let choices = choices(listed(declarations, conditions), at: kind.place), spend(choices.count, at: kind.place)
    else { return nil }
    var result: [Inhabited] = []
    var emptyAt: Place?
    for choice in choices {
      let box = box(declarations, conditions.fixed.merging(choice.values) { $1 }, over: over)
      switch piece(box, choice.text, declarations.assumed.inequalities + conditions.inequalities, at: place) {
      case .domain(let domain): result.append(domain)
      case .empty(let place): emptyAt = emptyAt ?? place
      case .refused: return nil
      }
    }
    if result.isEmpty {
      refuseEmpty(at: emptyAt ?? place)
      return nil
    }
    return result
  }

  private mutating func piece(
    _ box: [ClosedRange<Rational>], _ choice: String, _ conditions: [(inequality: Inequality, place: Place)],
    at place: Place
  ) -> Piece {
    var domain = Domain(boxes: [box])
    for (inequality, place) in conditions {
      guard domain.restrict(by: inequality) else { return .empty(place) }
    }
    let polytope = domain.polytope
    guard admit(constraints: polytope.constraints.count, of: polytope.box.count, at: place) else { return .refused }
    let strict = domain.strictConstraints
    let extent = extent(of: polytope)
    guard let point = extent.point else {
      if case .empty = extent { return .empty(place) }
      guard strict.isEmpty else { return refuseStrict(at: place) }
      return .domain(Inhabited(domain: domain, hasInterior: false, inner: nil, choice: choice))
    }
    var hasInterior = false
    if case .solid = extent { hasInterior = true }
    guard strict.allSatisfy({ $0.holds(at: point) }) else {
      return hasInterior ? .empty(place) : refuseStrict(at: place)
    }
    return .domain(
      Inhabited(domain: domain, hasInterior: hasInterior, inner: strict.isEmpty ? nil : [point], choice: choice))
  }

  /// Without interior a strict precondition may cut all points off, which is not looked into.
  private mutating func refuseStrict(at place: Place) -> Piece {
    report(
      .strict, place, "a strict comparison among preconditions that leave no room in some direction",
      fix: "write <= or >=, or widen the other preconditions")
    return .refused
  }

  mutating func refuseEmpty(at place: Place) {
    report(
      .impossible, place,
      "no point of the domain satisfies the preconditions\(caseText), so the property would say nothing",
      fix: caseText.isEmpty
        ? "correct the preconditions, or delete the property" : "correct the preconditions, or list fewer values")
  }

  // MARK: Steps

  /// A piece of the domain, and the features that move in it.
  struct Steps {
    let domain: Inhabited
    let moved: [Int]
  }

  /// The pieces of the domain along which features grow. Where one of them has a list of values, a piece has two
  /// points: neighbouring values, which make up all steps in that feature alone, or any two values when several features
  /// move at once or each step has a tolerance.
  /// - Parameters:
  ///   - group: the features that move.
  ///   - mayStay: whether a feature that has one value only is no mistake; it then has no pieces.
  mutating func steps(
    _ group: [Int], over: SubRange?, isTolerant: Bool = false, mayStay: Bool = false, _ conditions: Conditions,
    _ declarations: Declarations, at entry: SyntaxNode.Entry
  ) -> [Steps]? {
    if let fixed = group.first(where: { conditions.fixed[$0] != nil }), !mayStay {
      let declared = declarations.features[fixed]
      report(
        .constantFeature, entry.place,
        "'for-each' sets '\(declared.measure.name)' to one value, so nothing can be said about its growth",
        fix: "take it out of 'for-each', or out of what grows")
      return nil
    }
    let group = group.filter { conditions.fixed[$0] == nil }
    let listed = listed(declarations, conditions)
    let stepped = listed.filter { group.contains($0.index) }
    if stepped.isEmpty {
      guard let domains = domains(conditions, declarations, over: over, at: entry, in: entry) else { return nil }
      let pieces = domains.map { domain in
        let box = domain.domain.boxes[0]
        return Steps(domain: domain, moved: group.filter { box[$0].lowerBound < box[$0].upperBound })
      }
      for feature in group where !mayStay && !pieces.contains(where: { $0.moved.contains(feature) }) {
        refuseConstant(feature, declarations, at: entry)
        return nil
      }
      return pieces.filter { !$0.moved.isEmpty }
    }
    guard declarations.isSound, declarations.assumed.isSound, conditions.isSound,
      let rest = choices(listed.filter { !group.contains($0.index) }, at: entry.place),
      let climbs = climbs(
        stepped, isTolerant || group.count > 1, isAlone: stepped.count == group.count, at: entry.place)
    else { return nil }
    guard spend(rest.count * climbs.count, at: entry.place) else { return nil }
    guard rest.count * climbs.count <= Self.maximumChoices else {
      report(
        .tooLarge, entry.place, "the lists of values make more than \(Self.maximumChoices) cases of this property",
        fix: "list fewer values, or declare a domain where the numbers in between are meant as well")
      return nil
    }
    var result: [Steps] = []
    for choice in rest {
      for climb in climbs {
        let boxes = [climb.from, climb.to].map { values in
          box(declarations, conditions.fixed.merging(choice.values) { $1 }.merging(values) { $1 }, over: over)
        }
        let text = choice.text.isEmpty ? " at " + climb.text : choice.text + ", " + climb.text
        switch pair(boxes, group, stepped.map(\.index), text, conditions, declarations, at: entry.place) {
        case .domain(let domain): result.append(Steps(domain: domain, moved: group))
        case .empty: break
        case .refused: return nil
        }
      }
    }
    if result.isEmpty, !mayStay {
      refuseConstant(stepped[0].index, declarations, at: entry)
      return nil
    }
    return result
  }

  /// Two values of each feature, the second at least the first.
  private struct Climb {
    var from: [Int: Rational] = [:]
    var to: [Int: Rational] = [:]
    var text = ""
  }

  /// - Parameters:
  ///   - isAny: all pairs of values instead of neighbours.
  ///   - isAlone: whether nothing else moves, so that one of the features has to.
  private mutating func climbs(_ features: [Feature], _ isAny: Bool, isAlone: Bool, at place: Place) -> [Climb]? {
    var result = [Climb()]
    for feature in features {
      let values = feature.values ?? []
      var pairs: [(Rational, Rational)] = []
      for (i, a) in values.enumerated() {
        for (j, b) in values.enumerated() where isAny ? j >= i : j == i + 1 { pairs.append((a, b)) }
      }
      guard result.count * pairs.count <= Self.maximumChoices else {
        report(
          .tooLarge, place, "the lists of values make more than \(Self.maximumChoices) cases of this property",
          fix: "list fewer values, or make it one property for each feature")
        return nil
      }
      result = result.flatMap { known in
        pairs.map { a, b in
          var next = known
          next.from[feature.index] = a
          next.to[feature.index] = b
          let text = "\(feature.name) \(DecimalText.exact(a)) → \(DecimalText.exact(b))\(feature.unitSuffix)"
          next.text += (known.text.isEmpty ? "" : ", ") + (a == b ? Self.text(feature, a) : text)
          return next
        }
      }
    }
    return isAlone ? result.filter { $0.from != $0.to } : result
  }

  private mutating func pair(
    _ boxes: [[ClosedRange<Rational>]], _ moved: [Int], _ stepped: [Int], _ choice: String, _ conditions: Conditions,
    _ declarations: Declarations, at place: Place
  ) -> Piece {
    var domain = Domain(boxes: boxes)
    for (inequality, place) in declarations.assumed.inequalities + conditions.inequalities {
      for point in 0...1 {
        guard domain.restrict(by: inequality.moved(toPoint: point)) else { return .empty(place) }
      }
    }
    // On a logarithmic scale a listed value is a small interval: the same value at both points is the same number.
    let climbing = stepped.filter { boxes[0][$0] != boxes[1][$0] }
    domain = domain.ordered(moved.filter { !stepped.contains($0) }, but: climbing)
    switch space(domain, at: place) {
    case .space(_, let inner):
      return .domain(Inhabited(domain: domain, hasInterior: false, inner: inner, choice: choice))
    case .empty: return .empty(place)
    case .refused: return .refused
    }
  }

  private mutating func refuseConstant(_ feature: Int, _ declarations: Declarations, at entry: SyntaxNode.Entry) {
    let declared = declarations.features[feature]
    report(
      .constantFeature, entry.place,
      "'\(declared.measure.name)' has only one value where the preconditions hold, so nothing can be said about its "
        + "growth", note: "declared at \(declared.place)", fix: "widen the preconditions, or delete the property")
  }

  // MARK: Pairs

  private enum Space {
    case space(PairSpace, inner: [[Rational]]?)
    case empty
    case refused
  }

  /// The pairs of points of a domain with two.
  private mutating func space(_ domain: Domain, at place: Place) -> Space {
    guard let space = PairSpace(domain) else { return .empty }
    guard admit(constraints: space.constraints.count, of: space.region.count, at: place) else { return .refused }
    let extent = extent(of: Polytope(box: space.region, constraints: space.constraints))
    if case .empty = extent { return .empty }
    guard !space.strictConstraints.isEmpty else { return .space(space, inner: nil) }
    guard let point = extent.point, space.strictConstraints.allSatisfy({ $0.holds(at: point) }) else {
      if case .solid = extent { return .empty }
      _ = refuseStrict(at: place)
      return .refused
    }
    return .space(space, inner: space.relation.points(at: point))
  }

  /// A piece of the pairs that a relational property speaks of.
  struct Pairs {
    let space: PairSpace
    let pairs: Inhabited
  }

  /// The pairs of points of a relational property, a piece for each choice from lists; nil when something is wrong with
  /// its preconditions.
  mutating func pairs(
    _ between: Conditions, _ each: Conditions, _ declarations: Declarations, at entry: SyntaxNode.Entry
  ) -> [Pairs]? {
    guard declarations.isSound, declarations.assumed.isSound, each.isSound, between.isSound else { return nil }
    let listed = listed(declarations, each)
    guard let choices = choices(listed, at: entry.place) else { return nil }
    guard choices.count * choices.count <= Self.maximumChoices else {
      report(
        .tooLarge, entry.place, "the lists of values make more than \(Self.maximumChoices) cases of this property",
        fix: "list fewer values, or declare a domain where the numbers in between are meant as well")
      return nil
    }
    guard spend(choices.count * choices.count, at: entry.place) else { return nil }
    var result: [Pairs] = []
    var emptyAt: Place?
    for first in choices {
      choosing: for second in choices {
        var domain = Domain(
          boxes: [first, second].map { box(declarations, each.fixed.merging($0.values) { $1 }) })
        for (inequality, place) in declarations.assumed.inequalities + each.inequalities {
          for point in 0...1 {
            guard domain.restrict(by: inequality.moved(toPoint: point)) else {
              emptyAt = emptyAt ?? place
              continue choosing
            }
          }
        }
        for (inequality, place) in between.inequalities {
          guard domain.restrict(by: inequality) else {
            emptyAt = emptyAt ?? place
            continue choosing
          }
        }
        let same = declarations.features.indices.filter {
          let value = first.values[$0] ?? each.fixed[$0]
          return value != nil && value == second.values[$0] ?? each.fixed[$0]
        }
        domain = domain.equal(in: same)
        let text =
          listed.isEmpty ? "" : first.text + (first.text == second.text ? "" : " and" + second.text.dropFirst(3))
        switch space(domain, at: entry.place) {
        case .space(let space, let inner):
          let pairs = Inhabited(domain: domain, hasInterior: false, inner: inner, choice: text)
          result.append(Pairs(space: space, pairs: pairs))
        case .empty: emptyAt = emptyAt ?? entry.place
        case .refused: return nil
        }
      }
    }
    if result.isEmpty {
      refuseEmpty(at: emptyAt ?? entry.place)
      return nil
    }
    return result
  }
}

extension Polytope.Extent {
  /// A point of the polytope, if one is known: an interior one if there is any.
  fileprivate var point: [Rational]? {
    switch self {
    case .flat(let point), .solid(let point): point
    case .empty, .unknown: nil
    }
  }
}
