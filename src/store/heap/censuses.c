/* What the blocks were at moments of a run: a list of a few censuses, each with rows of its own.
 *
 *     censuses   [ peak | peak | mark | mark | asked | ... ]
 *     rows       [ its rows, some room | ...               ]   taken again for the next one of its kind
 *
 * Of a kind there are two and more: one is replaced while another stands, and is listed (`stamp`) once it is
 * complete. Whoever reads meanwhile, or a kill, finds those that are.
 */
#include <errno.h>
#include <stdlib.h>

#include "store/heap/types.h"

enum { MARKS = 32, OTHERS = 2 /* of each kind */, SPARE = 4 /* part of its rows */ };

static bool has_moment(const struct mp_heap *heap, uint32_t stamp)
{
    for (size_t i = 0; i < heap->header->counts[MP_HEAP_MOMENTS]; i++)
        if (heap->moments[i].stamp == stamp)
            return true;
    return false;
}

/* One that may be replaced: of a mark that is gone, else the oldest; NULL where one more may be made. */
static struct mp_heap_census *replaced(struct mp_heap *heap, uint32_t of)
{
    size_t count = 0;
    struct mp_heap_census *oldest = NULL;
    for (size_t i = 0; i < heap->header->counts[MP_HEAP_CENSUSES]; i++) {
        struct mp_heap_census *one = &heap->censuses[i];
        if (one->of != of)
            continue;
        if (!one->stamp || (of == MP_HEAP_CENSUS_MARK && !has_moment(heap, one->mark)))
            return one;
        if (!oldest || one->stamp < oldest->stamp)
            oldest = one;
        count++;
    }
    return count < (of == MP_HEAP_CENSUS_MARK ? MARKS : OTHERS) ? NULL : oldest;
}

static struct mp_heap_census *make(struct mp_heap *heap, uint32_t of)
{
    uint64_t *count = &heap->header->counts[MP_HEAP_CENSUSES];
    if (mp_heap_reserve(heap, MP_HEAP_CENSUSES, 1, MP_HEAP_FOR_PROGRAM))
        return NULL;
    struct mp_heap_census *one = &heap->censuses[*count];
    *one = (struct mp_heap_census){.of = of};
    __atomic_store_n(count, *count + 1, __ATOMIC_RELEASE);
    return one;
}

/* Rows that it had and that are too few stay where they are: each time there are a quarter more. */
static int make_room(struct mp_heap *heap, struct mp_heap_census *one, size_t rows)
{
    uint64_t *count = &heap->header->counts[MP_HEAP_TYPED_THEN];
    size_t room = rows + rows / SPARE;
    if (rows <= one->room)
        return 0;
    if (mp_heap_reserve(heap, MP_HEAP_TYPED_THEN, room, MP_HEAP_FOR_PROGRAM))
        return -1;
    one->first = (uint32_t)*count;
    one->room = (uint32_t)room;
    __atomic_store_n(count, *count + room, __ATOMIC_RELEASE);
    return 0;
}

static uint32_t next_stamp(const struct mp_heap *heap)
{
    uint32_t stamp = 0;
    for (size_t i = 0; i < heap->header->counts[MP_HEAP_CENSUSES]; i++)
        stamp = heap->censuses[i].stamp > stamp ? heap->censuses[i].stamp : stamp;
    return stamp + 1;
}

int mp_heap_keep_census(struct mp_heap *heap, const struct mp_heap_census *made,
                        const struct mp_heap_counted *counted)
{
    uint32_t *numbers = mp_heap_number_types(heap, counted, MP_HEAP_FOR_PROGRAM);
    struct mp_heap_census *one = numbers ? replaced(heap, made->of) : NULL;
    uint32_t stamp = next_stamp(heap);
    if (numbers && !one)
        one = make(heap, made->of);
    if (one)
        __atomic_store_n(&one->stamp, 0, __ATOMIC_SEQ_CST);
    if (!one || make_room(heap, one, counted->row_count)) {
        free(numbers);
        return -1;
    }
    for (size_t i = 0; i < counted->row_count; i++) {
        heap->typed_then[one->first + i] = counted->rows[i];
        heap->typed_then[one->first + i].type = numbers[counted->rows[i].type];
    }
    free(numbers);
    one->time = made->time;
    one->live = made->live;
    one->mark = made->mark;
    one->count = (uint32_t)counted->row_count;
    __atomic_store_n(&one->stamp, stamp, __ATOMIC_RELEASE);
    return 0;
}

void mp_heap_drop_asked(struct mp_heap *heap)
{
    for (size_t i = 0; i < heap->header->counts[MP_HEAP_CENSUSES]; i++)
        if (heap->censuses[i].of == MP_HEAP_CENSUS_ASKED)
            __atomic_store_n(&heap->censuses[i].stamp, 0, __ATOMIC_RELEASE);
}

const char *mp_heap_census_check(const struct mp_heap_view *view,
                                 const struct mp_heap_census *census, size_t *rows)
{
    size_t all = view->counts[MP_HEAP_TYPED_THEN];
    if (!census->stamp)
        return NULL;
    if (census->of >= MP_HEAP_CENSUS_KINDS)
        return "a census is of no kind";
    if ((uint64_t)census->first + census->count > all)
        return "a census has more rows than there are";
    if ((*rows += census->count) > all)
        return "censuses overlap";
    for (size_t i = 0; i < census->count; i++) {
        const char *wrong = mp_heap_typed_check(view, &view->typed_then[census->first + i]);
        if (wrong)
            return wrong;
    }
    return NULL;
}
