internal import Foundation
internal import Glibc

/// The split trees of a property that was not decided in its time, in a file: `vpals-search/1`, the stage of the search
/// of each query, and then, from the next line on, a proof with open parts.
public final class SavedSearch: Sendable, Hashable {
  public let path: String
  public let bytes: Int
  private let isTemporary: Bool

  /// A file that is deleted with this value.
  public init(temporary path: String, bytes: Int) {
    self.path = path
    self.bytes = bytes
    isTemporary = true
  }

  deinit { if isTemporary { unlink(path) } }

  /// The longest saved search that is kept beside a model.
  public static let maximumBytes = 1 << 30
  private static let magic = "vpals-search/1"
  private static let maximumHeader = 1 << 16

  /// The name beside the certificate of its specification: `SPEC.PROPERTY.search`.
  public static func name(specification: String, property: String) -> String { "\(specification).\(property).search" }

  /// The line in front of the trees.
  public static func header(stages: [Int]) -> [UInt8] {
    Array((magic + stages.map { " \($0)" }.joined() + "\n").utf8)
  }

  /// The stages and the length of the first line of a file; nil when it is not that of a saved search.
  public static func header(of path: String) -> (stages: [Int], length: Int)? {
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    var start = [UInt8](repeating: 0, count: maximumHeader)
    let count = start.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    guard count > 0, let end = start[..<count].firstIndex(of: 10) else { return nil }
    let words = String(decoding: start[..<end], as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
    let stages = words.dropFirst().compactMap { Int($0) }
    guard words.first.map(String.init) == magic, stages.count == words.count - 1, stages.allSatisfy({ $0 >= 0 }) else {
      return nil
    }
    return (stages, end + 1)
  }

  public static func == (left: SavedSearch, right: SavedSearch) -> Bool { left.path == right.path }
  public func hash(into hasher: inout Hasher) { hasher.combine(path) }
}
