/// The program's own version, in certificates and `--version`.
public enum VPALs {
  public static let version = "0.1.0"
}
