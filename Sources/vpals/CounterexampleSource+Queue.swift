import CertificateStorage
import Certificates
import ExactArithmetic
import Foundation

extension CounterexampleSource {
  /// An entry of the retraining queue; its model and specification are looked for where the commands keep them.
  init(_ entry: QueueEntry) {
    let origin = entry.origin
    let example = entry.found.counterexample
    name = "entry \(entry.id.prefix(12))"
    property = entry.found.property
    x = example.x
    xPrime = example.xPrime
    drop = example.drop
    network = "sha256:\(origin.networkDigest)"
    specification = "sha256:\(origin.specificationDigest)"
    // The names are ones that models and specifications were found under; anything else is no path of ours.
    func exists(_ path: String) -> String? { FileManager.default.fileExists(atPath: path) ? path : nil }
    let isPlain = FileName.isValid(origin.application) && FileName.isValid(origin.modelVersion)
    modelPath = isPlain ? exists("models/\(origin.application)/\(origin.modelVersion)") : nil
    specificationPath = isPlain ? exists("specs/\(origin.application).yaml") : nil
  }
}
