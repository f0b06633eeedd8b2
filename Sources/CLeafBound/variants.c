// One body, compiled for three instruction sets; the machine's best is chosen at run time. Integers give the same
// results on each.
#include "leaf_bound.h"
#include <stddef.h>
#include <string.h>

#define NAME(x) x##_baseline
#include "leaf_bound.inc"
#undef NAME

typedef void Evaluate(const LBProblem *, const LBBatch *);
void lb_evaluate_avx2(const LBProblem *, const LBBatch *);
void lb_evaluate_avx512(const LBProblem *, const LBBatch *);

static Evaluate *chosen;
static const char *chosenName;

static int has(const char *name) {
#if defined(__x86_64__)
  if (!strcmp(name, "avx512"))
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw");
  if (!strcmp(name, "avx2")) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return !strcmp(name, "baseline");
}

static void use(const char *name) {
#if defined(__x86_64__)
  if (!strcmp(name, "avx512")) {
    chosenName = "avx512";
    __atomic_store_n(&chosen, lb_evaluate_avx512, __ATOMIC_RELEASE);
    return;
  }
  if (!strcmp(name, "avx2")) {
    chosenName = "avx2";
    __atomic_store_n(&chosen, lb_evaluate_avx2, __ATOMIC_RELEASE);
    return;
  }
#endif
  chosenName = "baseline";
  __atomic_store_n(&chosen, lb_evaluate_baseline, __ATOMIC_RELEASE);
}

int lb_select(const char *name) {
  if (name) {
    if (!has(name)) return 0;
    use(name);
    return 1;
  }
  use(has("avx512") ? "avx512" : has("avx2") ? "avx2" : "baseline");
  return 1;
}

__attribute__((constructor)) static void initialise(void) { lb_select(NULL); }

const char *lb_variant(void) { return chosenName; }

void lb_evaluate(const LBProblem *problem, const LBBatch *batch) {
  __atomic_load_n(&chosen, __ATOMIC_ACQUIRE)(problem, batch);
}
