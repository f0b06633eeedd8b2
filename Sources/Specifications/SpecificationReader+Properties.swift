internal import ExactArithmetic

extension SpecificationReader {
  static let kinds = ["nondecreasing", "nonincreasing", "rate", "always", "forall"]
  /// What may stand beside a kind, and the kinds that it belongs to.
  private static let companions: [(key: String, kinds: [String])] = [
    ("tolerance", ["nondecreasing", "nonincreasing"]), ("where", ["forall"]), ("then", ["forall"]),
  ]

  /// The declarations and shared preconditions that properties build on.
  struct Declarations {
    let features: [Declared<Feature>]
    let outputs: [Declared<Output>]
    /// Whether indices are without gaps and domains as declared, so that properties can be lowered.
    let isSound: Bool
    /// The preconditions of `assume`.
    var assumed = Conditions()
  }

  mutating func properties(_ entry: SyntaxNode.Entry?, _ declarations: Declarations) -> [Property] {
    guard let entry else { return [] }
    guard case .list(let items) = entry.value.content, !items.isEmpty else {
      report(
        .shape, entry.place, "'properties' must be a list of properties",
        fix: "begin each with '- id: …', followed by \(Self.alternatives)")
      return []
    }
    guard items.count <= Specification.maximumProperties else {
      report(
        .tooLarge, entry.place, "\(items.count) properties; at most \(Specification.maximumProperties) are supported")
      return []
    }
    var result: [Property] = []
    var seen: [String: Place] = [:]
    for item in items {
      let before = diagnostics.count
      let fields = fields(
        item, of: "the property", at: item.place,
        allowed: ["id", "about"] + Self.kinds + ["when", "for-each"] + Self.companions.map(\.key), required: ["id"],
        planned: ["reason"])
      guard case .mapping = item.content else { continue }
      var id = ""
      var idPlace = item.place
      if let field = fields["id"], let (text, _) = text(field, what: "'id'") {
        id = text
        idPlace = field.value.place
        if !Name.isPropertyID(id) {
          report(
            .identifier, idPlace, "'\(Name.clipped(id))' is not an identifier of a property",
            fix: "use lower-case letters, digits, '-', '_' and '.', beginning with a letter or digit, at most "
              + "\(2 * Name.maximumLength) characters")
        } else if let other = seen[id] {
          report(
            .duplicateName, idPlace, "another property has the id '\(id)'", note: "first used at \(other)",
            fix: "give every property its own id")
        }
        seen[id] = seen[id] ?? idPlace
      }
      let about = about(fields["about"])
      let present = Self.kinds.compactMap { fields[$0] }
      guard let kindEntry = present.first, present.count == 1 else {
        // A planned or misspelt kind has been reported already.
        if !present.isEmpty || diagnostics.count == before {
          report(
            .propertyKind, present.last?.place ?? idPlace,
            present.isEmpty ? "the property says nothing" : "the property says two things at once",
            fix: present.isEmpty ? "add one of \(Self.kinds.joined(separator: ", "))" : "make it two properties")
        }
        continue
      }
      for (key, kinds) in Self.companions where !kinds.contains(kindEntry.key) {
        if let surplus = fields[key] {
          report(
            .propertyKind, surplus.place, "'\(key)' has no meaning beside '\(kindEntry.key)'",
            fix: "delete it; it belongs to \(kinds.joined(separator: " and "))")
        }
      }
      let isRepeated = fields["for-each"] != nil
      for case_ in cases(fields["for-each"], declarations) ?? [] {
        let name = id + case_.suffix
        if isRepeated {
          if let other = seen[name] {
            report(
              .duplicateName, idPlace,
              "'for-each' gives the property the id '\(Name.clipped(name))', which another one has",
              note: "first used at \(other)", fix: "give every property its own id")
            break
          }
          guard Name.isPropertyID(name) else {
            report(
              .identifier, idPlace, "'for-each' gives the property the id '\(Name.clipped(name))', which is too long",
              fix: "shorten the id: at most \(2 * Name.maximumLength) characters in all")
            break
          }
          guard result.count < Specification.maximumProperties else {
            report(
              .tooLarge, idPlace, "with 'for-each' these are more than \(Specification.maximumProperties) properties",
              fix: "list fewer values")
            break
          }
          seen[name] = idPlace
        }
        caseText = case_.texts.isEmpty ? "" : " for " + case_.texts.joined(separator: ", ")
        // What is wrong in one case is wrong in the others.
        guard let lowered = lowered(kindEntry, fields, declarations, case_), diagnostics.isEmpty else { break }
        queriesLeft -= lowered.property.parts.count
        guard queriesLeft >= 0 else {
          report(
            .tooLarge, idPlace,
            "the lists of values make more than \(Specification.maximumQueries) cases of all properties together",
            fix: "list fewer values, or declare a domain where the numbers in between are meant as well")
          break
        }
        let property = Property(
          id: name, about: about, line: idPlace.line, column: idPlace.column, domains: lowered.domains,
          conditions: lowered.conditions, lowered: lowered.property)
        if property.queries.isEmpty {
          warnings.append(
            source.diagnostic(
              .trivial, at: kindEntry.value.place,
              "this bound is true of every network: with scale log2 the output is "
                + "always above zero", fix: "add an upper bound, or a lower bound above zero"))
        }
        result.append(property)
      }
    }
    warnContradictions(result)
    return result
  }

  private static var alternatives: String { kinds.dropLast().joined(separator: ", ") + " or " + kinds[kinds.count - 1] }

  /// Reads and lowers what a property says; nil after a report.
  private mutating func lowered(
    _ entry: SyntaxNode.Entry, _ fields: [String: SyntaxNode.Entry], _ declarations: Declarations, _ case_: Case
  ) -> (property: LoweredProperty, domains: [Polytope], conditions: [String])? {
    let (features, outputs) = (declarations.features, declarations.outputs)
    var conditions = conditions(
      fields["when"], in: Scope(features: features, outputs: outputs, allowsOutputs: false, what: "'when'"))
    conditions.fixed = case_.fixed
    let texts = declarations.assumed.texts + conditions.texts + case_.texts
    func lowering(_ piece: Inhabited, _ texts: [String]) -> PropertyLowering {
      PropertyLowering(
        features: features.map(\.measure), outputs: outputs.map(\.measure), domain: piece.domain, conditions: texts,
        hasInterior: piece.hasInterior, inner: piece.inner, choice: piece.choice)
    }
    let place = fields["when"] ?? entry
    func result(_ pieces: [LoweredProperty], _ domains: [Inhabited]?, _ texts: [String])
      -> (property: LoweredProperty, domains: [Polytope], conditions: [String])?
    {
      guard let domains, let joined = LoweredProperty.joined(pieces) else { return nil }
      return (joined, domains.map(\.domain.polytope), texts)
    }
    switch entry.key {
    case "forall":
      guard let pair = forall(entry, fields, declarations),
        let spaces = pairs(pair.conditions, conditions, declarations, at: fields["where"] ?? place)
      else { return nil }
      let text =
        (pair.conditions.texts.isEmpty ? "" : pair.conditions.texts.joined(separator: " and ") + " implies ")
        + pair.text
      var pieces = spaces.map { piece in
        lowering(piece.pairs, texts).relational(
          pair.inequalities, in: piece.space, points: pair.points, between: pair.conditions.texts, text: text)
      }
      if let growth = growth(pair, features.count) {
        guard
          let grown = monotonePieces(
            .nondecreasing, output: growth.output, growth.features, mayStay: true, conditions, declarations, case_,
            texts: texts, at: place,
            lowering: lowering)
        else { return nil }
        // Where nothing can grow, the pairs of equal points are what the property speaks of.
        let parts = grown.flatMap(\.parts)
        if !parts.isEmpty { pieces = [pieces[0].with(parts: parts, saying: pair.inequalities[0].text)] }
      }
      return result(pieces, domains(conditions, declarations, at: fields["when"], in: entry), texts)
    case "always":
      let claim = always(entry, features: features, outputs: outputs)
      guard let claim, let domains = domains(conditions, declarations, at: fields["when"], in: entry) else {
        return nil
      }
      let pieces = domains.map { domain in
        switch claim {
        case .bounds(let output, let lower, let upper):
          lowering(domain, texts).always(output: output, lower: lower, upper: upper)
        case .linear(let inequalities, let text): lowering(domain, texts).linear(inequalities, text: text)
        }
      }
      return result(pieces, domains, texts)
    case "rate":
      guard let rate = rate(entry, declarations),
        let pieces = steps([rate.feature], over: rate.over, conditions, declarations, at: place)
      else { return nil }
      let all = texts + (rate.over.map { [$0.text] } ?? [])
      let lowered = pieces.map { piece in
        lowering(piece.domain, all).rate(
          output: rate.output, feature: rate.feature, step: rate.step, lower: rate.lower, upper: rate.upper)
      }
      return result(lowered, domains(conditions, declarations, over: rate.over, at: place, in: entry), all)
    default:
      let claim = monotone(entry, features: features, outputs: outputs)
      var tolerance: Rational?
      if let field = fields["tolerance"] {
        guard let output = claim.flatMap({ claim in outputs.first { $0.measure.index == claim.output } }),
          output.isSound
        else { return nil }
        tolerance = amount(field, of: output)
        if let value = tolerance, !value.isPositive {
          report(
            .form, field.value.place, "a tolerance is above zero",
            fix: value.isZero ? "delete it" : "write it without the minus")
          tolerance = nil
        }
        if tolerance == nil { return nil }
      }
      guard declarations.isSound, let claim, let direction = Direction(rawValue: entry.key) else { return nil }
      let restrictions = texts + (claim.over.map { [$0.text] } ?? [])
      guard
        let all = monotonePieces(
          direction, output: claim.output, claim.features, over: claim.over, tolerance: tolerance, conditions,
          declarations,
          case_, texts: restrictions, at: place, lowering: lowering)
      else { return nil }
      return result(all, domains(conditions, declarations, over: claim.over, at: place, in: entry), restrictions)
    }
  }

  /// Growth of an output along features, piece by piece of the domain.
  private mutating func monotonePieces(
    _ direction: Direction, output: Int, _ features: [Int], over: SubRange? = nil, tolerance: Rational? = nil,
    mayStay: Bool = false, _ conditions: Conditions, _ declarations: Declarations, _ case_: Case, texts: [String],
    at place: SyntaxNode.Entry, lowering: (Inhabited, [String]) -> PropertyLowering
  ) -> [LoweredProperty]? {
    let isCoupled = (declarations.assumed.inequalities + conditions.inequalities).contains {
      $0.inequality.coefficients.count > 1
    }
    // Steps in one feature after the other lead to every joint step, unless preconditions forbid what lies between, or
    // a tolerance would be granted to each of them.
    let isSeparate = tolerance == nil && (features.count == 1 || !isCoupled)
    let groups = isSeparate && !isListFree(features, declarations, case_) ? features.map { [$0] } : [features]
    var all: [LoweredProperty] = []
    for group in groups {
      guard
        let pieces = steps(
          group, over: over, isTolerant: tolerance != nil, mayStay: mayStay, conditions, declarations, at: place)
      else { return nil }
      for piece in pieces {
        // With two points every moved feature and every precondition at the second point is a constraint more.
        if tolerance != nil || !piece.domain.hasInterior {
          guard
            admit(
              constraints: group.count + 2 * piece.domain.domain.inequalities.count,
              of: declarations.features.count + group.count, at: place.place)
          else { return nil }
        }
        all.append(
          lowering(piece.domain, texts).monotone(
            direction, output: output, features: features, moved: piece.moved, tolerance: tolerance))
      }
    }
    return all
  }

  /// The output and features of a relational property that says no more than that the output does not fall from the
  /// first point to the second when features grow and the others stay: it is proved as such, about one copy of the
  /// network. Nil for any other property.
  ///
  /// Strict comparisons between the points are left alone unless just one feature grows: a step in one feature would not
  /// satisfy those of the others.
  private func growth(_ pair: Pair, _ featureCount: Int) -> (output: Int, features: [Int])? {
    guard pair.inequalities.count == 1, let claim = pair.inequalities.first, claim.coefficients.count == 2,
      claim.constant.lowerBound.isZero, claim.constant.upperBound.isZero,
      let high = claim.coefficients.first(where: { $0.key.point == 1 }),
      let low = claim.coefficients.first(where: { $0.key.point == 0 }),
      high.key.isOutput, low.key.isOutput, high.key.index == low.key.index, high.value.isPositive,
      (high.value + low.value).isZero
    else { return nil }
    // Whether each feature is at least as large at the second point, and at the first.
    var isRising = [Bool](repeating: false, count: featureCount)
    var isFalling = isRising
    for (inequality, _) in pair.conditions.inequalities {
      guard let (feature, larger) = PairSpace.order(inequality) else { return nil }
      if larger == 1 { isRising[feature] = true } else { isFalling[feature] = true }
    }
    guard isRising.allSatisfy({ $0 }) else { return nil }
    let features = isFalling.indices.filter { !isFalling[$0] }
    let isStrict = pair.conditions.inequalities.contains(where: \.inequality.isStrict)
    return features.isEmpty || (isStrict && features.count > 1) ? nil : (high.key.index, features)
  }

  /// Whether none of the features moves along a list of values.
  private func isListFree(_ features: [Int], _ declarations: Declarations, _ case_: Case) -> Bool {
    features.allSatisfy { declarations.features[$0].measure.values == nil || case_.fixed[$0] != nil }
  }

  // MARK: Domains

  /// A part of a feature's domain.
  struct SubRange {
    let feature: Int
    let interval: ClosedRange<Rational>
    /// As mathematics.
    let text: String
  }

  mutating func extent(of polytope: Polytope) -> Polytope.Extent {
    if let known = extents[polytope] { return known }
    let extent = polytope.extent(work: &extentWork)
    extents[polytope] = extent
    return extent
  }

  /// Whether the constraints of all properties together stay within their bound; reports when not.
  mutating func admit(constraints: Int, of dimension: Int, at place: Place) -> Bool {
    coefficients -= constraints * dimension
    if coefficients >= 0 { return true }
    report(
      .tooLarge, place, "the preconditions of all properties together are too large",
      fix: "write fewer properties or preconditions in one file")
    return false
  }

  // MARK: Kinds

  private struct Pair {
    let points: [String]
    let conditions: Conditions
    let inequalities: [Inequality]
    let text: String
  }

  private mutating func forall(
    _ entry: SyntaxNode.Entry, _ fields: [String: SyntaxNode.Entry], _ declarations: Declarations
  ) -> Pair? {
    guard case .list(let items) = entry.value.content, items.count == 2 else {
      report(
        .shape, entry.value.place, "'forall' names two points", fix: "write forall: [x, y]; for one point use 'always'")
      return nil
    }
    var points: [String] = []
    for item in items {
      guard let (name, _) = text(item, what: "a point of 'forall'", emptyAt: entry.place) else { return nil }
      guard Name.isIdentifier(name) else {
        report(
          .identifier, item.place, "'\(Name.clipped(name))' is not a name",
          fix: "use a letter or '_', then letters, digits and '_', at most \(Name.maximumLength) characters")
        return nil
      }
      guard !points.contains(name) else {
        report(.duplicateName, item.place, "both points have the name '\(name)'", fix: "give them different names")
        return nil
      }
      points.append(name)
    }
    let (features, outputs) = (declarations.features, declarations.outputs)
    let conditions = conditions(
      fields["where"],
      in: Scope(features: features, outputs: outputs, points: points, allowsOutputs: false, what: "'where'"))
    guard let then = fields["then"] else {
      report(
        .missingKey, entry.place, "'forall' needs the key 'then'",
        fix: "add 'then: \(points[0]).OUTPUT <= \(points[1]).OUTPUT', or what must hold of the two points")
      return nil
    }
    let before = diagnostics.count
    var claims: [Inequality] = []
    var texts: [String] = []
    let scope = Scope(features: features, outputs: outputs, points: points, what: "'then'")
    for (comparison, start) in comparisons(then) {
      guard let lowered = inequalities(comparison, from: start, in: scope) else { continue }
      requireOutputs(lowered, from: start, "'then'", example: "\(points[0]).p99 <= \(points[1]).p99")
      claims += lowered
      texts.append(comparison.text)
    }
    guard diagnostics.count == before else { return nil }
    return Pair(points: points, conditions: conditions, inequalities: claims, text: texts.joined(separator: " and "))
  }

  /// Refuses claims that no network has a part in.
  private mutating func requireOutputs(
    _ inequalities: [Inequality], from start: Place, _ what: String, example: String
  ) {
    guard inequalities.contains(where: { !$0.coefficients.keys.contains(where: \.isOutput) }) else { return }
    report(
      .form, start, "\(what) names no output, so it says nothing about the network", fix: "name one, as in \(example)")
  }

  private struct Rate {
    let output: Int
    let feature: Int
    let over: SubRange?
    let step: Rational
    let lower: Rational?
    let upper: Rational?
  }

  /// The least step of a rate on a logarithmic feature, and the greatest on any.
  private static let stepRange = Rational(1, 1_000_000_000)...Rational(1_000_000_000_000)

  private mutating func rate(_ entry: SyntaxNode.Entry, _ declarations: Declarations) -> Rate? {
    let (features, outputs) = (declarations.features, declarations.outputs)
    let before = diagnostics.count
    let fields = fields(
      entry.value, of: "'rate'", at: entry.place, allowed: ["of", "in", "per", "min", "max", "over"],
      required: ["of", "in"], elsewhere: ["when", "tolerance"])
    var output: Declared<Output>?
    if let field = fields["of"], let (name, _) = text(field, what: "'of'") {
      output = self.output(name, at: field.value.place, features: features, outputs: outputs)
    }
    var feature: Declared<Feature>?
    if let field = fields["in"], let (name, _) = text(field, what: "'in'") {
      feature = self.feature(name, at: field.value.place, features: features, outputs: outputs)
    }
    guard let output, let feature, output.isSound, feature.isSound else { return nil }
    let over = fields["over"].flatMap { self.over($0, feature) }
    var step = Rational.one
    if let field = fields["per"], let value = amount(field, of: feature) {
      step = value
      if !Self.stepRange.contains(value), !value.isPositive || feature.measure.scale == .log2 {
        report(
          .form, field.value.place, "the step of a rate is above zero and neither tiny nor huge",
          fix: feature.measure.scale == .log2
            ? "write the growth that one step is, as in per: 100 percent for a doubling" : "write a positive amount")
      }
    }
    let lower = fields["min"].flatMap { bound($0, of: output) }
    let upper = fields["max"].flatMap { bound($0, of: output) }
    guard case .mapping = entry.value.content, diagnostics.count == before else { return nil }
    if lower == nil, upper == nil {
      report(
        .missingKey, entry.place, "'rate' needs 'min' or 'max'",
        fix: "add the least or greatest growth of '\(output.measure.name)' per step of '\(feature.measure.name)'")
      return nil
    }
    if let lower, let upper, lower > upper {
      report(
        .impossible, (fields["max"] ?? entry).value.place, "no rate is at least 'min' and at most 'max'",
        fix: "exchange the bounds")
      return nil
    }
    return Rate(
      output: output.measure.index, feature: feature.measure.index, over: over, step: step, lower: lower, upper: upper)
  }

  /// A bound of a rate: an amount of the output for one step; on a logarithmic scale a growth above −100 percent.
  private mutating func bound(_ entry: SyntaxNode.Entry, of output: Declared<Output>) -> Rational? {
    guard let value = amount(entry, of: output) else { return nil }
    guard output.measure.scale == .linear || value > -1 else {
      report(
        .logarithm, entry.value.place, "'\(output.measure.name)' has scale log2: it cannot fall by 100 percent or more",
        note: "declared at \(output.place)", fix: "write a growth above -100 percent")
      return nil
    }
    return value
  }

  /// An amount of a measure: a number in its unit; on a logarithmic scale a share, by which the number grows.
  private mutating func amount<Value>(_ entry: SyntaxNode.Entry, of declared: Declared<Value>) -> Rational? {
    let measure = declared.measure
    guard let (text, start) = expression(entry, what: "'\(entry.key)'") else { return nil }
    let quantity: Quantity
    do {
      var parser = try ExpressionParser(text)
      quantity = try parser.amount()
    } catch {
      report(error, from: start)
      return nil
    }
    if measure.scale == .log2 {
      let unit = quantity.unit.flatMap { try? Unit.named($0.text) }
      guard let unit, let factor = unit.factor(to: Unit.fraction) else {
        report(
          .unitMismatch, place(quantity.span, from: start),
          "'\(measure.name)' has scale log2, so '\(entry.key)' is a share by which it grows",
          note: "declared at \(declared.place)", fix: "write it in percent, as in 2 percent")
        return nil
      }
      return quantity.value * factor
    }
    if let written = quantity.unit, written.text.contains("/"), written.text != measure.unit.name,
      let top = written.text.split(separator: "/").first.flatMap({ try? Unit.named(String($0)) }),
      top.factor(to: measure.unit) != nil
    {
      report(
        .unitMismatch, place(quantity.span, from: start), "'\(entry.key)' is an amount of '\(measure.name)'",
        note: "\(measure.name) has unit \(measure.unit) (declared at \(declared.place))",
        fix: "write it in \(measure.unit.alternatives), and the step of the feature as 'per'")
      return nil
    }
    return value(
      quantity, in: measure.unit, from: start, of: measure.name, at: declared.place, unitNeeded: true)
  }

  private mutating func over(_ entry: SyntaxNode.Entry, _ feature: Declared<Feature>) -> SubRange? {
    let measure = feature.measure
    guard measure.values == nil else {
      report(
        .form, entry.place, "'over' is a part of a domain, but '\(measure.name)' is declared with a list of values",
        note: "declared at \(feature.place)", fix: "write a precondition on it under 'when'")
      return nil
    }
    let common = Common(
      name: measure.name, place: feature.place, column: measure.column, index: measure.index, unit: measure.unit,
      scale: measure.scale, about: nil)
    guard let range = domain(entry, common) else { return nil }
    let text =
      "\(DecimalText.exact(range.lowerBound)) ≤ \(measure.name) ≤ \(DecimalText.exact(range.upperBound))"
      + measure.unitSuffix
    guard range.lowerBound >= measure.domain.lowerBound, range.upperBound <= measure.domain.upperBound else {
      report(
        .form, entry.value.place, "'over' reaches beyond the domain of '\(measure.name)'",
        note: "declared at \(feature.place)",
        fix: "write a part of \(DecimalText.exact(measure.domain.lowerBound)).."
          + "\(DecimalText.exact(measure.domain.upperBound))\(measure.unitSuffix)")
      return nil
    }
    guard range.lowerBound < range.upperBound else {
      report(
        .constantFeature, entry.value.place, "'over' leaves only one value of '\(measure.name)'", fix: "widen it")
      return nil
    }
    let part = Feature(
      name: measure.name, column: measure.column, index: measure.index, unit: measure.unit, scale: measure.scale,
      domain: range, about: nil)
    return SubRange(feature: measure.index, interval: part.networkDomain, text: text)
  }

  private struct Monotone {
    let output: Int
    let features: [Int]
    let over: SubRange?
  }

  private mutating func monotone(
    _ entry: SyntaxNode.Entry, features: [Declared<Feature>], outputs: [Declared<Output>]
  ) -> Monotone? {
    let fields = fields(
      entry.value, of: "'\(entry.key)'", at: entry.place, allowed: ["of", "in", "over"], required: ["of", "in"],
      elsewhere: ["tolerance", "when"])
    var output: Int?
    if let field = fields["of"], let (name, _) = text(field, what: "'of'") {
      output = self.output(name, at: field.value.place, features: features, outputs: outputs)?.measure.index
    }
    var names: [(name: String, place: Place)] = []
    if let field = fields["in"] {
      switch field.value.content {
      case .list(let items):
        if items.isEmpty {
          report(.shape, field.value.place, "'in' names no feature", fix: "write at least one name")
        }
        guard items.count <= Specification.maximumFeatures else {
          report(.tooLarge, field.value.place, "'in' has \(items.count) names", fix: "name each feature once")
          return nil
        }
        for item in items {
          if let (name, _) = text(item, what: "a name in 'in'", emptyAt: field.place) {
            names.append((name, item.place))
          }
        }
      default:
        if let (name, _) = text(field, what: "'in'") { names.append((name, field.value.place)) }
      }
    }
    var inputs: [Declared<Feature>] = []
    var isSound = !names.isEmpty
    for (name, place) in names {
      guard let feature = feature(name, at: place, features: features, outputs: outputs) else {
        isSound = false
        continue
      }
      if inputs.contains(where: { $0.measure.index == feature.measure.index }) {
        isSound = false
        report(.duplicateName, place, "'\(name)' is named twice", fix: "name it once")
        continue
      }
      inputs.append(feature)
    }
    var over: SubRange?
    if isSound, let field = fields["over"] {
      if inputs.count == 1 {
        over = inputs[0].isSound ? self.over(field, inputs[0]) : nil
        isSound = over != nil
      } else {
        isSound = false
        report(
          .form, field.place, "'over' is a part of one feature's domain, but 'in' names \(inputs.count)",
          fix: "write preconditions on the others under 'when', or make it several properties")
      }
    }
    guard let output, isSound else { return nil }
    return Monotone(output: output, features: inputs.map(\.measure.index).sorted(), over: over)
  }

  /// A feature that a property makes grow: declared, and with more than one value.
  private mutating func feature(
    _ name: String, at place: Place, features: [Declared<Feature>], outputs: [Declared<Output>]
  ) -> Declared<Feature>? {
    guard let feature = features.first(where: { $0.measure.name == name }) else {
      if features.isEmpty { return nil }
      let isOutput = outputs.contains { $0.measure.name == name }
      report(
        .unknownName, place,
        isOutput
          ? "'\(name)' is an output, not a feature"
          : "unknown feature '\(Name.clipped(name))'" + suggestion(for: name, among: features.map(\.measure.name)),
        fix: "name a feature declared above")
      return nil
    }
    if feature.isSound, feature.measure.domain.lowerBound == feature.measure.domain.upperBound {
      report(
        .constantFeature, place,
        "'\(name)' has only one value in its domain, so nothing can be said about its growth",
        note: "declared at \(feature.place)", fix: "widen its domain, or delete the property")
      return nil
    }
    return feature
  }

  mutating func output(
    _ name: String, at place: Place, features: [Declared<Feature>], outputs: [Declared<Output>]
  ) -> Declared<Output>? {
    if let output = outputs.first(where: { $0.measure.name == name }) { return output }
    // Without any output something else has been reported already.
    if outputs.isEmpty { return nil }
    let isFeature = features.contains { $0.measure.name == name }
    report(
      .unknownName, place,
      isFeature
        ? "'\(name)' is a feature, not an output"
        : "unknown output '\(Name.clipped(name))'" + suggestion(for: name, among: outputs.map(\.measure.name)),
      fix: "name an output: \(outputs.prefix(8).map(\.measure.name).joined(separator: ", "))")
    return nil
  }

  private enum Always {
    case bounds(output: Int, lower: Rational?, upper: Rational?)
    case linear([Inequality], text: String)
  }

  private mutating func always(
    _ entry: SyntaxNode.Entry, features: [Declared<Feature>], outputs: [Declared<Output>]
  ) -> Always? {
    let reportedBefore = diagnostics.count
    let all = comparisons(entry)
    guard diagnostics.count == reportedBefore, let (comparison, start) = all.first else { return nil }
    let names = comparison.sums.flatMap(\.terms).count { if case .name = $0 { true } else { false } }
    guard all.count == 1, let plain = comparison.plainTerms, names < 2,
      comparison.signs.allSatisfy({ $0.text != "==" })
    else {
      let scope = Scope(features: features, outputs: outputs, what: "'always'")
      var inequalities: [Inequality] = []
      for (comparison, start) in all {
        guard let lowered = self.inequalities(comparison, from: start, in: scope) else { continue }
        requireOutputs(lowered, from: start, "the expression", example: "p50 <= p99")
        inequalities += lowered
      }
      guard diagnostics.count == reportedBefore else { return nil }
      return .linear(inequalities, text: all.map(\.comparison.text).joined(separator: " and "))
    }
    guard requireClosed(comparison, from: start) else { return nil }
    let isAscending = comparison.signs[0].text == "<="
    let terms = isAscending ? plain : plain.reversed()
    var named: (name: String, place: Place)?
    var before: [Quantity] = []
    var after: [Quantity] = []
    for term in terms {
      switch term {
      case .name(let name, let span, _): named = (name, place(span, from: start))
      case .quantity(let quantity):
        if named == nil { before.append(quantity) } else { after.append(quantity) }
      }
    }
    guard let named else {
      report(
        .form, start, "the expression compares numbers only", fix: "name an output, as in p99 <= 60 ms")
      return nil
    }
    guard let output = output(named.name, at: named.place, features: features, outputs: outputs) else { return nil }
    if let surplus = before.dropFirst().first ?? after.dropFirst().first {
      report(
        .form, place(surplus.span, from: start), "a second bound on the same side",
        fix: "keep the tighter one, as in low <= output <= high")
      return nil
    }
    // Only a sound declaration has a unit to compare with.
    guard output.isSound else { return nil }
    let measure = output.measure
    let reported = diagnostics.count
    let lower = before.first.flatMap { bound($0, from: start, output) }
    let upper = after.first.flatMap { bound($0, from: start, output) }
    guard diagnostics.count == reported else { return nil }
    if let lower, let upper, lower > upper {
      report(
        .impossible, start,
        "no number is at least \(DecimalText.exact(lower)) and at most "
          + "\(DecimalText.exact(upper))\(measure.unitSuffix)", fix: "exchange the bounds")
      return nil
    }
    if let quantity = after.first, let upper, measure.scale == .log2, !upper.isPositive {
      report(
        .impossible, place(quantity.span, from: start), "'\(measure.name)' has scale log2 and is always above zero",
        note: "declared at \(output.place)", fix: "write an upper bound above zero")
      return nil
    }
    return .bounds(output: measure.index, lower: lower, upper: upper)
  }

  private mutating func bound(_ quantity: Quantity, from start: Place, _ output: Declared<Output>) -> Rational? {
    value(
      quantity, in: output.measure.unit, from: start, of: output.measure.name, at: output.place, unitNeeded: true)
  }
}
