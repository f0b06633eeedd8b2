internal import Certificates
internal import Specifications

/// The specifications of a run, each read once: many versions have the same.
struct SpecificationCache {
  enum Failure: Error {
    case missing
    case unreadable(String)
    /// The first error, and its place.
    case errors(String, Place?)
  }

  /// The most specifications that are kept; then all are forgotten, so that memory stays bounded.
  static let maximumCount = 64

  /// By the bytes of the path.
  private var results: [[UInt8]: Result<Specification, Failure>] = [:]

  /// The specification in the file, as it was when it was first asked for. Its ``Specification/fileDigest`` is of the
  /// bytes that were parsed.
  mutating func specification(_ path: String) throws(Failure) -> Specification {
    let key = Array(path.utf8)
    if let known = results[key] { return try known.get() }
    if results.count >= Self.maximumCount { results.removeAll() }
    let result: Result<Specification, Failure>
    do throws(Failure) { result = .success(try Self.read(path)) } catch { result = .failure(error) }
    results[key] = result
    return try result.get()
  }

  private static func read(_ path: String) throws(Failure) -> Specification {
    let bytes: [UInt8]
    do throws(CertificateError) {
      bytes = try BoundedFile.read(path, maximumBytes: Specification.maximumFileBytes)
    } catch {
      throw error.code == .missing ? .missing : .unreadable(error.message)
    }
    do throws(SpecificationError) {
      return try Specification.parse(bytes, path: path)
    } catch {
      guard let first = error.diagnostics.first else { throw .unreadable("it has errors") }
      throw .errors((first.place.map { "line \($0.line): " } ?? "") + "\(first.message) [\(first.code)]", first.place)
    }
  }
}
