internal import Synchronization
internal import Foundation

/// Threads that have nothing of their own to do take parts of others' searches.
///
/// A search asks ``isHungry`` now and then and gives the oldest part of its stack away when somebody waits.
public final class WorkPool: Sendable {
  private struct State {
    var work: [@Sendable () -> Void] = []
    var idle = 0
  }

  private let state = Mutex(State())
  private let condition = Signal()

  public init() {}

  /// Whether more threads wait than there is work for.
  var isHungry: Bool { state.withLock { $0.idle > $0.work.count } }

  func submit(_ work: @escaping @Sendable () -> Void) {
    state.withLock { $0.work.append(work) }
    condition.broadcast()
  }

  /// Wakes the threads that wait, because what they wait for may have come true.
  func notify() { condition.broadcast() }

  /// Runs work of others until `isDone`. The one place where a thread of a session waits.
  func serve(until isDone: () -> Bool) {
    state.withLock { $0.idle += 1 }
    defer { state.withLock { $0.idle -= 1 } }
    while true {
      let ticket = condition.ticket
      let work: (@Sendable () -> Void)? = state.withLock { state in
        guard !state.work.isEmpty else { return nil }
        state.idle -= 1
        return state.work.removeFirst()
      }
      if let work {
        work()
        state.withLock { $0.idle += 1 }
        continue
      }
      if isDone() { return }
      condition.wait(after: ticket)
    }
  }

  /// A condition that cannot miss a broadcast: waiting returns when one came after the ticket was taken.
  private final class Signal: @unchecked Sendable {
    // `count` is only touched under the condition's lock.
    private let lock = NSCondition()
    private var count = 0

    var ticket: Int { lock.withLock { count } }

    func broadcast() {
      lock.withLock {
        count += 1
        lock.broadcast()
      }
    }

    func wait(after ticket: Int) {
      lock.withLock { while count == ticket { lock.wait() } }
    }
  }
}
