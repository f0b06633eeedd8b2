import ExactArithmetic
import Testing

@testable import Specifications

@Suite struct VNNLIBNumberTests {
  @Test(arguments: [
    ("0", "0.0"), ("3", "3.0"), ("-12", "-12.0"), ("1/2", "0.5"), ("-1/1024", "-0.0009765625"), ("7/20", "0.35"),
    ("1000000000000000000000000", "1000000000000000000000000.0"), ("123/100", "1.23"),
  ])
  func decimalsAreExact(value: String, text: String) {
    #expect(VNNLIBNumber.exact(rational(value)) == text)
    #expect(Rational(text: text) == rational(value))
  }

  @Test func numbersThatNoDecimalWritesAreCleared() {
    #expect(VNNLIBNumber.exact(rational("1/3")) == nil)
    #expect(VNNLIBNumber.clearing([rational("1/3"), rational("1/2"), rational("5/42")]) == 21)
    #expect(VNNLIBNumber.clearing([rational("1/2"), rational("1/5"), 7]) == 1)
    // 2⁻²⁰⁰ has 200 digits behind the point, 2⁻²⁰¹ one too many.
    let small = Rational.one.scaled(bits: -200)
    #expect(VNNLIBNumber.exact(small) != nil && VNNLIBNumber.clearing([small]) == 1)
    let smaller = Rational.one.scaled(bits: -201)
    #expect(VNNLIBNumber.exact(smaller) == nil)
    for values in [[smaller], [smaller, rational("1/3")], [smaller / 3, rational("1/7")]] {
      let factor = VNNLIBNumber.clearing(values)
      #expect(factor.isPositive && factor.isInteger)
      #expect(values.allSatisfy { VNNLIBNumber.exact($0 * factor) != nil })
    }
  }

  @Test(arguments: [
    ("1/3", "0.33", "0.34"), ("-1/3", "-0.34", "-0.33"), ("1/4", "0.25", "0.25"), ("-1/300", "-0.01", "0.0"),
    ("2", "2.0", "2.0"), ("1999/1000", "1.99", "2.0"),
  ])
  func boundsAreRoundedOutwards(value: String, below: String, above: String) {
    #expect(VNNLIBNumber.below(rational(value), places: 2) == below)
    #expect(VNNLIBNumber.above(rational(value), places: 2) == above)
  }
}

@Suite struct LinearRowTests {
  private func row(_ coefficients: [Rational], _ constant: Rational, _ sign: PointQuery.Condition.Sign = .nonnegative)
    -> String
  {
    let row = LinearRow(SparseForm(LinearForm(coefficients: coefficients, constant: constant)), sign)
    let left = row.left.map { "\($0.coefficient)·v\($0.variable)" }.joined(separator: " + ")
    switch row.right {
    case .number(let number): return "\(left) \(row.comparison.rawValue) \(number)"
    case .variable(let variable): return "\(left) \(row.comparison.rawValue) v\(variable)"
    }
  }

  @Test func rowsReadAsPeopleWriteThem() {
    #expect(row([2, 0], -1) == "1·v0 >= 1/2")
    #expect(row([0, -3], 1, .positive) == "1·v1 < 1/3")
    #expect(row([-1, 1], 0) == "1·v0 <= v1")
    #expect(row([5, -5], 0, .positive) == "1·v0 > v1")
    #expect(row([-1, 1], 2) == "-1·v0 + 1·v1 >= -2")
    #expect(row([-1, -2], 3) == "1·v0 + 2·v1 <= 3")
    #expect(row([1, -1], 0, .zero) == "1·v0 = v1")
    #expect(row([-2, 0], 1, .zero) == "1·v0 = 1/2")
    #expect(row([0, 0], 1, .positive) == "0·v0 > -1")
  }
}

@Suite struct CommentTextTests {
  @Test func nothingEndsAComment() {
    let lines = CommentText.lines("for x\n(assert false)\r\u{85}\u{2028}x\u{2032} \u{2265} ½; \u{202E}end")
    #expect(lines == ["; for x (assert false) ?x' >= ?; ?end"])
    let long = CommentText.lines(String(repeating: "word ", count: 100))
    #expect(long.count == 5 && long.allSatisfy { $0.hasPrefix("; word") && $0.utf8.count <= 104 })
    #expect(CommentText.lines("") == [";"])
  }
}
