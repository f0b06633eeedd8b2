#include "leaf_bound.h"
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma"))), apply_to = function)
#define NAME(x) x##_avx512
#include "leaf_bound.inc"
#pragma clang attribute pop
#endif
