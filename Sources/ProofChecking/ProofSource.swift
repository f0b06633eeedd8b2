internal import Crypto
internal import Foundation

/// The bytes of a proof, read once from front to back in pieces of 64 KiB and hashed on the way: the digest is that of
/// the very bytes that were checked, and memory does not grow with the proof.
public final class ProofSource {
  /// The longest proof that is read.
  public static let maximumBytes = 4 << 30
  private static let bufferSize = 1 << 16

  private let refill: (UnsafeMutableRawBufferPointer) throws -> Int
  private var buffer = [UInt8](repeating: 0, count: bufferSize)
  private var position = 0
  private var filled = 0
  private var hash = SHA256()
  /// How many bytes were consumed.
  public private(set) var offset = 0

  /// - Parameter refill: Fills a prefix of the buffer and returns its length; zero at the end.
  public init(refill: @escaping (UnsafeMutableRawBufferPointer) throws -> Int) { self.refill = refill }

  /// A proof in memory.
  public convenience init(bytes: [UInt8]) {
    var start = 0
    self.init { buffer in
      let count = min(buffer.count, bytes.count - start)
      bytes[start..<(start + count)].withUnsafeBytes { buffer.copyMemory(from: $0) }
      start += count
      return count
    }
  }

  /// The next byte; nil at the end.
  func next() throws(ProofFailure.Cause) -> UInt8? {
    if position == filled {
      do {
        filled = try buffer.withUnsafeMutableBytes { try refill($0) }
      } catch {
        throw .unreadable("\(error)")
      }
      position = 0
      guard filled > 0 else { return nil }
      buffer.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[0..<filled])) }
    }
    guard offset < Self.maximumBytes else { throw .tooLong }
    defer {
      position += 1
      offset += 1
    }
    return buffer[position]
  }

  func byte() throws(ProofFailure.Cause) -> UInt8 {
    guard let byte = try next() else { throw .truncated }
    return byte
  }

  func bytes(_ count: Int) throws(ProofFailure.Cause) -> [UInt8] {
    var result: [UInt8] = []
    for _ in 0..<count { result.append(try byte()) }
    return result
  }

  /// An unsigned LEB128 number in its shortest form, below 2⁶³.
  func number() throws(ProofFailure.Cause) -> Int {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try self.byte()
      guard shift < 63 else { throw .notCanonical("a number of more than 63 bits") }
      value |= UInt64(byte & 127) << shift
      if byte & 128 == 0 {
        guard byte != 0 || shift == 0 else { throw .notCanonical("a number that is not in its shortest form") }
        return Int(value)
      }
      shift += 7
    }
  }

  /// The hexadecimal SHA-256 of all bytes consumed; final once the end was reached.
  public var digest: String {
    hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

/// Why a proof is not accepted: the first node that fails, in preorder, and the rule.
public struct ProofFailure: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Cause: Error, Sendable, Hashable {
    case unreadable(String)
    case tooLong
    case truncated
    case notCanonical(String)
    /// The first bytes are not those of a proof of this version.
    case format
    /// The proof is of another network, of another query, or of another number of queries.
    case network
    case query
    case queryCount
    /// The fixed-point problem cannot be made.
    case problem(CheckFailure)
    case tag(UInt8)
    case input(Int)
    case neuron(Int)
    case depth
    /// A part of the tree was not decided.
    case open
    case boundTooLow
    case outOfRange
    /// An exact leaf in a cell where a neuron's phase is not fixed.
    case phaseOpen(neuron: Int)
    /// An exact leaf whose claim fails and whose multipliers do not show that the cell is empty.
    case notRefuted
    case trailing
  }

  /// The query's place in the proof, from 0.
  public let query: Int
  /// The node's place in its tree, in preorder from 0.
  public let node: Int
  /// The byte behind the last one read.
  public let offset: Int
  public let cause: Cause

  public var description: String { "query \(query), node \(node), byte \(offset): \(cause.text)" }
}

extension ProofFailure.Cause {
  /// The rule's name, as `docs/proof-format.md` and the second checker use it.
  public var rule: String {
    switch self {
    case .unreadable: "unreadable"
    case .tooLong: "too-long"
    case .truncated: "truncated"
    case .notCanonical: "not-canonical"
    case .format: "format"
    case .network: "network"
    case .query: "query"
    case .queryCount: "query-count"
    case .problem: "problem"
    case .tag: "tag"
    case .input: "input"
    case .neuron: "neuron"
    case .depth: "depth"
    case .open: "open"
    case .boundTooLow: "bound-too-low"
    case .outOfRange: "out-of-range"
    case .phaseOpen: "phase-open"
    case .notRefuted: "not-refuted"
    case .trailing: "trailing"
    }
  }

  var text: String {
    switch self {
    case .unreadable(let why): "\(rule): \(why)"
    case .tooLong: "\(rule): more than \(ProofSource.maximumBytes) bytes"
    case .notCanonical(let what): "\(rule): \(what)"
    case .problem(let why): "\(rule): the query has no fixed-point form (\(why))"
    case .tag(let tag): "\(rule): no node begins with \(tag)"
    case .input(let i): "\(rule): input \(i) does not exist or cannot be halved"
    case .neuron(let g): "\(rule): neuron \(g) does not exist or has a premise already"
    case .phaseOpen(let g): "\(rule): the phase of neuron \(g) is not fixed"
    default: rule
    }
  }
}
