public import Certificates
internal import Dispatch
public import Networks
public import Specifications
internal import Synchronization

/// What happens during a session, for progress displays. Comes from several threads.
public enum VerificationEvent: Sendable {
  case started(property: String)
  /// The proved share and the closed cells of one query of a property.
  case progress(property: String, query: Int, provedShare: Double, leaves: Int)
  case finished(PropertyResult)
}

/// Decides many properties of one network, on several threads.
public struct VerificationSession: Sendable {
  public let network: ExactNetwork
  public let specification: Specification
  public var options: VerificationOptions
  /// Threads that decide properties; verdicts do not depend on it.
  public var threads: Int

  /// - Throws: ``VerificationError`` with code `mismatch` when the network has other inputs or outputs than the
  ///   specification.
  public init(
    network: ExactNetwork, specification: Specification, options: VerificationOptions = VerificationOptions(),
    threads: Int = 1
  ) throws(VerificationError) {
    do {
      try specification.checkArity(inputCount: network.inputCount, outputCount: network.outputCount)
    } catch {
      throw VerificationError(.mismatch, "\(error)")
    }
    self.network = network
    self.specification = specification
    self.options = options
    self.threads = max(1, threads)
  }

  /// Decides `properties` (all when nil), those named in `first` before the others, and returns the results in the
  /// specification's order.
  ///
  /// - Parameters:
  ///   - decided: Results that are taken over as they are.
  ///   - known: Pairs per property that are replayed before any search.
  ///   - starts: Trees to start from, per property.
  ///   - propertySeconds: The most that one property may take of the budget.
  /// - Throws: the first ``VerificationError`` of any property; the other properties are then abandoned.
  public func run(
    properties: [Property]? = nil, first: Set<String> = [], decided: [String: PropertyResult] = [:],
    known: [String: [KnownPair]] = [:], starts: [String: SearchStart] = [:], budget: Budget,
    propertySeconds: Double? = nil,
    onEvent: @escaping @Sendable (VerificationEvent) -> Void = { _ in }
  ) throws -> [PropertyResult] {
    let wanted = properties ?? specification.properties
    let open = wanted.filter { decided[$0.id] == nil }
    let order = open.filter { first.contains($0.id) } + open.filter { !first.contains($0.id) }
    let pool = WorkPool()
    let verifier = Verifier(network: network, options: options, pool: pool)
    struct State {
      var next = 0
      var results: [String: PropertyResult] = [:]
      var failure: (any Error)?
    }
    let state = Mutex(State(results: decided))
    @Sendable func work() {
      while true {
        let property: Property? = state.withLock { state in
          guard state.failure == nil, state.next < order.count else { return nil }
          defer { state.next += 1 }
          return order[state.next]
        }
        guard let property else { return }
        onEvent(.started(property: property.id))
        do {
          let share = propertySeconds.map { budget.limited(toSeconds: $0) } ?? budget
          let result = try verifier.decide(
            property, known: known[property.id] ?? [], start: starts[property.id], budget: share
          ) {
            onEvent(.progress(property: property.id, query: $0, provedShare: $1, leaves: $2))
          }
          state.withLock { $0.results[property.id] = result }
          pool.notify()
          onEvent(.finished(result))
        } catch {
          state.withLock { $0.failure = $0.failure ?? error }
          pool.notify()
        }
      }
    }
    // A thread without a property of its own helps the others.
    let workers = order.isEmpty ? 1 : threads
    if workers == 1 {
      work()
    } else {
      DispatchQueue.concurrentPerform(iterations: workers) { _ in
        work()
        // Not before all threads have come here: fewer may run at a time than were asked for.
        pool.serve { state.withLock { $0.failure != nil || $0.results.count >= decided.count + order.count } }
      }
    }
    return try state.withLock { state in
      if let failure = state.failure { throw failure }
      return wanted.compactMap { state.results[$0.id] }
    }
  }
}
