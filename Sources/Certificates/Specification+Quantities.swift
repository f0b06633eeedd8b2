public import Specifications

extension Specifications.Specification {
  /// The features as a certificate lists them.
  public var certificateFeatures: [Certificate.Quantity] {
    features.map { Certificate.Quantity(name: $0.name, statement: $0.statement) }
  }

  /// The outputs as a certificate lists them.
  public var certificateOutputs: [Certificate.Quantity] {
    outputs.map { Certificate.Quantity(name: $0.name, statement: "\($0.name)\($0.unitSuffix)") }
  }
}
