public import BigInt

/// The encoding of proofs, `vpals-proof/1`; see `docs/proof-format.md`.
public enum ProofFormat {
  public static let magic = Array("vpals-proof/1\n".utf8)
  /// The most open branches at one time, which bounds the depth.
  public static let maximumDepth = 4096
  /// The most anchors on the way to a node, each of which takes memory in proportion to the neurons.
  static let maximumAnchors = 64
  /// The longest number of an exact leaf, in bytes, and the largest exponent.
  static let maximumBigBytes = 4096
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
    /// A leaf that intervals and the signs of weights close.
    public static let intervalLeaf: UInt8 = 8
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

  /// A multiplier of an exact leaf: `mantissa` · 2^`exponent` times the premise of a neuron, or a constraint.
  public struct ExactMultiplier: Sendable, Hashable {
    public let index: Int
    /// Odd and positive.
    public let mantissa: BigInt
    public let exponent: Int

    /// - Precondition: `value` is positive.
    public init(index: Int, value: BigInt, exponent: Int = 0) {
      precondition(value > 0)
      let zeros = value.trailingZeroBitCount
      self.index = index
      mantissa = value >> zeros
      self.exponent = exponent + zeros
    }
  }

  /// Why no point of a cell violates the claim: multipliers of its premises and, for a claim on the value, of the claim.
  public struct Refutation: Sendable, Hashable {
    /// Positive.
    public var claim: BigInt
    /// Indices ascending.
    public var multipliers: [ExactMultiplier]

    public init(claim: BigInt = 1, multipliers: [ExactMultiplier] = []) {
      self.claim = claim
      self.multipliers = multipliers
    }

    /// Whether a proof can hold it.
    public var isEncodable: Bool {
      ([claim] + multipliers.map(\.mantissa)).allSatisfy { $0.bitWidth <= 8 * maximumBigBytes - 8 }
        && multipliers.allSatisfy { abs($0.exponent) < maximumExactExponent }
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

  private static func append(_ value: BigInt, to bytes: inout [UInt8]) {
    var rest = value.magnitude
    var digits: [UInt8] = []
    while !rest.isZero {
      digits.append(UInt8(rest & 255))
      rest >>= 8
    }
    append(digits.count, to: &bytes)
    bytes += digits
  }

  /// The bytes of an exact leaf.
  public static func piece(_ refutation: Refutation, isDerivative: Bool) -> [UInt8] {
    var bytes = [Tag.piece]
    if !isDerivative { append(refutation.claim, to: &bytes) }
    append(refutation.multipliers.count, to: &bytes)
    for multiplier in refutation.multipliers {
      append(multiplier.index, to: &bytes)
      append(multiplier.mantissa, to: &bytes)
      append(multiplier.exponent >= 0 ? 2 * multiplier.exponent : -2 * multiplier.exponent - 1, to: &bytes)
    }
    return bytes
  }

  private static func big(from source: ProofSource) throws(ProofFailure.Cause) -> BigInt {
    let count = try source.number()
    guard count > 0, count <= maximumBigBytes else { throw .notCanonical("a number of \(count) bytes") }
    let digits = try source.bytes(count)
    guard digits.last != 0 else { throw .notCanonical("a number with leading zeros") }
    return digits.reversed().reduce(BigInt(0)) { $0 << 8 | BigInt($1) }
  }

  static func refutation(from source: ProofSource, isDerivative: Bool, count limit: Int) throws(ProofFailure.Cause)
    -> Refutation
  {
    var result = Refutation()
    if !isDerivative { result.claim = try big(from: source) }
    let count = try source.number()
    guard count <= limit else { throw .notCanonical("\(count) exact multipliers") }
    for _ in 0..<count {
      let index = try source.number()
      guard index < limit, result.multipliers.last.map({ $0.index < index }) ?? true else {
        throw .notCanonical("exact multipliers out of order")
      }
      let mantissa = try big(from: source)
      let folded = try source.number()
      guard mantissa & 1 == 1, folded <= 2 * maximumExactExponent else {
        throw .notCanonical("an exact multiplier that is not odd, or too large or small")
      }
      result.multipliers.append(
        ExactMultiplier(
          index: index, value: mantissa, exponent: folded & 1 == 0 ? folded / 2 : -(folded + 1) / 2))
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
