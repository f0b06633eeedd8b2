import Telemetry
import Testing

/// A dataset from text, named `data.csv`.
func dataset(_ text: String) throws(DatasetError) -> Dataset { try Dataset(csv: Array(text.utf8), path: "data.csv") }

/// What a piece of text is refused with.
func refusal(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return "\(error)"
  }
}

@Suite struct DatasetReadingTests {
  @Test func readsColumnsInOrder() throws {
    let data = try dataset("a,b,c\n1,2.5,-3e2\n4,.5,+6.\n")
    #expect(data.columns == ["a", "b", "c"])
    #expect(data.rowCount == 2)
    #expect(try data.column("a") == [1, 4])
    #expect(try data.column("b") == [2.5, 0.5])
    #expect(try data.column("c") == [-300, 6])
    #expect(data.hasColumn("c"))
    #expect(!data.hasColumn("d"))
  }

  @Test(arguments: [
    "a,b\n1,2\n", "a,b\r\n1,2\r\n", "a,b\n1,2", "\u{FEFF}a,b\n1,2", "\u{FEFF}\"a\",\"b\"\r\n\"1\",\"2\"",
  ])
  func lineEndsByteOrderMarkAndQuotesDoNotMatter(text: String) throws {
    let data = try dataset(text)
    #expect(data.columns == ["a", "b"])
    #expect(try data.column("a") == [1])
    #expect(try data.column("b") == [2])
  }

  @Test func quotedFieldsHoldCommasQuotesAndLines() throws {
    let data = try dataset("args,n\n\"--cpu 2, \"\"x\"\"\nnext\",1\n\"\",2\n\"\"\"\"\"\",3\n")
    #expect(try data.text("args") == ["--cpu 2, \"x\"\nnext", "", "\"\""])
    #expect(try data.column("n") == [1, 2, 3])
  }

  @Test func rowsRememberTheirLines() throws {
    let data = try dataset("a,n\n\"1\n2\n3\",1\nx,2\n")
    #expect(data.line(ofRow: 0) == 2)
    #expect(data.line(ofRow: 1) == 5)
  }

  @Test func anEmptyLastFieldWithoutFinalNewlineIsKept() throws {
    let data = try dataset("a,b\n1,")
    #expect(try data.text("b") == [""])
    #expect(try data.optionalColumn("b") == [nil])
  }

  @Test func blanksBelongToText() throws {
    #expect(try dataset("a,b\n x ,1\n").text("a") == [" x "])
  }

  @Test func columnsThatAreNotAskedForCannotFail() throws {
    let data = try dataset("a,note\n1,none at all\n2,\n")
    #expect(try data.column("a") == [1, 2])
  }

  @Test func emptyFieldsAreMissingOnlyWhereThatIsAllowed() throws {
    let data = try dataset("a,b\n1,2\n,3\n")
    #expect(try data.optionalColumn("a") == [1, nil])
    #expect(
      refusal { _ = try data.column("a") }
        == "data.csv:3:1: “a” is empty, but a number is needed; fill it in, or remove the row")
    #expect(try data.column("a", rows: [0]) == [1])
  }

  @Test func rowsAreTakenInTheGivenOrder() throws {
    #expect(try dataset("a\n1\n2\n3\n").column("a", rows: [2, 0]) == [3, 1])
  }
}

@Suite struct DatasetRefusalTests {
  @Test(arguments: [
    ("", "data.csv: the file is empty; give a header of column names and at least one row"),
    ("\u{FEFF}", "data.csv: the file is empty; give a header of column names and at least one row"),
    ("a,b\n", "data.csv: the file has a header but no rows; add measured rows, for example by collecting some"),
    ("a,b", "data.csv: the file has a header but no rows; add measured rows, for example by collecting some"),
    ("a,,c\n1,2,3\n", "data.csv:1:3: column 2 has no name; name it, or remove a comma too many"),
    ("\n1\n", "data.csv:1:1: column 1 has no name; name it, or remove a comma too many"),
    ("a,b,a\n1,2,3\n", "data.csv:1:5: columns 1 and 3 are both named “a”; rename or remove one of them"),
    (
      "a,b,c\n1,2,3\n4,5\n",
      "data.csv:3: the row has 2 fields, but the header has 3; “c” is the first missing; complete the row or remove it"
    ),
    (
      "a,b\n1,2,3\n",
      "data.csv:2:5: the row has more fields than the header's 2; "
        + "remove what is too much, or put a field that contains a comma in quotes"
    ),
    ("a,b\n1,2\n\n3,4\n", "data.csv:3: the line is blank; remove it"),
    (
      "a,b\n1,\"2\n3,4\n",
      "data.csv:2:3: the quote that opens this field is never closed; close it, or remove it"
    ),
    (
      "a,b\nü1\"2,3\n",
      "data.csv:2:3: a quote stands inside a field that does not start with one; "
        + "put the whole field in quotes and double the quotes in it"
    ),
    (
      "a,b\n\"x\ny\"z,3\n",
      "data.csv:3:3: text follows the closing quote of a field; "
        + "put a comma or a line end behind the quote, or double a quote that belongs to the field"
    ),
    (
      "a,b\n1\r2,3\n",
      "data.csv:2:2: a carriage return stands without a line feed; end lines with LF or CRLF"
    ),
  ])
  func saysWhereWhatAndHow(text: String, message: String) {
    #expect(refusal { _ = try dataset(text) } == message)
  }

  @Test(arguments: [
    ("abc", "“b” is “abc”, which is not a number"), ("0x10", "“b” is “0x10”, which is not a number"),
    (" 1", "“b” is “ 1”, which is not a number"), ("1 ms", "“b” is “1 ms”, which is not a number"),
    ("1e", "“b” is “1e”, which is not a number"), (".", "“b” is “.”, which is not a number"),
    ("-", "“b” is “-”, which is not a number"), ("1.2.3", "“b” is “1.2.3”, which is not a number"),
    ("nan", "“b” is nan, but every number must be finite"), ("-inf", "“b” is -inf, but every number must be finite"),
    ("Infinity", "“b” is Infinity, but every number must be finite"),
    ("1e999", "“b” is 1e999, which is beyond binary64"),
  ])
  func refusesWhatIsNotAFiniteDecimalNumber(field: String, problem: String) throws {
    let data = try dataset("a,b\n1,2\n3,\(field)\n")
    for read in [{ _ = try data.column("b") }, { _ = try data.optionalColumn("b") }] as [() throws -> Void] {
      let error = #expect(throws: DatasetError.self) { try read() }
      #expect(error?.problem == problem)
      #expect(error?.path == "data.csv")
      #expect(error?.line == 3)
      #expect(error?.column == 3)
    }
    #expect(try data.column("b", rows: [0]) == [2])
  }

  @Test func placesCountCharactersNotBytes() throws {
    let data = try dataset("a,b\n\"ü😀\",x\n")
    let error = #expect(throws: DatasetError.self) { try data.column("b") }
    #expect(error?.column == 6)
  }

  @Test func suggestsTheColumnThatWasProbablyMeant() throws {
    let data = try dataset("cores,clients,p99_ms\n1,2,3\n")
    #expect(
      refusal { _ = try data.column("client") }
        == "data.csv:1: there is no column “client”; did you mean “clients”?")
    #expect(
      refusal { _ = try data.text("P99_MS") }
        == "data.csv:1: there is no column “P99_MS”; did you mean “p99_ms”?")
    #expect(
      refusal { _ = try data.optionalColumn("throughput") }
        == "data.csv:1: there is no column “throughput”; the columns are cores, clients, p99_ms")
  }

  @Test func refusesBytesThatAreNotUTF8() {
    let bytes = Array("a,b\n1,2\n3,".utf8) + [0xFF, 0x0A]
    #expect(
      refusal { _ = try Dataset(csv: bytes, path: "data.csv") }
        == "data.csv:3: the line is not UTF-8; save the file as UTF-8")
  }

  @Test func acceptsTheMostColumnsAndRefusesOneMore() throws {
    func text(_ count: Int) -> String {
      (0..<count).map { "c\($0)" }.joined(separator: ",") + "\n"
        + (0..<count).map { "\($0)" }.joined(separator: ",") + "\n"
    }
    #expect(try dataset(text(Dataset.maximumColumns)).column("c4095") == [4095])
    let error = #expect(throws: DatasetError.self) { try dataset(text(Dataset.maximumColumns + 1)) }
    #expect(error?.code == .tooLarge)
    #expect(error?.problem == "there are more than 4096 columns")
  }

  @Test func acceptsTheMostRowsAndRefusesOneMore() throws {
    let header = Array("a\n".utf8)
    let rows = Array(repeatElement(Array("1\n".utf8), count: Dataset.maximumRows).joined())
    #expect(try Dataset(csv: header + rows, path: "data.csv").rowCount == Dataset.maximumRows)
    let error = #expect(throws: DatasetError.self) {
      try Dataset(csv: header + rows + Array("1\n".utf8), path: "data.csv")
    }
    #expect(error?.code == .tooLarge)
    #expect(error?.line == Dataset.maximumRows + 2)
  }

  @Test func refusesALongColumnName() {
    let name = String(repeating: "n", count: Dataset.maximumNameBytes + 1)
    let error = #expect(throws: DatasetError.self) { try dataset("\(name)\n1\n") }
    #expect(error?.problem == "the name of column 1 is longer than 256 bytes")
  }
}
