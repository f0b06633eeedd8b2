import Certificates
import CommandSupport
import Foundation
import Networks
import Specifications
import Verification

/// Where the proofs of an `unsat` are kept: for each proof `N.K.proof`, the query in its canonical text `N.K.query`, and
/// the network that both are about, `N.K.network`, likewise; N is the case, K counts its proofs.
struct ProofDirectory {
  private let path: String

  /// - Throws: `CommandFailure` when the directory cannot be made or holds something already: before the work.
  init(_ path: String) throws {
    self.path = path
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      guard try FileManager.default.contentsOfDirectory(atPath: path).isEmpty else {
        throw CommandFailure("--proof \(path): the directory is not empty; name a new one")
      }
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw CommandFailure("--proof \(path): cannot be made or read: \(error.localizedDescription)")
    }
  }

  /// - Returns: What was written, in words.
  func write(_ result: SatisfiabilityResult) throws -> [String] {
    var count = 0
    for (index, ground) in result.refuted.sorted(by: { $0.key < $1.key }) {
      guard case .proofs(let proofs) = ground else { continue }
      for (number, proof) in proofs.enumerated() {
        let stem = "\(path)/\(index + 1).\(number + 1)"
        do {
          try AtomicFile.copy(proof.file.path, to: "\(stem).proof")
          try AtomicFile.write(Array(proof.query.canonicalText.utf8), to: "\(stem).query")
          try AtomicFile.write(Array(proof.network.canonicalText.utf8), to: "\(stem).network")
        } catch {
          throw CommandFailure("--proof \(path): \(error)")
        }
        count += 1
      }
    }
    return ["\(count) proof\(count == 1 ? "" : "s") in \(path)"]
  }
}
