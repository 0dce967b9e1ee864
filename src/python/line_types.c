#include "python/line_types.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/mix.h"
#include "base/slots.h"
#include "capture/heap/accounting/throttle.h"
#include "capture/heap/python/census.h"
#include "capture/heap/python/lines.h"
#include "capture/heap/python/numbers.h"
#include "capture/heap/python/recording.h"
#include "capture/heap/python/session.h"
#include "capture/lines/binding.h"
#include "capture/lines/trace_compat.h"
#include "record/location.h"

/* The analyzer loses sight of what is kept in an array. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

static const int64_t unthrottled = 100000000; /* ns that all of them may take at any rate */

/* The largest type that a line has had. */
struct best {
    char *name; /* owned; NULL: none */
    int64_t objects, bytes;
};

/* Of a table. */
struct of_table {
    struct best *rows; /* owned; NULL: none yet */
    int count;
};

struct mp_line_types {
    struct of_table *tables; /* owned, by their numbers */
    size_t count, room;
    struct mp_throttle throttle;
    int64_t spent; /* ns */
};

/* What a line has of a type. */
struct sum {
    uint32_t table, row, type;
    int64_t objects, bytes;
};

struct taking {
    struct mp_tracer *tracer;
    struct mp_line_types *types;
    struct mp_census census;
    struct mp_heap_view view;
    uint32_t *tables;  /* owned: of a code's number the table's + 1 */
    uint32_t *charged; /* owned: of a node the nearest to it that is a table's line, or 0 */
    struct sum *sums;  /* owned */
    size_t sum_count, sum_room;
    struct mp_slots index; /* positions + 1 of them */
};

static uint32_t table_number(const struct mp_tracer *tracer,
                             const struct mp_line_table *table)
{
    for (size_t i = 0; table && i < tracer->count; i++)
        if (tracer->traced[i].table == table)
            return (uint32_t)i + 1;
    return 0;
}

static int find_tables(struct taking *taking)
{
    struct mp_tracer *tracer = taking->tracer;
    size_t codes = taking->view.counts[MP_HEAP_CODES];
    uint32_t *numbers = calloc(tracer->bound_count + 1, sizeof *numbers);
    taking->tables = calloc(codes + 1, sizeof *taking->tables);
    if (numbers && taking->tables) {
        mp_recording_numbers(tracer->bound, tracer->bound_count, numbers);
        for (size_t i = 0; i < tracer->bound_count; i++)
            if (numbers[i] && numbers[i] < codes)
                taking->tables[numbers[i]] =
                    table_number(tracer, mp_tracer_table(tracer, tracer->bound[i]));
    }
    free(numbers);
    return numbers && taking->tables ? 0 : -1;
}

/* A node comes behind its caller. */
static int find_charged(struct taking *taking)
{
    const struct mp_heap_view *view = &taking->view;
    size_t codes = view->counts[MP_HEAP_CODES];
    taking->charged = calloc(view->counts[MP_HEAP_NODES] + 1, sizeof *taking->charged);
    for (uint32_t i = 1; taking->charged && i < view->counts[MP_HEAP_NODES]; i++) {
        const struct mp_heap_node *node = &view->nodes[i];
        bool is_its = node->code < codes && taking->tables[node->code];
        taking->charged[i] = is_its             ? i
                             : node->parent < i ? taking->charged[node->parent]
                                                : 0;
    }
    return taking->charged ? 0 : -1;
}

static int add(struct taking *taking, const struct sum *row)
{
    struct mp_slots_at at;
    uint64_t hash = mp_mix(row->table, mp_mix(row->row, row->type) >> 32);
    for (mp_slots_begin(&at, &taking->index, hash); mp_slots_next(&at, &taking->index);) {
        struct sum *sum = &taking->sums[at.number - 1];
        if (sum->table == row->table && sum->row == row->row && sum->type == row->type) {
            sum->objects += row->objects;
            sum->bytes += row->bytes;
            return 0;
        }
    }
    if (mp_array_reserve((void **)&taking->sums, &taking->sum_room, taking->sum_count + 1,
                         sizeof *taking->sums) ||
        mp_slots_put(&at, &taking->index, (uint32_t)taking->sum_count + 1))
        return -1;
    taking->sums[taking->sum_count++] = *row;
    return 0;
}

static int charge(struct taking *taking, const struct mp_heap_typed *typed)
{
    const struct mp_heap_view *view = &taking->view;
    bool is_known =
        typed->type >= MP_HEAP_TYPES_FIRST && typed->node < view->counts[MP_HEAP_NODES];
    uint32_t number = is_known ? taking->charged[typed->node] : 0;
    if (!number)
        return 0;
    const struct mp_heap_node *node = &view->nodes[number];
    const struct mp_heap_code *code = &view->codes[node->code];
    uint32_t table = taking->tables[node->code] - 1;
    const struct mp_line_table *its = taking->tracer->traced[table].table;
    int line = mp_location_line(view->text + code->lines.offset, code->lines.length,
                                code->first_line, mp_heap_instruction(node));
    if (line < its->first || line >= its->first + its->count)
        return 0;
    return add(taking, &(struct sum){table, (uint32_t)(line - its->first), typed->type,
                                     typed->blocks, typed->bytes + typed->kept});
}

static struct best *best_of(struct taking *taking, const struct sum *sum)
{
    struct mp_line_types *types = taking->types;
    size_t needed = taking->tracer->count;
    if (mp_array_reserve((void **)&types->tables, &types->room, needed,
                         sizeof *types->tables))
        return NULL;
    while (types->count < needed)
        types->tables[types->count++] = (struct of_table){0};
    struct of_table *its = &types->tables[sum->table];
    if (!its->rows) {
        its->count = taking->tracer->traced[sum->table].table->count;
        its->rows = calloc((size_t)its->count, sizeof *its->rows);
    }
    return its->rows ? &its->rows[sum->row] : NULL;
}

static void keep(struct taking *taking)
{
    for (size_t i = 0; i < taking->sum_count; i++) {
        const struct sum *sum = &taking->sums[i];
        struct best *best = best_of(taking, sum);
        struct mp_heap_text name = taking->census.types[sum->type].name;
        if (!best || sum->bytes <= best->bytes)
            continue;
        char *copy = strndup(taking->census.text + name.offset, name.length);
        if (!copy)
            return;
        free(best->name);
        *best = (struct best){copy, sum->objects, sum->bytes};
    }
}

static void count_all(struct taking *taking)
{
    if (mp_census_take(&taking->census, NULL))
        return;
    taking->view = mp_heap_view_of(mp_recording.heap);
    int failed =
        mp_slots_init(&taking->index, 0) || find_tables(taking) || find_charged(taking);
    for (size_t i = 0; i < taking->census.row_count && !failed; i++)
        failed = charge(taking, &taking->census.rows[i]);
    if (!failed)
        keep(taking);
}

void mp_line_types_take(struct mp_tracer *tracer)
{
    struct taking taking = {.tracer = tracer, .types = tracer->types};
    if (!taking.types || !mp_hooks_are_open())
        return;
    PyObject *raised = PyErr_GetRaisedException();
    bool aside = mp_hooks_set_aside(true);
    int64_t began = mp_throttle_clock();
    mp_throttle_begin(&taking.types->throttle);
    count_all(&taking);
    mp_census_release(&taking.census);
    mp_slots_release(&taking.index);
    free(taking.tables);
    free(taking.charged);
    free(taking.sums);
    mp_throttle_end(&taking.types->throttle, mp_clock_ns(), 0);
    taking.types->spent += mp_throttle_clock() - began;
    mp_hooks_set_aside(aside);
    PyErr_SetRaisedException(raised);
}

/* A function is about to go. */
static void take_if_due(struct mp_tracer *tracer)
{
    const struct mp_line_types *types = tracer->types;
    if (types->spent < unthrottled || mp_clock_ns() >= types->throttle.next)
        mp_line_types_take(tracer);
}

int mp_line_types_want(struct mp_tracer *tracer)
{
    tracer->types = calloc(1, sizeof *tracer->types);
    if (!tracer->types)
        return -1;
    tracer->ends = take_if_due;
    tracer->more = true;
    return 0;
}

void mp_line_types_release(struct mp_tracer *tracer)
{
    struct mp_line_types *types = tracer->types;
    for (size_t i = 0; types && i < types->count; i++) {
        for (int row = 0; types->tables[i].rows && row < types->tables[i].count; row++)
            free(types->tables[i].rows[row].name);
        free(types->tables[i].rows);
    }
    if (types)
        free(types->tables);
    free(types);
    tracer->types = NULL;
}

PyObject *mp_line_types_of(const struct mp_tracer *tracer, size_t table, int row)
{
    const struct mp_line_types *types = tracer->types;
    const struct best *best = types && table < types->count && types->tables[table].rows
                                  ? &types->tables[table].rows[row]
                                  : NULL;
    if (!best || !best->name)
        Py_RETURN_NONE;
    PyObject *name =
        PyUnicode_DecodeUTF8(best->name, (Py_ssize_t)strlen(best->name), "replace");
    return name ? Py_BuildValue("(NLL)", name, (long long)best->objects,
                                (long long)best->bytes)
                : NULL;
}
