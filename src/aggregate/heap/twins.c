#include "aggregate/heap/twins.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/align.h"
#include "aggregate/heap/lexicon.h"
#include "base/array.h"
#include "base/mix.h"
#include "record/location.h"

enum { LONGEST_TABLE = 1 << 20 /* no compiler's are longer: lines of such lie alike */ };

/* A code by what it is called. */
struct entry {
    uint32_t file, name;
    int first_line;
    uint32_t code;
};

/* Lines of the function at hand, and what each is known by. */
struct column {
    struct mp_location_shape *lines; /* owned, as all */
    uint64_t *tokens;
    size_t count, room, token_room;
};

struct pairing {
    struct mp_heap_twins *twins;
    const struct mp_heap_side *sides;
    struct entry *entries[MP_HEAP_SIDES]; /* owned, as all */
    size_t counts[MP_HEAP_SIDES];
    struct column columns[MP_HEAP_SIDES];
    uint32_t *found; /* of each line, or function, before: which after, + 1 */
    size_t found_room;
    struct mp_align align;
    bool same_python;
};

static int by_name(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    if (a->name != b->name)
        return a->name < b->name ? -1 : 1;
    if (a->first_line != b->first_line)
        return a->first_line < b->first_line ? -1 : 1;
    return (a->code > b->code) - (a->code < b->code);
}

static int find_entries(struct pairing *pairing)
{
    struct mp_heap_lexicon names;
    int failed = mp_heap_lexicon_init(&names);
    for (int side = 0; side < MP_HEAP_SIDES && !failed; side++) {
        const struct mp_heap_view *view = pairing->sides[side].view;
        size_t codes = view->counts[MP_HEAP_CODES];
        struct entry *entries = calloc(codes + 1, sizeof *entries);
        pairing->entries[side] = entries;
        pairing->counts[side] = codes ? codes - 1 : 0;
        failed = entries ? 0 : -1;
        for (uint32_t i = 1; i < codes && !failed; i++) {
            const struct mp_heap_code *code = &view->codes[i];
            uint32_t name = mp_heap_lexicon_find(&names, view->text + code->name.offset,
                                                 code->name.length);
            entries[i - 1] = (struct entry){pairing->twins->files.numbers[side][i], name,
                                            code->first_line, i};
            failed = name ? 0 : -1;
        }
        if (!failed && codes > 1)
            qsort(entries, codes - 1, sizeof *entries, by_name);
    }
    mp_heap_lexicon_release(&names);
    return failed;
}

static struct mp_heap_text table_of(const struct pairing *pairing, int side, uint32_t code)
{
    return pairing->sides[side].view->codes[code].lines;
}

static uint64_t hash_of(const struct pairing *pairing, int side, uint32_t code)
{
    struct mp_heap_text table = table_of(pairing, side, code);
    return mp_mix_bytes(pairing->sides[side].view->text + table.offset, table.length);
}

static int reserve_tokens(struct column *column, size_t count)
{
    return mp_array_reserve((void **)&column->tokens, &column->token_room, count,
                            sizeof *column->tokens);
}

static int find_lines(struct pairing *pairing, int side, uint32_t code)
{
    struct column *column = &pairing->columns[side];
    const struct mp_heap_view *view = pairing->sides[side].view;
    struct mp_heap_text table = table_of(pairing, side, code);
    if (mp_array_reserve((void **)&column->lines, &column->room, table.length + 1,
                         sizeof *column->lines))
        return -1;
    column->count =
        mp_location_shapes(column->lines, column->room, view->text + table.offset,
                           table.length, view->codes[code].first_line);
    if (reserve_tokens(column, column->count + 1))
        return -1;
    for (size_t i = 0; i < column->count; i++)
        column->tokens[i] = column->lines[i].shape;
    return 0;
}

/* Without the blanks around it: it may have moved to the right. */
static uint64_t token_of(const char *text, size_t length)
{
    while (length && isspace((unsigned char)text[length - 1]))
        length--;
    for (; length && isspace((unsigned char)*text); text++)
        length--;
    return mp_mix_bytes(text, length);
}

/* The tokens of a column's lines as a side has their text; false where it has none. */
static bool read_texts(const struct pairing *pairing, int side, uint32_t code,
                       const struct column *column, uint64_t *tokens)
{
    const struct mp_heap_side *its = &pairing->sides[side];
    for (size_t i = 0; i < column->count; i++) {
        size_t length;
        const char *text =
            its->text ? its->text(its->context, its->view, its->view->codes[code].file,
                                  column->lines[i].line, &length)
                      : NULL;
        if (!text)
            return false;
        tokens[i] = token_of(text, length);
    }
    return true;
}

/* Whether two instructions that differ have one text: then it is not that of both, since the file was
   replaced just when one was recorded. `texts` are those of BEFORE. */
static int is_one_version(const struct pairing *pairing, const uint32_t codes[],
                          const uint64_t *texts)
{
    const struct column *before = &pairing->columns[MP_HEAP_BEFORE];
    uint64_t *again = calloc(before->count + 1, sizeof *again);
    if (!again)
        return -1;
    bool same = pairing->same_python &&
                read_texts(pairing, MP_HEAP_AFTER, codes[MP_HEAP_AFTER], before, again) &&
                !memcmp(texts, again, before->count * sizeof *again);
    free(again);
    return same;
}

/* 1: both sides' texts are the tokens now; 0: not; -1 with errno ENOMEM. */
static int take_texts(struct pairing *pairing, const uint32_t codes[])
{
    uint64_t *texts[MP_HEAP_SIDES];
    struct column *columns = pairing->columns;
    for (int side = 0; side < MP_HEAP_SIDES; side++)
        texts[side] = calloc(columns[side].count + 1, sizeof **texts);
    int taken = texts[0] && texts[1] ? 1 : -1;
    for (int side = 0; side < MP_HEAP_SIDES && taken > 0; side++)
        taken = read_texts(pairing, side, codes[side], &columns[side], texts[side]);
    int wrong = taken > 0 ? is_one_version(pairing, codes, texts[0]) : 0;
    if (wrong)
        taken = wrong < 0 ? -1 : 0;
    for (int side = 0; side < MP_HEAP_SIDES; side++) {
        if (taken > 0)
            memcpy(columns[side].tokens, texts[side], columns[side].count * sizeof **texts);
        free(texts[side]);
    }
    return taken;
}

static int align(struct pairing *pairing, size_t before, size_t after)
{
    struct column *columns = pairing->columns;
    if (mp_array_reserve((void **)&pairing->found, &pairing->found_room, before + 1,
                         sizeof *pairing->found))
        return -1;
    return mp_align(&pairing->align, columns[0].tokens, before, columns[1].tokens, after,
                    pairing->found);
}

static int keep_pairs(struct pairing *pairing, struct mp_heap_twin *twin)
{
    struct mp_heap_twins *twins = pairing->twins;
    const struct column *before = &pairing->columns[0], *after = &pairing->columns[1];
    if (mp_array_reserve((void **)&twins->pairs, &twins->pair_room,
                         twins->pair_count + before->count, sizeof *twins->pairs))
        return -1;
    twin->paired = true;
    twin->from = (uint32_t)twins->pair_count;
    twin->count = (uint32_t)before->count;
    for (size_t i = 0; i < before->count; i++) {
        uint32_t at = pairing->found[i];
        twins->pairs[twins->pair_count++] = (struct mp_heap_line_pair){
            before->lines[i].line, at ? after->lines[at - 1].line : 0};
    }
    return 0;
}

static int pair_lines(struct pairing *pairing, struct mp_heap_twin *twin)
{
    const uint32_t *codes = twin->code;
    struct mp_heap_text before = table_of(pairing, 0, codes[0]),
                        after = table_of(pairing, 1, codes[1]);
    if (before.length > LONGEST_TABLE || after.length > LONGEST_TABLE ||
        hash_of(pairing, 0, codes[0]) == hash_of(pairing, 1, codes[1]))
        return 0;
    if (find_lines(pairing, 0, codes[0]) || find_lines(pairing, 1, codes[1]))
        return -1;
    int known = take_texts(pairing, codes);
    if (known < 0 || (!known && !pairing->same_python))
        return known;
    return align(pairing, pairing->columns[0].count, pairing->columns[1].count) ||
                   keep_pairs(pairing, twin)
               ? -1
               : 0;
}

/* A function with those of its codes that begin on its line. Moves on behind them. */
static void take_codes(struct pairing *pairing, int side, size_t *at, uint32_t twin)
{
    const struct entry *entries = pairing->entries[side], *first = &entries[*at];
    for (; *at < pairing->counts[side] && entries[*at].file == first->file &&
           entries[*at].name == first->name && entries[*at].first_line == first->first_line;
         ++*at)
        pairing->twins->functions[side][entries[*at].code] = twin;
    pairing->twins->twins[twin].code[side] = first->code;
    pairing->twins->twins[twin].file = first->file;
}

/* How far the entries go that have the name of this one; their functions' tokens. */
static int read_group(struct pairing *pairing, int side, size_t from, size_t *end,
                      size_t *functions)
{
    const struct entry *entries = pairing->entries[side];
    *functions = 0;
    for (*end = from; *end < pairing->counts[side]; ++*end) {
        const struct entry *its = &entries[*end];
        if (its->file != entries[from].file || its->name != entries[from].name)
            break;
        if (*end > from && its->first_line == its[-1].first_line)
            continue;
        if (reserve_tokens(&pairing->columns[side], *functions + 1))
            return -1;
        pairing->columns[side].tokens[(*functions)++] = hash_of(pairing, side, its->code);
    }
    return 0;
}

static uint32_t new_twin(struct pairing *pairing)
{
    return (uint32_t)pairing->twins->count++;
}

/* The entries of one name, which both sides have. */
static int pair_group(struct pairing *pairing, size_t at[MP_HEAP_SIDES])
{
    size_t ends[MP_HEAP_SIDES], counts[MP_HEAP_SIDES];
    if (read_group(pairing, 0, at[0], &ends[0], &counts[0]) ||
        read_group(pairing, 1, at[1], &ends[1], &counts[1]) ||
        align(pairing, counts[0], counts[1]))
        return -1;
    uint32_t first = (uint32_t)pairing->twins->count;
    for (size_t i = 0; i < counts[1]; i++)
        take_codes(pairing, 1, &at[1], new_twin(pairing));
    for (size_t i = 0; i < counts[0]; i++)
        take_codes(pairing, 0, &at[0],
                   pairing->found[i] ? first + pairing->found[i] - 1 : new_twin(pairing));
    for (size_t i = first; i < pairing->twins->count; i++) {
        struct mp_heap_twin *twin = &pairing->twins->twins[i];
        if (twin->code[0] && twin->code[1] && pair_lines(pairing, twin))
            return -1;
    }
    return 0;
}

static int compare_names(const struct entry *a, const struct entry *b)
{
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    return (a->name > b->name) - (a->name < b->name);
}

static int pair_all(struct pairing *pairing)
{
    size_t at[MP_HEAP_SIDES] = {0}, *counts = pairing->counts;
    while (at[0] < counts[0] || at[1] < counts[1]) {
        int order = at[0] == counts[0]   ? 1
                    : at[1] == counts[1] ? -1
                                         : compare_names(&pairing->entries[0][at[0]],
                                                         &pairing->entries[1][at[1]]);
        if (!order && pair_group(pairing, at))
            return -1;
        if (order)
            take_codes(pairing, order > 0, &at[order > 0], new_twin(pairing));
    }
    return 0;
}

static int twins_init(struct mp_heap_twins *twins, const struct mp_heap_side *sides)
{
    const struct mp_heap_view *views[] = {sides[0].view, sides[1].view};
    size_t codes = 1;
    *twins = (struct mp_heap_twins){.count = 1};
    for (int side = 0; side < MP_HEAP_SIDES; side++) {
        size_t its = views[side]->counts[MP_HEAP_CODES];
        codes += its;
        if (!(twins->functions[side] = calloc(its + 1, sizeof **twins->functions)))
            return -1;
    }
    twins->twins = calloc(codes, sizeof *twins->twins);
    return twins->twins ? mp_heap_twin_files_init(&twins->files, views) : -1;
}

int mp_heap_twins_init(struct mp_heap_twins *twins, const struct mp_heap_side *sides)
{
    struct pairing pairing = {.twins = twins, .sides = sides};
    pairing.same_python = mp_heap_python(sides[0].view) == mp_heap_python(sides[1].view);
    int failed = twins_init(twins, sides) || find_entries(&pairing) || pair_all(&pairing);
    for (int side = 0; side < MP_HEAP_SIDES; side++) {
        free(pairing.entries[side]);
        free(pairing.columns[side].lines);
        free(pairing.columns[side].tokens);
    }
    free(pairing.found);
    mp_align_release(&pairing.align);
    return failed ? -1 : 0;
}

void mp_heap_twins_release(struct mp_heap_twins *twins)
{
    mp_heap_twin_files_release(&twins->files);
    for (int side = 0; side < MP_HEAP_SIDES; side++)
        free(twins->functions[side]);
    free(twins->twins);
    free(twins->pairs);
    *twins = (struct mp_heap_twins){0};
}

static int by_before(const void *left, const void *right)
{
    const struct mp_heap_line_pair *a = left, *b = right;
    return (a->before > b->before) - (a->before < b->before);
}

/* As far down in the function after as it was before. */
static int alike(int before, int first, int first_after)
{
    int64_t line = (int64_t)before - first + first_after;
    return line > 0 && line <= INT32_MAX ? (int)line : 0;
}

int mp_heap_twins_line(const struct mp_heap_twins *twins, const struct mp_heap_side *sides,
                       uint32_t function, int before)
{
    const struct mp_heap_twin *twin = &twins->twins[function];
    if (!twin->code[0] || !twin->code[1])
        return 0;
    int first = sides[0].view->codes[twin->code[0]].first_line;
    int first_after = sides[1].view->codes[twin->code[1]].first_line;
    if (!twin->paired)
        return alike(before, first, first_after);
    struct mp_heap_line_pair wanted = {.before = before};
    const struct mp_heap_line_pair *found =
        twin->count ? bsearch(&wanted, twins->pairs + twin->from, twin->count,
                              sizeof wanted, by_before)
                    : NULL;
    return found ? found->after : before == first ? first_after : 0;
}

int mp_heap_python(const struct mp_heap_view *view)
{
    static const char folder[] = "/python3.";
    for (size_t i = 1; i < view->counts[MP_HEAP_CODES]; i++) {
        struct mp_heap_text file = view->codes[i].file;
        const char *at =
            memmem(view->text + file.offset, file.length, folder, sizeof folder - 1);
        size_t left = at ? (size_t)(view->text + file.offset + file.length - at) : 0;
        char digits[4] = "";
        if (left < sizeof folder + 2)
            continue;
        memcpy(digits, at + sizeof folder - 1, 2);
        if (isdigit((unsigned char)digits[0]))
            return (int)strtol(digits, NULL, 10);
    }
    return 0;
}
