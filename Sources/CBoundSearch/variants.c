// One body, compiled for three instruction sets; the machine's best is chosen at run time. Sums are fused and ordered
// differently, so two kinds of machine may find different proofs; each proof is checked in integers.
#include "bound_search.h"

#define NAME(x) x##_baseline
#include "bound_search.inc"
#undef NAME

typedef void Evaluate(const BSProblem *, const BSBatch *, int, float, float);
void bs_evaluate_avx2(const BSProblem *, const BSBatch *, int, float, float);
void bs_evaluate_avx512(const BSProblem *, const BSBatch *, int, float, float);

static Evaluate *chosen = bs_evaluate_baseline;

__attribute__((constructor)) static void initialise(void) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw"))
    chosen = bs_evaluate_avx512;
  else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    chosen = bs_evaluate_avx2;
#endif
}

int64_t bs_scratch_rows(const BSProblem *problem) { return bs_scratch_rows_baseline(problem); }

void bs_evaluate(const BSProblem *problem, const BSBatch *batch, int iterations, float rate, float target) {
  chosen(problem, batch, iterations, rate, target);
}
