/* Calls the test while the loader is relocating: an indirect function's resolver runs then, and
   the object that needs this one is not relocated yet. */
#include "plugin.h"

static int open(void)
{
    return 1;
}

static int (*resolve(void))(void)
{
    if (plugin_gate)
        plugin_gate();
    return open;
}

static int pass(void) __attribute__((ifunc("resolve")));

int gate_passed(void)
{
    return pass();
}
