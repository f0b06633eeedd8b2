import CommandSupport
import ExactArithmetic
import Explaining
import Foundation
import Specifications

/// The measured rows that a command compares counterexamples with: those of `--data`, or of the application.
struct MeasuredData {
  let rows: MeasuredRows?

  /// - Parameters:
  ///   - path: What `--data` names; then its rows must be readable.
  ///   - candidates: Where the application's data may lie; the first that exists is read, and what is wrong with it is
  ///     only noted.
  init(_ path: String?, else candidates: [String], application: String, specification: Specification) throws {
    if let path {
      do {
        rows = try MeasuredRows(csv: path, application: application, specification: specification)
      } catch {
        throw CommandFailure("\(error)")
      }
      return
    }
    guard let found = candidates.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
      rows = nil
      return
    }
    do {
      rows = try MeasuredRows(csv: found, application: application, specification: specification)
    } catch {
      printError("note: no measured rows beside the counterexamples: \(oneLine("\(error)"))")
      rows = nil
    }
  }
}

extension ModelTarget {
  /// Where the data that a model was trained on may lie.
  var dataCandidates: [String] {
    guard isVersion else { return [] }
    let parent = (directory as NSString).deletingLastPathComponent
    return [(parent.isEmpty ? "." : parent) + "/data.csv"]
  }
}
