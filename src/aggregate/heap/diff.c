#include "aggregate/heap/diff.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/rows.h"
#include "aggregate/heap/types.h"
#include "base/array.h"
#include "base/mix.h"
#include "base/saturate.h"

static const double SURE = 2; /* standard errors */

/* What a node's figures are added to. */
struct place {
    enum mp_heap_difference_kind kind;
    uint32_t code;
    int line;
};

/* One side while it is read. */
struct reading {
    struct mp_heap_diff *diff;
    int side;
    const struct mp_heap_side *its;
    uint32_t
        *near; /* owned as all; of each node: the nearest of the user's, itself included */
    uint32_t *modules; /* of each code: number + 1 of its module's name, 0: its file's */
};

static bool is_same(const struct mp_heap_difference *a, const struct mp_heap_difference *b)
{
    return a->kind == b->kind && a->key.what == b->key.what && a->key.line == b->key.line;
}

/* The row of a key, made when there is none; NULL with errno ENOMEM. */
static struct mp_heap_difference *find(struct mp_heap_diff *diff,
                                       const struct mp_heap_difference *wanted)
{
    uint64_t hash =
        mp_mix(mp_mix(wanted->kind, wanted->key.what), (uint32_t)wanted->key.line);
    struct mp_slots_at at;
    for (mp_slots_begin(&at, &diff->slots, hash); mp_slots_next(&at, &diff->slots);)
        if (is_same(&diff->changes[at.number - 1], wanted))
            return &diff->changes[at.number - 1];
    if (mp_array_reserve((void **)&diff->changes, &diff->room, diff->count + 1,
                         sizeof *diff->changes) ||
        mp_slots_put(&at, &diff->slots, (uint32_t)diff->count + 1))
        return NULL;
    diff->changes[diff->count] = *wanted;
    return &diff->changes[diff->count++];
}

/* It never freed as much as it held more. The smaller stacks are of an unknown total. */
static int64_t kept_of(const struct mp_heap_side *side, const struct mp_heap_line *figures)
{
    uint64_t live = figures->live > 0 ? (uint64_t)figures->live : 0;
    uint64_t held = figures->at_peak > 0 ? (uint64_t)figures->at_peak : 0;
    uint64_t freed = figures->total > live ? figures->total - live : 0;
    bool is_known = side->is_earlier && figures->total >= held;
    return is_known && held > freed ? (int64_t)(held - freed) : 0;
}

static int add(struct mp_heap_diff *diff, int side, const struct mp_heap_difference *wanted,
               const struct mp_heap_line *figures)
{
    struct mp_heap_difference *change = find(diff, wanted);
    if (!change)
        return -1;
    struct mp_heap_amount amount = mp_heap_amount_of(figures, diff->measure);
    int64_t kept = kept_of(&diff->sides[side], figures);
    if (!change->there[side]) {
        change->there[side] = true;
        change->code[side] = wanted->code[side];
        change->line[side] = wanted->line[side];
    }
    struct mp_heap_difference *sums[] = {change, &diff->whole};
    for (int i = 0; i < 2; i++) {
        struct mp_heap_amount *sum = &sums[i]->amount[side];
        sum->bytes = mp_sum(sum->bytes, amount.bytes);
        sum->blocks = mp_sum(sum->blocks, amount.blocks);
        sums[i]->kept = mp_sum(sums[i]->kept, kept);
    }
    diff->whole.there[side] = true;
    return 0;
}

static struct place place_of(const struct reading *reading, uint32_t node)
{
    const struct mp_heap_side *its = reading->its;
    bool yours = reading->near != NULL;
    uint32_t named = yours ? reading->near[node] : node;
    uint32_t code = its->view->nodes[named].code;
    if (its->own && mp_heap_own_is_ours(its->own, node))
        return (struct place){MP_HEAP_ROW_OWN, 0, 0};
    if (yours && !named)
        return (struct place){MP_HEAP_ROW_NOBODY, 0, 0};
    if (!code)
        return (struct place){MP_HEAP_ROW_NOWHERE, 0, 0};
    if (reading->diff->by != MP_HEAP_DIFF_MODULE && its->own &&
        mp_heap_own_is_importer(its->own, code))
        return (struct place){MP_HEAP_ROW_IMPORTS, 0, 0};
    return (struct place){MP_HEAP_ROW_PLACE, code, its->lines[named]};
}

/* Where a line of one side is after; negative, where it was before, for one that is gone. */
static int line_after(const struct reading *reading, uint32_t function, int line)
{
    if (reading->side == MP_HEAP_AFTER)
        return line;
    int after =
        mp_heap_twins_line(&reading->diff->twins, reading->diff->sides, function, line);
    return after ? after : -line;
}

static struct mp_heap_difference key_of(const struct reading *reading, struct place place)
{
    const struct mp_heap_twins *twins = &reading->diff->twins;
    struct mp_heap_difference wanted = {.kind = place.kind};
    if (place.kind != MP_HEAP_ROW_PLACE)
        return wanted;
    uint32_t function = twins->functions[reading->side][place.code];
    wanted.code[reading->side] = place.code;
    switch (reading->diff->by) {
    case MP_HEAP_DIFF_FUNCTION:
        wanted.key.what = function;
        wanted.line[reading->side] = reading->its->view->codes[place.code].first_line;
        break;
    case MP_HEAP_DIFF_MODULE:
    case MP_HEAP_DIFF_FILE:
        wanted.key.what = reading->modules ? reading->modules[place.code] : 0;
        wanted.kind = wanted.key.what ? MP_HEAP_ROW_MODULE : MP_HEAP_ROW_PLACE;
        if (!wanted.key.what)
            wanted.key.what = twins->files.numbers[reading->side][place.code];
        break;
    default:
        wanted.key = (struct mp_heap_difference_key){
            function, line_after(reading, function, place.line)};
        wanted.line[reading->side] = place.line;
    }
    return wanted;
}

static int find_modules(struct reading *reading)
{
    const struct mp_heap_view *view = reading->its->view;
    size_t codes = view->counts[MP_HEAP_CODES];
    if (!(reading->modules = calloc(codes + 1, sizeof *reading->modules)))
        return -1;
    for (size_t i = 1; i < codes; i++) {
        struct mp_heap_text file = view->codes[i].file, module = mp_heap_module(view, file);
        if (module.offset == file.offset && module.length == file.length)
            continue;
        reading->modules[i] = mp_heap_lexicon_find(
            &reading->diff->lexicon, view->text + module.offset, module.length);
        if (!reading->modules[i])
            return -1;
    }
    return 0;
}

static int find_near(struct reading *reading)
{
    const struct mp_heap_view *view = reading->its->view;
    if (!(reading->near = calloc(view->counts[MP_HEAP_NODES] + 1, sizeof *reading->near)))
        return -1;
    mp_heap_own_nearest(reading->its->own, view, reading->near);
    return 0;
}

static int read_side(struct mp_heap_diff *diff, int side)
{
    struct reading reading = {diff, side, &diff->sides[side], NULL, NULL};
    const struct mp_heap_view *view = reading.its->view;
    int failed = (diff->by == MP_HEAP_DIFF_MODULE && find_modules(&reading)) ||
                 (diff->by == MP_HEAP_DIFF_YOUR_LINE && find_near(&reading));
    for (uint32_t i = 0; i < view->counts[MP_HEAP_NODES] && !failed; i++) {
        if (!mp_heap_has_figures(view, i))
            continue;
        struct mp_heap_line figures = mp_heap_line_of(view, i);
        struct mp_heap_difference wanted = key_of(&reading, place_of(&reading, i));
        failed = add(diff, side, &wanted, &figures);
    }
    free(reading.near);
    free(reading.modules);
    return failed ? -1 : 0;
}

/* Blocks of it are its objects. */
static int add_type(struct mp_heap_diff *diff, int side,
                    const struct mp_heap_type_rows *rows,
                    const struct mp_heap_type_row *row)
{
    const char *name = rows->typing.text + row->name.offset;
    struct mp_heap_line figures = {.live = mp_heap_type_row_size(row),
                                   .live_blocks = (uint64_t)row->blocks};
    struct mp_heap_difference wanted = {
        .kind = MP_HEAP_ROW_TYPE,
        .key.what = mp_heap_lexicon_find(&diff->lexicon, name, row->name.length)};
    wanted.code[side] = row->type;
    return wanted.key.what ? add(diff, side, &wanted, &figures) : -1;
}

static int read_types(struct mp_heap_diff *diff, int side)
{
    struct mp_heap_typing typing = mp_heap_typing_at(diff->sides[side].view);
    struct mp_heap_type_rows rows;
    if (mp_heap_type_rows_init(&rows, &typing, NULL))
        return -1;
    int failed = 0;
    for (size_t i = 0; i < rows.count && !failed; i++)
        failed = add_type(diff, side, &rows, &rows.rows[i]);
    mp_heap_type_rows_release(&rows);
    return failed;
}

static bool is_one_run(const struct mp_heap_diff *diff)
{
    return diff->sides[MP_HEAP_BEFORE].is_earlier || diff->sides[MP_HEAP_AFTER].is_earlier;
}

/* Both sides vary by themselves; of one run only what went in between, and what came. */
static double error_of(const struct mp_heap_diff *diff,
                       const struct mp_heap_difference *change)
{
    double square = 0;
    int64_t varies = 0;
    for (int side = 0; side < MP_HEAP_SIDES; side++) {
        int64_t bytes = change->amount[side].bytes;
        int64_t moved = mp_difference(bytes, change->kept);
        double error = (double)mp_heap_error(diff->sides[side].view->header, bytes);
        square += error * error;
        varies = mp_sum(varies, moved > 0 ? moved : 0);
    }
    return is_one_run(diff) ? (double)mp_heap_error(diff->sides[0].view->header, varies)
                            : sqrt(square);
}

static void judge(const struct mp_heap_diff *diff, struct mp_heap_difference *change)
{
    double error = error_of(diff, change);
    change->error = error < 0x1p62 ? (int64_t)error : (int64_t)1 << 62;
    change->growth = mp_difference(change->amount[MP_HEAP_AFTER].bytes,
                                   change->amount[MP_HEAP_BEFORE].bytes);
    bool sure = fabs((double)change->growth) > SURE * error;
    change->status = !sure                ? MP_HEAP_UNCHANGED
                     : change->growth > 0 ? MP_HEAP_GREW
                                          : MP_HEAP_SHRANK;
}

static int compare_names(const struct mp_heap_diff *diff,
                         const struct mp_heap_difference *a,
                         const struct mp_heap_difference *b)
{
    int side = mp_heap_difference_side(a), other = mp_heap_difference_side(b);
    if (side != other || a->kind != b->kind || a->kind == MP_HEAP_ROW_PROCESS)
        return side != other ? side - other : (int)a->kind - (int)b->kind;
    const struct mp_heap_view *view = diff->sides[side].view;
    if (a->kind == MP_HEAP_ROW_TYPE)
        return mp_heap_text_compare(view, view->types[a->code[side]].name,
                                    view->types[b->code[side]].name);
    const struct mp_heap_code *x = &view->codes[a->code[side]];
    const struct mp_heap_code *y = &view->codes[b->code[side]];
    int order = mp_heap_text_compare(view, x->file, y->file);
    if (!order)
        order = (a->line[side] > b->line[side]) - (a->line[side] < b->line[side]);
    return order ? order : mp_heap_text_compare(view, x->name, y->name);
}

static int compare(const void *left, const void *right, void *context)
{
    const struct mp_heap_difference *a = left, *b = right;
    if (a->status != b->status)
        return a->status < b->status ? -1 : 1;
    int64_t x = a->growth, y = b->growth;
    if (x != y)
        return (x < y) == (a->status == MP_HEAP_SHRANK) ? -1 : 1;
    int order = compare_names(context, a, b);
    if (!order)
        order = (a->key.what > b->key.what) - (a->key.what < b->key.what);
    return order ? order : (a->key.line > b->key.line) - (a->key.line < b->key.line);
}

static void finish(struct mp_heap_diff *diff)
{
    judge(diff, &diff->whole);
    for (size_t i = 0; i < diff->count; i++) {
        judge(diff, &diff->changes[i]);
        diff->grew += diff->changes[i].status == MP_HEAP_GREW;
        diff->shrank += diff->changes[i].status == MP_HEAP_SHRANK;
    }
    if (diff->count)
        qsort_r(diff->changes, diff->count, sizeof *diff->changes, compare, diff);
}

static int begin(struct mp_heap_diff *diff, const struct mp_heap_side *sides,
                 enum mp_heap_diff_by by, enum mp_heap_measure measure)
{
    *diff = (struct mp_heap_diff){.sides = sides, .by = by, .measure = measure};
    return mp_heap_lexicon_init(&diff->lexicon) || mp_slots_init(&diff->slots, 0) ? -1 : 0;
}

int mp_heap_diff_init(struct mp_heap_diff *diff, const struct mp_heap_side *sides,
                      enum mp_heap_diff_by by, enum mp_heap_measure measure)
{
    int (*read)(struct mp_heap_diff *, int) =
        by == MP_HEAP_DIFF_TYPE ? read_types : read_side;
    if (begin(diff, sides, by, measure) || mp_heap_twins_init(&diff->twins, sides) ||
        read(diff, MP_HEAP_BEFORE) || read(diff, MP_HEAP_AFTER)) {
        errno = ENOMEM;
        return -1;
    }
    finish(diff);
    return 0;
}

/* Of several that run one command the first is the first. */
static int add_process(struct mp_heap_diff *diff, int side, uint32_t number,
                       const struct mp_heap_diff_process *process, int *passed)
{
    uint32_t word =
        mp_heap_lexicon_find(&diff->lexicon, process->command, strlen(process->command));
    if (!word)
        return -1;
    struct mp_heap_difference wanted = {.kind = MP_HEAP_ROW_PROCESS,
                                        .key = {word, ++passed[word - 1]}};
    wanted.code[side] = number;
    return add(diff, side, &wanted, &process->sum);
}

int mp_heap_diff_processes(struct mp_heap_diff *diff, const struct mp_heap_side *sides,
                           const struct mp_heap_diff_process *const processes[],
                           const size_t counts[], enum mp_heap_measure measure)
{
    int failed = begin(diff, sides, MP_HEAP_DIFF_PROCESS, measure);
    for (int side = 0; side < MP_HEAP_SIDES && !failed; side++) {
        int *passed = calloc(counts[0] + counts[1] + 1, sizeof *passed);
        failed = passed ? 0 : -1;
        for (size_t i = 0; i < counts[side] && !failed; i++)
            failed = add_process(diff, side, (uint32_t)i, &processes[side][i], passed);
        free(passed);
    }
    if (!failed)
        finish(diff);
    return failed;
}

void mp_heap_diff_release(struct mp_heap_diff *diff)
{
    mp_heap_twins_release(&diff->twins);
    mp_heap_lexicon_release(&diff->lexicon);
    mp_slots_release(&diff->slots);
    free(diff->changes);
    *diff = (struct mp_heap_diff){0};
}

struct mp_heap_difference mp_heap_diff_sum(const struct mp_heap_diff *diff, size_t first,
                                           size_t end)
{
    struct mp_heap_difference sum = {0};
    for (size_t i = first; i < end; i++)
        for (int side = 0; side < MP_HEAP_SIDES; side++) {
            const struct mp_heap_amount *its = &diff->changes[i].amount[side];
            sum.amount[side].bytes = mp_sum(sum.amount[side].bytes, its->bytes);
            sum.amount[side].blocks = mp_sum(sum.amount[side].blocks, its->blocks);
        }
    for (size_t i = first; i < end; i++)
        sum.kept = mp_sum(sum.kept, diff->changes[i].kept);
    judge(diff, &sum);
    return sum;
}
