/// The encoding of proofs, `vpals-proof/1`; see `docs/proof-format.md`.
public enum ProofFormat {
  public static let magic = Array("vpals-proof/1\n".utf8)
  /// The most open branches at one time, which bounds the depth.
  public static let maximumDepth = 4096
  /// The largest mantissa (in bits) and exponent of an exact multiplier.
  static let maximumExactMultiplierBits = 63
  static let maximumExactExponent = 512

  /// What a node begins with.
  public enum Tag {
    /// A leaf that default multipliers close.
    public static let leaf: UInt8 = 0
    /// A leaf that the multipliers in force close.
    public static let multipliedLeaf: UInt8 = 1
    public static let inputSplit: UInt8 = 2
    public static let phaseSplit: UInt8 = 3
    /// Multipliers that hold for the node behind them and all below it.
    public static let multipliers: UInt8 = 4
    /// Bounds computed here that hold for the node behind them and all below it.
    public static let bounds: UInt8 = 5
    /// A leaf with fixed phases, decided exactly.
    public static let piece: UInt8 = 6
    /// An undecided part, in saved trees only.
    public static let open: UInt8 = 7
  }

  /// What a bounds record does; the values are bits.
  public enum BoundsFlag {
    /// The bound uses the multipliers in force instead of the default ones.
    public static let multiplied = 1
    /// The bounds of the neurons hold below: an anchor.
    public static let anchor = 2
    /// The box shrinks to where the linear bound leaves room for a violation.
    public static let clip = 4
    public static let all = 7
  }

  /// A multiplier of an exact leaf: `mantissa` · 2^`exponent` times the premise of a neuron (or a constraint).
  public struct ExactMultiplier: Sendable, Hashable {
    public let index: Int
    public let mantissa: Int
    public let exponent: Int

    public init(index: Int, mantissa: Int, exponent: Int) {
      self.index = index
      self.mantissa = mantissa
      self.exponent = exponent
    }
  }

  public static func append(_ value: Int, to bytes: inout [UInt8]) {
    precondition(value >= 0)
    var rest = UInt64(value)
    while rest > 127 {
      bytes.append(UInt8(rest & 127) | 128)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// The header of a proof for `queryCount` queries.
  public static func header(networkDigest: [UInt8], queryCount: Int) -> [UInt8] {
    var bytes = magic + networkDigest
    append(queryCount, to: &bytes)
    return bytes
  }

  static func append(_ multipliers: [ExactMultiplier], to bytes: inout [UInt8]) {
    append(multipliers.count, to: &bytes)
    for multiplier in multipliers {
      append(multiplier.index, to: &bytes)
      append(multiplier.mantissa, to: &bytes)
      append(multiplier.exponent >= 0 ? 2 * multiplier.exponent : -2 * multiplier.exponent - 1, to: &bytes)
    }
  }

  /// The bytes of a piece.
  public static func piece(_ multipliers: [ExactMultiplier]) -> [UInt8] {
    var bytes = [Tag.piece]
    append(multipliers, to: &bytes)
    return bytes
  }

  static func exactMultipliers(from source: ProofSource, count limit: Int) throws(ProofFailure.Cause)
    -> [ExactMultiplier]
  {
    let count = try source.number()
    guard count <= limit else { throw .notCanonical("\(count) exact multipliers") }
    var result: [ExactMultiplier] = []
    for _ in 0..<count {
      let index = try source.number()
      guard index < limit, result.last.map({ $0.index < index }) ?? true else {
        throw .notCanonical("exact multipliers out of order")
      }
      let mantissa = try source.number()
      let folded = try source.number()
      guard mantissa > 0, mantissa & 1 == 1, folded <= 2 * maximumExactExponent else {
        throw .notCanonical("an exact multiplier that is not odd, or too large or small")
      }
      result.append(
        ExactMultiplier(
          index: index, mantissa: mantissa, exponent: folded & 1 == 0 ? folded / 2 : -(folded + 1) / 2))
    }
    return result
  }
}

extension LeafMultipliers {
  /// Appends the record: a bit per neuron that says whether it has proposals, the proposals as half bytes, then β of
  /// each neuron with a premise and of each constraint.
  public func append(to bytes: inout [UInt8], shape: MultiplierShape, premises: [Int8]) {
    var mask: UInt8 = 0
    for g in 0..<shape.neuronCount {
      if present[g] { mask |= 1 << UInt8(g & 7) }
      if g & 7 == 7 || g == shape.neuronCount - 1 {
        bytes.append(mask)
        mask = 0
      }
    }
    var half: UInt8?
    func nibble(_ value: UInt8) {
      if let low = half {
        bytes.append(low | value << 4)
        half = nil
      } else {
        half = value
      }
    }
    for g in 0..<shape.neuronCount where present[g] {
      nibble(alpha[g])
      if shape.hasDerivativeShares[g] {
        nibble(kappa[g])
        nibble(omega[g])
        nibble(active[g])
      }
      if shape.hasSlope[g] { nibble(slope[g]) }
    }
    if let half { bytes.append(half) }
    for g in 0..<shape.neuronCount where premises[g] != 0 { ProofFormat.append(Int(beta[g]), to: &bytes) }
    for r in 0..<shape.constraintCount { ProofFormat.append(Int(beta[shape.neuronCount + r]), to: &bytes) }
  }

  init(from source: ProofSource, shape: MultiplierShape, premises: [Int8]) throws(ProofFailure.Cause) {
    self.init(neuronCount: shape.neuronCount, constraintCount: shape.constraintCount)
    var mask: UInt8 = 0
    for g in 0..<shape.neuronCount {
      if g & 7 == 0 { mask = try source.byte() }
      present[g] = mask >> UInt8(g & 7) & 1 == 1
      if g == shape.neuronCount - 1, g & 7 != 7, mask >> UInt8((g & 7) + 1) != 0 {
        throw .notCanonical("a proposal for a neuron that does not exist")
      }
    }
    var half: UInt8?
    func nibble() throws(ProofFailure.Cause) -> UInt8 {
      if let high = half {
        half = nil
        return high
      }
      let byte = try source.byte()
      half = byte >> 4
      return byte & 15
    }
    for g in 0..<shape.neuronCount where present[g] {
      alpha[g] = try nibble()
      if shape.hasDerivativeShares[g] {
        kappa[g] = try nibble()
        omega[g] = try nibble()
        active[g] = try nibble()
      }
      if shape.hasSlope[g] { slope[g] = try nibble() }
    }
    if let half, half != 0 { throw .notCanonical("a half byte behind the last proposal") }
    for g in 0..<shape.neuronCount where premises[g] != 0 { beta[g] = try Self.beta(from: source) }
    for r in 0..<shape.constraintCount { beta[shape.neuronCount + r] = try Self.beta(from: source) }
  }

  private static func beta(from source: ProofSource) throws(ProofFailure.Cause) -> UInt16 {
    let value = try source.number()
    let mantissa = value >> 5
    let exponent = value & 31
    guard value <= 0xFFFF, exponent <= maximumBetaExponent,
      mantissa == 0 ? exponent == 0 : exponent == 0 || mantissa >= 1024
    else { throw .notCanonical("a multiplier \(value) that is not normalised") }
    return UInt16(value)
  }
}
