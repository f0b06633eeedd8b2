internal import Certificates
internal import Foundation
internal import Glibc
internal import Networks
internal import Signing

/// The search for the directories that the gate judges.
///
/// Nothing that may hold a model is passed over in silence: what cannot be looked at ends the search with an error.
struct ModelTree {
  let root: String
  private var found: [String] = []
  /// The directories that were searched, by canonical path and by the application and version that the path names: a
  /// link under another application is another claim and judged on its own, one within it is not, and loops end.
  /// By bytes: what Swift takes for equal texts are names of different directories.
  private var visited: Set<[UInt8]> = []
  /// Links to directories, searched after everything else, so that a version keeps its own name.
  private var links: [(path: String, depth: Int)] = []

  init(root: String) { self.root = root }

  static func isModel(_ name: String) -> Bool { StoredNetwork.isModel(name) }

  /// Whether a file shows that its directory is meant to hold a version.
  private static func isEvidence(_ name: String) -> Bool {
    isModel(name) || name == ModelSignature.fileName
      || name.utf8.suffix(12).elementsEqual(Certificate.File.certificate.rawValue.utf8)
  }

  /// The directories of versions, sorted.
  mutating func versions() throws(GateError) -> [String] {
    try search(root, depth: 0)
    // Every turn takes one link, and the bound on directories holds for what it leads to.
    while !links.isEmpty {
      let link = links.removeFirst()
      try search(link.path, depth: link.depth)
    }
    return found.sorted()
  }

  private mutating func search(_ directory: String, depth: Int) throws(GateError) {
    guard depth <= Gate.maximumDepth else {
      throw GateError(
        description: "\(directory) lies more than \(Gate.maximumDepth) directories below \(root); gate a part of the "
          + "tree")
    }
    guard let canonical = FilePath.canonicalBytes(directory) else {
      throw GateError(description: SystemFailure.last.error("search \(directory)").message)
    }
    let (application, version) = ModelPath.names(ofVersion: directory)
    guard visited.insert(canonical + [0] + Array("\(application)\0\(version)".utf8)).inserted else { return }
    guard visited.count <= Gate.maximumDirectories else {
      throw GateError(description: "more than \(Gate.maximumDirectories) directories; gate a part of the tree")
    }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    } catch {
      throw GateError(description: "\(directory) cannot be listed; check its permissions")
    }
    // A directory with the name of a version is one, also when nothing in it is known to be a network.
    if ModelPath.isVersion(FilePath.lastComponent(directory)) || names.contains(where: Self.isEvidence) {
      guard found.count < Gate.maximumVersions else {
        throw GateError(description: "more than \(Gate.maximumVersions) model versions; gate a part of the tree")
      }
      found.append(directory)
    }
    for name in names where !Self.isLeftOut(name) {
      let path = "\(directory)/\(name)"
      var status = stat()
      guard lstat(path, &status) == 0 else {
        throw GateError(description: SystemFailure.last.error("look at \(path)").message)
      }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: try search(path, depth: depth + 1)
      case S_IFLNK:
        if stat(path, &status) == 0 {
          if status.st_mode & S_IFMT == S_IFDIR { links.append((path, depth + 1)) }
        } else if errno != ENOENT, errno != ELOOP {
          throw GateError(description: SystemFailure.last.error("follow the link \(path)").message)
        }
      default: break
      }
    }
  }

  /// Hidden entries, and unfinished versions of a running or killed trainer.
  private static func isLeftOut(_ name: String) -> Bool {
    if name.hasPrefix(".") { return true }
    guard let mark = name.range(of: ".partial-") else { return false }
    let number = name[mark.upperBound...]
    return ModelPath.isVersion(name[..<mark.lowerBound]) && !number.isEmpty
      && number.allSatisfy { $0.isASCII && $0.isNumber }
  }
}
