// Bounds and their multipliers in binary32, for sixteen cells at once: what the search computes with. Never a ground
// for a verdict: a cell is closed only by the integer routine of CLeafBound.
#pragma once
#include <stdint.h>

#define BS_LANES 16

typedef struct {
  int32_t inputs, outputs, offset;
  /// Row-major outputs × inputs.
  const float *weights;
  const float *biases;
} BSLayer;

typedef struct {
  int32_t inputs, hidden, neurons, widest, constraints, derivative;
  /// Hidden layers, then the claim's row.
  const BSLayer *layer;
  /// Rows · t + bias ≥ 0.
  const float *constraintRows, *constraintBiases;
  /// Of each first-layer neuron along the feature.
  const float *slopes;
  float threshold;
} BSProblem;

/// All pointers are to rows of sixteen floats, 64-byte aligned; one row per input or neuron.
typedef struct {
  float *boxLow, *boxHigh;
  float *premise;
  // Bounds known beforehand, then in the cell.
  float *zLow, *zHigh, *dLow, *dHigh;
  /// What an earlier evaluation of the same cell ended with, in every lane, and is not computed again: 0 nothing, 1 zLow
  /// and zHigh, 2 also dLow and dHigh, `bound`, `empty` and the best multipliers, from which the ascent goes on.
  int32_t known;
  // Multipliers: start of the ascent, then the best ones.
  float *alpha, *kappa, *omega, *active, *slope;  // neurons
  float *beta;                                    // neurons + constraints
  // Out.
  float *bound;         // 1: the best bound minus the threshold
  float *start;         // 1: what the bound was before the first step, minus the threshold
  float *plain;         // 1: the bound with default multipliers minus the threshold
  float *form;          // inputs: of the best bound
  float *minimiser;     // inputs: of the last bound
  float *empty;         // 1: 1 where the cell is empty
  float *gap;           // neurons: how far the relaxation lies below the worse phase, both phases added
  float *gapLeast;      // neurons: the smaller one of the two
  float *scratch;       // bs_scratch_rows() rows
} BSBatch;

int64_t bs_scratch_rows(const BSProblem *problem);
/// Bounds the hidden neurons, then improves the multipliers by `iterations` steps of ascent. A lane stops changing as
/// soon as its bound reaches `target`, so lanes never influence each other's results.
void bs_evaluate(const BSProblem *problem, const BSBatch *batch, int iterations, float rate, float target);
