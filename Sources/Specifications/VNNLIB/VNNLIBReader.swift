internal import ExactArithmetic

/// Reads VNN-LIB: the commands and declarations. Formulas are in an extension.
///
/// VNN-LIB 2 follows grammar.cf of the VNN-LIB standard (github.com/VNNLIB/VNNLIB-Standard), VNN-LIB 1.0 what the
/// competition's benchmarks (VNN-COMP 2020–2025) write.
struct VNNLIBReader {
  var lexer: VNNLIBLexer
  /// The next token.
  var token: VNNLIBToken
  private(set) var version: VNNLIBQuery.Version = .one
  private var networks: [NetworkDeclaration] = []
  private var variableCount = 0
  /// Every declared name: networks and tensors share one scope.
  private var names: [String: Name] = [:]
  private var assertions: [LinearFormula] = []
  /// The declared indices of VNN-LIB 1.0.
  private var inputs: [Int: VNNLIBToken] = [:]
  private var outputs: [Int: VNNLIBToken] = [:]
  /// Coefficients that were touched; see ``maximumWork``.
  var work = 0

  /// The most operations on coefficients that one file may ask for.
  static let maximumWork = 10_000_000
  /// Comparisons so far.
  var comparisons = 0

  private enum Name {
    case network(Int)
    case tensor(TensorDeclaration, firstVariable: Int)
  }

  init(bytes: [UInt8], path: String) throws(SpecificationError) {
    lexer = VNNLIBLexer(bytes: bytes, path: path)
    token = VNNLIBToken(kind: .end, range: 0..<0)
    guard bytes.count <= VNNLIBQuery.maximumFileBytes else {
      throw SpecificationError([
        Diagnostic(
          code: .tooLarge, message: "the file has more than \(VNNLIBQuery.maximumFileBytes) bytes", path: path,
          place: nil, sourceLine: "", note: nil, fix: "split the query into several files")
      ])
    }
    token = try lexer.next()
  }

  // MARK: Tokens

  func failure(
    _ code: Diagnostic.Code, at token: VNNLIBToken, _ message: String, fix: String
  ) -> SpecificationError { lexer.error(code, token, message, fix: fix) }

  /// Takes the current token and goes on to the next.
  @discardableResult
  mutating func take() throws(SpecificationError) -> VNNLIBToken {
    let taken = token
    token = try lexer.next()
    return taken
  }

  mutating func expect(_ kind: VNNLIBToken.Kind, _ what: String) throws(SpecificationError) -> VNNLIBToken {
    guard token.kind == kind else {
      throw failure(.syntax, at: token, "\(lexer.shown(token)) where \(what) belongs", fix: "write \(what)")
    }
    return try take()
  }

  // MARK: Commands

  mutating func read() throws(SpecificationError) -> VNNLIBQuery {
    var isFirst = true
    // What stands behind `(check-sat)` is no part of the question that was asked.
    var hasEnded = false
    while token.kind != .end {
      _ = try expect(.open, "'(' and a command")
      let command = try expect(.word, "a command")
      let name = lexer.text(command)
      if name == "vnnlib-version" {
        guard isFirst else {
          throw failure(.syntax, at: command, "vnnlib-version after another command", fix: "put it at the top")
        }
        try readVersion()
      } else {
        if hasEnded, !["check-sat", "exit", "get-model"].contains(name) {
          throw failure(
            .syntax, at: command, "\(name) after the query's end", fix: "put it before check-sat, exit and get-model")
        }
        switch (version, name) {
        case (_, "assert"): try readAssertion(command)
        case (.two, "declare-network"): try readNetwork(command)
        case (.one, "declare-const"): try readConstant(command)
        case (.one, "set-logic"), (.one, "set-info"), (.one, "set-option"): try skip(command)
        case (.one, "check-sat"), (.one, "exit"), (.one, "get-model"):
          hasEnded = true
          try skip(command)
        case (.one, "declare-network"):
          throw failure(
            .version, at: command, "declare-network without a version",
            fix: "begin the file with (vnnlib-version <2.0>)")
        case (.two, "declare-const"):
          throw failure(
            .syntax, at: command, "declare-const belongs to VNN-LIB 1.0",
            fix: "declare a network, or leave out vnnlib-version")
        default:
          let known = version == .one ? "declare-const and assert" : "declare-network and assert"
          throw failure(
            .syntax, at: command, "\(lexer.shown(command)) is not a command of VNN-LIB", fix: "use \(known)")
        }
      }
      _ = try expect(.close, "')'")
      isFirst = false
    }
    if version == .one { try declareVariables() }
    guard !networks.isEmpty else {
      throw failure(
        .missingKey, at: token, "the query declares no network",
        fix: "begin with (vnnlib-version <2.0>) and declare-network, or with declare-const X_0 Real")
    }
    guard !assertions.isEmpty else {
      throw failure(.missingKey, at: token, "the query asserts nothing", fix: "add (assert …)")
    }
    return VNNLIBQuery(path: lexer.path, version: version, networks: networks, formula: .all(assertions))
  }

  private mutating func readVersion() throws(SpecificationError) {
    let token = try expect(.word, "a version such as <2.0>")
    let text = lexer.text(token)
    let parts = text.dropFirst().dropLast().split(separator: ".", omittingEmptySubsequences: false)
    guard text.hasPrefix("<"), text.hasSuffix(">"), text.utf8.count >= 2, parts.count == 2,
      parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
    else {
      throw failure(.version, at: token, "\(lexer.shown(token)) is not a version", fix: "write <2.0>")
    }
    guard parts[0] == "2" else {
      throw failure(
        .version, at: token, "version \(lexer.shown(token)) of VNN-LIB is not supported",
        fix: "write <2.0>; a query of VNN-LIB 1.0 has no vnnlib-version")
    }
    version = .two
  }

  /// Passes over a command of SMT-LIB that says nothing about the query.
  private mutating func skip(_ command: VNNLIBToken) throws(SpecificationError) {
    var depth = 0
    while depth > 0 || token.kind != .close {
      switch token.kind {
      case .open: depth += 1
      case .close: depth -= 1
      case .end: throw failure(.syntax, at: command, "\(lexer.shown(command)) has no end", fix: "close it with ')'")
      default: break
      }
      try take()
    }
  }

  private mutating func readAssertion(_ command: VNNLIBToken) throws(SpecificationError) {
    if version == .one { try declareVariables() }
    guard !networks.isEmpty else {
      throw failure(.missingKey, at: command, "an assertion before any network", fix: "declare the networks first")
    }
    assertions.append(try readFormula())
  }

  // MARK: Declarations

  /// A name that is not taken yet: a letter, then letters, digits and underscores.
  private mutating func newName(_ what: String) throws(SpecificationError) -> (String, VNNLIBToken) {
    let token = try expect(.word, "the name of \(what)")
    let text = lexer.text(token)
    func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) }
    guard let first = text.utf8.first, isLetter(first), text.utf8.count <= 256,
      text.utf8.allSatisfy({ isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x5F })
    else {
      throw failure(
        .identifier, at: token, "\(lexer.shown(token)) is not a name",
        fix: "begin with a letter and go on with at most 255 letters, digits and underscores")
    }
    guard names[text] == nil else {
      throw failure(.duplicateName, at: token, "'\(text)' is declared twice", fix: "give each its own name")
    }
    return (text, token)
  }

  private mutating func readNetwork(_ command: VNNLIBToken) throws(SpecificationError) {
    guard assertions.isEmpty else {
      throw failure(.syntax, at: command, "a network after an assertion", fix: "declare all networks first")
    }
    guard networks.count < VNNLIBQuery.maximumNetworks else {
      throw failure(
        .tooLarge, at: command, "more than \(VNNLIBQuery.maximumNetworks) networks", fix: "split the query")
    }
    let (name, nameToken) = try newName("a network")
    names[name] = .network(networks.count)
    var equivalence = NetworkDeclaration.Equivalence.none
    var input: TensorDeclaration?
    var output: TensorDeclaration?
    while token.kind == .open {
      try take()
      let keyword = try expect(.word, "a declaration")
      switch lexer.text(keyword) {
      case "equal-to", "isomorphic-to":
        guard equivalence == .none, input == nil else {
          throw failure(
            .syntax, at: keyword, "\(lexer.shown(keyword)) belongs behind the network's name, once",
            fix: "move it there")
        }
        equivalence = try readEquivalence(isEqual: lexer.text(keyword) == "equal-to", of: networks.count)
      case "declare-input":
        guard input == nil else { throw single(keyword, name, "input") }
        guard output == nil else {
          throw failure(.syntax, at: keyword, "an input after the output", fix: "declare the input first")
        }
        input = try readTensor("an input", firstVariable: variableCount)
      case "declare-output":
        guard output == nil else { throw single(keyword, name, "output") }
        guard let input else {
          throw failure(.syntax, at: keyword, "an output before the input", fix: "declare the input first")
        }
        output = try readTensor("an output", firstVariable: variableCount + input.count)
      case "declare-hidden":
        throw failure(
          .notSupported, at: keyword, "declare-hidden: hidden nodes are not supported",
          fix: "speak of inputs and outputs alone")
      default:
        throw failure(
          .syntax, at: keyword, "\(lexer.shown(keyword)) is not a part of a network",
          fix: "use equal-to, isomorphic-to, declare-input and declare-output")
      }
      _ = try expect(.close, "')'")
    }
    guard let input, let output else {
      throw failure(
        .missingKey, at: nameToken, "network '\(name)' has no \(input == nil ? "input" : "output")",
        fix: "add declare-\(input == nil ? "input" : "output")")
    }
    let network = NetworkDeclaration(
      name: name, equivalence: equivalence, input: input, output: output, firstVariable: variableCount)
    switch equivalence {
    case .none: break
    case .equal(let other), .isomorphic(let other):
      let first = networks[other]
      guard first.input.shape == input.shape, first.output.shape == output.shape else {
        throw failure(
          .shape, at: nameToken,
          "'\(name)' has the shapes \(input.shapeText) and \(output.shapeText), but '\(first.name)' has "
            + "\(first.input.shapeText) and \(first.output.shapeText)",
          fix: "declare the same shapes")
      }
    }
    networks.append(network)
    variableCount += network.variableCount
  }

  private func single(_ token: VNNLIBToken, _ network: String, _ what: String) -> SpecificationError {
    failure(
      .notSupported, at: token, "network '\(network)' declares several \(what)s; one tensor is supported",
      fix: "join them to one tensor, in the query and in the ONNX file")
  }

  /// - Parameter index: The network that is being declared.
  private mutating func readEquivalence(isEqual: Bool, of index: Int) throws(SpecificationError)
    -> NetworkDeclaration.Equivalence
  {
    let token = try expect(.word, "the name of a network")
    guard case .network(let other) = names[lexer.text(token)], other < index else {
      throw failure(
        .unknownName, at: token, "\(lexer.shown(token)) is not a network declared before", fix: "declare it first")
    }
    // Equal to an equal one is equal to the first.
    var first = other
    if case .equal(let origin) = networks[other].equivalence { first = origin }
    return isEqual ? .equal(to: first) : .isomorphic(to: first)
  }

  /// Element types of ONNX, by which the standard names them.
  private static let elementTypes: Set<String> = [
    "real", "float16", "float32", "float64", "bfloat16", "float8e4m3fn", "float8e5m2", "float8e4m3fnuz",
    "float8e5m2fnuz", "float4e2m1", "int4", "uint4", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
    "uint64", "bool", "string", "complex64", "complex128",
  ]

  private mutating func readTensor(_ what: String, firstVariable: Int) throws(SpecificationError)
    -> TensorDeclaration
  {
    let (name, _) = try newName(what)
    let typeToken = try expect(.word, "an element type")
    let type = lexer.text(typeToken)
    guard ["real", "float32", "float64"].contains(type.lowercased()) else {
      let isKnown = Self.elementTypes.contains(type.lowercased())
      throw failure(
        isKnown ? .notSupported : .syntax, at: typeToken,
        isKnown ? "the element type \(type) is not supported" : "\(lexer.shown(typeToken)) is not an element type",
        fix: "use real, float32 or float64")
    }
    let (shape, count) = try readShape()
    // The name of the ONNX node; with one input and one output there is nothing to choose.
    if token.kind == .string { try take() }
    let tensor = TensorDeclaration(name: name, elementType: type, shape: shape, count: count)
    names[name] = .tensor(tensor, firstVariable: firstVariable)
    return tensor
  }

  private mutating func readShape() throws(SpecificationError) -> (shape: [Int], count: Int) {
    let start = try expect(.leftBracket, "a shape such as [1,5]")
    var shape: [Int] = []
    var count = 1
    while token.kind != .rightBracket {
      if !shape.isEmpty { _ = try expect(.comma, "',' or ']'") }
      let dimension = try expect(.word, "a dimension")
      guard let number = Int(lexer.text(dimension)), number > 0 else {
        throw failure(
          .shape, at: dimension, "\(lexer.shown(dimension)) is not a dimension", fix: "write a positive integer")
      }
      let (product, isTooLarge) = count.multipliedReportingOverflow(by: number)
      guard !isTooLarge, product <= VNNLIBQuery.maximumElements, shape.count < VNNLIBQuery.maximumDimensions else {
        throw failure(
          .tooLarge, at: start,
          "a tensor of more than \(VNNLIBQuery.maximumElements) elements or \(VNNLIBQuery.maximumDimensions) dimensions",
          fix: "networks of that size are not supported")
      }
      count = product
      shape.append(number)
    }
    try take()
    return (shape, count)
  }

  // MARK: VNN-LIB 1.0

  /// `declare-const X_3 Real`, behind the command's name.
  private mutating func readConstant(_ command: VNNLIBToken) throws(SpecificationError) {
    guard networks.isEmpty else {
      throw failure(.syntax, at: command, "a variable after an assertion", fix: "declare all variables first")
    }
    let name = try expect(.word, "the name of a variable")
    let text = lexer.text(name)
    guard let (isInput, index) = Self.variable(text) else {
      throw failure(
        .identifier, at: name, "\(lexer.shown(name)) is neither an input nor an output",
        fix: "name inputs X_0, X_1, … and outputs Y_0, Y_1, …")
    }
    guard index < VNNLIBQuery.maximumElements else {
      throw failure(
        .tooLarge, at: name, "more than \(VNNLIBQuery.maximumElements) variables",
        fix: "networks of that size are not supported")
    }
    let old = isInput ? inputs.updateValue(name, forKey: index) : outputs.updateValue(name, forKey: index)
    guard old == nil else {
      throw failure(.duplicateName, at: name, "'\(text)' is declared twice", fix: "delete one declaration")
    }
    let type = try expect(.word, "the sort Real")
    guard lexer.text(type) == "Real" else {
      throw failure(.notSupported, at: type, "the sort \(lexer.shown(type)) is not supported", fix: "write Real")
    }
  }

  /// `X_12` or `Y_0`, without leading zeros.
  private static func variable(_ text: String) -> (isInput: Bool, index: Int)? {
    guard text.hasPrefix("X_") || text.hasPrefix("Y_"), let index = Int(text.dropFirst(2)), index >= 0,
      text.dropFirst(2) == String(index)
    else { return nil }
    return (text.hasPrefix("X"), index)
  }

  /// Makes a network of the variables declared so far, once.
  private mutating func declareVariables() throws(SpecificationError) {
    guard networks.isEmpty, !(inputs.isEmpty && outputs.isEmpty) else { return }
    for (letter, declared) in [("X", inputs), ("Y", outputs)] {
      guard let missing = (0...declared.count).first(where: { declared[$0] == nil }), missing == declared.count,
        missing > 0
      else {
        let index = (0...declared.count).first { declared[$0] == nil } ?? 0
        let place = declared.filter { $0.key > index }.min { $0.key < $1.key }?.value ?? token
        throw failure(
          .index, at: place, "\(letter)_\(index) is not declared",
          fix: "declare \(letter)_0, \(letter)_1, … without gaps, at least one of each letter")
      }
    }
    func tensor(_ name: String, _ count: Int) -> TensorDeclaration {
      TensorDeclaration(name: name, elementType: "Real", shape: [count], count: count)
    }
    let network = NetworkDeclaration(
      name: "", equivalence: .none, input: tensor("X", inputs.count), output: tensor("Y", outputs.count),
      firstVariable: 0)
    networks.append(network)
    variableCount = network.variableCount
  }

  // MARK: Variables

  /// The number of the variable at the current token, which is taken with its indices.
  mutating func readVariable() throws(SpecificationError) -> Int {
    let name = try take()
    let text = lexer.text(name)
    if version == .one {
      guard let (isInput, index) = Self.variable(text), (isInput ? inputs : outputs)[index] != nil else {
        throw failure(
          .unknownName, at: name, "\(lexer.shown(name)) is not declared", fix: "declare it with declare-const")
      }
      return isInput ? index : inputs.count + index
    }
    guard case .tensor(let tensor, let firstVariable) = names[text] else {
      let isNetwork = names[text] != nil
      throw failure(
        .unknownName, at: name,
        isNetwork ? "'\(text)' is a network, not a variable" : "\(lexer.shown(name)) is not declared",
        fix: isNetwork ? "name its input or output" : "declare it as an input or output of a network")
    }
    if tensor.shape.isEmpty { return firstVariable }
    guard token.kind == .leftBracket else {
      throw failure(
        .index, at: name, "'\(text)' without an index",
        fix: "write \(text)[\(tensor.shape.map { _ in "0" }.joined(separator: ","))] for its first element")
    }
    try take()
    var offset = 0
    for (place, size) in tensor.shape.enumerated() {
      if place > 0 { _ = try expect(.comma, "',' (\(text) has \(tensor.shape.count) dimensions)") }
      let number = try expect(.word, "an index")
      guard let index = Int(lexer.text(number)), (0..<size).contains(index) else {
        throw failure(
          .index, at: number,
          "index \(lexer.shown(number)) is out of bounds: dimension \(place) of '\(text)' has "
            + "\(size) element\(size == 1 ? "" : "s")", fix: "count from 0 to \(size - 1)")
      }
      // Within the tensor's count, which is bounded.
      offset = offset * size + index
    }
    _ = try expect(
      .rightBracket, "']' (\(text) has \(tensor.shape.count) dimension\(tensor.shape.count == 1 ? "" : "s"))")
    return firstVariable + offset
  }
}
