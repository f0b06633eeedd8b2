internal import Certificates
internal import Glibc

/// The files of a model directory with their digests, as OpenSSF Model Signing serialises them (method `files`).
///
/// Every regular file counts, in subdirectories too, hidden ones included; empty directories do not. Left out are the
/// signature itself and what git keeps at the top. Symbolic links and special files are refused, as `model_signing` does.
public struct ModelManifest: Sendable, Hashable {
  /// The most files, the most entries looked at, and the deepest subdirectory.
  public static let maximumFiles = 10_000
  static let maximumEntries = 100_000
  static let maximumDepth = 32
  /// What `model_signing` leaves out by default, at the top of the directory.
  static let gitPaths = [".git", ".gitattributes", ".github", ".gitignore"]

  /// A file by its path in the directory, `d0/f00`, and its SHA-256.
  public struct File: Sendable, Hashable {
    public let path: String
    public let sha256: String

    init(path: String, sha256: String) {
      self.path = path
      self.sha256 = sha256
    }

    /// The path as the file system has it. Swift takes texts for equal that differ in their Unicode form (é as one code
    /// point or as two), which are names of different files.
    var pathBytes: [UInt8] { Array(path.utf8) }

    public static func == (left: File, right: File) -> Bool {
      left.pathBytes == right.pathBytes && left.sha256 == right.sha256
    }

    public func hash(into hasher: inout Hasher) {
      hasher.combine(pathBytes)
      hasher.combine(sha256)
    }

    /// By components, each by code points: Python's order of paths.
    static func precedes(_ left: File, _ right: File) -> Bool {
      let (a, b) = (left.path.split(separator: "/"), right.path.split(separator: "/"))
      for (x, y) in zip(a, b) where !x.utf8.elementsEqual(y.utf8) {
        // The order of UTF-8 is the order of code points.
        return x.utf8.lexicographicallyPrecedes(y.utf8)
      }
      return a.count < b.count
    }
  }

  /// The name of the directory, which nothing depends on.
  public let name: String
  /// In the order of ``File/precedes(_:_:)``.
  public let files: [File]

  init(name: String, files: [File]) {
    self.name = name
    self.files = files.sorted(by: File.precedes)
  }

  /// The manifest of a directory that is still to be written: file names and contents.
  init(name: String, contents: [String: [UInt8]]) {
    self.init(name: name, files: contents.map { File(path: $0.key, sha256: SHA256Digest.of($0.value)) })
  }

  /// Reads and hashes `directory`, without `signatureName` at its top.
  /// - Throws: ``SigningError``: `.unsignable` for a link, a special file, or a name that is not UTF-8 or has control
  ///   characters; `.tooLarge`; `.missing`; `.file`.
  public init(of directory: String, signatureName: String) throws(SigningError) {
    var resolved = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    guard realpath(directory, &resolved) != nil else {
      throw SigningError(SystemFailure.last.error("read the directory \(directory)"))
    }
    let path = String(decoding: resolved.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    var walk = Walk(root: directory, ignored: Set(Self.gitPaths + [signatureName]))
    try walk.visit("", depth: 0)
    guard !walk.files.isEmpty else {
      throw SigningError(.missing, "the directory \(directory) holds no file to sign; check the path")
    }
    self.init(name: path.split(separator: "/").last.map(String.init) ?? "model", files: walk.files)
  }

  private struct Walk {
    let root: String
    let ignored: Set<String>
    var files: [File] = []
    var entries = 0

    mutating func visit(_ directory: String, depth: Int) throws(SigningError) {
      guard depth <= ModelManifest.maximumDepth else {
        throw SigningError(
          .tooLarge, "\(root)/\(directory) lies more than \(ModelManifest.maximumDepth) directories deep; sign a part")
      }
      for name in try names(in: directory.isEmpty ? root : "\(root)/\(directory)") {
        if directory.isEmpty, ignored.contains(name) { continue }
        let path = directory.isEmpty ? name : "\(directory)/\(name)"
        var status = stat()
        guard lstat("\(root)/\(path)", &status) == 0 else {
          throw SigningError(SystemFailure.last.error("look at \(root)/\(path)"))
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: try visit(path, depth: depth + 1)
        case S_IFREG:
          guard files.count < ModelManifest.maximumFiles else {
            throw SigningError(.tooLarge, "\(root) has more than \(ModelManifest.maximumFiles) files; sign a part")
          }
          let digest = try SigningError.translating { () throws(CertificateError) in
            try SHA256Digest.ofFile("\(root)/\(path)")
          }
          files.append(File(path: path, sha256: digest.sha256))
        default:
          throw SigningError(
            .unsignable, "\(root)/\(path) is a symbolic link or a special file; put a regular file in its place")
        }
      }
    }

    private mutating func names(in path: String) throws(SigningError) -> [String] {
      guard let stream = opendir(path) else { throw SigningError(SystemFailure.last.error("list \(path)")) }
      defer { closedir(stream) }
      var names: [String] = []
      while true {
        errno = 0
        guard let entry = readdir(stream) else {
          guard errno == 0 else { throw SigningError(SystemFailure.last.error("list \(path)")) }
          return names.sorted()
        }
        let bytes = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
        guard bytes != [0x2E], bytes != [0x2E, 0x2E] else { continue }
        entries += 1
        guard entries <= ModelManifest.maximumEntries else {
          throw SigningError(.tooLarge, "\(root) has more than \(ModelManifest.maximumEntries) entries; sign a part")
        }
        guard let name = String(validating: bytes, as: UTF8.self), !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else {
          throw SigningError(
            .unsignable, "\(path) has an entry whose name is not UTF-8 or has control characters; rename it")
        }
        names.append(name)
      }
    }
  }

  /// SHA-256 over the files' digests, one after the other in their order: the digest of the one subject.
  var rootDigest: String { Self.rootDigest(files.map(\.sha256)) }

  static func rootDigest(_ digests: [String]) -> String {
    SHA256Digest.of(digests.flatMap { Hexadecimal.decode($0) ?? [] })
  }

  /// How the files of another manifest differ from these; nil when they do not.
  func difference(from found: ModelManifest, in directory: String) -> SigningError? {
    let signed = Dictionary(files.map { ($0.pathBytes, $0.sha256) }) { first, _ in first }
    let present = Dictionary(found.files.map { ($0.pathBytes, $0.sha256) }) { first, _ in first }
    let missing = files.filter { present[$0.pathBytes] == nil }
    let added = found.files.filter { signed[$0.pathBytes] == nil }
    let changed = files.filter { file in present[file.pathBytes].map { $0 != file.sha256 } ?? false }
    let next = "restore the directory as it was signed, or verify and sign it again"
    func list(_ files: [File]) -> String {
      files.prefix(5).map(\.path).joined(separator: ", ") + (files.count > 5 ? " and \(files.count - 5) more" : "")
    }
    if let file = changed.first {
      return SigningError(
        .fileChanged, "\(directory)/\(file.path) has changed since it was signed (changed: \(list(changed))); \(next)")
    }
    for file in missing {
      guard let other = added.first(where: { $0.sha256 == file.sha256 }) else { continue }
      return SigningError(.fileRenamed, "\(directory)/\(file.path) is now \(directory)/\(other.path); \(next)")
    }
    if !missing.isEmpty {
      return SigningError(.fileMissing, "\(directory) lacks signed files: \(list(missing)); \(next)")
    }
    if !added.isEmpty {
      return SigningError(.fileAdded, "\(directory) has files that were not signed: \(list(added)); \(next)")
    }
    return nil
  }
}
