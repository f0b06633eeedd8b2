/// Paths as reports for other tools name them: relative to the root of the repository, which is the working directory.
struct SourceRoot {
  /// The working directory, absolute.
  let directory: String

  /// The path below the root, without `.` and `..`; the absolute path of what lies outside. Not by the file system:
  /// links are not followed.
  func path(_ path: String) -> (path: String, isInside: Bool) {
    var parts: [Substring] = []
    for part in (path.hasPrefix("/") ? path : "\(directory)/\(path)").split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    let root = directory.split(separator: "/")
    guard parts.count > root.count, parts.prefix(root.count).elementsEqual(root) else {
      return ("/" + parts.joined(separator: "/"), false)
    }
    return (parts.dropFirst(root.count).joined(separator: "/"), true)
  }

  /// The path as a URI reference (RFC 3986): relative to the root, or `file:///…`.
  func uri(_ path: String) -> (uri: String, isInside: Bool) {
    let (path, isInside) = self.path(path)
    var text = ""
    for byte in path.utf8 {
      let isPlain =
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || [0x2D, 0x2E, 0x2F, 0x5F, 0x7E].contains(byte)
      if isPlain {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        text += "%" + (digits.utf8.count == 1 ? "0" : "") + digits
      }
    }
    return (isInside ? text : "file://" + text, isInside)
  }
}
