#ifndef VPALS_CZ3_SHIM_H
#define VPALS_CZ3_SHIM_H

#include <z3.h>

#endif
