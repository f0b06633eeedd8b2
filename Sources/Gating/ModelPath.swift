internal import Foundation

/// How a path names an application and a version.
public enum ModelPath {
  /// `models/nginx/v0007` names version `v0007` of `nginx`; any other directory `D` is version `file` of `D`.
  public static func names(ofVersion directory: String) -> (application: String, version: String) {
    let absolute =
      directory.hasPrefix("/") ? directory : "\(FileManager.default.currentDirectoryPath)/\(directory)"
    var parts: [Substring] = []
    for part in absolute.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    guard let last = parts.last else { return ("model", "file") }
    let digits = last.dropFirst()
    if last.first == "v", digits.count >= 4, digits.allSatisfy({ $0.isASCII && $0.isNumber }), parts.count >= 2 {
      return (String(parts[parts.count - 2]), String(last))
    }
    return (String(last), "file")
  }
}

enum FilePath {
  /// The directory of a file.
  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
