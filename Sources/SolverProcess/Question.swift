public import ExactArithmetic

/// What is asked of a solver process: whether the conditions of a formula can be met together.
public struct Question: Sendable, Hashable {
  /// Which of libz3's solvers decides.
  public enum Method: UInt8, Sendable, Hashable, CaseIterable {
    /// The simplex solver for quantifier-free linear real arithmetic.
    case linear = 0
    /// The general solver: the better one for networks whose phases are open.
    case general = 1
  }

  /// What an answer may cost. Numbers beyond 2³² − 2 stand for that number.
  public struct Limits: Sendable, Hashable {
    /// Wall-clock time from the moment the process has read the question; nil for no bound.
    public var milliseconds: Int?
    /// libz3's own count of work; nil for no bound. It is repeatable, but bounds time only loosely.
    public var work: Int?
    /// What libz3 may allocate, in MiB.
    public var memoryMegabytes: Int
    /// The part of the time that may be spent on ``Question/goal`` once a solution is known.
    public var goalMilliseconds: Int

    public static let standardMemoryMegabytes = 2048
    public static let standardGoalMilliseconds = 1000

    public init(
      milliseconds: Int? = nil, work: Int? = nil, memoryMegabytes: Int = standardMemoryMegabytes,
      goalMilliseconds: Int = standardGoalMilliseconds
    ) {
      self.milliseconds = milliseconds
      self.work = work
      self.memoryMegabytes = memoryMegabytes
      self.goalMilliseconds = goalMilliseconds
    }
  }

  /// A better solution that is looked for among those of a formula of its own, so that its conditions do not burden
  /// the search for a refutation.
  public struct Goal: Sendable, Hashable {
    /// The variable to be made great.
    public let variable: RealVariable
    /// Declarations and assertions in SMT-LIB 2. Each of its solutions must be one of the question's.
    public let text: String

    /// - Parameter formula: The question's formula with more conditions.
    public init(_ variable: RealVariable, in formula: Formula) {
      self.init(variable: variable, text: formula.text)
    }

    init(variable: RealVariable, text: String) {
      self.variable = variable
      self.text = text
    }
  }

  /// The most values asked for.
  public static let maximumValues = 65_536

  public var method: Method
  public var limits: Limits
  /// Declarations and assertions in SMT-LIB 2.
  public let text: String
  /// The number of assertions in ``text``.
  public let conditionCount: Int
  /// The variables whose values are wanted, in order.
  public var values: [RealVariable]
  /// What is to be made as great as time allows once a solution is known. It never changes the verdict.
  public var goal: Goal?
  /// Whether the multipliers of a refutation are wanted. Only conjunctions of linear conditions have them.
  public var wantsMultipliers: Bool

  /// - Precondition: at most ``maximumValues`` values.
  public init(
    _ formula: Formula, values: [RealVariable] = [], method: Method = .linear, limits: Limits = Limits(),
    goal: Goal? = nil, wantsMultipliers: Bool = false
  ) {
    precondition(values.count <= Self.maximumValues)
    self.init(
      text: formula.text, conditionCount: formula.conditions.count, values: values, method: method, limits: limits,
      goal: goal, wantsMultipliers: wantsMultipliers)
  }

  init(
    text: String, conditionCount: Int, values: [RealVariable], method: Method, limits: Limits, goal: Goal?,
    wantsMultipliers: Bool
  ) {
    self.text = text
    self.conditionCount = conditionCount
    self.values = values
    self.method = method
    self.limits = limits
    self.goal = goal
    self.wantsMultipliers = wantsMultipliers
  }
}

/// What a solver process says. None of it is believed without a check, but for `unsatisfiable`.
public enum Answer: Sendable, Hashable {
  /// The conditions can be met; one value per variable asked for, in that order.
  case satisfiable([Rational])
  /// They cannot. The multipliers, if any were found, are proposals: by number of the condition, none negative, those
  /// that are zero left out.
  case unsatisfiable(multipliers: [Int: Rational]?)
  /// Neither was shown: ``interrupted``, ``timeout``, ``work``, ``memory``, or a text that says what happened.
  case unknown(String)

  /// The asker gave up.
  public static let interrupted = "interrupted"
  /// ``Question/Limits/milliseconds`` passed.
  public static let timeout = "timeout"
  /// ``Question/Limits/work`` was spent.
  public static let work = "rlimit"
  /// ``Question/Limits/memoryMegabytes`` was passed.
  public static let memory = "memory"
}
