#include "capture/heap/accounting/leaf.h"

#define RECIPROCAL(grains) [grains] = (1u << 28) / (grains) + 1
#define RECIPROCALS(grains)                                                 \
    RECIPROCAL(grains), RECIPROCAL((grains) + 1), RECIPROCAL((grains) + 2), \
        RECIPROCAL((grains) + 3)

const uint32_t mp_pool_reciprocals[] = {
    RECIPROCALS(1),  RECIPROCALS(5),  RECIPROCALS(9),
    RECIPROCALS(13), RECIPROCALS(17), RECIPROCALS(21),
    RECIPROCALS(25), RECIPROCALS(29), [MP_POOL_KIND_MASK] = 0};
