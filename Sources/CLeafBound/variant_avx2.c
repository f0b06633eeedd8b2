#include "leaf_bound.h"
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(x) x##_avx2
#include "leaf_bound.inc"
#pragma clang attribute pop
#endif
