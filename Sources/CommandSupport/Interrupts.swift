internal import Dispatch
internal import Glibc
public import Verification

/// Turns SIGINT and SIGTERM into a stop request; a second one ends the process at once.
public final class Interrupts {
  private let sources: [any DispatchSourceSignal]

  public init(_ stop: StopSignal) {
    // A queue of its own: the shared ones may be as busy as the solver makes them.
    let queue = DispatchQueue(label: "vpals-interrupts", qos: .userInteractive)
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        if stop.isRequested { _exit(128 + number) }
        if isTerminal { printStatus("") }
        printError("stopping; what is finished is kept (once more to end at once)")
        stop.request()
      }
      source.resume()
      return source
    }
  }

  deinit { for source in sources { source.cancel() } }
}
