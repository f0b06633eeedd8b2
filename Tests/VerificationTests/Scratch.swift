import Certificates
import ExactArithmetic
import Networks
import Specifications
import Testing
@testable import Verification
struct ScratchTests {
  @Test func leafCounts() throws {
    for seed in 0..<10 {
      var dice = Dice(seed: UInt64(seed))
      let n = 5
      let network = try Network.random(inputs: n, widths: [10, 10], style: .single, &dice)
      let exact = ExactNetwork(network)
      let region = (0..<n).map { _ in Rational(-1)...Rational(1) }
      let slope = try Verifier(network: exact).certifiedSlope(of: .rising(region), budget: Budget(seconds: 6))
      print("LEAVES slope", seed, slope?.approximation ?? .nan)
      guard let slope else { continue }
      let query = Query.rising(region, slope: slope)
      let b = CounterexampleBuilder(network: exact, query: query, index: 0, isEnclosed: false)
      let o = try Verifier(network: exact, options: VerificationOptions(samples: 0)).searchAndProve(query, b, Budget(seconds: 12)) { _, _ in }
      print("LEAVES", seed, o.verdict.name, o.leaves, o.solverLeaves, o.provedShare)
    }
  }
}
