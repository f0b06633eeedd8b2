import CommandSupport
import Foundation
import Gating
import Specifications

/// What a MODEL argument names: an ONNX file, the application and version it belongs to, and its specification.
struct ModelTarget {
  let modelPath: String
  let directory: String
  let application: String
  let version: String
  let specificationPath: String

  var modelName: String { (modelPath as NSString).lastPathComponent }

  init(_ argument: String, spec: String?) throws {
    var path = argument
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw CommandFailure("\(path) does not exist; name a version's directory or an ONNX file")
    }
    if isDirectory.boolValue {
      modelPath = "\(path)/model.onnx"
      directory = path
      guard FileManager.default.fileExists(atPath: modelPath) else {
        throw CommandFailure(
          "\(path) holds no model.onnx; name a version's directory such as models/nginx/v0001, or an ONNX file")
      }
    } else {
      modelPath = path
      let parent = (path as NSString).deletingLastPathComponent
      directory = parent.isEmpty ? "." : parent
    }
    (application, version) = ModelPath.names(ofVersion: directory)
    if let spec {
      specificationPath = spec
    } else {
      specificationPath = "specs/\(application).yaml"
      guard FileManager.default.fileExists(atPath: specificationPath) else {
        throw CommandFailure(
          "no --spec was given and \(specificationPath) does not exist; add --spec FILE",
          next: "vpals verify \(shellQuoted(argument)) --spec FILE")
      }
    }
  }

  func specification() throws -> Specification {
    do {
      return try Specification.read(path: specificationPath)
    } catch {
      throw CommandFailure("the specification has errors\n\(error)")
    }
  }
}
