internal import Certificates
internal import Foundation

/// What the gate says of one model version.
public struct GateFinding: Sendable, Hashable {
  public let application: String
  public let version: String
  /// The directory.
  public let path: String
  public let specificationPath: String
  /// Properties proved, when the version passes.
  public let proven: Int
  /// Empty exactly when the version passes.
  public let refusals: [Refusal]

  public var passes: Bool { refusals.isEmpty }
}

/// Why the gate could not run at all.
public struct GateError: Error, Hashable, CustomStringConvertible {
  public let description: String
}

/// The gate of a repository of models: every version passes only with a certificate that speaks of exactly these bytes
/// and this specification, and in which every property of the specification holds.
///
/// It reads files alone: no store, no solver. Every proof is checked again, so a forged verdict does not pass.
public struct Gate: Sendable {
  /// The most model versions in one run.
  public static let maximumVersions = 10_000
  /// The most directories that are searched, and how deep they may lie.
  public static let maximumDirectories = 100_000
  public static let maximumDepth = 8

  /// The directory of `APPLICATION.yaml` files.
  public let specifications: String

  public init(specifications: String) { self.specifications = FilePath.trimmed(specifications) }

  /// Judges every model under `path`: a tree of `APPLICATION/VERSION/model.onnx`, one version's directory, or the
  /// ONNX file in it. A directory counts as a version when it holds a network file or a certificate. Hidden directories
  /// and the unfinished versions of a trainer (`v0001.partial-PID`) are left out; symbolic links are followed.
  /// - Throws: ``GateError`` when there is nothing to judge, a directory cannot be read, or a bound is passed.
  public func run(path: String) throws(GateError) -> [GateFinding] {
    let path = FilePath.trimmed(path)
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw GateError(description: "\(path) does not exist; name the directory that holds the models")
    }
    guard isDirectory.boolValue || ModelTree.isModel(path) else {
      throw GateError(description: "\(path) is neither a directory nor an ONNX file; name the directory of the models")
    }
    var areSpecificationsThere: ObjCBool = false
    guard FileManager.default.fileExists(atPath: specifications, isDirectory: &areSpecificationsThere),
      areSpecificationsThere.boolValue
    else {
      throw GateError(
        description: "\(specifications) is not a directory; name the one that holds the APPLICATION.yaml files")
    }
    var tree = ModelTree(root: isDirectory.boolValue ? path : FilePath.parent(of: path))
    let versions = try tree.versions()
    guard !versions.isEmpty else {
      throw GateError(
        description: "\(path) holds no model.onnx; a gate that checks nothing passes nothing. Name the directory that "
          + "holds the models")
    }
    return versions.map(judge)
  }

  /// Judges one version's directory.
  public func judge(_ path: String) -> GateFinding {
    let (application, version) = ModelPath.names(ofVersion: path)
    let check = VersionCheck(
      path: path, application: application, version: version,
      specificationPath: "\(specifications)/\(application).yaml")
    var proven = 0
    var refusals: [Refusal] = []
    do throws(VersionCheck.Refused) {
      proven = try check.provenProperties()
    } catch {
      refusals = error.refusals
    }
    return GateFinding(
      application: application, version: version, path: path, specificationPath: check.specificationPath,
      proven: proven, refusals: refusals)
  }
}
