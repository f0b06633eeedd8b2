import Foundation

/// The second checker of proofs, `Tests/Python/check_proof.py`: one process for many proofs.
public enum SecondChecker {
  /// A proof with what it should prove, as canonical texts.
  public struct Job {
    public let proof: [UInt8]
    public let network: String
    public let queries: [String]

    public init(proof: [UInt8], network: String, queries: [String]) {
      self.proof = proof
      self.network = network
      self.queries = queries
    }
  }

  public struct Answer: Decodable, Sendable {
    public let valid: Bool
    /// The first node that fails and its rule, of an invalid proof.
    public let rule: String?
    public let query: Int?
    public let node: Int?
    public let leaves: Int
    public let nodes: Int
  }

  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  private struct Line: Encodable {
    let proof: String
    let network: String
    let queries: [String]
  }

  private static let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Python/check_proof.py").path

  /// One answer per job, in the same order.
  /// - Throws: ``Failure`` when the checker could not read a job or did not answer all of them.
  public static func answers(to jobs: [Job]) throws -> [Answer] {
    let directory = TemporaryDirectory()
    var names: [String: String] = [:]
    func file(_ text: String) throws -> String {
      if let name = names[text] { return name }
      let name = "\(names.count).txt"
      names[text] = name
      try Data(text.utf8).write(to: URL(filePath: "\(directory.path)/\(name)"))
      return name
    }
    var list = Data()
    for (index, job) in jobs.enumerated() {
      try Data(job.proof).write(to: URL(filePath: "\(directory.path)/\(index).proof"))
      let line = Line(
        proof: "\(index).proof", network: try file(job.network), queries: try job.queries.map { try file($0) })
      list += try JSONEncoder().encode(line) + [10]
    }
    try list.write(to: URL(filePath: "\(directory.path)/jobs.jsonl"))
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", script, "--batch", directory.path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    // 1: some proof is not valid.
    guard process.terminationStatus <= 1 else { throw Failure(description: String(decoding: data, as: UTF8.self)) }
    let answers = try data.split(separator: 10).map { try JSONDecoder().decode(Answer.self, from: $0) }
    guard answers.count == jobs.count else {
      throw Failure(description: "\(answers.count) answers to \(jobs.count) proofs")
    }
    return answers
  }
}
