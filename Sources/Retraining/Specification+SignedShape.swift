public import Specifications
internal import Training

extension Specification {
  /// The directions that training asks for. Only what holds on the whole domain, and tolerates nothing, is one.
  var monotoneTerms: [MonotoneTerm] {
    var seen: Set<[Int]> = []
    return monotoneEverywhere.flatMap { property, direction, output, features in
      features.compactMap { feature in
        guard seen.insert([output, feature, direction.sign]).inserted else { return nil }
        return MonotoneTerm(output: output, feature: feature, sign: direction.sign)
      }
    }
  }

  private var monotoneEverywhere: [(property: String, direction: Direction, output: Int, features: [Int])] {
    properties.compactMap { property in
      guard case .monotone(let direction, let output, let features) = property.kind, !property.isRestricted,
        property.tolerance == nil
      else { return nil }
      return (property.id, direction, output, features)
    }
  }

  /// Why no network with the hidden widths `hidden` can be monotone by its structure as this specification wants it, and
  /// what to do; nil when one can.
  public func obstacleToSignedShape(hidden: [Int]) -> String? {
    let monotone = monotoneEverywhere
    guard !monotone.isEmpty else {
      return "the signed shape needs a property that is monotone on the whole domain and without tolerance, but there "
        + "is none; use --shape free"
    }
    var directions: [[Int]: (property: String, sign: Int)] = [:]
    for (property, direction, output, features) in monotone {
      for feature in features {
        let first = directions[[output, feature]] ?? (property, direction.sign)
        guard first.sign == direction.sign else {
          return "properties '\(first.property)' and '\(property)' want '\(outputs[output].name)' both to rise and to "
            + "fall in '\(self.features[feature].name)', which the signed shape cannot do; remove one of them, or use "
            + "--shape free"
        }
        directions[[output, feature]] = first
      }
    }
    return SignedShape.obstacle(
      inputCount: self.features.count, hidden: hidden, outputCount: outputs.count, monotone: monotoneTerms)?.message
  }
}
