import ExactArithmetic
import Testing

@testable import SolverProcess

@Suite struct FormulaTests {
  @Test func numbersAreWrittenExactlyAndWithoutASign() {
    #expect(Rational(5).smtlib == "5.0")
    #expect(Rational.zero.smtlib == "0.0")
    #expect(Rational(-5).smtlib == "(- 5.0)")
    #expect(Rational(2, 3).smtlib == "(/ 2.0 3.0)")
    #expect(Rational(-2, 3).smtlib == "(- (/ 2.0 3.0))")
  }

  @Test func sumsMergeTheirTermsAndLeaveOutZeros() {
    var formula = Formula()
    let x = formula.variable("x")
    let y = formula.variable("y")
    #expect((x + y - x).text == "y")
    #expect((x - x).text == "0.0")
    #expect(AffineTerm(sum: [(2, x), (0, y), (3, x)], constant: 1).text == "(+ (* 5.0 x) 1.0)")
    #expect(2 * (x + y) == AffineTerm(sum: [(2, x), (2, y)]))
    #expect(AffineTerm(sum: [], constant: Rational(1, 2)).text == "(/ 1.0 2.0)")
  }

  @Test func conditionsCombine() {
    var formula = Formula()
    let x = formula.variable("x")
    let low = x >= 0
    let high = x < Rational(1, 2)
    #expect(Condition.all([low, high]).text == "(and (>= x 0.0) (< x (/ 1.0 2.0)))")
    #expect(Condition.any([low, high]).text == "(or (>= x 0.0) (< x (/ 1.0 2.0)))")
    #expect(Condition.all([low]) == low && Condition.any([low]) == low)
    #expect(Condition.all([]).text == "true" && Condition.any([]).text == "false")
    #expect(Condition.equal(x, AffineTerm(-1)).text == "(= x (- 1.0))")
  }

  @Test func aScriptIsWhole() {
    var formula = Formula()
    let x = formula.variable("x")
    formula.require(x > 1)
    #expect(
      formula.script(comment: "why\n\nand how") == """
        ; why
        ;\u{20}
        ; and how
        (set-logic QF_LRA)
        (declare-const x Real)
        (assert (> x 1.0))
        (check-sat)

        """)
  }

  @Test(arguments: [
    ("x0", true), ("h_1.a", true), ("", false), ("0x", false), ("a b", false), ("|a|", false), ("a)", false),
    ("ψ", false), (String(repeating: "n", count: 64), true), (String(repeating: "n", count: 65), false),
  ])
  func onlySimpleSymbolsAreNames(name: String, isValid: Bool) {
    #expect(RealVariable.isValid(name) == isValid)
  }
}
