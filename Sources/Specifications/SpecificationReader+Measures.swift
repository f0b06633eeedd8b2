internal import ExactArithmetic

extension SpecificationReader {
  /// A feature or output with the place of its name; `isSound` is false when a problem in it was reported.
  struct Declared<Value: Measure> {
    let measure: Value
    let place: Place
    let isSound: Bool
  }

  /// What features and outputs have in common.
  struct Common {
    let name: String
    let place: Place
    let column: String
    let index: Int
    let unit: Unit
    let scale: Scale
    let about: String?
  }

  mutating func entries(_ entry: SyntaxNode.Entry?, what: String, limit: Int) -> [SyntaxNode.Entry] {
    guard let entry else { return [] }
    guard case .mapping(let entries) = entry.value.content, !entries.isEmpty else {
      report(
        .shape, entry.place, "'\(entry.key)' must map names to their declarations",
        fix: "write 'name: {unit: …}' below it, one \(what) a line")
      return []
    }
    guard entries.count <= limit else {
      report(.tooLarge, entry.place, "\(entries.count) \(what)s; at most \(limit) are supported")
      return []
    }
    return entries
  }

  mutating func features(_ entry: SyntaxNode.Entry?) -> [Declared<Feature>] {
    var result: [Declared<Feature>] = []
    let entries = entries(entry, what: "feature", limit: Specification.maximumFeatures)
    for (position, entry) in entries.enumerated() {
      let before = diagnostics.count
      let fields = fields(
        entry.value, of: "the feature '\(Name.clipped(entry.key))'", at: entry.place,
        allowed: ["index", "unit", "domain", "values", "scale", "column", "about"],
        required: Self.hasValues(entry) ? [] : ["domain"], planned: ["integer", "normalise", "grid"])
      let common = common(entry, fields, position: position)
      var domain: ClosedRange<Rational> = 1...1
      var values: [Rational]?
      if let list = fields["values"] {
        if let range = fields["domain"] {
          report(
            .propertyKind, range.place, "'\(common.name)' has both 'domain' and 'values'",
            fix: "keep 'domain' for a range of numbers, 'values' for a list of them")
        }
        values = self.values(list, common, what: "'values'")
        if let least = values?.first, let greatest = values?.last { domain = least...greatest }
      } else {
        domain = fields["domain"].flatMap { self.domain($0, common) } ?? 1...1
      }
      result.append(
        Declared(
          measure: Feature(
            name: common.name, column: common.column, index: common.index, unit: common.unit, scale: common.scale,
            domain: domain, values: values, about: common.about),
          place: common.place, isSound: diagnostics.count == before))
    }
    checkIndices(result, what: "feature")
    checkNames(result)
    return result.sorted { $0.measure.index < $1.measure.index }
  }

  private static func hasValues(_ entry: SyntaxNode.Entry) -> Bool {
    if case .mapping(let fields) = entry.value.content { fields.contains { $0.key == "values" } } else { false }
  }

  /// A list of numbers in a measure's unit, ascending; nil after a report.
  mutating func values(_ entry: SyntaxNode.Entry, _ common: Common, what: String) -> [Rational]? {
    guard case .list(let items) = entry.value.content, !items.isEmpty else {
      report(
        .shape, entry.place, "\(what) must be a list of numbers", fix: "write it as in \(entry.key): [1, 2, 4]")
      return nil
    }
    guard items.count <= Specification.maximumValues else {
      report(
        .tooLarge, entry.place, "\(items.count) values; at most \(Specification.maximumValues) are supported",
        fix: "declare a domain instead")
      return nil
    }
    var result: [Rational] = []
    for item in items {
      let one = SyntaxNode.Entry(key: entry.key, place: entry.place, value: item)
      guard let (text, start) = expression(one, what: "a number in \(what)") else { return nil }
      let quantity: Quantity
      do {
        var parser = try ExpressionParser(text)
        quantity = try parser.amount()
      } catch {
        report(error, from: start)
        return nil
      }
      guard
        let value = value(
          quantity, in: common.unit, from: start, of: common.name, at: common.place, unitNeeded: false)
      else { return nil }
      guard common.scale == .linear || value.isPositive else {
        report(
          .logarithm, place(quantity.span, from: start),
          "'\(common.name)' has scale log2, so its values must be above zero",
          fix: "write positive values, or scale: linear")
        return nil
      }
      guard !result.contains(value) else {
        report(
          .duplicateName, place(quantity.span, from: start), "the value is in the list twice", fix: "write it once")
        return nil
      }
      result.append(value)
    }
    result.sort()
    // Around values that are no powers of two, logarithms are small intervals, which must not meet.
    for (a, b) in zip(result, result.dropFirst()) where common.scale == .log2 {
      let ends = [a, b].map { BinaryLogarithm.enclosure(of: $0, bits: Feature.logarithmBits) }
      if ends[0].upperBound >= ends[1].lowerBound {
        report(
          .duplicateName, entry.value.place,
          "\(DecimalText.exact(a)) and \(DecimalText.exact(b)) are too close to be told apart on scale log2",
          fix: "write one of them")
        return nil
      }
    }
    return result
  }

  mutating func outputs(_ entry: SyntaxNode.Entry?, features: [Declared<Feature>]) -> [Declared<Output>] {
    var result: [Declared<Output>] = []
    let entries = entries(entry, what: "output", limit: Specification.maximumOutputs)
    for (position, entry) in entries.enumerated() {
      let before = diagnostics.count
      let fields = fields(
        entry.value, of: "the output '\(Name.clipped(entry.key))'", at: entry.place,
        allowed: ["index", "unit", "scale", "column", "about"], required: [],
        planned: ["denormalise", "integer"])
      let common = common(entry, fields, position: position)
      if let feature = features.first(where: { $0.measure.name == common.name }) {
        report(
          .duplicateName, common.place, "'\(common.name)' is already the name of a feature",
          note: "declared at \(feature.place)", fix: "give the output another name")
      }
      result.append(
        Declared(
          measure: Output(
            name: common.name, column: common.column, index: common.index, unit: common.unit, scale: common.scale,
            about: common.about),
          place: common.place, isSound: diagnostics.count == before))
    }
    checkIndices(result, what: "output")
    checkNames(result)
    return result.sorted { $0.measure.index < $1.measure.index }
  }

  mutating func common(
    _ entry: SyntaxNode.Entry, _ fields: [String: SyntaxNode.Entry], position: Int
  ) -> Common {
    if !Name.isIdentifier(entry.key) {
      report(
        .identifier, entry.place, "'\(Name.clipped(entry.key))' is not a name",
        fix: "use a letter or '_', then letters, digits and '_', at most \(Name.maximumLength) characters")
    }
    if ExpressionParser.words.contains(entry.key) {
      report(
        .identifier, entry.place, "'\(entry.key)' is a word of the expressions and cannot be a name",
        fix: "choose another name, and write 'column: \(entry.key)' if the data file has this one")
    }
    var column = entry.key
    if let field = fields["column"], let (text, _) = text(field, what: "'column'") {
      if !Name.isIdentifier(text) {
        report(
          .identifier, field.value.place, "'\(Name.clipped(text))' is not the name of a column",
          fix: "use a letter or '_', then letters, digits and '_', at most \(Name.maximumLength) characters")
      }
      column = text
    }
    var index = position
    if let field = fields["index"], let (text, _) = text(field, what: "'index'") {
      if let number = Int(text), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text.utf8.count <= 6 {
        index = number
      } else {
        report(
          .index, field.value.place, "'\(Name.clipped(text))' is not an index",
          fix: "write 0 for the first, 1 for the next, …")
      }
    }
    var scale = Scale.linear
    if let field = fields["scale"], let (text, _) = text(field, what: "'scale'") {
      if let known = Scale(rawValue: text) {
        scale = known
      } else {
        report(
          .unknownName, field.value.place,
          "unknown scale '\(Name.clipped(text))'" + suggestion(for: text, among: ["linear", "log2"]),
          fix: "write linear or log2")
      }
    }
    var unit = Unit.none
    if let field = fields["unit"], let (text, _) = text(field, what: "'unit'") {
      do {
        unit = try Unit.named(text)
      } catch {
        report(.unknownUnit, field.value.place, error.message, fix: error.fix)
      }
    }
    return Common(
      name: entry.key, place: entry.place, column: column, index: index, unit: unit, scale: scale,
      about: about(fields["about"]))
  }

  mutating func checkIndices<Value>(_ declared: [Declared<Value>], what: String) {
    var seen: [Int: Declared<Value>] = [:]
    for item in declared where item.isSound {
      if let other = seen[item.measure.index] {
        report(
          .index, item.place,
          "'\(item.measure.name)' has the same index \(item.measure.index) as '\(other.measure.name)'",
          note: "'\(other.measure.name)' is declared at \(other.place)",
          fix: "give every \(what) its own index, 0 to \(declared.count - 1)")
      } else if item.measure.index >= declared.count {
        let missing = (0..<declared.count).first { index in !declared.contains { $0.measure.index == index } } ?? 0
        report(
          .index, item.place, "index \(item.measure.index) leaves a gap: no \(what) has index \(missing)",
          fix: "number the \(declared.count) \(what)s 0 to \(declared.count - 1), or declare the missing ones")
      }
      seen[item.measure.index] = seen[item.measure.index] ?? item
    }
  }

  /// Names are unique, because YAML's keys are; columns must be, too.
  mutating func checkNames<Value>(_ declared: [Declared<Value>]) {
    var seen: [String: Declared<Value>] = [:]
    for item in declared {
      if let other = seen[item.measure.column] {
        report(
          .duplicateName, item.place,
          "'\(item.measure.name)' and '\(other.measure.name)' are both read from the column '\(item.measure.column)'",
          note: "'\(other.measure.name)' is declared at \(other.place)", fix: "name another column for one of them")
      } else {
        seen[item.measure.column] = item
      }
    }
  }

  mutating func domain(_ entry: SyntaxNode.Entry, _ common: Common) -> ClosedRange<Rational>? {
    guard let (text, start) = expression(entry, what: "'domain'") else { return nil }
    let range: (low: Quantity, high: Quantity)
    do {
      var parser = try ExpressionParser(text)
      range = try parser.range()
    } catch {
      report(error, from: start)
      return nil
    }
    let whole = place(range.low.span.joined(range.high.span), from: start)
    if range.low.unit != nil, range.high.unit == nil {
      report(
        .missingUnit, place(range.high.span, from: start), "the lower end has a unit, the upper end has none",
        fix: "write the unit once, behind the range")
      return nil
    }
    // A unit behind the range is meant for both ends.
    guard
      let high = value(range.high, in: common.unit, from: start, of: common.name, at: common.place, unitNeeded: false),
      let low = value(
        Quantity(value: range.low.value, unit: range.low.unit ?? range.high.unit, span: range.low.span),
        in: common.unit, from: start, of: common.name, at: common.place, unitNeeded: false)
    else { return nil }
    guard low <= high else {
      report(
        .emptyDomain, whole, "the domain of '\(common.name)' is empty: its lower end is above its upper end",
        fix: "exchange the ends")
      return nil
    }
    guard common.scale == .linear || low.isPositive else {
      report(
        .logarithm, whole, "'\(common.name)' has scale log2, so its domain must be above zero",
        fix: "write a positive lower end, or scale: linear")
      return nil
    }
    return low...high
  }

  /// A quantity in `unit`, or nil after a report.
  mutating func value(
    _ quantity: Quantity, in unit: Unit, from start: Place, of name: String, at declaration: Place, unitNeeded: Bool
  ) -> Rational? {
    guard let written = quantity.unit else {
      if unitNeeded, !unit.isNone {
        report(
          .missingUnit, place(quantity.span, from: start), "this number needs a unit, because '\(name)' has one",
          note: "\(name) has unit \(unit) (declared at \(declaration))",
          fix: "write \(DecimalText.exact(quantity.value)) \(unit)")
        return nil
      }
      return quantity.value
    }
    let other: Unit
    do {
      other = try Unit.named(written.text)
    } catch {
      report(.unknownUnit, place(written.span, from: start), error.message, fix: error.fix)
      return nil
    }
    guard let factor = other.factor(to: unit) else {
      report(
        .unitMismatch, place(quantity.span, from: start),
        unit.isNone ? "'\(name)' has no unit, but this number has \(other)" : "cannot compare \(unit) with \(other)",
        note: "\(name) has unit \(unit) (declared at \(declaration))",
        fix: unit.isNone ? "delete the unit" : "write it in \(unit.alternatives)")
      return nil
    }
    return quantity.value * factor
  }
}
