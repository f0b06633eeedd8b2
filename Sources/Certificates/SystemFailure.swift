import Glibc

/// A failed system call in words: what stands in the way and what to do about it.
package struct SystemFailure: Sendable, Hashable {
  package let errorNumber: Int32

  package init(errorNumber: Int32) { self.errorNumber = errorNumber }

  /// The failure of the system call made just before.
  package static var last: SystemFailure { SystemFailure(errorNumber: errno) }

  /// One clause with the reason and the fix.
  package var reason: String {
    switch errorNumber {
    case ENOSPC: "no space is left on the file system; free some and run the command again"
    case EDQUOT: "the disk quota is used up; free some space and run the command again"
    case EROFS: "the file system is mounted read-only; choose a place that can be written"
    case EACCES, EPERM: "permission is denied; change the permissions or choose another place"
    case ENOENT: "there is no such file or directory; check the path"
    case ENOTDIR: "a part of the path is not a directory; check the path"
    case EISDIR: "the path is a directory, not a file; check the path"
    case EEXIST, ENOTEMPTY: "it exists already; choose another name"
    case ENAMETOOLONG: "the name is too long; choose a shorter one"
    case ELOOP: "too many symbolic links; check the path"
    case EMFILE, ENFILE: "too many files are open; raise the limit (ulimit -n)"
    case EIO: "the device reports an input/output error; check the disk"
    case EFBIG: "the file would pass the size limit; raise it (ulimit -f)"
    case EWOULDBLOCK: "another process holds it; wait for that process to end and run the command again"
    default: String(cString: strerror(errorNumber)) + " (error \(errorNumber)); check the path and the disk"
    }
  }

  package var isOutOfSpace: Bool { errorNumber == ENOSPC || errorNumber == EDQUOT }

  package var code: CertificateError.Code {
    switch errorNumber {
    case ENOSPC, EDQUOT: .noSpace
    case ENOENT: .missing
    case EEXIST, ENOTEMPTY: .exists
    default: .file
    }
  }

  /// `cannot ACTION: REASON`, for example with the action `write models/a/v0001/model.onnx`.
  package func error(_ action: String) -> CertificateError {
    CertificateError(code, "cannot \(action): \(reason)")
  }
}

/// Calls `body` until it does not fail with EINTR.
///
/// The bound of 1000 calls only ends a storm of signals that no healthy process sees; the failure is then EINTR.
package func retryingInterrupts(_ body: () -> Int) -> Int {
  for _ in 0..<1000 {
    let result = body()
    if result != -1 || errno != EINTR { return result }
  }
  return -1
}

/// An open file descriptor, closed when the last reference goes.
package final class FileDescriptor: Sendable {
  package let number: Int32

  /// Opens `path`; nil on failure, with the reason in `errno`.
  package init?(path: String, flags: Int32, mode: UInt32 = 0o644) {
    let result = retryingInterrupts { Int(open(path, flags | O_CLOEXEC, mode)) }
    guard result >= 0 else { return nil }
    number = Int32(result)
  }

  deinit { close(number) }

  /// Takes the advisory lock of the file (flock), waiting up to `seconds`; false when another process kept it, or on
  /// an error, with the reason in `errno`. The lock ends with the descriptor, and so with the process.
  package func lock(waitingUpTo seconds: Int) -> Bool {
    for attempt in 0...(seconds * 100) {
      if attempt > 0 { usleep(10_000) }
      if retryingInterrupts({ Int(flock(number, LOCK_EX | LOCK_NB)) }) == 0 { return true }
      if errno != EWOULDBLOCK { return false }
    }
    return false
  }
}
