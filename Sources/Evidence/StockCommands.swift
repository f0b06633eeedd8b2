public import Certificates

/// The shell commands that verify the evidence beside a model with none of our code: OpenSSL, Python's standard library,
/// coreutils, and `model_signing` from PyPI. Each fails, with an exit code that is not 0, when what it looks at was
/// changed.
public enum StockCommands {
  /// One step: what it shows, and the command.
  public struct Step: Sendable, Hashable {
    public let title: String
    public let command: String
  }

  /// The steps for a certificate, in order; they work in the directory of the caller and write only into a new temporary
  /// directory, which the first step makes.
  ///
  /// - Parameters:
  ///   - path: The certificate's file.
  ///   - keyID: The key that signed.
  ///   - specification: The path of the specification's file.
  ///   - trust: The trust file.
  ///   - isDirectorySigned: Whether `model.sig` lies there.
  ///   - quoted: Makes one word of a shell command of a text.
  public static func steps(
    path: String, keyID: String, specification: Certificate.Specification, specificationPath: String, trust: String,
    isDirectorySigned: Bool, quoted: (String) -> String
  ) -> [Step] {
    let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let (key, message, signature) = ("\"$scratch/key.pub.pem\"", "\"$scratch/message\"", "\"$scratch/signature\"")
    func word(_ text: String) -> String { quoted(text) }
    var steps = [
      Step(
        title: "the key is in the trust file, and has the id that signed",
        command: "scratch=$(mktemp -d) && python3 -c '\(keyProgram)' \(word(trust)) \(word(keyID)) > \(key) && "
          + "openssl pkey -pubin -in \(key) -outform DER | sha256sum | grep -F -e \(word(keyID))"),
      Step(
        title: "the key signed the certificate",
        command: "python3 -c '\(envelopeProgram)' \(word(path)) \(message) \(signature) && "
          + "openssl dgst -sha256 -verify \(key) -signature \(signature) \(message)"),
      Step(
        title: "the files are those that it speaks of",
        command: "python3 -c '\(filesProgram)' \(word(path)) | (cd \(word(directory)) && sha256sum --strict -c)"),
      Step(
        title: "so is the specification",
        command: "printf '%s  %s\\n' \(specification.sha256) \(word(specificationPath)) | sha256sum --strict -c"),
    ]
    if isDirectorySigned {
      steps.append(
        Step(
          title: "no file was added or taken away (pip install model-signing pyopenssl)",
          command: "model_signing verify key \(word(directory)) --signature \(word("\(directory)/model.sig")) "
            + "--public_key \(key)"))
    }
    return steps
  }

  /// Prints the key as PEM; fails when the trust file does not have it exactly once for certificates and not revoked.
  private static let keyProgram = """
    import json, sys, textwrap; \
    k = [k for k in json.load(open(sys.argv[1]))["keys"] if k["id"] == sys.argv[2] and k["purpose"] == "certificates"]; \
    sys.exit("no such key") if len(k) != 1 or k[0]["state"] == "revoked" else 0; \
    print("-----BEGIN PUBLIC KEY-----", *textwrap.wrap(k[0]["publicKey"], 64), "-----END PUBLIC KEY-----", sep="\\n")
    """

  /// Writes what was signed (DSSE, *Signature Definition*) and the signature.
  private static let envelopeProgram = """
    import base64, json, sys; \
    e = json.load(open(sys.argv[1])); p = base64.b64decode(e["payload"]); \
    t = b"application/vnd.in-toto+json"; \
    open(sys.argv[2], "wb").write(b"DSSEv1 %d %b %d %b" % (len(t), t, len(p), p)); \
    open(sys.argv[3], "wb").write(base64.b64decode(e["signatures"][0]["sig"]))
    """

  /// Prints the subjects but the specification, which is the last, in the form of `sha256sum -c`.
  private static let filesProgram = """
    import base64, json, sys; \
    s = json.loads(base64.b64decode(json.load(open(sys.argv[1]))["payload"]))["subject"]; \
    [print(f["digest"]["sha256"] + "  " + f["name"]) for f in s[:-1]]
    """
}
