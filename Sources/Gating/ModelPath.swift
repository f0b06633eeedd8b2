internal import Foundation
internal import Glibc

/// How a path names an application and a version.
public enum ModelPath {
  /// `models/nginx/v0007` names version `v0007` of `nginx`; any other directory `D` is version `file` of `D`.
  ///
  /// A link that does not itself have the name of a version (`models/nginx/latest`) stands for what it leads to.
  public static func names(ofVersion directory: String) -> (application: String, version: String) {
    let parts = components(directory)
    if let names = names(parts) { return names }
    if let canonical = FilePath.canonical(directory), let names = names(components(canonical)) { return names }
    return (parts.last ?? "model", "file")
  }

  /// Whether `name` is `v` and four or more digits.
  public static func isVersion(_ name: some StringProtocol) -> Bool {
    let digits = name.dropFirst()
    return name.first == "v" && digits.count >= 4 && digits.allSatisfy { $0.isASCII && $0.isNumber }
  }

  private static func names(_ parts: [String]) -> (application: String, version: String)? {
    guard let last = parts.last, isVersion(last), parts.count >= 2 else { return nil }
    return (parts[parts.count - 2], last)
  }

  /// The components of the absolute path, without `.` and `..`.
  private static func components(_ directory: String) -> [String] {
    let absolute =
      directory.hasPrefix("/") ? directory : "\(FileManager.default.currentDirectoryPath)/\(directory)"
    var parts: [String] = []
    for part in absolute.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
    }
    return parts
  }
}

enum FilePath {
  /// The directory of a file.
  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The path without slashes at its end.
  static func trimmed(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }

  /// The last component of a path.
  static func lastComponent(_ path: String) -> String {
    String(decoding: path.utf8.split(separator: UInt8(ascii: "/")).last ?? [], as: UTF8.self)
  }

  /// The bytes of the absolute path without links, which need not be UTF-8; nil when there is no such file, with the
  /// reason in `errno`.
  static func canonicalBytes(_ path: String) -> [UInt8]? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return UnsafeBufferPointer(start: resolved, count: strlen(resolved)).map { UInt8(bitPattern: $0) }
  }

  /// The absolute path without links; nil when there is no such file, with the reason in `errno`.
  static func canonical(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
