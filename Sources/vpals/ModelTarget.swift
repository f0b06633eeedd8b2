import Certificates
import CommandSupport
import Foundation
import Gating
import Networks
import Signing
import Specifications

/// What a MODEL argument names: a network's file, the application and version it belongs to, and its specification.
struct ModelTarget {
  /// As the user named it.
  let argument: String
  let modelPath: String
  let directory: String
  let application: String
  let version: String
  let specificationPath: String

  /// Whether the model lies in an application's tree, where gate and trainer find it.
  var isVersion: Bool { ModelPath.isVersion(version) }

  init(_ argument: String, spec: String?) throws {
    self.argument = argument
    var path = argument
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw CommandFailure("\(path) does not exist; name a version's directory, an ONNX file or an NNet file")
    }
    if isDirectory.boolValue {
      modelPath = "\(path)/model.onnx"
      directory = path
      guard FileManager.default.fileExists(atPath: modelPath) else { throw Self.noModel(in: path) }
    } else {
      modelPath = path
      let parent = (path as NSString).deletingLastPathComponent
      directory = parent.isEmpty ? "." : parent
    }
    let names = ModelPath.names(ofVersion: directory)
    let file = ((modelPath as NSString).lastPathComponent as NSString).deletingPathExtension
    // A lone file is known by its own name, so that two of them in one directory stay apart in the store.
    application = ModelPath.isVersion(names.version) || file == "model" ? names.application : file
    version = names.version
    if let spec {
      specificationPath = spec
    } else {
      specificationPath = "specs/\(application).yaml"
      guard FileManager.default.fileExists(atPath: specificationPath) else {
        throw CommandFailure(
          "no --spec was given and \(specificationPath) does not exist here; add --spec FILE",
          next: "vpals verify \(shellQuoted(argument)) --spec FILE")
      }
    }
  }

  private static func noModel(in path: String) -> CommandFailure {
    let versions = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter(ModelPath.isVersion)
    guard let latest = versions.max(by: { ($0.count, $0) < ($1.count, $1) }) else {
      return CommandFailure(
        "\(path) holds no model.onnx; name a version's directory such as models/nginx/v0001, or an ONNX file")
    }
    return CommandFailure(
      "\(path) holds versions, but no model.onnx; name one of them",
      next: "vpals verify \(shellQuoted("\(path)/\(latest)"))")
  }

  /// The files of a version that a certificate must speak of besides the network's own: all but what verifying writes.
  /// A lone file in a directory of others has none.
  /// - Throws: ``CommandFailure`` for a file that cannot be read.
  func furtherFiles(than read: [NetworkFile], specification: Specification) throws -> [Certificate.Subject] {
    guard isVersion else { return [] }
    let own = Set(read.map(\.name))
    let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { name in
      !own.contains(name) && !name.hasPrefix(".") && !Self.isWritten(name)
    }
    guard names.count + own.count <= Certificate.maximumFiles else {
      throw CommandFailure("\(directory) has more than \(Certificate.maximumFiles) files; a version has a few")
    }
    var subjects: [Certificate.Subject] = []
    for name in names.sorted() {
      do {
        let found = try SHA256Digest.ofFile("\(directory)/\(name)")
        if name == "\(specification.name).yaml" {
          // The certificate speaks of the specification by that name.
          guard "sha256:\(found.sha256)" == specification.fileDigest else {
            throw CommandFailure(
              "\(directory)/\(name) is another file than \(specificationPath), of which the certificate speaks by that name; "
                + "remove it, or verify with it")
          }
          continue
        }
        subjects.append(Certificate.Subject(name: name, sha256: found.sha256, bytes: found.bytes))
      } catch let failure as CommandFailure {
        throw failure
      } catch {
        throw CommandFailure("\(error); a version's directory has only regular files")
      }
    }
    return subjects
  }

  /// Whether a file of that name is written by verifying.
  private static func isWritten(_ name: String) -> Bool {
    name == ModelSignature.fileName || [".proof", ".search", ".disagreement.smt2"].contains { name.hasSuffix($0) }
      || Certificate.File.allCases.contains { name.hasSuffix($0.rawValue) }
  }

  func specification() throws -> Specification {
    do {
      return try Specification.read(path: specificationPath)
    } catch {
      throw CommandFailure("the specification has errors\n\(error)")
    }
  }
}
