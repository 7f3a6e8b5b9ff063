// Chooses the kernel table: the CPU's best instruction set, or the one NNCONV_ISA names.
#pragma once

#include "kernel/kernel.h"

namespace nnconv {

// The table in use. Throws nnconv::Error where NNCONV_ISA names a set that can't be used here.
const KernelTable& kernels();
// The table of one instruction set by name, or null where it isn't compiled in or this CPU lacks
// it.
const KernelTable* kernels_for(const char* isa);

}  // namespace nnconv
