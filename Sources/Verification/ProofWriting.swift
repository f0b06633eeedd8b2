internal import Certificates
internal import Foundation
internal import Glibc
internal import Networks
internal import ProofChecking
internal import Specifications

/// Writes the trees of queries, of one property as a rule, as one proof and has the checker read it back as a whole.
struct ProofWriting {
  let network: ExactNetwork
  let queries: [Query]
  /// What the queries say, for messages.
  let subject: String
  /// Where the temporary file goes.
  let directory: String

  init(network: ExactNetwork, queries: [Query], subject: String, directory: String) {
    self.network = network
    self.queries = queries
    self.subject = subject
    self.directory = directory
  }

  init(network: ExactNetwork, property: Property, directory: String) {
    self.init(
      network: network, queries: property.queries, subject: "property '\(property.id)'", directory: directory)
  }

  /// - Throws: ``VerificationError`` with code `disagreement` when the checker refuses the proof: a defect, never
  ///   silenced. Code `storage` when the file cannot be written.
  func write(_ trees: [FoundTree], onLeaf: @escaping (Int, Cell) -> Void) throws -> ProofFile {
    let path = "\(directory)/vpals-\(getpid())-\(UUID().uuidString).proof"
    guard let stream = fopen(path, "wbx") else { throw failure(path) }
    var isKept = false
    defer { if !isKept { unlink(path) } }
    func put(_ bytes: [UInt8]) throws {
      guard fwrite(bytes, 1, bytes.count, stream) == bytes.count else { throw failure(path) }
    }
    do {
      try write(trees, to: put)
    } catch {
      fclose(stream)
      throw error
    }
    guard fclose(stream) == 0 else { throw failure(path) }
    let start = BranchAndBound.threadSeconds()
    do throws(ProofFailure) {
      let summary = try ProofChecker(network: network).check(file: path, queries: queries, onLeaf: onLeaf)
      isKept = true
      return ProofFile(
        path: path, sha256: summary.digest, bytes: summary.bytes,
        checkSeconds: BranchAndBound.threadSeconds() - start, isTemporary: true)
    } catch {
      throw VerificationError(
        .disagreement,
        "the checker refuses the proof that was found for \(subject) (\(error)); please report this with "
          + "the model and the specification")
    }
  }

  /// Writes the trees of an undecided property, to go on from.
  func save(_ trees: [FoundTree], stages: [Int]) throws -> SavedSearch {
    let path = "\(directory)/vpals-\(getpid())-\(UUID().uuidString).search"
    guard let stream = fopen(path, "wbx") else { throw failure(path) }
    var bytes = 0
    func put(_ piece: [UInt8]) throws {
      guard fwrite(piece, 1, piece.count, stream) == piece.count else { throw failure(path) }
      bytes += piece.count
    }
    do {
      try put(SavedSearch.header(stages: stages))
      try write(trees, to: put)
    } catch {
      fclose(stream)
      unlink(path)
      throw error
    }
    guard fclose(stream) == 0 else {
      unlink(path)
      throw failure(path)
    }
    return SavedSearch(temporary: path, bytes: bytes)
  }

  private func write(_ trees: [FoundTree], to put: ([UInt8]) throws -> Void) throws {
    try put(
      ProofFormat.header(
        networkDigest: ProofChecker.bytes(ofDigest: network.digest), queryCount: queries.count))
    for (query, tree) in zip(queries, trees) {
      try put(ProofChecker.bytes(ofDigest: query.digest))
      try tree.write(to: put)
    }
  }

  private func failure(_ path: String) -> VerificationError {
    VerificationError(
      .storage, "cannot write \(path): \(String(cString: strerror(errno))); set TMPDIR to another place")
  }
}
