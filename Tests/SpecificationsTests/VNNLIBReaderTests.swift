import ExactArithmetic
import Foundation
import Testing

@testable import Specifications

@Suite struct VNNLIBReaderTests {
  /// Two inputs in variables 0 and 1, one output in variable 2.
  private static let head =
    "(vnnlib-version <2.0>)\n(declare-network f (declare-input X real [1,2]) (declare-output Y real [1,1]))\n"

  private func formula(_ text: String) throws -> LinearFormula {
    let query = try VNNLIBQuery.parse(Array((Self.head + "(assert \(text))").utf8), path: "q.vnnlib")
    guard case .all(let parts) = query.formula, parts.count == 1 else { return query.formula }
    return parts[0]
  }

  private func message(_ text: String) -> String {
    do throws(SpecificationError) {
      _ = try VNNLIBQuery.parse(Array(text.utf8), path: "q.vnnlib")
      return "accepted"
    } catch {
      return error.description
    }
  }

  private func atom(_ coefficients: [Int: Rational], _ constant: Rational, strict: Bool = false) -> LinearFormula {
    .atom(LinearAtom(SparseForm(coefficients, constant: constant), isStrict: strict))
  }

  // MARK: What is read

  @Test func readsDeclarationsWithShapesTypesAndNames() throws {
    let query = try VNNLIBQuery.parse(
      Array(
        """
        ; a comment
        (vnnlib-version <2.1>)
        (declare-network teacher ; behind a command
          (declare-input  tX Real [1, 3] "in")
          (declare-output tY float32 []))
        (declare-network again (equal-to teacher)
          (declare-input aX Real [1,3]) (declare-output aY float32 []))
        (declare-network student (isomorphic-to again)
          (declare-input sX real [1,3]) (declare-output sY float64 []))
        (assert (<= tX[0,2] 1))
        (assert (> sY (+ tY aY 0.5)))
        """.utf8), path: "q.vnnlib")
    #expect(query.version == .two)
    #expect(query.networks.map(\.name) == ["teacher", "again", "student"])
    #expect(query.networks.map(\.equivalence) == [.none, .equal(to: 0), .isomorphic(to: 0)])
    #expect(query.networks.map(\.firstVariable) == [0, 4, 8])
    #expect(query.networks[0].input.shape == [1, 3] && query.networks[0].input.shapeText == "[1,3]")
    #expect(query.networks[0].output.shape == [] && query.networks[0].output.count == 1)
    #expect(query.networks[0].output.elementType == "float32" && !query.networks[0].output.isReal)
    #expect(query.networks[0].input.isReal && query.networks[2].input.isReal)
    #expect(query.variableCount == 12)
    #expect(
      query.formula
        == .all([atom([2: -1], 1), atom([11: 1, 3: -1, 7: -1], Rational(-1, 2), strict: true)]))
  }

  @Test(arguments: [
    ("(<= X[0,0] 1.5)", "≥", [0: -1], Rational(3, 2)),
    ("(< X[0,0] 1.5)", ">", [0: -1], Rational(3, 2)),
    ("(>= X[0,1] -2)", "≥", [1: 1], Rational(2)),
    ("(> Y[0,0] X[0,1])", ">", [2: 1, 1: -1], Rational.zero),
    ("(<= 1e-3 Y[0,0])", "≥", [2: 1], Rational(-1, 1000)),
    ("(>= (+ X[0,0] X[0,0] 2) 0)", "≥", [0: 2], Rational(2)),
    ("(>= (- X[0,0] X[0,1] 1 Y[0,0]) 0)", "≥", [0: 1, 1: -1, 2: -1], Rational(-1)),
    ("(>= (- X[0,0]) 0)", "≥", [0: -1], Rational.zero),
    ("(>= (* 2 X[0,0] 0.5 3) 0)", "≥", [0: 3], Rational.zero),
    ("(>= (* (+ 1 1) (- X[0,0] 3)) 0)", "≥", [0: 2], Rational(-6)),
    ("(>= (+ X[0,0] (- X[0,0]) Y[0,0]) 0)", "≥", [2: 1], Rational.zero),
  ])
  func readsLinearArithmeticExactly(text: String, relation: String, coefficients: [Int: Rational], constant: Rational)
    throws
  {
    #expect(try formula(text) == atom(coefficients, constant, strict: relation == ">"), "\(text)")
  }

  @Test func readsEqualityInequalityAndConnectives() throws {
    #expect(try formula("(== X[0,0] 1)") == .all([atom([0: 1], -1), atom([0: -1], 1)]))
    #expect(
      try formula("(!= X[0,0] 1)") == .any([atom([0: 1], -1, strict: true), atom([0: -1], 1, strict: true)]))
    let a = atom([0: -1], 1)
    let b = atom([1: -1], 2)
    #expect(
      try formula("(or (<= X[0,0] 1) (or (<= X[0,1] 2) (and (<= X[0,0] 1) (and (<= X[0,1] 2) (<= X[0,0] 1)))))")
        == .any([a, b, .all([a, b, a])]))
    #expect(try formula("(and (<= X[0,0] 1))") == a)
  }

  @Test func comparisonsOfNumbersAreDecidedAtOnce() throws {
    #expect(try formula("(or (< 1 1) (<= X[0,0] 1))") == atom([0: -1], 1))
    #expect(try formula("(and (<= 1 1) (<= X[0,0] 1))") == atom([0: -1], 1))
    #expect(try formula("(> X[0,0] X[0,0])") == .any([]))
    #expect(LinearCases(try formula("(> X[0,0] X[0,0])"))?.alternatives == [])
  }

  @Test func readsVersionOneInTheFormOfTheCompetition() throws {
    let query = try VNNLIBQuery.parse(
      Array(
        """
        ; ACAS Xu property 2
        (declare-const X_1 Real)
        (declare-const X_0 Real)
        (declare-const Y_0 Real)
        (declare-const Y_1 Real)

        (assert (<= X_0 0.679857769))
        (assert (or (and (>= Y_0 Y_1) (<= (* 2.0 X_1) (/ Y_1 4))) (not (and (= X_0 1) (< Y_1 0)))))
        (check-sat)
        """.utf8), path: "q.vnnlib")
    #expect(query.version == .one && query.networks.count == 1 && query.networks[0].name.isEmpty)
    #expect(query.networks[0].input.count == 2 && query.networks[0].output.count == 2)
    #expect(
      query.formula
        == .all([
          atom([0: -1], Rational(679_857_769, 1_000_000_000)),
          .any([
            .all([atom([2: 1, 3: -1], 0), atom([1: -2, 3: Rational(1, 4)], 0)]),
            // not (a = 1 and b < 0), flat within the disjunction
            atom([0: -1], 1, strict: true), atom([0: 1], -1, strict: true), atom([3: 1], 0),
          ]),
        ]))
  }

  // MARK: Cases

  @Test func casesAreTheProductOfDisjunctions() throws {
    let text =
      "(and (<= X[0,0] 1) (or (<= X[0,0] 2) (<= X[0,0] 3)) (or (<= X[0,0] 4) (and (<= X[0,0] 5) (!= X[0,0] 6))))"
    let cases = try #require(LinearCases(try formula(text)))
    #expect(cases.common == [LinearAtom(SparseForm([0: -1], constant: 1), isStrict: false)])
    let constants = cases.alternatives.map { $0.map { "\($0.form.constant)" } }
    #expect(
      constants == [["2", "4"], ["2", "5", "-6"], ["2", "5", "6"], ["3", "4"], ["3", "5", "-6"], ["3", "5", "6"]])
  }

  @Test func tooManyCasesAreNoCases() throws {
    func disjunctions(_ count: Int) throws -> LinearFormula {
      try formula("(and \(String(repeating: "(or (<= X[0,0] 2) (<= X[0,1] 3)) ", count: count)))")
    }
    #expect(LinearCases(try disjunctions(10))?.alternatives.count == 1024)
    #expect(LinearCases(try disjunctions(64)) == nil)
  }

  // MARK: What is refused

  @Test func aRefusalNamesThePlaceTheProblemAndTheFix() {
    #expect(
      message(Self.head + "(assert (and (<= X[0,0] 1)\n  (<= (* X[0,0] Y[0,0]) 1)))")
        == """
        q.vnnlib:4:8: error[E010]: a product of variables is not linear
           (<= (* X[0,0] Y[0,0]) 1)))
                ^
           fix: only linear arithmetic is supported: multiply by numbers
        """)
    #expect(
      message(
        "(vnnlib-version <2.0>)\n(declare-network f (declare-input X real [2])\n  (declare-hidden H real [3] \"h\"))")
          == """
          q.vnnlib:3:4: error[E010]: declare-hidden: hidden nodes are not supported
             (declare-hidden H real [3] "h"))
              ^^^^^^^^^^^^^^
             fix: speak of inputs and outputs alone
          """)
  }

  @Test(arguments: [
    ("(<= X[0,2] 1)", "3:17: error[E019]: index '2' is out of bounds: dimension 1 of 'X' has 2 elements"),
    ("(<= X[0] 1)", "3:16: error[E013]: ']' where ',' (X has 2 dimensions) belongs"),
    ("(<= X[0,0,0] 1)", "3:18: error[E013]: ',' where ']' (X has 2 dimensions) belongs"),
    ("(<= X 1)", "3:13: error[E019]: 'X' without an index"),
    ("(<= Z[0] 1)", "3:13: error[E012]: 'Z' is not declared"),
    ("(<= f 1)", "3:13: error[E012]: 'f' is a network, not a variable"),
    ("(= X[0,0] 1)", "3:10: error[E013]: '=' is not an operator of VNN-LIB 2"),
    ("(not (<= X[0,0] 1))", "3:10: error[E013]: 'not' is not an operator of VNN-LIB 2"),
    ("(<= (/ X[0,0] 2) 1)", "3:14: error[E013]: '/' is not an operator of VNN-LIB 2"),
    ("(=> (<= X[0,0] 1) (<= X[0,0] 2))", "3:10: error[E013]: '=>' is not an operator"),
    ("(<= X[0,0] 1 2)", "3:10: error[E013]: '<=' has 3 operands"),
    ("(<= X[0,0])", "3:10: error[E013]: '<=' has 1 operand"),
    ("(and)", "3:10: error[E013]: 'and' has 0 operands"),
    ("(+ X[0,0] 1)", "3:10: error[E026]: an arithmetic expression where a formula belongs"),
    ("(and X[0,0] (<= X[0,0] 1))", "3:14: error[E026]: a number where a formula belongs"),
    ("(<= (<= X[0,0] 1) 1)", "3:25: error[E026]: a formula where a number belongs"),
    ("(<= X[0,0] 1..2)", "3:20: error[E013]: '1..2' is not a number"),
    ("(<= X[0,0] 1e999)", "3:20: error[E013]: '1e999' is not a number"),
    ("(<= X[0,0] 1/2)", "3:20: error[E013]: '1/2' is not a number"),
    ("X[0,0]", "3:9: error[E013]: 'X' where a formula belongs"),
    ("(<= X[0,0] 1", "3:10: error[E013]: this formula has no end"),
    ("(<= X[0,0] \u{1}1)", "3:20: error[E003]: the byte 0x01 has no place outside a comment"),
  ])
  func refusesFormulas(text: String, expected: String) {
    // The last case but one lacks the closing parenthesis on purpose.
    let end = text.hasSuffix("1") ? "" : ")"
    let found = message(Self.head + "(assert " + text + end)
    #expect(found.hasPrefix("q.vnnlib:\(expected)"), "\(found)")
    #expect(found.contains("\n   fix: "))
  }

  @Test(arguments: [
    ("", "1:1: error[E008]: the query declares no network"),
    ("(vnnlib-version <3.0>)", "1:17: error[E011]: version '<3.0>' of VNN-LIB is not supported"),
    ("(vnnlib-version 2.0)", "1:17: error[E011]: '2.0' is not a version"),
    ("(declare-network f)", "1:2: error[E011]: declare-network without a version"),
    ("(define-fun x () Real 1)", "1:2: error[E013]: 'define-fun' is not a command of VNN-LIB"),
    ("(declare-const X_0 Int)", "1:20: error[E010]: the sort 'Int' is not supported"),
    ("(declare-const Z_0 Real)", "1:16: error[E017]: 'Z_0' is neither an input nor an output"),
    ("(declare-const X_0 Real)(declare-const X_0 Real)", "1:40: error[E018]: 'X_0' is declared twice"),
    ("(declare-const X_0 Real)(assert (<= X_0 1))", "1:33: error[E019]: Y_0 is not declared"),
    ("(declare-const X_1 Real)(declare-const Y_0 Real)(assert (<= X_1 1))", "1:16: error[E019]: X_0 is not declared"),
    (
      "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= Y_1 1))", "1:61: error[E012]: 'Y_1' is not declared"
    ),
    ("(declare-const X_0 Real)(declare-const Y_0 Real)", "1:49: error[E008]: the query asserts nothing"),
    (
      "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= X_0 1))(check-sat)(exit)(assert (>= Y_0 3))",
      "1:86: error[E013]: assert after the query's end"
    ),
    ("(vnnlib-version <2.0>)(assert (<= 0 1))", "1:24: error[E008]: an assertion before any network"),
    (
      "(vnnlib-version <2.0>)(declare-network f (declare-input X int64 [1]))",
      "1:59: error[E010]: the element type int64"
    ),
    (
      "(vnnlib-version <2.0>)(declare-network f (declare-input X rael [1]))",
      "1:59: error[E013]: 'rael' is not an element"
    ),
    (
      "(vnnlib-version <2.0>)(declare-network f (declare-input X real [0]))",
      "1:65: error[E007]: '0' is not a dimension"
    ),
    (
      "(vnnlib-version <2.0>)(declare-network f (declare-input X real [99999999999,99999999999]))",
      "1:64: error[E002]: a tensor of more than 65536 elements"
    ),
    (
      "(vnnlib-version <2.0>)(declare-network f (declare-input f real [1]))", "1:57: error[E018]: 'f' is declared twice"
    ),
    (
      "(vnnlib-version <2.0>)(declare-network f (equal-to g) (declare-input X real [1]))",
      "1:52: error[E012]: 'g' is not a network declared before"
    ),
    (
      "(vnnlib-version <2.0>)(declare-network f (declare-input X real [1]) (declare-input Z real [1]))",
      "1:70: error[E010]: network 'f' declares several inputs"
    ),
    (
      "(vnnlib-version <2.0>)(declare-network f (declare-input X real [1]))",
      "1:40: error[E008]: network 'f' has no output"
    ),
    (
      "(vnnlib-version <2.0>)(declare-network f (declare-input X real [1]) (declare-output Y real [1]))"
        + "(declare-network g (equal-to f) (declare-input U real [2]) (declare-output V real [1]))",
      "1:114: error[E007]: 'g' has the shapes [2] and [1], but 'f' has [1] and [1]"
    ),
  ])
  func refusesDeclarations(text: String, expected: String) {
    let found = message(text)
    #expect(found.hasPrefix("q.vnnlib:\(expected)"), "\(found)")
    #expect(found.contains("\n   fix: "))
  }

  // MARK: Bounds

  @Test func sizesAreBounded() {
    let depth = VNNLIBQuery.maximumDepth
    func nested(_ count: Int) -> String {
      Self.head + "(assert (<= X[0,0] " + String(repeating: "(+ 1 ", count: count) + "1"
        + String(repeating: ")", count: count) + "))"
    }
    #expect(message(nested(depth - 1)) == "accepted")
    #expect(message(nested(depth)).contains("more than 256 parentheses in each other"))
    #expect(message(nested(100_000)).contains("more than 256 parentheses in each other"))
    let product = "(assert (<= X[0,0] (* \(String(repeating: "1e400 ", count: 10)))))"
    #expect(message(Self.head + product).contains("a number of more than 8192 bits"))
    let comment = ";" + String(repeating: "x", count: VNNLIBQuery.maximumFileBytes)
    #expect(message(comment).contains("the file has more than 16777216 bytes"))
    let comparisons = "(assert (and " + String(repeating: "(<= 0 1)", count: VNNLIBQuery.maximumComparisons)
    #expect(message(Self.head + comparisons + "))") == "accepted")
    #expect(message(Self.head + comparisons + "(<= 0 1)))").contains("more than 262144 comparisons"))
    let networks = (0...VNNLIBQuery.maximumNetworks).map {
      "(declare-network f\($0) (declare-input X\($0) real [1]) (declare-output Y\($0) real [1]))"
    }
    #expect(message("(vnnlib-version <2.0>)" + networks.joined()).contains("more than 16 networks"))
  }

  @Test func sumsOfManyTermsAreReadInTimeProportionalToThem() throws {
    let head = "(vnnlib-version <2.0>)(declare-network f (declare-input X real [4096]) (declare-output Y real [1]))"
    let terms = (0..<4096).map { "(* 0.1 X[\($0)])" }.joined(separator: " ")
    let text =
      head + "(assert (<= " + String(repeating: "(+ ", count: 200) + terms
      + String(repeating: " Y[0])", count: 200) + " 1))"
    let query = try VNNLIBQuery.parse(Array(text.utf8), path: "q.vnnlib")
    let atom = try #require(LinearCases(query.formula)?.common.first)
    #expect(atom.form.terms.count == 4097 && atom.form.terms[4096].coefficient == -200)
    // Sums that are multiplied out again and again are not.
    let rescaled =
      head + "(assert (<= " + String(repeating: "(- (+ 1 ", count: 120) + "(+ \(terms))"
      + String(repeating: "))", count: 120) + " 1))"
    #expect(message(rescaled) == "accepted")
  }

  // MARK: Hostile bytes

  @Test func randomBytesAndMutationsNeverCrash() throws {
    let valid =
      Self.head
      + "(declare-network g (equal-to f) (declare-input U real [1,2]) (declare-output V real [1,1]))\n"
      + "(assert (and (<= X[0,0] 1.5e3) (or (> (+ (* 2.0 X[0,1]) (- Y[0,0] 3)) -1) (!= Y[0,0] V[0,0]))))\n"
    let alphabet = Array("()[],<>=!+-*/.0123456789eE \n;\"XYfand-or_real\u{FF}µ".utf8)
    var accepted = 0
    for seed in 0..<4000 as Range<UInt64> {
      var random = SplitMix64(state: seed)
      var bytes: [UInt8]
      if seed % 4 == 0 {
        bytes = (0..<Int.random(in: 0...300, using: &random)).map { _ in
          seed % 8 == 0 ? UInt8.random(in: 0...255, using: &random) : alphabet.randomElement(using: &random) ?? 0
        }
      } else {
        bytes = Array(valid.utf8)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          let place = Int.random(in: 0..<bytes.count, using: &random)
          switch Int.random(in: 0..<4, using: &random) {
          case 0: bytes[place] = alphabet.randomElement(using: &random) ?? 0
          case 1: bytes.remove(at: place)
          case 2: bytes.insert(alphabet.randomElement(using: &random) ?? 0, at: place)
          default:
            let end = min(bytes.count, place + Int.random(in: 1...40, using: &random))
            bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0..<bytes.count, using: &random))
          }
          if bytes.isEmpty { bytes = [40] }
        }
      }
      do throws(SpecificationError) {
        let query = try VNNLIBQuery.parse(bytes, path: "fuzz.vnnlib")
        accepted += 1
        _ = LinearCases(query.formula)
      } catch {
        let diagnostic = try #require(error.diagnostics.first, "seed \(seed)")
        let place = try #require(diagnostic.place, "seed \(seed): \(diagnostic)")
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        #expect(place.line >= 1 && place.line <= max(1, lines.count), "seed \(seed): \(diagnostic)")
        #expect(diagnostic.fix != nil && !diagnostic.message.isEmpty, "seed \(seed)")
        #expect(!diagnostic.description.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" && $0 != "\t" })
      }
    }
    // Most mutants break the syntax; those of a number or a name do not.
    #expect(accepted > 20, "\(accepted)")
  }

  @Test func readsRegularFilesOnly() {
    #expect(throws: SpecificationError.self) { try VNNLIBQuery.read(path: "/dev/null") }
    #expect(throws: SpecificationError.self) { try VNNLIBQuery.read(path: "/nonexistent.vnnlib") }
  }

  // MARK: Decimals

  @Test func decimalsOfWitnessesAreExactOrOfStatedLength() {
    #expect(DecimalText.terminating(Rational(1, 8)) == "0.125")
    #expect(DecimalText.terminating(Rational(-3)) == "-3")
    #expect(DecimalText.terminating(Rational(7, 40)) == "0.175")
    #expect(DecimalText.terminating(.zero) == "0")
    #expect(DecimalText.terminating(Rational(1, 3)) == nil)
    #expect(DecimalText.terminating(Rational.one.scaled(bits: -1201)) == nil)
    #expect(DecimalText.plain(Rational(1, 3), digits: 5) == "0.33333")
    #expect(DecimalText.plain(Rational(-2, 3), digits: 3) == "-0.667")
    #expect(DecimalText.plain(Rational(2_000_001), digits: 3) == "2000000")
    #expect(DecimalText.plain(Rational.one.scaled(bits: -40), digits: 4) == "0.0000000000009095")
    #expect(DecimalText.plain(Rational(9999, 1000), digits: 3) == "10")
  }
}
