import Certificates
import ExactArithmetic
import Explaining
import Networks
import Specifications
import TestHelpers
import Testing
import Verification

struct ExactSliceTests {
  /// Seeded networks along seeded lines: every vertex, every middle and seeded positions have the value of the forward
  /// pass, and no vertex lies on the straight line through its neighbours.
  @Test func slicesAreTheForwardPass() throws {
    let seed: UInt64 = 31
    var dice = Dice(seed: seed)
    for round in 0..<60 {
      let inputs = dice.integer(in: 1...4)
      let network = ExactNetwork(
        try Network.random(inputs: inputs, widths: dice.pick([[3], [5, 4], [6, 6]]), outputs: 2, &dice))
      func number(_ dice: inout Dice) -> Rational { Rational(dice.integer(in: -20...20), dice.integer(in: 1...9)) }
      let start = (0..<inputs).map { _ in number(&dice) }
      let direction = (0..<inputs).map { _ in number(&dice) }
      let quantity = ExactSlice.Quantity(
        outputs: [number(&dice), number(&dice)], inputs: (0..<inputs).map { _ in number(&dice) },
        constant: number(&dice))
      let low = number(&dice)
      let interval = low...(low + Rational(dice.integer(in: 1...30), 7))
      let slice = ExactSlice(of: quantity, network: network, from: start, along: direction, over: interval)
      func expected(_ t: Rational) -> Rational {
        let point = zip(start, direction).map { $0 + t * $1 }
        return zip(quantity.outputs + quantity.inputs, network.output(at: point) + point)
          .reduce(quantity.constant) { $0 + $1.0 * $1.1 }
      }
      #expect(slice.isComplete)
      #expect(slice.vertices.first?.position == interval.lowerBound)
      #expect(slice.vertices.last?.position == interval.upperBound)
      var positions = slice.vertices.map(\.position)
      positions += zip(positions, positions.dropFirst()).map { ($0 + $1) / 2 }
      positions += (0..<10).map { _ in low + (interval.upperBound - low) * Rational(dice.integer(in: 0...97), 97) }
      for t in positions {
        #expect(slice.value(at: t) == expected(t), "seed \(seed), round \(round), position \(t)")
      }
      for i in slice.vertices.indices.dropFirst().dropLast() {
        let (a, b, c) = (slice.vertices[i - 1], slice.vertices[i], slice.vertices[i + 1])
        let straight = a.value + (c.value - a.value) * ((b.position - a.position) / (c.position - a.position))
        #expect(b.value != straight, "seed \(seed), round \(round), vertex \(i)")
      }
      #expect(slice.value(at: interval.upperBound + 1) == nil && slice.value(at: low - 1) == nil)
    }
  }

  @Test func partsAndMultiplesAreExact() throws {
    // f = relu(x) + relu(x − 1).
    let network = ExactNetwork(try Network.of([([[1], [1]], [0, -1]), ([[1, 1]], [0])]))
    let slice = ExactSlice(
      of: ExactSlice.Quantity(output: 0, of: 1, inputCount: 1), network: network, from: [0], along: [1], over: -1...3)
    #expect(slice.vertices.map(\.value) == [0, 0, 1, 5])
    let part = slice.restricted(to: Rational(1, 2)...2)
    #expect(part.vertices.map(\.position) == [Rational(1, 2), 1, 2])
    #expect(part.vertices.map(\.value) == [Rational(1, 2), 1, 3])
    #expect(part.mapped(factor: -2, offset: 1).vertices.map(\.value) == [0, -1, -5])
    #expect(slice.restricted(to: 2...2).vertices == [ExactSlice.Vertex(position: 2, value: 3)])
  }

  @Test func aSliceOfTooManyPiecesEndsEarlyAndSaysSo() throws {
    let network = ExactNetwork(try Network.of([([[1], [1], [1]], [0, -1, -2]), ([[1, 1, 1]], [0])]))
    let quantity = ExactSlice.Quantity(output: 0, of: 1, inputCount: 1)
    let slice = ExactSlice(of: quantity, network: network, from: [0], along: [1], over: -1...3, maximumPieces: 2)
    #expect(!slice.isComplete)
    #expect(slice.vertices.map(\.position) == [-1, 0])
    let point = ExactSlice(of: quantity, network: network, from: [0], along: [1], over: 1...1)
    #expect(point.vertices == [ExactSlice.Vertex(position: 1, value: 1)] && point.isComplete)
  }
}

struct ReplayTests {
  /// f = 2a − 3·relu(a − b).
  static func network() throws -> ExactNetwork {
    ExactNetwork(try Network.of([([[1, 0], [1, -1]], [1, 0]), ([[2, -3]], [-2])]))
  }

  private func property(_ text: String) throws -> (Specification, Property) {
    let specification = try Specification.parse(
      text: "spec: vpals/v1\nfeatures:\n  a: {domain: 0..1}\n  b: {domain: 0..1}\noutputs:\n  f: {}\n"
        + "properties:\n  - id: p\n    \(text)\n", path: "t.yaml")
    return (specification, specification.properties[0])
  }

  @Test func monotoneClaimsAreReplayed() throws {
    let (_, property) = try property("nondecreasing: {of: f, in: a}")
    func replay(_ x: [Rational], _ end: [Rational]?) throws -> Replay {
      Replay(property, network: try Self.network(), x: x, xPrime: end, drop: nil)
    }
    let b = Rational(1, 4)
    #expect(
      try replay([b, b], [1, b])
        == .violated(
          Counterexample(
            query: 0, x: [b, b], xPrime: [1, b], fx: Rational(1, 2), fxPrime: Rational(-1, 4), drop: Rational(3, 4))))
    #expect(try replay([0, b], [b, b]) == .holds)
    // Not along a, not upwards, beyond the domain, one point only.
    #expect(try replay([0, 0], [1, 1]) == .outside)
    #expect(try replay([1, b], [b, b]) == .outside)
    #expect(try replay([b, b], [2, b]) == .outside)
    #expect(try replay([b, b], nil) == .outside)
  }

  @Test func strictPreconditionsAreStrict() throws {
    let (_, property) = try property("nondecreasing: {of: f, in: a}\n    when: a > 1/4 and b < 1")
    func replay(_ x: [Rational], _ end: [Rational]) throws -> Replay {
      Replay(property, network: try Self.network(), x: x, xPrime: end, drop: nil)
    }
    let b = Rational(1, 4)
    #expect(try replay([b, b], [1, b]) == .outside)
    #expect(try replay([Rational(1, 2), 1], [1, 1]) == .outside)
    guard case .violated = try replay([Rational(1, 2), b], [1, b]) else {
      Issue.record("inside")
      return
    }
  }

  @Test func theQueryIsTheOneWithTheRecordedDrop() throws {
    let (_, property) = try property("always: a + 1 <= f <= a - 1/2")
    let network = try Self.network()
    // f(0, 0) = 0 fails the first by 1 and the second by 1/2.
    func query(_ drop: Rational?) -> Int? {
      guard case .violated(let found) = Replay(property, network: network, x: [0, 0], xPrime: nil, drop: drop) else {
        return nil
      }
      return found.query
    }
    #expect(query(1) == 0)
    #expect(query(Rational(1, 2)) == 1)
    #expect(query(nil) == 0)
  }

  @Test func tolerancesAreTakenOff() throws {
    let (_, property) = try property("nondecreasing: {of: f, in: [a, b]}\n    tolerance: 1/4")
    let x = [Rational(1, 4), Rational(1, 4)]
    guard
      case .violated(let found) = Replay(
        property, network: try Self.network(), x: x, xPrime: [1, Rational(1, 4)], drop: nil)
    else {
      Issue.record("not violated")
      return
    }
    #expect(found.drop == Rational(1, 2))
  }
}
