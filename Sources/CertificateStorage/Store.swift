public import FoundationEssentials

/// The durable memory of vPALs: certificates, model versions, the retraining queue, and the state of training loops.
///
/// Every call is one transaction: it happens in full and is on the disk when the call returns, or not at all. Several
/// processes may use one store at once. Calls block for the length of a short transaction. Times are parameters, so
/// that a test, or a caller with its own clock, decides what has expired.
///
/// All calls throw ``StorageError``; `.busy`, `.noSpace`, `.readOnly`, `.unavailable` and `.corrupt` may come from any
/// of them and are not listed again.
public protocol Store: Sendable {
  // MARK: Certificates and models

  /// Records a certificate, its model version and its counterexamples.
  ///
  /// An issued certificate is also put among the entries that wait for the log, with the one that it
  /// supersedes. A counterexample to a property that an issued certificate
  /// of the same network claims to hold revokes that certificate.
  ///
  /// The same certificate again changes nothing. For each counterexample the pair's entry (``QueueEntry/id``) decides:
  /// - there is none: it is added, pending;
  /// - pending or leased: nothing changes, for it will be trained with anyway;
  /// - dropped: nothing changes; only ``requeue(_:now:)`` brings it back;
  /// - consumed, and this very network was already known to fail on the pair: nothing changes, for verifying an old
  ///   version again says nothing about the version that was trained since;
  /// - consumed, and the network is another one: the training did not cure the pair. The entry is pending again, with
  ///   the new network, values and text.
  ///
  /// A trainer that repeats an old run (and so meets an old network again) sees `.known(.consumed)` in the outcome and
  /// may ``requeue(_:now:)`` those entries.
  /// - Throws: `.invalid`, `.limit` (also when the application already has ``StoreBounds/openEntries`` open entries).
  func record(_ verification: VerificationRecord, now: Date) throws(StorageError) -> RecordOutcome

  /// Puts counterexamples of a search that issued no certificate into the queue, by the rules of ``record(_:now:)``.
  ///
  /// Revokes as ``record(_:now:)`` does.
  func enqueue(_ found: [FoundCounterexample], origin: QueueOrigin, now: Date) throws(StorageError) -> [QueueOutcome]

  func certificates(_ filter: CertificateFilter) throws(StorageError) -> [CertificateSummary]

  /// The certificate whose identifier is or begins with `id`.
  /// - Throws: `.notFound`, `.ambiguous`, `.invalid`.
  func certificate(id: String) throws(StorageError) -> StoredCertificate

  /// Revokes a certificate: from now on it counts nowhere.
  /// - Returns: Its full identifier.
  /// - Throws: `.notFound`, `.ambiguous`, `.invalid` (also for a candidate, which nobody relies on, and for one that is
  ///   revoked already).
  func revoke(certificate id: String, reason: String, now: Date) throws(StorageError) -> String

  /// The model versions of one or all applications, newest record first, at most ``StoreBounds/page``.
  func models(application: String?) throws(StorageError) -> [ModelVersion]

  // MARK: The queue, read

  /// Entries by ascending sequence.
  func queueEntries(_ filter: QueueFilter) throws(StorageError) -> [QueueEntry]

  /// The entry whose identifier is or begins with `id`.
  /// - Throws: `.notFound`, `.ambiguous`, `.invalid`.
  func queueEntry(id: String) throws(StorageError) -> QueueEntry

  func queueCounts(application: String?) throws(StorageError) -> QueueCounts

  // MARK: The queue, worked on

  /// Gives up to `limit` pending entries of an application, oldest first, to `owner` until `now` + `duration`.
  ///
  /// Expired leases of the application become pending first, and may be part of the answer. `owner` must be unique to
  /// the run that asks, for it is the fence: once an entry has gone to another owner, the old one can do nothing to it.
  func lease(application: String, limit: Int, owner: String, duration: Duration, now: Date) throws(StorageError)
    -> [QueueEntry]

  /// Extends leases to `now` + `duration`.
  /// - Throws: `.leaseLost` when `owner` does not hold all entries (an expired lease that nobody took is still held);
  ///   then nothing changes.
  func renew(_ ids: [String], owner: String, duration: Duration, now: Date) throws(StorageError)

  /// Marks leased entries as consumed by a new model version.
  ///
  /// An entry that was found again in this very version during the lease becomes pending instead, so that it does not
  /// matter whether the version's verification is recorded before or after this call.
  /// Repeating the call (after a crash that hid the answer) changes nothing and does not fail.
  /// - Throws: `.leaseLost` when `owner` does not hold all entries; then nothing changes.
  func consume(_ ids: [String], owner: String, version: String, now: Date) throws(StorageError)

  /// Returns entries that `owner` still holds to pending; others are left alone.
  /// - Returns: How many entries were returned.
  func release(_ ids: [String], owner: String, now: Date) throws(StorageError) -> Int

  /// Makes entries pending, whatever their state. Who held a lease finds it lost.
  /// - Returns: How many entries changed.
  /// - Throws: `.notFound` when there is no such entry; then nothing changes.
  func requeue(_ ids: [String], now: Date) throws(StorageError) -> Int

  /// Takes entries out for good, whatever their state. Who held a lease finds it lost.
  /// - Returns: How many entries changed.
  /// - Throws: `.notFound` when there is no such entry; then nothing changes.
  func drop(_ ids: [String], now: Date) throws(StorageError) -> Int

  // MARK: The training loop

  /// Keeps what a training loop needs to go on after it was killed; replaces the previous state.
  /// - Throws: `.limit` beyond ``StoreBounds/loopStateBytes``.
  func saveLoopState(application: String, _ bytes: [UInt8], now: Date) throws(StorageError)

  /// The state that was saved last, or nil.
  func loopState(application: String) throws(StorageError) -> [UInt8]?

  func removeLoopState(application: String) throws(StorageError)

  // MARK: The log

  /// Hands the entries that wait for the log, oldest first, to `publish`, and remembers where it put them.
  ///
  /// What was revoked goes into every log, so that none is without it; everything else into the first.
  ///
  /// Entries wait in the same transaction that their certificate is recorded in, so none is lost. A process that is
  /// killed between the log's commit and the store's leaves entries in the log that wait still: `position` is the size
  /// that the log had after the last call that ended, and whoever publishes looks for them from there on.
  ///
  /// - Parameters:
  ///   - origin: The log's name.
  ///   - limit: The most entries, at most ``StoreBounds/batch``.
  ///   - publish: Given the entries' bytes and `position`, appends those that the log does not have, and returns the
  ///     number of each in the log and the log's size. Runs inside of the transaction: other writers wait.
  /// - Returns: How many entries were published.
  func publishLogEntries(
    to origin: String, limit: Int,
    _ publish: (_ entries: [[UInt8]], _ position: Int) throws -> (indices: [Int], size: Int)
  ) throws -> Int

  // MARK: Health

  /// What is wrong with the store's content, one line each; empty when it is sound.
  func integrityProblems() throws(StorageError) -> [String]
}
