// The integer routine that bounds a claim over eight cells at once. Trusted; see docs/proof-format.md, which defines
// every operation below, and LeafEvaluator.swift, which owns the memory.
#pragma once
#include <stdint.h>

/// Cells per batch. Lanes never influence each other.
#define LB_LANES 8

/// One layer in fixed point: weights in [low, low + slack] · 2^-shift, biases in [biasLow, biasHigh] · 2^-30.
typedef struct {
  int32_t inputs;
  int32_t outputs;
  /// Index of the first neuron of this layer among all hidden neurons.
  int32_t offset;
  /// Fraction bits of the weights, 16 ... 30.
  int32_t shift;
  /// Whether every slack is zero.
  int32_t exact;
  /// Row-major outputs × inputs; 32-bit numbers, stored so that a load can broadcast one.
  const int64_t *low;
  /// 0 or 1 per weight.
  const uint8_t *slack;
  /// For each input i the neurons listed in listed[listedStart[i] ..< listedStart[i + 1]]: those whose weight from i has
  /// slack 1, or, where `complement` is set, those whose weight has slack 0.
  const int32_t *listedStart;
  const int32_t *listed;
  int32_t complement;
  const int64_t *biasLow;
  const int64_t *biasHigh;
  /// Each row's inputs, outputs × inputs: first those with low >= 0 that are not exactly zero, then those with low < 0,
  /// then the zeros; and where the second and the third part begin, 2 × outputs.
  const int32_t *order;
  const int32_t *parts;
  /// Each row as coefficients with 24 fraction bits, in the order of `order`, for the factors 1 and -1: rounded down,
  /// rounded up, and (exactly, rounded up in 2^-16 of a unit) what rounding down takes away. NULL for the last layer,
  /// and where one leaves its range.
  const int64_t *down[2], *up[2], *rest[2];
} LBLayer;

typedef struct {
  int32_t inputs;
  /// Hidden layers; layer[hidden] is the claim's row.
  int32_t hidden;
  int32_t neurons;
  int32_t widest;
  /// Linear constraints on the inputs, as a layer without neurons: row r says row_r · t + bias ≥ 0.
  int32_t constraints;
  /// Whether the claim is about the derivative along one feature.
  int32_t derivative;
  const LBLayer *layer;
  const LBLayer *constraint;
  /// The derivative of each first-layer neuron along the feature, in [low, high] · 2^-30.
  const int64_t *slopeLow;
  const int64_t *slopeHigh;
} LBProblem;

/// All pointers are to rows of eight 64-bit lanes, 64-byte aligned.
typedef struct {
  // In.
  int64_t *boxLow, *boxHigh;                      // inputs
  int64_t *premise;                               // neurons: -1, 0, 1
  /// Whether intervals alone bound the hidden neurons, without backward passes.
  int32_t intervals;
  int64_t *given;                                 // 1 row: -1 where multipliers are given, 0 for default ones
  int64_t *alpha, *kappa, *omega, *active, *slope;  // neurons, in 2^-16
  int64_t *beta;                                  // neurons + constraints, in 2^-24
  // In: bounds known beforehand. Out: bounds in the cell.
  int64_t *zLow, *zHigh, *dLow, *dHigh;           // neurons
  // Scratch.
  int64_t *hLow, *hHigh, *yLow, *yHigh;           // neurons
  int64_t *reciprocal;                            // 8 · neurons
  int64_t *scratch;                               // 8 · widest
  // Out.
  int64_t *bound;                                 // 1 row, in 2^-40
  int64_t *form;                                  // inputs, in 2^-24
  int64_t *empty;                                 // 1 row: -1 where the cell has no generic point
  int64_t *overflow;                              // 1 row: -1 where a number left its range
} LBBatch;

/// Bounds every hidden neuron and then the claim in eight cells.
void lb_evaluate(const LBProblem *problem, const LBBatch *batch);

/// `baseline`, `avx2` or `avx512`: which variant `lb_evaluate` uses on this machine. All give the same integers.
const char *lb_variant(void);
/// Forces a variant by name for tests; NULL for the best one. Returns 0 when the machine lacks it.
int lb_select(const char *name);
