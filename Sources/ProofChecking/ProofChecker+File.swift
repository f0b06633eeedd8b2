internal import Foundation
public import Specifications

extension ProofChecker {
  /// Checks a proof in a file; reads it once, in pieces.
  ///
  /// - Throws: ``ProofFailure``, with the cause `unreadable` when the file cannot be read.
  public func check(file path: String, queries: [Query], onLeaf: ((Int, Cell) -> Void)? = nil) throws(ProofFailure)
    -> Summary
  {
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw ProofFailure(query: 0, node: 0, offset: 0, cause: .unreadable("\(path) cannot be opened"))
    }
    defer { try? handle.close() }
    let source = ProofSource { buffer in
      guard let data = try handle.read(upToCount: buffer.count) else { return 0 }
      data.copyBytes(to: buffer)
      return data.count
    }
    return try check(source, queries: queries, onLeaf: onLeaf)
  }
}
