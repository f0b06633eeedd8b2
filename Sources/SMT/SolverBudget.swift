internal import CZ3

/// How much a check may spend. When a bound is reached the answer is ``CheckResult/unknown(_:)``.
public struct SolverBudget: Sendable, Hashable {
  /// The backstop in wall-clock time, per check.
  public var timeoutMilliseconds: Int?
  /// libz3's own count of work, per check: two runs of the same calls stop at the same place. It does not bound time
  /// tightly, since one counted step can be an operation on large numbers.
  public var rlimit: UInt64?
  /// A bound on what libz3 has allocated in the **whole process**, all contexts together.
  public var memoryMegabytes: Int?

  /// No bound at all.
  public static let unlimited = SolverBudget()

  public init(timeoutMilliseconds: Int? = nil, rlimit: UInt64? = nil, memoryMegabytes: Int? = nil) {
    self.timeoutMilliseconds = timeoutMilliseconds
    self.rlimit = rlimit
    self.memoryMegabytes = memoryMegabytes
  }

  /// libz3's parameters are 32 bits wide, and the largest value, or zero for `rlimit`, means no bound. A budget
  /// outside 1 ..< 2³² − 1 is refused, because narrowing it would silently change or remove it. The timeout is not
  /// among the parameters: ``Interrupter`` keeps it.
  func parameters() throws(SMTError) -> [(name: String, value: UInt32)] {
    _ = try Self.parameter("timeoutMilliseconds", timeoutMilliseconds)
    return [
      ("rlimit", try Self.parameter("rlimit", rlimit) ?? 0),
      ("max_memory", try Self.parameter("memoryMegabytes", memoryMegabytes) ?? .max),
    ]
  }

  private static func parameter(_ name: String, _ value: (some BinaryInteger)?) throws(SMTError) -> UInt32? {
    guard let value else { return nil }
    guard let narrow = UInt32(exactly: value), narrow > 0, narrow < .max else {
      throw SMTError(.budget, "the budget's \(name) is \(value); it must be from 1 to \(UInt32.max - 1), or nil")
    }
    return narrow
  }
}

extension SolverContext {
  /// Makes a set of libz3 parameters and gives it to `body`, which must not keep it.
  ///
  /// Every solver needs the flag `ctrl_c` false: otherwise a check replaces the process's SIGINT handler.
  func withParameters(
    numbers: [(name: String, value: UInt32)], flags: [(name: String, value: Bool)],
    _ body: (Z3_context, Z3_params) -> Void
  ) throws(SMTError) {
    let parameters = try unsafe call { context in unsafe Z3_mk_params(context) }
    unsafe Z3_params_inc_ref(pointer, parameters)
    defer { unsafe Z3_params_dec_ref(pointer, parameters) }
    for (name, value) in numbers {
      try unsafe call { context in
        unsafe Z3_params_set_uint(context, parameters, Z3_mk_string_symbol(context, name), value)
      }
    }
    for (name, value) in flags {
      try unsafe call { context in
        unsafe Z3_params_set_bool(context, parameters, Z3_mk_string_symbol(context, name), value)
      }
    }
    try unsafe call { context in unsafe body(context, parameters) }
  }
}
