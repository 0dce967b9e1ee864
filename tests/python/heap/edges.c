/* Asks for memory where a program hardly runs yet, or no longer: while it is relocated, in
 * constructors, in what runs at its end. Loaded with ctypes or preloaded. */
#include <stdlib.h>
#include <string.h>

enum { RESOLVED = 11000, CONSTRUCTED = 13000, KEPT = 5 << 20, LATE = 17000, LAST = 19000 };

static void *resolved, *constructed, *kept, *kept_late;

static int answer(void)
{
    return 42;
}

static int (*resolve(void))(void)
{
    free(malloc(100));
    resolved = realloc(malloc(10), RESOLVED);
    return answer;
}

static int ask(void) __attribute__((ifunc("resolve")));

/* Of blocks that are kept, the first byte is written: nothing of them may be optimized away. */
static void *keep(size_t size)
{
    char *block = malloc(size);
    memset(block, 1, 1);
    return block;
}

static void late(void)
{
    free(realloc(keep(10), 20));
    kept_late = keep(LATE);
}

__attribute__((constructor(101))) static void construct(void)
{
    free(calloc(10, 10));
    constructed = keep(CONSTRUCTED);
    atexit(late);
}

__attribute__((destructor)) static void destruct(void)
{
    free(malloc(100));
    free(kept);
    kept = keep(LAST);
}

/* Gives back what was taken before anybody could see it, and keeps some. */
int work(void)
{
    resolved = realloc(resolved, 2 * RESOLVED);
    free(resolved);
    free(constructed);
    kept = keep(KEPT);
    return ask();
}
