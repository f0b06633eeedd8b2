// A program for tests to kill. It works on a store or a directory and prints a line for each step that was
// acknowledged, so that whoever reads the lines knows what must have survived.

import CertificateStorage
import CertificateStorageSQLite
import Certificates
import Evidence
import FoundationEssentials
import Glibc
import TestHelpers
import TransparencyLog

/// Writes without buffering: a printed line has left the process.
func acknowledge(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  guard write(1, bytes, bytes.count) == bytes.count else { exit(3) }
}

func number(_ position: Int) -> Int {
  guard CommandLine.arguments.count > position, let value = Int(CommandLine.arguments[position]) else { exit(64) }
  return value
}

/// `loop STORE FIRST ROUND`: records verifications with three new counterexamples each, numbered from FIRST, leases and
/// consumes some of them and saves the state of the loop. Rounds are days, so that a killed round's leases expire.
func loop(_ store: SQLiteStore) throws {
  let round = number(4)
  let now = StoreExamples.start.addingTimeInterval(Double(round) * 86_400 * 2)
  let owner = "round-\(round)"
  for step in 0..<10_000 {
    let first = number(3) + 3 * step
    let outcome = try store.record(
      VerificationRecord(
        certificate: StoreExamples.certificate(seconds: first),
        found: (first..<first + 3).map { StoreExamples.found($0) }),
      now: now)
    acknowledge("certificate \(outcome.certificateID)")
    for entry in outcome.queue { acknowledge("added \(entry.id)") }
    let leased = try store.lease(application: "nginx", limit: 2, owner: owner, duration: .seconds(86_400), now: now)
    for entry in leased { acknowledge("leased \(entry.id)") }
    try store.consume(leased.map(\.id), owner: owner, version: "v\(first)", now: now)
    for entry in leased { acknowledge("consumed \(entry.id) v\(first)") }
    try store.saveLoopState(application: "nginx", Array("state \(first)".utf8), now: now)
    acknowledge("state \(first)")
  }
}

/// `drain STORE OWNER`: consumes one or two entries at a time until none is pending.
func drain(_ store: SQLiteStore) throws {
  let owner = CommandLine.arguments[3]
  for step in 0..<10_000 {
    let leased = try store.lease(
      application: "nginx", limit: 1 + step % 2, owner: owner, duration: .seconds(3600), now: StoreExamples.start)
    if leased.isEmpty { return }
    try store.consume(leased.map(\.id), owner: owner, version: "v0002", now: StoreExamples.start)
    for entry in leased { acknowledge("consumed \(entry.id) \(owner)") }
  }
}

/// `files DIRECTORY`: replaces one file by others of a megabyte each, and makes directories of three files.
func files(_ directory: String) throws {
  for step in 0..<10_000 {
    let content = [UInt8](repeating: UInt8(truncatingIfNeeded: step), count: 1 << 20)
    try AtomicFile.write(content, to: "\(directory)/file")
    acknowledge("file \(step)")
    let version = AtomicDirectory.nextVersion(in: directory)
    try AtomicDirectory.write(["a": content, "b": content, "c": content], to: "\(directory)/\(version)")
    acknowledge("directory \(version)")
  }
}

/// `issue STORE LOG DIRECTORY FIRST`: issues certificates numbered from FIRST into DIRECTORY, through store and log.
func issue(_ store: SQLiteStore) throws {
  let issuer = Issuer(log: try IssuingLog(directory: CommandLine.arguments[3]))
  let first = number(5)
  for step in 0..<10_000 {
    let issued = try issuer.issue(
      StoreExamples.certificate(seconds: first + step), proofs: [:], into: CommandLine.arguments[4], isVersion: true,
      store: store, now: Timestamp(StoreExamples.start))
    acknowledge("issued \(issued.outcome.certificateID) \(issued.logIndex ?? -1)")
  }
}

/// `log LOG`: appends commits of 1 to 2000 entries; entry number i is the text `entry i`.
func log(_ directory: String) throws {
  let writer = LogWriter(directory: directory, signers: [try LogFiles.readSecretKey(directory)])
  var size = try writer.append([]).first
  for step in 0..<10_000 {
    let count = [1, 700, 2000, 1, 256, 1500, 40, 900][step % 8]
    size = try writer.append((size..<size + count).map { Array("entry \($0)".utf8) }).signed.size
    acknowledge("size \(size)")
  }
}

/// `append LOG NAME COUNT`: appends the entries `NAME 0`, `NAME 1`, … one at a time and says where each is.
func append(_ directory: String) throws {
  let writer = LogWriter(directory: directory, signers: [try LogFiles.readSecretKey(directory)])
  let name = CommandLine.arguments[3]
  for step in 0..<number(4) {
    let place = try writer.append([Array("\(name) \(step)".utf8)]).first
    acknowledge("\(place) \(name) \(step)")
  }
}

/// `init LOG`: makes a log.
func initialise(_ directory: String) throws {
  acknowledge("\(try LogFiles.create(directory, origin: "example.com/log"))")
}

do {
  guard CommandLine.arguments.count > 2 else { exit(64) }
  let place = CommandLine.arguments[2]
  switch CommandLine.arguments[1] {
  case "loop": try loop(try SQLiteStore(path: place))
  case "drain": try drain(try SQLiteStore(path: place))
  case "files": try files(place)
  case "log": try log(place)
  case "append": try append(place)
  case "issue": try issue(try SQLiteStore(path: place))
  case "init": try initialise(place)
  default: exit(64)
  }
} catch {
  acknowledge("error \(error)")
  exit(1)
}
