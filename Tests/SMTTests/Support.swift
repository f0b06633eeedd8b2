import BigInt
import ExactArithmetic
import Foundation
import SMT

/// The generator of Steele, Lea and Flood (OOPSLA 2014), for repeatable tests.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A rational whose numerator and denominator have up to `bits` bits.
  mutating func rational(bits: Int) -> Rational {
    let numerator = integer(bits: bits)
    return Rational(Bool.random(using: &self) ? numerator : -numerator, integer(bits: bits) + 1)
  }

  /// A uniform number of `bits` bits.
  private mutating func integer(bits: Int) -> BigInt {
    var value = BigInt(0)
    for _ in 0..<((bits + 63) / 64) { value = value << 64 + BigInt(next()) }
    return value >> ((64 - bits % 64) % 64)
  }
}

/// The formulas that say: `count` points of an interval of length `count` − 3/2 are pairwise at least 1 apart.
/// Unsatisfiable; simplex with case splits needs about `count`! steps.
func crowding(_ count: Int, in context: SolverContext) throws -> [BoolTerm] {
  var formulas: [BoolTerm] = []
  let points = try (0..<count).map { try context.realVariable("p\($0)") }
  let length = Rational(count) - Rational(3, 2)
  for (index, point) in points.enumerated() {
    formulas.append(try point >= 0)
    formulas.append(try point <= length)
    for other in points[..<index] { formulas.append(try point - other >= 1 || other - point >= 1) }
  }
  return formulas
}

/// A count that no test finishes.
let endless = 16

extension CheckResult {
  /// The kind of answer, with the reason of an unknown one.
  var name: String {
    switch self {
    case .satisfiable: "satisfiable"
    case .unsatisfiable: "unsatisfiable"
    case .unknown(let reason): reason
    }
  }

  var model: Model? {
    if case .satisfiable(let model) = self { return model }
    return nil
  }
}

/// Runs `body` on a thread of its own: a check must not block the cooperative pool.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    let thread = Thread { continuation.resume(with: Result(catching: body)) }
    thread.stackSize = 16 << 20
    thread.start()
  }
}
