#include "cmd/heap/whose.h"

#include <stdlib.h>

size_t *mp_heap_group(struct mp_heap_processes *groups,
                      const struct mp_heap_processes *list, int whose)
{
    if (whose != MP_HEAP_EACH_FOR_ITSELF)
        return mp_heap_whose_init(groups, list, (enum mp_heap_whose)whose)
                   ? NULL
                   : mp_heap_whose_of(groups, list, (enum mp_heap_whose)whose);
    size_t *numbers = calloc(list->count + 1, sizeof *numbers);
    for (size_t i = 0; numbers && i < list->count; i++)
        numbers[i] = i;
    return numbers;
}

int mp_heap_usual_whose(const struct mp_heap_processes *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (*list->processes[i].identity.worker || *list->processes[i].identity.rank)
            return MP_HEAP_BY_WORKER;
    return MP_HEAP_EACH_FOR_ITSELF;
}
