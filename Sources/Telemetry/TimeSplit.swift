/// Rows in three blocks by time: to learn from, to decide when to stop, and to judge the result.
///
/// Later blocks are never seen by what an earlier one decides. Random rows would flatter a model: neighbouring
/// windows resemble each other.
public struct TimeSplit: Sendable, Hashable, Codable {
  /// The share of all rows, the last in time, that are held out.
  public static let heldOutShare = 0.2
  /// The share of the other rows, the last of them in time, on which early stopping is decided.
  public static let validationShare = 0.18
  /// The fewest rows that can be split.
  public static let minimumRows = 10

  /// Rows of the file, in the order of time.
  public let training: [Int]
  public let validation: [Int]
  public let heldOut: [Int]

  /// Training and validation rows, in the order of time: all that may be looked at.
  public var visible: [Int] { training + validation }

  /// Splits the rows that the quality rules kept by the time in `column`; equal times stay in the file's order.
  ///
  /// Of n rows, the last round(0.2 · n) are held out, and of the m others the last round(0.18 · m) are for validation.
  /// - Throws: ``DatasetError`` when fewer than ``minimumRows`` rows are left or a time is not a number.
  public init(_ dataset: Dataset, kept: [Int], timeColumn column: String = "t") throws(DatasetError) {
    guard kept.count >= Self.minimumRows else {
      throw DatasetError(
        .tooFewRows, path: dataset.path,
        problem: "\(kept.count) of \(dataset.rowCount) rows are left after filtering",
        fix: "at least \(Self.minimumRows) are needed; measure more")
    }
    let times = try dataset.column(column, rows: kept)
    let order = kept.indices.sorted { (times[$0], kept[$0]) < (times[$1], kept[$1]) }.map { kept[$0] }
    let heldOutCount = Int((Double(order.count) * Self.heldOutShare).rounded())
    let visible = order.dropLast(heldOutCount)
    let validationCount = Int((Double(visible.count) * Self.validationShare).rounded())
    training = Array(visible.dropLast(validationCount))
    validation = Array(visible.suffix(validationCount))
    heldOut = Array(order.suffix(heldOutCount))
  }
}
