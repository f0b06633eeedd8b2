#include "bound_search.h"
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(x) x##_avx2
#include "bound_search.inc"
#pragma clang attribute pop
#endif
