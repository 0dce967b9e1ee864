#include "report/top/heap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The analyzer does not know that an opened memory stream gives a text. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-null-dereference"
#endif

enum { LEAST_PLACE = 18, COLUMNS = 7, MOST_FRAMES = 12 };

const char *mp_top_word(const char *words, int number, char room[MP_HEAP_FIGURE])
{
    for (; number > 0; number--)
        words += strcspn(words, " ") + 1;
    snprintf(room, MP_HEAP_FIGURE, "%.*s", (int)strcspn(words, " "), words);
    return room;
}

static bool is_of_threads(const struct mp_top_heap *top)
{
    return top->live->group == MP_HEAP_LIVE_THREADS;
}

/* The columns in their order; those on the right go where there is no room. */
static const struct column {
    const char *title, *of_threads; /* NULL: there is none */
    enum mp_heap_live_order sort;
    int width;
} columns[COLUMNS] = {
    {"live", "allocated", MP_HEAP_LIVE_BY_LIVE, 10},
    {"+/s", "+/s", MP_HEAP_LIVE_BY_RATE, 10},
    {"since", "since", MP_HEAP_LIVE_BY_GROWTH, 9},
    {"+-", "+-", MP_HEAP_LIVE_ORDERS, 9},
    {"at peak", NULL, MP_HEAP_LIVE_BY_PEAK, 11},
    {"blocks", NULL, MP_HEAP_LIVE_BY_BLOCKS, 12},
    {"temporary", "temporary", MP_HEAP_LIVE_BY_TEMPORARY, 13},
};

/* Errors are where blocks are sampled. */
static const char *title_of(const struct mp_top_heap *top, const struct column *column)
{
    if (column->sort == MP_HEAP_LIVE_ORDERS && !top->sample)
        return NULL;
    return is_of_threads(top) ? column->of_threads : column->title;
}

static int shown_columns(const struct mp_top_heap *top)
{
    int left = top->screen.style.width - 2 - LEAST_PLACE, count = 0;
    for (int i = 0; i < COLUMNS; i++) {
        left -= title_of(top, &columns[i]) ? columns[i].width : 0;
        if (top->screen.style.width && left < 0 && i > 1)
            break;
        count++;
    }
    return count;
}

static int width_of_columns(const struct mp_top_heap *top)
{
    int width = 0;
    for (int i = 0; i < shown_columns(top); i++)
        width += title_of(top, &columns[i]) ? columns[i].width : 0;
    return width;
}

static void put_head(FILE *out, const struct mp_top_heap *top)
{
    char group[MP_HEAP_FIGURE], title[MP_HEAP_FIGURE];
    mp_top_begin_strong(out, &top->screen);
    for (int i = 0; i < shown_columns(top); i++) {
        const struct column *column = &columns[i];
        if (!title_of(top, column))
            continue;
        bool sorts = column->sort == top->sort;
        snprintf(title, sizeof title, "%s%s", sorts ? "*" : "", title_of(top, column));
        fprintf(out, "%*s", column->width, title);
    }
    mp_top_word(mp_heap_live_groups, (int)top->live->group, group);
    if (top->live->group == MP_HEAP_LIVE_YOURS)
        strcpy(group, "your line");
    fprintf(out, "  %s", group);
    mp_top_end_strong(out, &top->screen);
    fputc('\n', out);
}

/* Of growth, without a sign. */
static const char *error_of(const struct mp_top_heap *top,
                            const struct mp_heap_live_row *row, char room[MP_HEAP_FIGURE])
{
    int64_t error = mp_heap_live_growth_error(top->sample, top->live, row);
    mp_top_growth(error, room);
    return error ? room + 1 : room;
}

static void put_figures(FILE *out, const struct mp_top_heap *top,
                        const struct mp_heap_live_row *row)
{
    const struct mp_heap_live *live = top->live;
    const char *texts[COLUMNS];
    char rooms[COLUMNS][MP_HEAP_FIGURE];
    texts[0] = mp_heap_size(mp_heap_live_measure(live, row), rooms[0]);
    texts[1] = live->was_rated ? mp_top_rate(row->rate, rooms[1]) : "-";
    texts[2] = mp_top_growth(mp_heap_live_growth(live, row), rooms[2]);
    texts[3] = error_of(top, row, rooms[3]);
    texts[4] = mp_heap_size(row->now.at_peak, rooms[4]);
    texts[5] = mp_heap_blocks(row->now.blocks, (uint64_t)row->now.live, rooms[5]);
    texts[6] = mp_heap_count(row->now.temporary, rooms[6]);
    for (int i = 0; i < shown_columns(top); i++)
        if (title_of(top, &columns[i]))
            fprintf(out, "%*s", columns[i].width, texts[i]);
}

/* "file.py:12 function" in so many columns (0: any), the number never cut. */
static void put_place(FILE *out, const struct mp_top_screen *screen, const char *file,
                      size_t file_length, int64_t line, const char *name,
                      size_t name_length, int width)
{
    const struct mp_heap_style *style = &screen->style;
    char number[MP_HEAP_FIGURE] = "";
    if (line > 0 && file_length)
        snprintf(number, sizeof number, ":%" PRId64, line);
    int wide = mp_top_columns(style, file, file_length) + (int)strlen(number);
    int left = width - wide - 1;
    bool named = name_length && (!width || left >= 4);
    int room = width ? width - (int)strlen(number) : 0;
    mp_heap_put_text(out, style, file, file_length,
                     !width     ? 0
                     : room > 4 ? room
                                : 4,
                     MP_HEAP_CUT_START);
    fputs(number, out);
    if (!named)
        return;
    fputs(file_length ? " " : "", out);
    mp_heap_put_text(out, style, name, name_length, !width ? 0 : left + !file_length,
                     MP_HEAP_CUT_END);
}

static const char *words_of(enum mp_heap_live_kind kind)
{
    switch (kind) {
    case MP_HEAP_LIVE_NOT_YOURS:
        return MP_HEAP_NOT_YOURS;
    case MP_HEAP_LIVE_IMPORTING:
        return MP_HEAP_IMPORTING;
    case MP_HEAP_LIVE_OWN:
        return MP_HEAP_OWN_NAME;
    case MP_HEAP_LIVE_NOWHERE:
        return "(no Python code running)";
    default:
        return NULL;
    }
}

static void put_row_place(FILE *out, const struct mp_top_heap *top,
                          const struct mp_heap_live_row *row, int width)
{
    const char *words = words_of(row->kind), *text = top->live->text;
    char number[MP_HEAP_FIGURE];
    if (words) {
        mp_heap_put_text(out, &top->screen.style, words, strlen(words), width,
                         MP_HEAP_CUT_END);
        return;
    }
    const char *name = text + row->name.offset, *file = text + row->file.offset + row->skip;
    size_t file_length = row->file.length - row->skip;
    if (row->kind != MP_HEAP_LIVE_PLACE) {
        snprintf(number, sizeof number, "%" PRId64, row->line);
        put_place(out, &top->screen, number, strlen(number), 0, name, row->name.length,
                  width);
        return;
    }
    mp_heap_begin_place(out, &top->screen.style, row->users);
    put_place(out, &top->screen, file, file_length, row->line, name, row->name.length,
              width);
    mp_heap_end_place(out, &top->screen.style, row->users);
}

static int room_for_place(const struct mp_top_heap *top, int before)
{
    int width = top->screen.style.width, left = width - before;
    return !width ? 0 : left > 4 ? left : 4;
}

static void put_rows(FILE *out, const struct mp_top_heap *top, size_t room)
{
    int before = width_of_columns(top) + 2;
    size_t end = room < top->count - top->first ? top->first + room : top->count;
    for (size_t i = top->first; i < end; i++) {
        const struct mp_heap_live_row *row = &top->live->rows[top->order[i]];
        put_figures(out, top, row);
        fputs(i == top->chosen ? " >" : "  ", out);
        put_row_place(out, top, row, room_for_place(top, before));
        fputc('\n', out);
    }
}

/* Lines from `first` on, `room` of them: what is before and behind goes nowhere. */
struct window {
    FILE *out;
    size_t at, first, room;
};

static bool is_in(struct window *window)
{
    size_t at = window->at++;
    return at >= window->first && at - window->first < window->room;
}

static void put_frame(struct window *window, const struct mp_top_heap *top,
                      const struct mp_heap_view *view,
                      const struct mp_heap_live_frame *frame, const char *before)
{
    if (!is_in(window))
        return;
    fputs(before, window->out);
    mp_heap_begin_place(window->out, &top->screen.style, frame->users);
    put_place(window->out, &top->screen, view->text + frame->file.offset + frame->skip,
              frame->file.length - frame->skip, frame->line,
              view->text + frame->name.offset, frame->name.length,
              room_for_place(top, (int)strlen(before)));
    mp_heap_end_place(window->out, &top->screen.style, frame->users);
    fputc('\n', window->out);
}

/* Its innermost frame beside the figures, its callers below. */
static void put_stack(struct window *window, const struct mp_top_heap *top,
                      const struct mp_heap_live_stack *stack)
{
    char size[MP_HEAP_FIGURE], blocks[MP_HEAP_FIGURE], before[64];
    const struct mp_heap_live_process *process = stack->process;
    struct mp_heap_live_frame frame;
    uint32_t node = stack->node;
    size_t left_out = 0;
    snprintf(before, sizeof before, "%10s %11s  ", mp_heap_size(stack->live, size),
             mp_heap_blocks(stack->blocks, (uint64_t)stack->live, blocks));
    for (int i = 0; mp_heap_live_frame(top->live, process, node, &frame, &node); i++) {
        if (i >= MOST_FRAMES) {
            left_out++;
            continue;
        }
        put_frame(window, top, process->view, &frame, before);
        memset(before, ' ', 26);
        before[26] = 0;
        strcpy(before + (top->screen.style.width < 60 && top->screen.style.width ? 4 : 24),
               "< ");
    }
    if (left_out && is_in(window))
        fprintf(window->out, "%26s%zu more\n", "", left_out);
}

static void put_stacks(struct window *window, const struct mp_top_heap *top)
{
    for (size_t i = 0; i < top->stacks->count; i++)
        put_stack(window, top, &top->stacks->stacks[i]);
    if (!top->stacks->count && is_in(window))
        fputs(is_of_threads(top) ? "(of threads no stacks are known)\n" : "(nothing)\n",
              window->out);
}

size_t mp_top_heap_stack_lines(const struct mp_top_heap *top)
{
    struct window window = {.out = NULL, .room = 0};
    put_stacks(&window, top);
    return window.at;
}

static void put_stacks_head(FILE *out, const struct mp_top_heap *top)
{
    char *text = NULL, size[MP_HEAP_FIGURE];
    size_t length = 0;
    const struct mp_heap_live_row *row = &top->live->rows[top->of];
    FILE *stream = open_memstream(&text, &length);
    if (!stream)
        return;
    struct mp_top_heap plain = *top;
    plain.screen.style.colour = false;
    fprintf(stream, "callers of ");
    put_row_place(stream, &plain, row, 0);
    fprintf(stream, ": %s in %zu stack%s", mp_heap_size(row->now.live, size),
            top->stacks->count, top->stacks->count == 1 ? "" : "s");
    fclose(stream);
    mp_top_begin_strong(out, &top->screen);
    mp_heap_put_text(out, &top->screen.style, text, length, top->screen.style.width,
                     MP_HEAP_CUT_END);
    mp_top_end_strong(out, &top->screen);
    fputc('\n', out);
    free(text);
}

static void put_help(FILE *out, const struct mp_top_heap *top, size_t room)
{
    static const char *const lines[] = {
        "up down j k   choose a row          PgUp PgDn  a page",
        "enter c       callers of that row   esc b      back to the rows",
        "o O           sort by the next or the former column",
        "g G           rows of the next or the former kind; 1 to 7: of that kind:",
        "              your lines, lines, functions, files, modules, processes, threads",
        "m             mark: 'since' counts from here, and the recording keeps the moment",
        "M             'since' counts from the mark before, the last one first",
        "space f       freeze, and go on",
        "s w           write a copy of the recording",
        "q             quit; the program is not touched",
        "live: bytes now   +/s: growth a second   since: growth since the mark",
        "at peak: when the whole heap was largest   temporary: freed at once",
    };
    size_t count = sizeof lines / sizeof *lines;
    mp_top_put_lines(out, &top->screen, lines, count < room ? count : room);
}

static void put_sums(FILE *out, const struct mp_top_heap *top)
{
    struct mp_top_sums sums = {.screen = &top->screen};
    char room[MP_HEAP_FIGURE], error[MP_HEAP_FIGURE];
    mp_top_sums_add(&sums, "heap %s", mp_heap_size(top->heap, room));
    if (top->rss >= 0)
        mp_top_sums_add(&sums, "  RSS %s", mp_heap_size(top->rss, room));
    if (top->rss >= 0 && top->before >= 0)
        mp_top_sums_add(&sums, " (%s before)", mp_heap_size(top->before, room));
    if (top->live->was_rated)
        mp_top_sums_add(&sums, "  %s", mp_top_whole_rate(top->heap_rate, room));
    mp_top_sums_add(&sums, "  %s%s%s since %s", mp_top_growth(top->heap_growth, room),
                    top->sample ? " +-" : "",
                    top->sample ? error_of(top, &top->live->whole, error) : "", top->since);
    mp_top_sums_add(&sums, "  at most %s", mp_heap_size(top->peak, room));
    if (top->sample)
        mp_top_sums_add(&sums, "  one block in %s",
                        mp_heap_size((int64_t)top->sample, room));
    mp_top_put_line(out, &top->screen, sums.text);
}

void mp_top_heap_print(FILE *out, const struct mp_top_heap *top)
{
    size_t room = mp_top_room(&top->screen);
    mp_top_put_title(out, &top->screen);
    put_sums(out, top);
    mp_top_put_curves(out, &top->screen);
    if (top->help) {
        fputc('\n', out);
        put_help(out, top, room);
    } else if (top->stacks) {
        struct window window = {out, 0, top->first, room};
        put_stacks_head(out, top);
        put_stacks(&window, top);
    } else {
        put_head(out, top);
        put_rows(out, top, room < top->most ? room : top->most);
    }
    mp_top_put_foot(out, &top->screen);
}
