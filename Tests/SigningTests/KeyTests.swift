import Certificates
import Foundation
import Testing
import TestHelpers

@testable import Signing

@Suite struct KeyTests {
  let directory = TemporaryDirectory()

  @Test func survivesBeingWritten() throws {
    let key = PrivateKey()
    let again = try PrivateKey(pem: key.pem, source: "k")
    #expect(again.publicKey == key.publicKey)
    #expect(try PublicKey(pem: key.publicKey.pem, source: "k") == key.publicKey)
    let message = Array("hello".utf8)
    #expect(key.publicKey.isValid(try again.signature(for: message), for: message))
    #expect(!key.publicKey.isValid(try again.signature(for: message), for: message + [0]))
    #expect(!PrivateKey().publicKey.isValid(try again.signature(for: message), for: message))
  }

  @Test func signaturesOfOneMessageDiffer() throws {
    let key = PrivateKey()
    #expect(try key.signature(for: [1]) != key.signature(for: [1]))
  }

  @Test func neverPrintsThePrivateKey() {
    let key = PrivateKey()
    let secret = key.pem.split(separator: "\n")[1]
    var dumped = ""
    dump(key, to: &dumped)
    for text in ["\(key)", String(reflecting: key), dumped] {
      #expect(text.contains(key.publicKey.id))
      #expect(!text.contains(secret))
    }
  }

  @Test func refusesWhatIsNoKey() throws {
    let key = PrivateKey()
    for text in [
      "", "hello", key.publicKey.pem, key.pem + key.pem,
      key.pem.replacing("PRIVATE KEY", with: "ENCRYPTED PRIVATE KEY"),
      key.pem.replacing("PRIVATE KEY", with: "RSA PRIVATE KEY"), PEM.encode([1, 2, 3], label: "PRIVATE KEY"),
      String(key.pem.dropLast(20)), String(repeating: "a", count: 100_000),
    ] {
      #expect(refusal { () throws(SigningError) in try PrivateKey(pem: text, source: "k") } == .key)
    }
    let der = key.publicKey.der
    for bytes in [
      [], Array(der.dropLast()), der + [0], Array(der.dropLast()) + [der[90] ^ 1], [UInt8](repeating: 0, count: 91),
    ] {
      #expect(refusal { () throws(SigningError) in try PublicKey(der: bytes, source: "k") } == .key)
    }
  }

  // MARK: OpenSSL

  @Test(.enabled(if: StockTool.mayRunOpenSSL, "needs /usr/bin/openssl"))
  func opensslReadsOurKeys() throws {
    let key = PrivateKey()
    try directory.write(key.pem, to: "k.pem", mode: 0o600)
    try directory.write(key.publicKey.pem, to: "k.pub.pem")
    #expect(try StockTool.openssl("pkey", "-in", "k.pem", "-pubout", in: directory.path).text == key.publicKey.pem)
    #expect(try StockTool.openssl("pkey", "-in", "k.pem", in: directory.path).text == key.pem)
    #expect(
      try StockTool.openssl("pkey", "-pubin", "-in", "k.pub.pem", in: directory.path).text == key.publicKey.pem)
    let checked = try StockTool.openssl("ec", "-in", "k.pem", "-check", "-noout", in: directory.path)
    #expect(checked.status == 0 && checked.text.contains("EC Key valid."))
    // The id is what the documentation says.
    try StockTool.openssl("pkey", "-pubin", "-in", "k.pub.pem", "-outform", "DER", "-out", "k.der", in: directory.path)
    #expect(
      try StockTool.openssl("dgst", "-sha256", "-r", "k.der", in: directory.path).text == "\(key.publicKey.id) *k.der\n"
    )
    #expect(
      try StockTool.openssl("dgst", "-sha256", "-r", "k.pub.pem", in: directory.path).text
        == "\(key.publicKey.modelSigningHint) *k.pub.pem\n")
    // And what a signature is over.
    let message = DSSEEnvelope.preAuthenticationEncoding(type: DSSEEnvelope.payloadType, payload: Array("{}".utf8))
    try directory.write(message, to: "message")
    try directory.write(try key.signature(for: message), to: "signature")
    let verified = try StockTool.openssl(
      "dgst", "-sha256", "-verify", "k.pub.pem", "-signature", "signature", "message", in: directory.path)
    #expect(verified.text == "Verified OK\n")
    try directory.write(message + [0], to: "message")
    #expect(
      try StockTool.openssl(
        "dgst", "-sha256", "-verify", "k.pub.pem", "-signature", "signature", "message", in: directory.path
      ).status == 1)
  }

  @Test(.enabled(if: StockTool.mayRunOpenSSL, "needs /usr/bin/openssl"))
  func readsKeysOfOpenSSL() throws {
    let commands: [(name: String, arguments: [String])] = [
      ("pkcs8.pem", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
      ("sec1.pem", ["ecparam", "-name", "prime256v1", "-genkey", "-noout"]),
      ("sec1-with-parameters.pem", ["ecparam", "-name", "prime256v1", "-genkey"]),
    ]
    for (name, arguments) in commands {
      #expect(try StockTool.run(StockTool.openssl, arguments + ["-out", name], in: directory.path).status == 0)
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: directory.file(name))
      let key = try PrivateKey(contentsOf: directory.file(name))
      let expected = try StockTool.openssl("pkey", "-in", name, "-pubout", in: directory.path).text
      #expect(key.publicKey.pem == expected)
      // openssl ec turns our PKCS#8 into SEC 1, and that is the same key.
      try directory.write(key.pem, to: "ours.pem", mode: 0o600)
      try StockTool.openssl("ec", "-in", "ours.pem", "-out", "again.pem", in: directory.path)
      #expect(try PrivateKey(contentsOf: directory.file("again.pem")).publicKey == key.publicKey)
      // A signature by OpenSSL is one for us.
      try directory.write("message", to: "message")
      try StockTool.openssl("dgst", "-sha256", "-sign", name, "-out", "signature", "message", in: directory.path)
      #expect(key.publicKey.isValid(try directory.read("signature"), for: Array("message".utf8)))
    }
  }

  @Test(.enabled(if: StockTool.mayRunOpenSSL, "needs /usr/bin/openssl"))
  func refusesOtherKeysOfOpenSSL() throws {
    let commands: [[String]] = [
      ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
      ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
      ["genpkey", "-algorithm", "ED25519"],
      ["ecparam", "-name", "secp256k1", "-genkey", "-noout"],
      ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"],
      ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
      ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256", "-pass", "pass:secret"],
      ["ecparam", "-name", "prime256v1"],
    ]
    for (index, arguments) in commands.enumerated() {
      let name = "\(index).pem"
      #expect(try StockTool.run(StockTool.openssl, arguments + ["-out", name], in: directory.path).status == 0)
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: directory.file(name))
      #expect(
        refusal { () throws(SigningError) in try PrivateKey(contentsOf: directory.file(name)) } == .key, "\(arguments)")
    }
    // An Ed25519 public key is one, for checkpoints.
    try StockTool.openssl("pkey", "-in", "2.pem", "-pubout", "-out", "ed.pub.pem", in: directory.path)
    let text = String(decoding: try directory.read("ed.pub.pem"), as: UTF8.self)
    let key = try PublicKey(pem: text, source: "k")
    #expect(key.algorithm == .ed25519)
    #expect(key.pem == text)
    try directory.write("message", to: "message")
    try StockTool.openssl(
      "pkeyutl", "-sign", "-rawin", "-inkey", "2.pem", "-in", "message", "-out", "sig", in: directory.path)
    #expect(key.isValid(try directory.read("sig"), for: Array("message".utf8)))
    #expect(!key.isValid(try directory.read("sig"), for: Array("Message".utf8)))
    // A compressed point is the same key in other bytes, which would give it a second id.
    try StockTool.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "p256.pem", in: directory.path)
    for (form, code) in [("uncompressed", nil), ("compressed", SigningError.Code.key)] {
      let printed = try StockTool.openssl(
        "pkey", "-in", "p256.pem", "-pubout", "-ec_conv_form", form, in: directory.path)
      #expect(printed.status == 0)
      #expect(refusal { () throws(SigningError) in try PublicKey(pem: printed.text, source: "k") } == code)
    }
  }

  // MARK: Where keys come from

  @Test(arguments: [0o640, 0o604, 0o620, 0o602, 0o610, 0o666, 0o644])
  func refusesAKeyThatOthersHaveAccessTo(mode: Int) throws {
    try directory.write(PrivateKey().pem, to: "k.pem", mode: mode)
    #expect(
      refusal { () throws(SigningError) in try PrivateKey(contentsOf: directory.file("k.pem")) } == .permissions)
  }

  @Test(.enabled(if: getuid() == 0, "needs root to give a file to another user"))
  func refusesAKeyOfAnotherUser() throws {
    try directory.write(PrivateKey().pem, to: "k.pem", mode: 0o600)
    #expect(chown(directory.file("k.pem"), 12_345, 0) == 0)
    #expect(
      refusal { () throws(SigningError) in try PrivateKey(contentsOf: directory.file("k.pem")) } == .permissions)
  }

  @Test func namesAMissingOrOddFile() throws {
    #expect(refusal { () throws(SigningError) in try PrivateKey(contentsOf: directory.file("none")) } == .missing)
    #expect(refusal { () throws(SigningError) in try PrivateKey(contentsOf: directory.path) } == .file)
    #expect(mkfifo(directory.file("pipe"), 0o600) == 0)
    #expect(refusal { () throws(SigningError) in try PrivateKey(contentsOf: directory.file("pipe")) } == .file)
    try directory.write([UInt8](repeating: 0x61, count: 1_000_000), to: "large", mode: 0o600)
    #expect(refusal { () throws(SigningError) in try PrivateKey(contentsOf: directory.file("large")) } == .key)
  }

  @Test func findsTheFirstSourceThatIsThere() throws {
    let (file, variable, credential) = (PrivateKey(), PrivateKey(), PrivateKey())
    try directory.write(file.pem, to: "k.pem", mode: 0o600)
    // systemd shows the access list of a credential as the group's right to read.
    try directory.write(credential.pem, to: "vpals-signing-key", mode: 0o440)
    var environment = ["VPALS_SIGNING_KEY": variable.pem, "CREDENTIALS_DIRECTORY": directory.path]
    func found(_ path: String? = nil) throws(SigningError) -> String {
      try PrivateKey.find(file: path, environment: environment).publicKey.id
    }
    #expect(try found(directory.file("k.pem")) == file.publicKey.id)
    #expect(try found() == variable.publicKey.id)
    environment["VPALS_SIGNING_KEY"] = nil
    #expect(try found() == credential.publicKey.id)
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o444], ofItemAtPath: directory.file("vpals-signing-key"))
    #expect(refusal { () throws(SigningError) in try found() } == .permissions)
    // A broken source is never passed over.
    environment["VPALS_SIGNING_KEY"] = ""
    #expect(refusal { () throws(SigningError) in try found() } == .key)
    environment["VPALS_SIGNING_KEY"] = directory.file("k.pem")
    #expect(refusal { () throws(SigningError) in try found() } == .key)
    #expect(refusal { () throws(SigningError) in try found(directory.file("none")) } == .missing)
    environment = ["CREDENTIALS_DIRECTORY": "\(directory.path)/none"]
    #expect(refusal { () throws(SigningError) in try found() } == .noKey)
  }
}
