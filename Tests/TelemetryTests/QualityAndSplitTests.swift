import Foundation
import Telemetry
import Testing

@Suite struct QualityRulesTests {
  private let header = "t,other_cpu_cores,throughput,p99_ms\n"

  @Test func eachRuleNamesTheRowsThatBreakIt() throws {
    let data = try dataset(
      header + "100,0.1,5,1\n104,0.2,5,1\n108,0.21,5,1\n112,0.1,0,3\n116,0.1,5,\n120,0.3,-1,0\n")
    let report = try QualityRules.standard(application: "nginx").apply(to: data)
    #expect(report.entries.map(\.rule.id) == ["disturbed", "no-throughput", "no-p99"])
    #expect(report.entries.map(\.rows) == [[2, 5], [3, 5], [4, 5]])
    #expect(report.kept == [0, 1])
    #expect(report.rowCount == 6)
    #expect(report.droppedCount == 4)
  }

  @Test func theWarmUpIsCountedFromTheEarliestWindow() throws {
    let data = try dataset(header + "130.5,0,5,1\n100,0,5,1\n130,0,5,1\n")
    let lucene = try QualityRules.standard(application: "lucene").apply(to: data)
    #expect(lucene.entries.map(\.rows) == [[], [], [], [1, 2]])
    #expect(lucene.kept == [0])
    #expect(try QualityRules.standard(application: "redis").apply(to: data).kept == [0, 1, 2])
  }

  @Test func aColumnThatARuleNeedsMustExist() throws {
    let data = try dataset("t,other_cores,throughput,p99_ms\n1,0,5,1\n")
    let error = #expect(throws: DatasetError.self) { try QualityRules.standard(application: "nginx").apply(to: data) }
    #expect(error?.code == .missingColumn)
    #expect(error?.fix == "did you mean “other_cores”?")
  }

  @Test func reportsSurviveEncoding() throws {
    let report = try QualityRules.standard(application: "lucene").apply(to: dataset(header + "1,0.3,5,1\n"))
    let bytes = try JSONEncoder().encode(report)
    #expect(try JSONDecoder().decode(FilterReport.self, from: bytes) == report)
  }
}

@Suite struct TimeSplitTests {
  private func times(_ times: [Int]) throws -> Dataset {
    try dataset("t\n" + times.map { "\($0)\n" }.joined())
  }

  @Test func theLastFifthInTimeIsHeldOutAndTheLastPartOfTheRestValidates() throws {
    let split = try TimeSplit(times(Array(0..<20)), kept: Array(0..<20))
    // round(0.2 · 20) = 4 and round(0.18 · 16) = 3.
    #expect(split.training == Array(0..<13))
    #expect(split.validation == [13, 14, 15])
    #expect(split.heldOut == [16, 17, 18, 19])
    #expect(split.visible == Array(0..<16))
  }

  @Test func timeDecidesNotTheOrderOfTheFile() throws {
    let split = try TimeSplit(times((0..<10).reversed()), kept: Array(0..<10))
    #expect(split.training == [9, 8, 7, 6, 5, 4, 3])
    #expect(split.validation == [2])
    #expect(split.heldOut == [1, 0])
  }

  @Test func equalTimesStayInTheOrderOfTheFile() throws {
    let split = try TimeSplit(times(Array(repeating: 7, count: 10)), kept: Array(0..<10))
    #expect(split.training + split.validation + split.heldOut == Array(0..<10))
  }

  @Test func onlyKeptRowsAreSplit() throws {
    let kept = Array(0..<30).filter { $0 % 3 != 0 }
    let split = try TimeSplit(times(Array(0..<30)), kept: kept)
    #expect(split.visible + split.heldOut == kept)
    #expect(split.heldOut == [25, 26, 28, 29])
  }

  @Test func tooFewRowsAreRefused() throws {
    #expect(
      refusal { _ = try TimeSplit(times(Array(0..<12)), kept: Array(0..<9)) }
        == "data.csv: 9 of 12 rows are left after filtering; at least 10 are needed; measure more")
  }
}
