#include "capture/heap/python/numbers.h"

#include "capture/heap/python/recording.h"
#include "capture/heap/python/session.h"

struct asking {
    const void *const *codes;
    size_t count;
    uint32_t *numbers;
};

static void look(void *context)
{
    struct asking *asking = context;
    for (size_t i = 0; i < asking->count; i++)
        asking->numbers[i] =
            mp_codes_find(&mp_recording.walk.codes, (PyCodeObject *)asking->codes[i])->id;
}

void mp_recording_numbers(const void *const *codes, size_t count, uint32_t *numbers)
{
    struct asking asking = {codes, count, numbers};
    if (mp_hooks_are_open())
        mp_hooks_pause(look, &asking);
}
