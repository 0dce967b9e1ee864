/* The moments of a heap capture, and a capture as it was at one of them, or as what grew between two.
 *
 *     start ──── 2.1 s ──── warm ──── 4.2 s ─ peak ──── 6.3 s ──── end      instants, by time
 *                            ├─────────── growth ──────────────────►│
 *
 * At the start, the peak and the end all stacks are known. A moment has the large ones; the others are one more stack,
 * "(smaller stacks)", so that sums are exact.
 */
#ifndef MP_AGGREGATE_HEAP_MOMENTS_H
#define MP_AGGREGATE_HEAP_MOMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/heap.h"

#define MP_HEAP_SMALLER_STACKS "(smaller stacks)"
enum { MP_HEAP_INSTANTS = MP_HEAP_SLOTS + 3 };

/* What somebody asks for: "start", "peak", "end", a time ("12.5s", "300ms", "2m", "1h", "12.5"), or
   else a mark by its name. */
struct mp_heap_wanted {
    enum { MP_HEAP_WANT_INSTANT, MP_HEAP_WANT_TIME, MP_HEAP_WANT_MARK } what;
    enum mp_heap_when when; /* of the first kind */
    int64_t time;           /* ns since the start */
    char name[MP_HEAP_MARK + 1];
};

/* 0, or -1: it is empty, or longer than a mark's name. */
int mp_heap_wanted_parse(struct mp_heap_wanted *, const char *text, size_t length);

/* Start, moments, marks, peak and end of a capture, by time. Returns how many they are. */
size_t mp_heap_instants(const struct mp_heap_view *, struct mp_heap_instant *);

/* The one that is meant: the last mark of a name, which is the end under that name while it waits to be taken; of a
   time the nearest instant. Whether there is one: a time outside the run has none. */
bool mp_heap_instant_find(const struct mp_heap_view *, const struct mp_heap_wanted *,
                          struct mp_heap_instant *);

/* The one nearest to a time of day (ns since 1970), of a process of a run that may have begun later, or
   ended before: then it is the start, at which nothing is there. */
struct mp_heap_instant mp_heap_instant_nearest(const struct mp_heap_view *, int64_t wall);

/* Adds what another process held at the instants of the run's first one, by time: at its mark of that name, its
   own peak or end, else at what is nearest in time; nothing where the clocks are two. */
void mp_heap_instants_add(struct mp_heap_instant *sums, size_t count,
                          const struct mp_heap_header *first, const struct mp_heap_view *);

/* What each stack held then; `held` has room for all nodes. Returns what those held that the moment does
   not have. */
struct mp_heap_delta mp_heap_held_at(const struct mp_heap_view *,
                                     const struct mp_heap_instant *,
                                     struct mp_heap_delta *held);

/* What each stack is taken to have held then, of growth from there until now: one that the moment does not have, and
   that is not large now, held what it does now, as far as it may have. 0, or -1 with errno ENOMEM. */
int mp_heap_held_before(const struct mp_heap_view *, const struct mp_heap_instant *,
                        struct mp_heap_delta *held);

/* A capture as it was asked for. */
struct mp_heap_shown {
    struct mp_heap_view view;
    struct mp_heap_range range;
    struct mp_heap_header *header; /* owned, as all; NULL where it is the capture's */
    struct mp_heap_node *nodes;
    struct mp_heap_code *codes;
    char *text;
    struct mp_heap_delta *growth;
};

/* A view of the capture, whose tables must stay: figures at the peak are those at range->to, or the
   growth from range->from on is there. 0, or -1 with errno ENOMEM; the caller releases it either
   way. */
int mp_heap_shown_init(struct mp_heap_shown *, const struct mp_heap_view *,
                       const struct mp_heap_range *);
/* Makes two moments of one capture comparable: a stack that one of them does not have is taken to have
   held what it does at the other, as far as it may have. The smaller stacks have less by that. */
void mp_heap_shown_level(struct mp_heap_shown *, struct mp_heap_shown *,
                         const struct mp_heap_view *);

void mp_heap_shown_release(struct mp_heap_shown *);

#endif
