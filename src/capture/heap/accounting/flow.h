/* What a thread took from Python's allocators and gave back: counted by the hooks, read by the
 * lines that the thread runs. Only the thread itself touches its own; it never goes back to zero,
 * so that differences are right across captures.
 *
 * `net` can only fall when something is freed, so its maximum is looked for there and where it is
 * read: an allocation costs two additions.
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_FLOW_H
#define MP_CAPTURE_HEAP_ACCOUNTING_FLOW_H

#include <stddef.h>
#include <stdint.h>

struct mp_flow {
    uint64_t allocated; /* bytes */
    int64_t net;        /* allocated minus given back */
    int64_t high;       /* the largest net before a free, since the last restart */
};

/* The calling thread's; NULL when nothing of it is counted. */
typedef struct mp_flow *mp_flow_find(void);

static inline void mp_flow_add(struct mp_flow *flow, size_t size)
{
    flow->allocated += size;
    flow->net += (int64_t)size;
}

static inline int64_t mp_flow_high(const struct mp_flow *flow)
{
    return flow->net > flow->high ? flow->net : flow->high;
}

static inline void mp_flow_remove(struct mp_flow *flow, size_t size)
{
    flow->high = mp_flow_high(flow);
    flow->net -= (int64_t)size;
}

/* From here on `high` tells of what comes. Whoever restarts it hands it on to all who wait. */
static inline void mp_flow_restart(struct mp_flow *flow)
{
    flow->high = flow->net;
}

/* Forgets a block allocated since the last free, whose own end nobody will count. */
static inline void mp_flow_disown(struct mp_flow *flow, size_t size)
{
    flow->allocated -= size;
    flow->net -= (int64_t)size;
}

#endif
