import Crypto
import TestHelpers
import Testing
import TransparencyLog

/// Roots and proofs against known values, the definition, and tampering.
@Suite struct MerkleTreeTests {
  /// The leaves and roots that the reference implementation of Certificate Transparency tests itself with
  /// (github.com/google/certificate-transparency, merkle_tree_test.cc).
  static let knownLeaves: [[UInt8]] = [
    [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], [0x40, 0x41, 0x42, 0x43],
    [0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57], (0x60...0x6F).map { UInt8($0) },
  ]
  static let knownRoots = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  ]

  @Test func hasTheKnownRoots() throws {
    var tree = MerkleTree(leaves: Self.knownLeaves.map { .leaf($0) })
    for (size, root) in Self.knownRoots.enumerated() { #expect(try tree.root(size: size).description == root) }
  }

  /// Of the same test program.
  @Test func hasTheKnownProofs() throws {
    let nodes = [
      "0": "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "1": "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "4": "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "01": "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "23": "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "45": "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "67": "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "0123": "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4567": "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    var tree = MerkleTree(leaves: Self.knownLeaves.map { .leaf($0) })
    let inclusions = [
      (0, 1, []), (0, 8, ["1", "23", "4567"]), (5, 8, ["4", "67", "0123"]), (2, 3, ["01"]), (1, 5, ["0", "23", "4"]),
    ]
    for (index, size, path) in inclusions {
      #expect(try tree.inclusionProof(index: index, size: size).path.map(\.description) == path.map { nodes[$0] })
    }
    let consistencies = [(1, 1, []), (1, 8, ["1", "23", "4567"]), (6, 8, ["45", "67", "0123"]), (2, 5, ["23", "4"])]
    for (first, second, path) in consistencies {
      #expect(
        try tree.consistencyProof(from: first, to: second).path.map(\.description) == path.map { nodes[$0] })
    }
  }

  /// MTH of RFC 6962, section 2.1, to the letter.
  private func definition(_ entries: ArraySlice<[UInt8]>) -> [UInt8] {
    if entries.isEmpty { return Array(SHA256.hash(data: [UInt8]())) }
    if entries.count == 1, let entry = entries.first { return Array(SHA256.hash(data: [0] + entry)) }
    var split = 1
    while 2 * split < entries.count { split *= 2 }
    return Array(
      SHA256.hash(data: [1] + definition(entries.prefix(split)) + definition(entries.dropFirst(split))))
  }

  @Test func hasTheRootsOfTheDefinition() throws {
    let entries = (0..<100).map(Scene.entry)
    var tree = tree(100)
    for size in 0...100 { #expect(try tree.root(size: size).bytes == definition(entries.prefix(size))) }
  }

  /// `hash` with one bit flipped.
  private func flipped(_ hash: TreeHash, _ bit: Int) throws -> TreeHash {
    var bytes = hash.bytes
    bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    return try #require(TreeHash(bytes))
  }

  private func isIncluded(_ proof: InclusionProof, _ leaf: TreeHash, _ root: TreeHash) -> Bool {
    switch Scene.refusal({ try proof.verify(leaf: leaf, root: root) }) {
    case nil: return true
    case .notIncluded: return false
    case .some(let code):
      Issue.record("refused as \(code)")
      return false
    }
  }

  private func isConsistent(_ proof: ConsistencyProof, _ first: TreeHash, _ second: TreeHash) -> Bool {
    switch Scene.refusal({ try proof.verify(firstRoot: first, secondRoot: second) }) {
    case nil: return true
    case .notConsistent: return false
    case .some(let code):
      Issue.record("refused as \(code)")
      return false
    }
  }

  @Test func everyInclusionProofUpTo200VerifiesAndNoneThatWasChanged() throws {
    var tree = tree(200)
    let leaves = (0..<200).map { TreeHash.leaf(Scene.entry($0)) }
    var count = 0
    for size in 1...200 {
      let root = try tree.root(size: size)
      for index in 0..<size {
        let proof = try tree.inclusionProof(index: index, size: size)
        let leaf = leaves[index]
        try #require(isIncluded(proof, leaf, root), "\(index) of \(size)")
        func passes(_ path: [TreeHash], index: Int = index) -> Bool {
          isIncluded(InclusionProof(index: index, size: size, path: path), leaf, root)
        }
        // Every bit in small trees; in the others one of each hash, another one each time.
        for place in proof.path.indices {
          for bit in size <= 12 ? Array(0..<256) : [(size * 31 + index * 7 + place) % 256] {
            var path = proof.path
            path[place] = try flipped(path[place], bit)
            #expect(!passes(path), "\(index) of \(size): bit \(bit) of hash \(place)")
            count += 1
          }
        }
        #expect(!passes(proof.path + [leaf]))
        #expect(!passes([root] + proof.path))
        if !proof.path.isEmpty {
          #expect(!passes(proof.path.dropLast()))
          #expect(!passes(Array(proof.path.dropFirst())))
        }
        #expect(!isIncluded(proof, try flipped(leaf, index % 256), root))
        #expect(!isIncluded(proof, leaf, try flipped(root, size % 256)))
        for other in size <= 40 ? Array(-1...size) : [index - 1, index + 1] where other != index {
          #expect(!passes(proof.path, index: other), "\(index) as \(other) of \(size)")
        }
      }
    }
    #expect(count > 100_000)
  }

  @Test func everyConsistencyProofUpTo200VerifiesAndNoneThatWasChanged() throws {
    var tree = tree(200)
    let roots = try (0...200).map { try tree.root(size: $0) }
    var count = 0
    for second in 0...200 {
      for first in 0...second {
        let proof = try tree.consistencyProof(from: first, to: second)
        try #require(isConsistent(proof, roots[first], roots[second]), "\(first) in \(second)")
        func passes(_ path: [TreeHash]) -> Bool {
          isConsistent(ConsistencyProof(first: first, second: second, path: path), roots[first], roots[second])
        }
        for place in proof.path.indices {
          for bit in second <= 12 ? Array(0..<256) : [(second * 31 + first * 7 + place) % 256] {
            var path = proof.path
            path[place] = try flipped(path[place], bit)
            #expect(!passes(path), "\(first) in \(second): bit \(bit) of hash \(place)")
            count += 1
          }
        }
        #expect(!passes(proof.path + [roots[second]]))
        #expect(!passes([roots[first]] + proof.path))
        if !proof.path.isEmpty {
          #expect(!passes(proof.path.dropLast()))
          #expect(!passes(Array(proof.path.dropFirst())))
        }
        #expect(!isConsistent(proof, try flipped(roots[first], first), roots[second]))
        // What extends the tree without leaves may have any root.
        #expect(isConsistent(proof, roots[first], try flipped(roots[second], first)) == (first == 0))
        #expect(
          !isConsistent(
            ConsistencyProof(first: second + 1, second: second, path: proof.path), roots[first], roots[second]))
      }
    }
    #expect(count > 80_000)
  }

  @Test func proofsOfImpossibleTreesAreRefused() throws {
    let hash = TreeHash.leaf([1])
    let sizes = [Int.min, -1, 0, 1, TreeBounds.maximumSize, TreeBounds.maximumSize + 1, Int.max]
    for size in sizes {
      for index in sizes {
        for length in [0, 1, 53, 64, 1000] {
          let path = [TreeHash](repeating: hash, count: length)
          #expect(
            isIncluded(InclusionProof(index: index, size: size, path: path), hash, hash)
              == (size == 1 && index == 0 && length == 0))
          _ = isConsistent(ConsistencyProof(first: index, second: size, path: path), hash, hash)
        }
      }
    }
  }
}
