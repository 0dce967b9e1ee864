#include "aggregate/heap/types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mix.h"
#include "base/saturate.h"
#include "base/slots.h"

/* The latest of a kind; beside a moment, if that is said. */
static const struct mp_heap_census *find_census(const struct mp_heap_view *view,
                                                enum mp_heap_census_of of,
                                                const struct mp_heap_moment *moment)
{
    const struct mp_heap_census *latest = NULL;
    for (size_t i = 0; i < view->counts[MP_HEAP_CENSUSES]; i++) {
        const struct mp_heap_census *one = &view->censuses[i];
        if (one->stamp && one->of == of && (!moment || one->mark == moment->stamp) &&
            (!latest || one->stamp > latest->stamp))
            latest = one;
    }
    return latest;
}

static struct mp_heap_typing typing_then(const struct mp_heap_view *view,
                                         const struct mp_heap_census *then)
{
    if (!then)
        return (struct mp_heap_typing){0};
    return (struct mp_heap_typing){.types = view->types,
                                   .rows = view->typed_then + then->first,
                                   .text = view->text,
                                   .type_count = view->counts[MP_HEAP_TYPES],
                                   .row_count = then->count,
                                   .then = then};
}

/* Percent of the peak that are near it. */
enum { NEAR = 95 };

struct mp_heap_typing mp_heap_typing_of(const struct mp_heap_view *view)
{
    if (!view->counts[MP_HEAP_TYPED] && view->header->clean)
        return typing_then(view, find_census(view, MP_HEAP_CENSUS_ASKED, NULL));
    return (struct mp_heap_typing){.types = view->types,
                                   .rows = view->typed,
                                   .text = view->text,
                                   .type_count = view->counts[MP_HEAP_TYPES],
                                   .row_count = view->counts[MP_HEAP_TYPED]};
}

/* A mark or the end that is near it may be nearer than what was counted for it. */
static struct mp_heap_typing typing_near_peak(const struct mp_heap_view *view)
{
    const struct mp_heap_census *census = find_census(view, MP_HEAP_CENSUS_PEAK, NULL);
    int64_t live = view->header->live, near = view->header->peak / 100 * NEAR;
    for (size_t i = 0; i < view->counts[MP_HEAP_CENSUSES]; i++) {
        const struct mp_heap_census *one = &view->censuses[i];
        if (one->stamp && one->of == MP_HEAP_CENSUS_MARK && one->live >= near &&
            (!census || one->live > census->live))
            census = one;
    }
    bool is_nearer = census ? census->live < live : live >= near;
    if (view->counts[MP_HEAP_TYPED] && is_nearer)
        return mp_heap_typing_of(view);
    return typing_then(view, census);
}

struct mp_heap_typing mp_heap_typing_at(const struct mp_heap_view *view)
{
    const struct mp_heap_instant *at = mp_heap_is_at(view) ? &view->range->to : NULL;
    if (!view->counts[MP_HEAP_TYPED] && (!at || at->when == MP_HEAP_WHEN_END))
        return typing_then(view, find_census(view, MP_HEAP_CENSUS_ASKED, NULL));
    if (!at || at->when == MP_HEAP_WHEN_END || view->typed_at)
        return mp_heap_typing_of(view);
    if (at->when == MP_HEAP_WHEN_PEAK)
        return typing_near_peak(view);
    if (at->when != MP_HEAP_WHEN_MARK || at->index >= view->counts[MP_HEAP_MOMENTS])
        return (struct mp_heap_typing){0};
    return typing_then(view,
                       find_census(view, MP_HEAP_CENSUS_MARK, &view->moments[at->index]));
}

static bool same_name(const struct mp_heap_typing *typing, uint32_t a, uint32_t b)
{
    struct mp_heap_text x = typing->types[a].name, y = typing->types[b].name;
    return x.length == y.length &&
           !memcmp(typing->text + x.offset, typing->text + y.offset, x.length);
}

/* Of each type the first of its name: a class that was made again is the same to a reader. */
static int find_first(const struct mp_heap_typing *typing, uint32_t *first)
{
    struct mp_slots slots;
    int failed = mp_slots_init(&slots, 0);
    for (uint32_t i = 0; i < typing->type_count && !failed; i++) {
        struct mp_heap_text name = typing->types[i].name;
        struct mp_slots_at at;
        first[i] = i;
        mp_slots_begin(&at, &slots, mp_mix_bytes(typing->text + name.offset, name.length));
        while (mp_slots_next(&at, &slots) && first[i] == i)
            if (same_name(typing, at.number - 1, i))
                first[i] = at.number - 1;
        if (first[i] == i)
            failed = mp_slots_put(&at, &slots, i + 1);
    }
    mp_slots_release(&slots);
    return failed;
}

struct building {
    struct mp_heap_type_rows *rows;
    struct mp_slots slots; /* positions + 1 */
    size_t room;
};

static struct mp_heap_type_row *row_of(struct building *building, uint32_t type,
                                       uint32_t line)
{
    struct mp_heap_type_rows *rows = building->rows;
    struct mp_slots_at at;
    for (mp_slots_begin(&at, &building->slots, mp_mix(type, line));
         mp_slots_next(&at, &building->slots);) {
        struct mp_heap_type_row *row = &rows->rows[at.number - 1];
        if (row->type == type && row->line == line)
            return row;
    }
    if (mp_array_reserve((void **)&rows->rows, &building->room, rows->count + 1,
                         sizeof *rows->rows) ||
        mp_slots_put(&at, &building->slots, (uint32_t)rows->count + 1))
        return NULL;
    struct mp_heap_type_row *row = &rows->rows[rows->count++];
    *row = (struct mp_heap_type_row){
        .name = rows->typing.types[type].name, .type = type, .line = line};
    return row;
}

static void add(struct mp_heap_type_row *row, const struct mp_heap_typed *typed)
{
    row->blocks = mp_sum(row->blocks, typed->blocks);
    row->bytes = mp_sum(row->bytes, typed->bytes);
    row->kept_blocks = mp_sum(row->kept_blocks, typed->kept_blocks);
    row->kept = mp_sum(row->kept, typed->kept);
}

static int collect(struct building *building, const uint32_t *places, const uint32_t *first)
{
    struct mp_heap_type_rows *rows = building->rows;
    for (size_t i = 0; i < rows->typing.row_count; i++) {
        const struct mp_heap_typed *typed = &rows->typing.rows[i];
        uint32_t line = !places ? 0 : typed->node ? places[typed->node] : MP_HEAP_NO_LINE;
        struct mp_heap_type_row *row = row_of(building, first[typed->type], line);
        if (!row)
            return -1;
        add(row, typed);
        add(&rows->whole, typed);
    }
    return 0;
}

void mp_heap_type_row_add(struct mp_heap_type_row *sum, const struct mp_heap_type_row *row)
{
    sum->blocks = mp_sum(sum->blocks, row->blocks);
    sum->bytes = mp_sum(sum->bytes, row->bytes);
    sum->kept_blocks = mp_sum(sum->kept_blocks, row->kept_blocks);
    sum->kept = mp_sum(sum->kept, row->kept);
}

int64_t mp_heap_type_row_size(const struct mp_heap_type_row *row)
{
    return mp_sum(row->bytes, row->kept);
}

static int by_size(const void *left, const void *right, void *context)
{
    const struct mp_heap_typing *typing = context;
    const struct mp_heap_type_row *a = left, *b = right;
    int64_t x = mp_heap_type_row_size(a), y = mp_heap_type_row_size(b);
    if (x != y)
        return x < y ? 1 : -1;
    size_t length = a->name.length < b->name.length ? a->name.length : b->name.length;
    int order =
        memcmp(typing->text + a->name.offset, typing->text + b->name.offset, length);
    if (!order)
        order = (a->name.length > b->name.length) - (a->name.length < b->name.length);
    return order ? order : (a->line > b->line) - (a->line < b->line);
}

static int by_line(const void *left, const void *right, void *context)
{
    const struct mp_heap_type_row *rows = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    if (rows[a].line != rows[b].line)
        return rows[a].line < rows[b].line ? -1 : 1;
    return (a > b) - (a < b);
}

static int put_by_line(struct mp_heap_type_rows *rows)
{
    rows->by_line = calloc(rows->count + 1, sizeof *rows->by_line);
    for (uint32_t i = 0; rows->by_line && i < rows->count; i++)
        rows->by_line[i] = i;
    if (rows->by_line && rows->count)
        qsort_r(rows->by_line, rows->count, sizeof *rows->by_line, by_line, rows->rows);
    return rows->by_line ? 0 : -1;
}

/* The first of them that is of this line or a later one. */
static size_t first_from(const struct mp_heap_type_rows *rows, uint64_t line)
{
    size_t from = 0, to = rows->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (rows->rows[rows->by_line[middle]].line < line)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

const uint32_t *mp_heap_type_rows_of(const struct mp_heap_type_rows *rows, uint32_t line,
                                     size_t *count)
{
    size_t from = first_from(rows, line);
    *count = first_from(rows, (uint64_t)line + 1) - from;
    return rows->by_line + from;
}

int mp_heap_type_rows_init(struct mp_heap_type_rows *rows,
                           const struct mp_heap_typing *typing, const uint32_t *places)
{
    struct building building = {.rows = rows};
    uint32_t *first = calloc(typing->type_count + 1, sizeof *first);
    *rows = (struct mp_heap_type_rows){.typing = *typing};
    int failed = !first || mp_slots_init(&building.slots, 0) || find_first(typing, first) ||
                 collect(&building, places, first);
    mp_slots_release(&building.slots);
    free(first);
    if (!failed && rows->count)
        qsort_r(rows->rows, rows->count, sizeof *rows->rows, by_size, &rows->typing);
    if (!failed && (!places || !put_by_line(rows)))
        return 0;
    mp_heap_type_rows_release(rows);
    errno = ENOMEM;
    return -1;
}

void mp_heap_type_rows_release(struct mp_heap_type_rows *rows)
{
    free(rows->rows);
    free(rows->by_line);
    *rows = (struct mp_heap_type_rows){0};
}

const struct mp_heap_line **mp_heap_lines_by_number(const struct mp_heap_lines *lines)
{
    const struct mp_heap_line **by_number = calloc(lines->numbers + 1, sizeof *by_number);
    for (size_t i = 0; by_number && i < lines->all; i++)
        by_number[lines->lines[i].number] = &lines->lines[i];
    return by_number;
}
