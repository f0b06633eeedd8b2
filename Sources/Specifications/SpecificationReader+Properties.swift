internal import ExactArithmetic

extension SpecificationReader {
  static let kinds = ["nondecreasing", "nonincreasing", "always"]

  mutating func properties(
    _ entry: SyntaxNode.Entry?, features: [Declared<Feature>], outputs: [Declared<Output>]
  ) -> [Property] {
    guard let entry else { return [] }
    guard case .list(let items) = entry.value.content, !items.isEmpty else {
      report(
        .shape, entry.place, "'properties' must be a list of properties",
        fix: "begin each with '- id: …', followed by nondecreasing, nonincreasing or always")
      return []
    }
    guard items.count <= Specification.maximumProperties else {
      report(
        .tooLarge, entry.place, "\(items.count) properties; at most \(Specification.maximumProperties) are supported")
      return []
    }
    var result: [Property] = []
    var seen: [String: Place] = [:]
    let plainFeatures = features.map(\.measure)
    let plainOutputs = outputs.map(\.measure)
    let region = plainFeatures.map(\.networkDomain)
    for item in items {
      let before = diagnostics.count
      let fields = fields(
        item, of: "the property", at: item.place, allowed: ["id", "about"] + Self.kinds, required: ["id"],
        planned: ["rate", "forall", "where", "then", "when", "tolerance", "over", "for-each", "reason"])
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
      let kind =
        kindEntry.key == "always"
        ? always(kindEntry, features: features, outputs: outputs)
        : monotone(kindEntry, features: features, outputs: outputs)
      // Features and outputs are numbered without gaps only when they are sound; a property is built only then.
      guard let kind, diagnostics.isEmpty else { continue }
      let property = Property(
        id: id, kind: kind, about: about, line: idPlace.line, column: idPlace.column, features: plainFeatures,
        outputs: plainOutputs, region: region)
      if property.queries.isEmpty {
        warnings.append(
          source.diagnostic(
            .trivial, at: kindEntry.value.place,
            "this bound is true of every network: with scale log2 the output is "
              + "always above zero", fix: "add an upper bound, or a lower bound above zero"))
      }
      result.append(property)
    }
    return result
  }

  mutating func monotone(
    _ entry: SyntaxNode.Entry, features: [Declared<Feature>], outputs: [Declared<Output>]
  ) -> PropertyKind? {
    let fields = fields(
      entry.value, of: "'\(entry.key)'", at: entry.place, allowed: ["of", "in"], required: ["of", "in"],
      planned: ["over", "tolerance", "when"])
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
    var inputs: [Int] = []
    var isSound = !names.isEmpty
    for (name, place) in names {
      guard let feature = features.first(where: { $0.measure.name == name }) else {
        isSound = false
        if features.isEmpty { continue }
        let isOutput = outputs.contains { $0.measure.name == name }
        report(
          .unknownName, place,
          isOutput
            ? "'\(name)' is an output, not a feature"
            : "unknown feature '\(Name.clipped(name))'" + suggestion(for: name, among: features.map(\.measure.name)),
          fix: "name a feature declared above")
        continue
      }
      if inputs.contains(feature.measure.index) {
        isSound = false
        report(.duplicateName, place, "'\(name)' is named twice", fix: "name it once")
        continue
      }
      if feature.isSound, feature.measure.domain.lowerBound == feature.measure.domain.upperBound {
        isSound = false
        report(
          .constantFeature, place,
          "'\(name)' has only one value in its domain, so nothing can be said about its growth",
          note: "declared at \(feature.place)", fix: "widen its domain, or delete the property")
        continue
      }
      inputs.append(feature.measure.index)
    }
    guard let output, isSound, let direction = Direction(rawValue: entry.key) else { return nil }
    return .monotone(direction: direction, output: output, features: inputs.sorted())
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

  private mutating func always(
    _ entry: SyntaxNode.Entry, features: [Declared<Feature>], outputs: [Declared<Output>]
  ) -> PropertyKind? {
    guard let (text, start) = expression(entry, what: "'always'") else { return nil }
    let comparison: Comparison
    do {
      var parser = try ExpressionParser(text)
      comparison = try parser.comparison()
    } catch {
      report(error, from: start)
      return nil
    }
    if let strict = comparison.signs.first(where: { $0.text == "<" || $0.text == ">" }) {
      report(
        .strict, place(strict.span, from: start), "strict comparisons are not supported yet in this version",
        fix: "write \(strict.text)=")
      return nil
    }
    if let turn = comparison.signs.first(where: { $0.text != comparison.signs[0].text }) {
      report(
        .form, place(turn.span, from: start), "the comparisons of a chain must point the same way",
        fix: "write it as low <= output <= high")
      return nil
    }
    let isAscending = comparison.signs[0].text == "<="
    let terms = isAscending ? comparison.terms : comparison.terms.reversed()
    var named: (name: String, place: Place)?
    var before: [Quantity] = []
    var after: [Quantity] = []
    for term in terms {
      switch term {
      case .name(let name, let span):
        guard named == nil else {
          report(
            .notSupported, place(span, from: start), "comparing two outputs is not supported yet in this version",
            fix: "compare one output with numbers")
          return nil
        }
        named = (name, place(span, from: start))
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
    return .always(output: measure.index, lower: lower, upper: upper)
  }

  private mutating func bound(_ quantity: Quantity, from start: Place, _ output: Declared<Output>) -> Rational? {
    value(
      quantity, in: output.measure.unit, from: start, of: output.measure.name, at: output.place, unitNeeded: true)
  }
}
