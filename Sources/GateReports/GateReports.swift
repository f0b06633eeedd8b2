internal import Certificates
internal import Foundation
public import Gating
internal import Glibc

/// Why a report was not asked for rightly, or could not be written.
public struct GateReportError: Error, Hashable, CustomStringConvertible {
  public let description: String
}

/// The reports of one run of the gate: at most one on standard output, each other in a file.
public struct GateReports: Sendable {
  public enum Format: String, Sendable, CaseIterable {
    case text
    case json
    case sarif
    case junit
    case github

    /// The format of an option `FORMAT` or `FORMAT=FILE`.
    public init?(option: String) { self.init(rawValue: String(option.prefix { $0 != "=" })) }
  }

  /// A report and the file that it goes to; nil for standard output.
  private struct Output {
    let format: Format
    let file: String?
  }

  private let outputs: [Output]
  private let directory: String

  /// The largest report, in bytes.
  private static let maximumBytes = 1 << 30

  /// - Parameter options: `FORMAT` or `FORMAT=FILE` each. When all go to files, or there are none, the text goes to
  ///   standard output.
  /// - Throws: ``GateReportError`` for an unknown format, two reports for one place, or a file that could not be written:
  ///   a run must not end with its report lost.
  public init(_ options: [String]) throws(GateReportError) {
    var outputs: [Output] = []
    var places: Set<String> = []
    for option in options {
      let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let format = Format(option: option) else {
        throw GateReportError(
          description: "'\(PlainText.oneLine(String(parts[0])))' is no format of reports; write "
            + Format.allCases.map(\.rawValue).joined(separator: ", ") + ", or FORMAT=FILE")
      }
      let file = parts.count == 2 ? String(parts[1]) : nil
      let place = try file.map { file throws(GateReportError) in try Self.place(of: file, format) } ?? "standard output"
      guard places.insert(place).inserted else {
        throw GateReportError(
          description: "two reports for \(PlainText.oneLine(file ?? place)); write each other as FORMAT=FILE")
      }
      outputs.append(Output(format: format, file: file))
    }
    if !outputs.contains(where: { $0.file == nil }) { outputs.append(Output(format: .text, file: nil)) }
    self.outputs = outputs
    directory = FileManager.default.currentDirectoryPath
  }

  /// What tells files apart, also by two names: the directory's identity and the name in it.
  private static func place(of file: String, _ format: Format) throws(GateReportError) -> String {
    let (parent, name) = split(file)
    guard FileName.isValid(name) else {
      throw GateReportError(
        description: "'\(PlainText.oneLine(file))' is no file for \(format.rawValue); write FORMAT=FILE")
    }
    var status = stat()
    guard stat(parent, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, access(parent, W_OK) == 0 else {
      throw GateReportError(
        description:
          "cannot write \(PlainText.oneLine(file)): \(PlainText.oneLine(parent)) is no directory that can be "
          + "written to; make it first")
    }
    var target = stat()
    guard stat(file, &target) != 0 || target.st_mode & S_IFMT == S_IFREG else {
      throw GateReportError(description: "cannot write \(PlainText.oneLine(file)): it is there and no regular file")
    }
    return "\(status.st_dev) \(status.st_ino) \(name)"
  }

  private static func split(_ path: String) -> (parent: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    return (slash == path.startIndex ? "/" : String(path[..<slash]), String(path[path.index(after: slash)...]))
  }

  /// Writes all reports, those to files first, each in one step.
  /// - Parameters:
  ///   - toolVersion: The version of vPALs.
  ///   - summaryFile: Where GitHub wants the summary of a step, `$GITHUB_STEP_SUMMARY`; for the format `github` alone.
  ///   - output: Takes the text for standard output, line ends included.
  public func write(
    _ run: GateRun, toolVersion: String, summaryFile: String?, to output: (String) -> Void
  ) throws(GateReportError) {
    for one in outputs.sorted(by: { $0.file != nil && $1.file == nil }) {
      guard let file = one.file else {
        render(run, one.format, toolVersion, output)
        continue
      }
      do throws(CertificateError) {
        try AtomicFile.write(to: file, maximumBytes: Self.maximumBytes) { text in
          render(run, one.format, toolVersion) { text.write($0) }
        }
      } catch {
        throw GateReportError(description: PlainText.oneLine(error.message))
      }
    }
    if let summaryFile, !summaryFile.isEmpty, outputs.contains(where: { $0.format == .github }) {
      try StepSummary.append(GitHubReport(run: run, root: SourceRoot(directory: directory)), to: summaryFile)
    }
  }

  private func render(_ run: GateRun, _ format: Format, _ toolVersion: String, _ output: (String) -> Void) {
    let root = SourceRoot(directory: directory)
    switch format {
    case .text: for line in TextReport.lines(run) { output(line + "\n") }
    case .json: JSONReport.write(run, to: output)
    case .sarif: output(SARIFReport(run: run, root: root, toolVersion: toolVersion).text() + "\n")
    case .junit: JUnitReport.write(run, to: output)
    case .github: for line in GitHubReport(run: run, root: root).lines() { output(line + "\n") }
    }
  }
}

/// The file in which GitHub collects the summary of a step; other programs of the step may have written to it.
enum StepSummary {
  static func append(_ report: GitHubReport, to path: String) throws(GateReportError) {
    let file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o644)
    guard file >= 0 else { throw failure(path) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw failure(path) }
    let bytes = Array(
      report.summary(maximumBytes: GitHubReport.maximumSummaryBytes - min(Int(status.st_size), 1 << 30)).utf8)
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(file, $0.baseAddress?.advanced(by: written), bytes.count - written)
      }
      if count > 0 {
        written += count
      } else if count == 0 || errno != EINTR {
        throw failure(path)
      }
    }
  }

  private static func failure(_ path: String) -> GateReportError {
    GateReportError(
      description: "cannot write the summary \(PlainText.oneLine(path)): \(String(cString: strerror(errno)))")
  }
}
