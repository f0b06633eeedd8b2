internal import Certificates

extension LogError {
  /// The failure of reading or writing a file.
  init(_ error: CertificateError) {
    let code: Code =
      switch error.code {
      case .missing: .missing
      case .exists: .exists
      case .noSpace: .noSpace
      case .tooLarge: .tooLarge
      default: .file
      }
    self.init(code, error.message)
  }

  /// The failure of the system call made just before.
  static func system(_ action: String) -> LogError { LogError(SystemFailure.last.error(action)) }
}

/// A file that one bound is stated for.
func readFile(_ path: String, maximumBytes: Int) throws(LogError) -> [UInt8] {
  do throws(CertificateError) {
    return try BoundedFile.read(path, maximumBytes: maximumBytes)
  } catch {
    throw LogError(error)
  }
}

/// The whole content of `path`, flushed to the disk; there in full or not at all.
func writeFile(_ bytes: [UInt8], to path: String) throws(LogError) {
  do throws(CertificateError) {
    try AtomicFile.write(bytes, to: path)
  } catch {
    throw LogError(error)
  }
}
