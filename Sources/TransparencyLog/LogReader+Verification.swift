extension LogReader {
  /// Checks every entry and every tile of the log.
  ///
  /// With the check of the edge that opening made, this shows that the root which was signed is that of these entries.
  /// - Parameter body: Is given each entry with its number, in order.
  /// - Throws: ``LogError``, as ``entries(bundle:)``.
  /// - Complexity: O(*size*) hashes; memory for one bundle and 64 tiles.
  public mutating func verifyAll(_ body: (Int, [UInt8]) -> Void = { _, _ in }) throws(LogError) {
    for bundle in 0..<bundles {
      for (position, entry) in try entries(bundle: bundle).enumerated() {
        body(bundle * Tile.fullWidth + position, entry)
      }
    }
  }

  /// Checks that the log extends the tree of a checkpoint that was saved elsewhere.
  /// - Returns: The proof of it.
  /// - Throws: ``LogError``: `.wrongOrigin` for a checkpoint of another log; `.rollback` when the log has fewer entries
  ///   than it had; `.fork` when its beginning is not what it was; and what reading the tiles throws.
  @discardableResult
  public mutating func verifyExtends(_ saved: SignedCheckpoint, file: String) throws(LogError) -> ConsistencyProof {
    guard isSame(saved.origin, signed.origin) else {
      throw LogError(
        .wrongOrigin,
        "\(file): a checkpoint of \(quoted(saved.origin.utf8)), but the log \(directory) is \(quoted(signed.origin.utf8)); "
          + "name a checkpoint of this log")
    }
    guard saved.size <= size else {
      throw LogError(
        .rollback,
        "the log \(directory) has \(size) entries, but had \(saved.size) when \(file) was saved; entries were removed from "
          + "its end: restore it from a later copy")
    }
    let proof = try consistencyProof(from: saved.size, to: size)
    do throws(LogError) {
      try proof.verify(firstRoot: saved.root, secondRoot: signed.root)
      return proof
    } catch {
      throw LogError(
        .fork,
        "the first \(saved.size) entries of the log \(directory) are not those of \(file); its history was rewritten: "
          + "keep both checkpoints, which the log's key signed, and restore the log from a copy")
    }
  }

  /// A proof that the entry `index` is in the log, verified before it is returned.
  /// - Throws: ``LogError``: as ``entry(_:)``.
  public mutating func proof(of index: Int, extra: [UInt8]? = nil) throws(LogError) -> (proof: LogProof, entry: [UInt8])
  {
    let entry = try entry(index)
    let path = try inclusionProof(index: index, size: size)
    try path.verify(leaf: .leaf(entry), root: signed.root)
    return (LogProof(inclusion: path, signed: signed, extra: extra), entry)
  }
}
