internal import Glibc
internal import Synchronization

/// A request to give up, made once and for good, that reaches every thread that waits for a solver process.
public final class Cancellation: Sendable {
  private struct State {
    var isRequested = false
    var wakeups: [Int: Wakeup] = [:]
    var next = 0
  }

  private let state = Mutex(State())

  public init() {}

  public var isRequested: Bool { state.withLock { $0.isRequested } }

  /// Safe from any thread; later calls do nothing.
  public func request() {
    state.withLock { state in
      state.isRequested = true
      // Never blocks, so it may be done under the lock.
      for wakeup in state.wakeups.values { wakeup.signal() }
    }
  }

  /// Runs `body` while a request, an earlier one too, signals `wakeup`.
  func signalling<Value>(_ wakeup: Wakeup, while body: () -> Value) -> Value {
    let key = state.withLock { state in
      let key = state.next
      state.next += 1
      state.wakeups[key] = wakeup
      if state.isRequested { wakeup.signal() }
      return key
    }
    defer { state.withLock { _ = $0.wakeups.removeValue(forKey: key) } }
    return body()
  }
}

/// A descriptor that becomes readable when it is signalled: `poll` can wait for it beside others.
final class Wakeup: Sendable {
  let descriptor: Int32
  private let signalled: Int32

  /// Nil when the process has no descriptors left.
  init?() {
    var ends: [Int32] = [0, 0]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return nil }
    (descriptor, signalled) = (ends[0], ends[1])
  }

  deinit {
    close(descriptor)
    close(signalled)
  }

  func signal() {
    var byte: UInt8 = 1
    // It fails only when the buffer is full, and then the descriptor is readable.
    _ = write(signalled, &byte, 1)
  }

  func clear() {
    var bytes = [UInt8](repeating: 0, count: 64)
    while read(descriptor, &bytes, bytes.count) > 0 {}
  }
}
