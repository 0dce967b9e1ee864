/* What all views of a difference say alike: rows' names, growth, limits, and why two captures are
 * not alike. */
#include <inttypes.h>
#include <string.h>

#include "aggregate/heap/command.h"
#include "aggregate/heap/rows.h"
#include "base/escape.h"
#include "report/heap/diff.h"
#include "report/heap/summary.h"
#include "report/heap/types.h"

static const int64_t PART = 1000;

const char *const mp_heap_diff_names[] = {"line",   "your-line", "function", "file",
                                          "module", "process",   "type"};

const char *mp_heap_diff_when(const struct mp_heap_diff_view *view)
{
    static const char *const measures[] = {", at the peak", ", live at the end",
                                           ", allocated in all, what was freed included"};
    const struct mp_heap_diff *diff = view->diff;
    bool moments = diff->sides[0].view->range || diff->sides[1].view->range;
    bool is_then = diff->measure == MP_HEAP_MEASURE_PEAK || diff->by == MP_HEAP_DIFF_TYPE;
    return moments && is_then ? "" : measures[diff->measure];
}

const char *mp_heap_difference_mark(const struct mp_heap_difference *change)
{
    return change->there[0] == change->there[1] ? ""
           : change->there[MP_HEAP_AFTER]       ? "new"
                                                : "gone";
}

const char *mp_heap_growth(int64_t bytes, char room[MP_HEAP_FIGURE])
{
    char size[MP_HEAP_FIGURE];
    int64_t magnitude = bytes == INT64_MIN ? INT64_MAX : bytes < 0 ? -bytes : bytes;
    snprintf(room, MP_HEAP_FIGURE, "%s%.24s",
             bytes < 0 ? "-"
             : bytes   ? "+"
                       : "",
             mp_heap_size(magnitude, size));
    return room;
}

int64_t mp_heap_diff_weight(const struct mp_heap_diff *diff)
{
    const struct mp_heap_amount *its = diff->whole.amount;
    return (its[0].bytes > its[1].bytes ? its[0].bytes : its[1].bytes) / PART;
}

bool mp_heap_diff_has_weight(const struct mp_heap_diff *diff,
                             const struct mp_heap_difference *change)
{
    int64_t weight = mp_heap_diff_weight(diff);
    return change->status != MP_HEAP_UNCHANGED &&
           (change->growth >= weight || change->growth <= -weight);
}

bool mp_heap_diff_is_over(const struct mp_heap_diff_view *view,
                          const struct mp_heap_difference *change)
{
    return change->status == MP_HEAP_GREW &&
           mp_heap_limit_is_over(&view->limit, change->growth,
                                 view->diff->whole.amount[MP_HEAP_BEFORE].bytes);
}

static void put_process(FILE *out, const struct mp_heap_diff_side *side, uint32_t number,
                        int columns)
{
    const struct mp_heap_process *process = &side->processes->processes[number];
    const char *name = *process->command ? process->command : process->file;
    mp_heap_put_text(out, &side->style, name, strlen(name), columns, MP_HEAP_CUT_END);
}

static void put_type(FILE *out, const struct mp_heap_diff_view *view,
                     const struct mp_heap_difference *change, int columns)
{
    int side = mp_heap_difference_side(change);
    const struct mp_heap_view *its = view->diff->sides[side].view;
    struct mp_heap_text name = its->types[change->code[side]].name;
    mp_heap_put_text(out, &view->sides[side].style, its->text + name.offset, name.length,
                     columns, MP_HEAP_CUT_START);
}

static void put_place(FILE *out, const struct mp_heap_diff_view *view,
                      const struct mp_heap_difference *change, int side, int columns)
{
    const struct mp_heap_view *its = view->diff->sides[side].view;
    const struct mp_heap_style *style = &view->sides[side].style;
    uint32_t code = change->code[side];
    struct mp_heap_text file = its->codes[code].file;
    if (view->diff->by < MP_HEAP_DIFF_FILE)
        mp_heap_put_place(out, style, its, code, change->line[side], columns);
    else if (!file.length)
        fputs("(no Python code running)", out);
    else
        mp_heap_put_file(
            out, style, its,
            change->kind == MP_HEAP_ROW_MODULE ? mp_heap_module(its, file) : file, columns);
}

void mp_heap_difference_put(FILE *out, const struct mp_heap_diff_view *view,
                            const struct mp_heap_difference *change, int columns)
{
    static const char *const names[] = {
        [MP_HEAP_ROW_NOWHERE] = "(no Python code running)",
        [MP_HEAP_ROW_IMPORTS] = MP_HEAP_IMPORTING,
        [MP_HEAP_ROW_OWN] = MP_HEAP_OWN_NAME,
        [MP_HEAP_ROW_NOBODY] = "(no line of yours)",
    };
    int side = mp_heap_difference_side(change);
    if (change->kind == MP_HEAP_ROW_PROCESS)
        put_process(out, &view->sides[side], change->code[side], columns);
    else if (change->kind == MP_HEAP_ROW_TYPE)
        put_type(out, view, change, columns);
    else if (change->kind <= MP_HEAP_ROW_MODULE)
        put_place(out, view, change, side, columns);
    else
        fputs(names[change->kind], out);
}

static void put_name(FILE *out, const struct mp_heap_diff_side *side)
{
    mp_escape_terminal(out, side->name, strlen(side->name), false);
}

static void put_incomplete(FILE *out, const struct mp_heap_diff_view *view)
{
    const char *names[] = {view->sides[0].name, view->sides[1].name};
    int first = strcmp(names[0], names[1]) ? MP_HEAP_BEFORE : MP_HEAP_AFTER;
    for (int side = first; side < MP_HEAP_SIDES; side++) {
        const struct mp_heap_header *header = view->diff->sides[side].view->header;
        const struct mp_heap_diff_side *its = &view->sides[side];
        if (its->incomplete) {
            put_name(out, its);
            fprintf(out, " is incomplete: %s\n", its->incomplete);
        }
        if (header->untracked) {
            put_name(out, its);
            fprintf(out,
                    " lacks %" PRIu64 " blocks that were not followed, of %" PRIu64
                    " bytes\n",
                    header->untracked, header->untracked_bytes);
        }
        if (header->shortened) {
            put_name(out, its);
            fprintf(out,
                    " had no room for all stacks: %" PRIu64
                    " blocks lack callers, or are charged to them\n",
                    header->shortened);
        }
    }
}

static const char *sampling(const struct mp_heap_header *header, char room[MP_HEAP_FIGURE])
{
    char size[MP_HEAP_FIGURE];
    snprintf(room, MP_HEAP_FIGURE, "one block in %.15s",
             mp_heap_size((int64_t)(header->sample & INT64_MAX), size));
    return header->sample ? room : "every block";
}

static const char *followed(uint32_t kinds)
{
    bool native = kinds & (1u << MP_HEAP_MALLOC | 1u << MP_HEAP_MMAP);
    return native ? "native memory too" : "Python's allocators alone";
}

void mp_heap_diff_command(char to[MP_HEAP_COMMAND], const char *command)
{
    char words[MP_HEAP_COMMAND], *at, *out = to;
    snprintf(words, sizeof words, "%s", command);
    for (char *word = strtok_r(words, " ", &at); word; word = strtok_r(NULL, " ", &at)) {
        const char *slash = strrchr(word, '/');
        out = stpcpy(out, slash ? slash + 1 : word);
        *out++ = ' ';
    }
    out[out > to ? -1 : 0] = 0;
}

static void put_programs(FILE *out, const struct mp_heap_view *const views[])
{
    char whole[MP_HEAP_COMMAND], commands[MP_HEAP_SIDES][MP_HEAP_COMMAND];
    int pythons[] = {mp_heap_python(views[0]), mp_heap_python(views[1])};
    for (int side = 0; side < MP_HEAP_SIDES; side++) {
        mp_heap_command(whole, views[side]->header->command);
        mp_heap_diff_command(commands[side], whole);
    }
    if (*commands[0] && *commands[1] && strcmp(commands[0], commands[1]) != 0) {
        fputs("another command: '", out);
        mp_escape_terminal(out, commands[0], strlen(commands[0]), false);
        fputs("', then '", out);
        mp_escape_terminal(out, commands[1], strlen(commands[1]), false);
        fputs("'\n", out);
    }
    if (pythons[0] && pythons[1] && pythons[0] != pythons[1])
        fprintf(out,
                "another Python: 3.%d, then 3.%d: its own objects and library are of other "
                "sizes\n",
                pythons[0], pythons[1]);
}

/* Near the peak is not at it. */
static void put_types_when(FILE *out, const struct mp_heap_diff_view *view)
{
    for (int side = 0; side < MP_HEAP_SIDES; side++) {
        const struct mp_heap_view *its = view->diff->sides[side].view;
        struct mp_heap_typing typing = mp_heap_typing_at(its);
        if (!typing.then || typing.then->of == MP_HEAP_CENSUS_MARK)
            continue;
        put_name(out, &view->sides[side]);
        fputs(" has types ", out);
        mp_heap_put_types_when(out, its, &typing);
        fputc('\n', out);
    }
}

void mp_heap_diff_unlike(FILE *out, const struct mp_heap_diff_view *view)
{
    const struct mp_heap_view *views[] = {view->diff->sides[0].view,
                                          view->diff->sides[1].view};
    const struct mp_heap_header *before = views[0]->header, *after = views[1]->header;
    const uint32_t native = 1u << MP_HEAP_MALLOC | 1u << MP_HEAP_MMAP;
    char rooms[MP_HEAP_SIDES][MP_HEAP_FIGURE];
    size_t processes[] = {views[0]->processes ? views[0]->processes : 1,
                          views[1]->processes ? views[1]->processes : 1};
    put_programs(out, views);
    if (before->sample != after->sample)
        fprintf(out, "recorded otherwise: %s, then %s\n", sampling(before, rooms[0]),
                sampling(after, rooms[1]));
    if ((before->followed & native) != (after->followed & native))
        fprintf(out, "recorded otherwise: %s, then %s\n", followed(before->followed),
                followed(after->followed));
    if (processes[0] != processes[1])
        fprintf(out, "%zu process%s, then %zu\n", processes[0],
                processes[0] == 1 ? "" : "es", processes[1]);
    put_incomplete(out, view);
    if (view->diff->by == MP_HEAP_DIFF_TYPE)
        put_types_when(out, view);
}
