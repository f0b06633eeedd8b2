public import Certificates
internal import ExactArithmetic
public import Networks
internal import Specifications

extension VerificationSession {
  /// What the results mean of the network as a processor computes it, and the results with the proofs that show it.
  ///
  /// A network that binary64 evaluates without rounding needs nothing more. Of any other, each property that holds is
  /// proved again with a margin for the rounding errors (``Specifications/Query/tightened(by:tolerance:)``), where it has
  /// one; those whose proofs are found are named by ``Certificates/Certificate/Arithmetic/bounded(_:errors:properties:)``,
  /// and their new proofs replace the old ones, which they imply. With none the arithmetic is real.
  /// - Parameters:
  ///   - stored: The network as it is stored, layer by layer.
  ///   - results: One per property of the specification, in its order.
  public func rounding(
    of stored: Network, results: [PropertyResult], budget: Budget,
    onEvent: @escaping @Sendable (VerificationEvent) -> Void = { _ in }
  ) throws -> (arithmetic: Certificate.Arithmetic, results: [PropertyResult]) {
    let arithmetic = Certificate.Arithmetic(of: stored, for: specification)
    guard arithmetic == .real, results.count == specification.properties.count,
      Certificate.Arithmetic.unheldFeature(of: specification) == nil,
      let bound = ErrorBound(stored, over: specification.region, format: .binary64)
    else { return (arithmetic, results) }
    var tightened: [String: Property] = [:]
    for (property, result) in zip(specification.properties, results) where result.verdict == .holds {
      guard result.proof != nil, let tight = property.tightened(by: bound.errors) else { continue }
      tightened[property.id] = tight
    }
    // Where no margin is needed the proof at hand is the one.
    let open = specification.properties.filter { property in
      tightened[property.id].map { $0.queries != property.queries } ?? false
    }
    var again: [String: PropertyResult] = [:]
    if !open.isEmpty {
      for result in try run(properties: open.compactMap { tightened[$0.id] }, budget: budget, onEvent: onEvent) {
        again[result.id] = result
      }
    }
    var named: [String] = []
    let merged = results.map { result -> PropertyResult in
      guard tightened[result.id] != nil else { return result }
      guard let new = again[result.id] else {
        named.append(result.id)
        return result
      }
      let isProved = new.verdict == .holds && new.proof != nil
      if isProved { named.append(result.id) }
      let kept = isProved ? new : result
      return PropertyResult(
        id: result.id, verdict: .holds, engine: result.engine, seconds: result.seconds + new.seconds,
        cpuSeconds: result.cpuSeconds + new.cpuSeconds, leaves: kept.leaves, solverLeaves: kept.solverLeaves,
        provedShare: 1, lowerBound: result.lowerBound, proof: kept.proof, audit: kept.audit)
    }
    return (named.isEmpty ? .real : .bounded(.binary64, errors: bound.errors, properties: named), merged)
  }
}
