import Foundation
import TestHelpers
import Testing
import TransparencyLog

/// A log in a directory of its own, with its keys.
final class Scene {
  let directory = TemporaryDirectory()
  let path: String
  let key: VerifierKey

  static let origin = "example.com/log"

  init(_ count: Int = 0) throws {
    path = directory.path + "/log"
    key = try LogFiles.create(path, origin: Self.origin)
    if count > 0 { try append(0..<count) }
  }

  static func entry(_ number: Int) -> [UInt8] { Array("entry \(number)".utf8) }

  var signer: SignerKey { get throws { try LogFiles.readSecretKey(path) } }

  /// Appends the entries with these numbers in one commit.
  @discardableResult func append(_ numbers: Range<Int>) throws -> SignedCheckpoint {
    try append(numbers.map(Self.entry))
  }

  @discardableResult func append(_ entries: [[UInt8]]) throws -> SignedCheckpoint {
    try LogWriter(directory: path, signers: [try signer]).append(entries).signed
  }

  func reader() throws -> LogReader { try LogReader(directory: path, keys: [key]) }

  /// Why the log is refused; nil when it is right.
  func refusal(since saved: SignedCheckpoint? = nil) -> LogError.Code? {
    Scene.refusal {
      var log = try reader()
      if let saved { try log.verifyExtends(saved, file: "saved") }
      try log.verifyAll()
    }
  }

  /// The code of the ``LogError`` that `body` throws; nil when it throws nothing.
  static func refusal(_ body: () throws -> Void) -> LogError.Code? {
    do {
      try body()
      return nil
    } catch let error as LogError {
      return error.code
    } catch {
      Issue.record("not a LogError: \(error)")
      return nil
    }
  }

  func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: "\(path)/\(name)"))) }

  func write(_ bytes: [UInt8], _ name: String) throws { try Data(bytes).write(to: URL(filePath: "\(path)/\(name)")) }

  /// The files of the log, sorted, with their paths below it.
  func files() throws -> [String] { try Self.files(below: path) }

  static func files(below path: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: path).filter {
      var isDirectory: ObjCBool = false
      return FileManager.default.fileExists(atPath: "\(path)/\($0)", isDirectory: &isDirectory)
        && !isDirectory.boolValue
    }.sorted()
  }

  /// Signs a checkpoint over whatever tiles are there: what somebody with the log's key can do.
  func sign(size: Int, root: TreeHash) throws {
    let checkpoint = Checkpoint(origin: Self.origin, size: size, root: root)
    try write(try SignedNote(signing: checkpoint.text, with: [signer]).bytes, "checkpoint")
  }
}

/// The tree of `entry 0`, `entry 1`, ….
func tree(_ count: Int) -> MerkleTree { MerkleTree(leaves: (0..<count).map { .leaf(Scene.entry($0)) }) }
