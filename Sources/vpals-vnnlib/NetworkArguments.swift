import CommandSupport
import Networks
import Specifications

/// The models that a command line gives to the networks of a query.
struct NetworkArguments {
  private let query: VNNLIBQuery
  /// For each declaration the path that was given for it.
  private var paths: [String?]

  /// - Throws: `CommandFailure` when a network has no model, or a model no network.
  init(_ arguments: [String], for query: VNNLIBQuery) throws {
    self.query = query
    paths = Array(repeating: nil, count: query.networks.count)
    let own = query.networks.indices.filter { index in
      if case .equal = query.networks[index].equivalence { false } else { true }
    }
    let names = own.map { "'\(query.networks[$0].name)'" }.joined(separator: ", ")
    for argument in arguments {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let index: Int
      let path: String
      if parts.count == 2, let named = query.networks.firstIndex(where: { $0.name == parts[0] && !parts[0].isEmpty }) {
        (index, path) = (named, parts[1])
      } else if own.count == 1, query.version == .one || parts.count == 1 {
        // VNN-LIB 1.0 has no names: whatever stands before '=' is one.
        let isNamed = parts.count == 2 && parts[0].utf8.allSatisfy { $0 != UInt8(ascii: "/") }
        (index, path) = (own[0], isNamed ? parts[1] : argument)
      } else if parts.count == 1 {
        throw CommandFailure(
          "--network \(argument): the query declares the networks \(names); write NAME=PATH for each")
      } else {
        throw CommandFailure(
          "--network \(argument): \(query.path) declares no network '\(oneLine(parts[0]))'; it declares \(names)")
      }
      guard paths[index] == nil else {
        throw CommandFailure("--network \(argument): this network has a model already, \(paths[index] ?? "")")
      }
      guard !path.isEmpty else { throw CommandFailure("--network \(argument): the path is empty; write NAME=PATH") }
      paths[index] = path
    }
    if let missing = own.first(where: { paths[$0] == nil }) {
      let name = query.networks[missing].name
      throw CommandFailure(
        "\(query.path) needs a model\(name.isEmpty ? "" : " for network '\(name)'"); add --network "
          + (name.isEmpty ? "PATH" : "\(name)=PATH"))
    }
  }

  /// The exact network of each declaration; each file is read once.
  func models() throws -> [ExactNetwork] {
    var known: [String: ExactNetwork] = [:]
    var models: [ExactNetwork] = []
    for (index, declaration) in query.networks.enumerated() {
      guard let path = paths[index] else {
        guard case .equal(let other) = declaration.equivalence else {
          preconditionFailure("a network of its own has a path")
        }
        models.append(models[other])
        continue
      }
      if let model = known[path] {
        models.append(model)
        continue
      }
      do {
        let model = ExactNetwork(try Network.read(path: path))
        known[path] = model
        models.append(model)
      } catch {
        let message = "\(error)"
        throw CommandFailure(message.contains(path) ? message : "\(path): \(message)")
      }
    }
    return models
  }
}
