import Certificates
import FoundationEssentials
import TestHelpers
import Testing

@Suite struct TimestampTests {
  @Test(arguments: [
    (0, "1970-01-01T00:00:00Z"), (1, "1970-01-01T00:00:00.001Z"), (951_782_400_000, "2000-02-29T00:00:00Z"),
    (1_767_225_599_999, "2025-12-31T23:59:59.999Z"), (4_107_542_400_000, "2100-03-01T00:00:00Z"),
    (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
  ]) func writesAndReadsRFC3339(milliseconds: Int, text: String) {
    #expect(Timestamp(milliseconds: milliseconds).description == text)
    #expect(Timestamp(text: text)?.milliseconds == milliseconds)
  }

  @Test(arguments: [
    "", "2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z",
    "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00+00:00", "2026-01-01 00:00:00Z", "1969-12-31T23:59:59Z",
    "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-01T00:00:00z", "+026-01-01T00:00:00Z",
  ]) func refusesOtherTexts(_ text: String) {
    #expect(Timestamp(text: text) == nil)
  }

  @Test func everyDayOfFourCenturiesIsWrittenAsItIsRead() throws {
    for day in 0..<146_097 + 30 {
      let time = Timestamp(milliseconds: day * 86_400_000 + day)
      #expect(Timestamp(text: time.description) == time)
    }
  }

  @Test func clampsDatesAndDurations() {
    #expect(Timestamp(Date(timeIntervalSince1970: -1)).milliseconds == 0)
    #expect(Timestamp(Date(timeIntervalSince1970: .infinity)).milliseconds == Timestamp.maximumMilliseconds)
    #expect(Timestamp(Date(timeIntervalSince1970: 1.2345)).milliseconds == 1234)
    #expect(Timestamp(milliseconds: 5).advanced(by: .milliseconds(1500)).milliseconds == 1505)
    #expect(Timestamp(milliseconds: 5).advanced(by: .seconds(Int64.max)).milliseconds == Timestamp.maximumMilliseconds)
  }
}
