@_exported public import CommandBasics
internal import Certificates
internal import Verification

/// What `program --version` prints. The solver is asked for its version only when somebody wants to know: that starts a
/// process.
public func versionText(_ program: String) -> String {
  let own = "\(program) \(VPALs.version)"
  guard CommandLine.arguments.dropFirst().contains("--version") else { return own }
  do {
    return "\(own), z3 \(try Verifier.solverVersion())"
  } catch {
    return "\(own), no z3: \(error)"
  }
}
