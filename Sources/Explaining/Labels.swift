internal import ExactArithmetic
internal import Specifications
internal import Verification

/// Numbers on axes and at points, in the engineer's units.
struct Labels {
  /// The values with as few digits, from `digits` to 18, as tell them apart; `2^5000` for a logarithm that is too large
  /// to write.
  static func texts(_ values: [Rational], scale: Scale, digits: Int = 4) -> [String] {
    // A power takes longer than everything else.
    let shown = values.map { value -> (prefix: String, number: Rational) in
      guard scale == .log2 else { return ("", value) }
      guard value.magnitude <= 4096 else { return ("2^", value) }
      return ("", BinaryLogarithm.power(value, bits: 120).lowerBound)
    }
    let distinct = Set(values).count
    var count = digits
    while true {
      let texts = shown.map { $0.prefix + DecimalText.rounded($0.number, digits: count) }
      if count >= 18 || Set(texts).count >= distinct { return texts }
      count += 1
    }
  }
}

extension Slice.Axis {
  var scale: Scale {
    switch self {
    case .feature(let feature): feature.scale
    case .way: .linear
    }
  }

  /// What the axis shows: `psi_cpu_some (fraction)`.
  func title(_ points: [Slice.Point]) -> String {
    switch self {
    case .feature(let feature):
      return Slice.title(feature.name, unit: feature.unit, scale: feature.scale)
    case .way:
      let names = points.map(\.name)
      return names.count == 2 ? "share of the way from \(names[0]) to \(names[1])" : "share of the way"
    }
  }
}

extension Slice.Ordinate {
  var title: String {
    if isChange { return scale == .log2 ? "\(name) (factor)" : name + (unit.isNone ? "" : " (\(unit))") }
    return Slice.title(name, unit: unit, scale: scale)
  }
}

extension Slice {
  fileprivate static func title(_ name: String, unit: Unit, scale: Scale) -> String {
    var parts: [String] = []
    if !unit.isNone, unit.name != name { parts.append("\(unit)") }
    if scale == .log2 { parts.append("log scale") }
    return name + (parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))")
  }

  /// Whether a part of the domain is shown.
  var isPart: Bool { window != domain }

  /// What part of the domain is shown, in words; nil when it is all.
  var partText: String? {
    guard isPart, case .feature = axis else { return nil }
    let ends = Labels.texts([domain.lowerBound, domain.upperBound], scale: axis.scale)
    return "a part of the domain, which is \(ends[0]) to \(ends[1])"
  }

  /// The least and the greatest value that is drawn, a little apart when they are equal.
  var valueRange: ClosedRange<Rational> {
    var values = curve.vertices.map(\.value) + points.map(\.value)
    for limit in limits { values += [limit.from.value, limit.to.value] }
    let low = values.reduce(values[0], min)
    let high = values.reduce(values[0], max)
    guard low == high else { return low...high }
    let room = max(low.magnitude / 10, Rational(1, 10))
    return (low - room)...(high + room)
  }

  func isViolating(_ position: Rational) -> Bool { violations.contains { $0.contains(position) } }
}
