#include "report/heap/export_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/escape.h"
#include "base/saturate.h"
#include "report/heap/parts.h"

enum { LONGEST = 1 << 16 };

const char *const mp_heap_measure_names[] = {"peak", "live", "allocated", "growth"};

static struct mp_heap_words words(const char *text)
{
    return (struct mp_heap_words){text, strlen(text)};
}

struct mp_heap_words mp_heap_spot_name(const struct mp_heap_view *view,
                                       const struct mp_heap_spot *spot)
{
    static const char *const kinds[] = {[MP_FLAME_FRAME] = "(no Python code running)",
                                        [MP_FLAME_SMALLER] = "(smaller)",
                                        [MP_FLAME_DEEPER] = "(deeper)",
                                        [MP_FLAME_OWN] = MP_HEAP_OWN_NAME,
                                        [MP_FLAME_IMPORTS] = MP_HEAP_IMPORTING};
    if (spot->kind != MP_FLAME_FRAME || !spot->code)
        return words(kinds[spot->kind]);
    struct mp_heap_text name = view->codes[spot->code].name;
    return (struct mp_heap_words){view->text + name.offset, name.length};
}

struct mp_heap_words mp_heap_spot_file(const struct mp_heap_view *view,
                                       const struct mp_heap_spot *spot)
{
    if (spot->kind != MP_FLAME_FRAME || !spot->code)
        return words("");
    struct mp_heap_text file = view->codes[spot->code].file;
    return (struct mp_heap_words){view->text + file.offset, file.length};
}

void mp_heap_put_words(FILE *out, const char *text, size_t length, const char *marks)
{
    for (size_t at = 0; at < length;) {
        size_t end = at;
        while (end < length && !strchr(marks, text[end]))
            end++;
        while (end < length && !text[end]) /* strchr() finds the end of the marks too */
            end++;
        mp_escape_terminal(out, text + at, end - at, false);
        if (end < length && strchr(marks, text[end]))
            fprintf(out, "\\x%02x", (unsigned char)text[end++]);
        at = end;
    }
}

void mp_heap_put_spot(FILE *out, const struct mp_heap_export *export,
                      const struct mp_heap_spot *spot, const char *marks)
{
    struct mp_heap_words name = mp_heap_spot_name(export->view, spot);
    mp_heap_put_words(out, name.text, name.length, marks);
    if (!mp_heap_spot_file(export->view, spot).length)
        return;
    struct mp_heap_text file =
        mp_heap_paths_short(export->paths, export->view->codes[spot->code].file);
    fputs(" (", out);
    mp_heap_put_words(out, export->view->text + file.offset, file.length, marks);
    fprintf(out, ":%d)", spot->line);
}

/* The text of each spot once, one behind the other; and that of the stack that is looked at. */
struct texts {
    char *spots, *stack; /* owned, as the ends */
    size_t *ends, spots_size, stack_room;
    size_t depths[MP_HEAP_EXPORT_DEPTH + 3]; /* where the text of each depth ends */
};

static int write_spots(struct texts *texts, const struct mp_heap_export *export,
                       mp_heap_put_frame *put)
{
    FILE *out = open_memstream(&texts->spots, &texts->spots_size);
    texts->ends = calloc(export->calls->spot_count, sizeof *texts->ends);
    for (uint32_t i = 0; out && texts->ends && i < export->calls->spot_count; i++) {
        if (put)
            put(out, export, i);
        texts->ends[i] = (size_t)ftello(out);
    }
    int failed = !out || !texts->ends;
    failed |= out && (ferror(out) | fclose(out));
    return failed ? -1 : 0;
}

/* Puts a frame behind its callers. */
static int enter(struct texts *texts, const struct mp_flame_calls *calls, uint32_t frame)
{
    uint32_t spot = calls->numbers[frame], depth = calls->flame->frames[frame].depth;
    size_t from = spot ? texts->ends[spot - 1] : 0, length = texts->ends[spot] - from;
    size_t before = depth ? texts->depths[depth - 1] : 0;
    texts->depths[depth] = before;
    if (!frame || before + length > LONGEST)
        return 0;
    if (mp_array_reserve((void **)&texts->stack, &texts->stack_room, before + length + 1,
                         1))
        return -1;
    memcpy(texts->stack + before, texts->spots + from, length);
    texts->depths[depth] = before + length;
    return 0;
}

/* Where no Python code was running there is no frame: it is said instead. */
static struct mp_heap_stack stack_of(const struct texts *texts,
                                     const struct mp_flame_calls *calls, uint32_t frame)
{
    if (!frame)
        return (struct mp_heap_stack){.text = texts->spots, .length = texts->ends[0]};
    return (struct mp_heap_stack){.frame = frame,
                                  .text = texts->stack ? texts->stack : "",
                                  .length =
                                      texts->depths[calls->flame->frames[frame].depth]};
}

bool mp_heap_is_exported(const struct mp_heap_export *export, uint32_t frame)
{
    int64_t bytes = export->calls->own[frame][export->measure].bytes;
    bool signed_ones = export->format != MP_HEAP_EXPORT_COLLAPSED &&
                       export->format != MP_HEAP_EXPORT_SPEEDSCOPE;
    return signed_ones ? bytes != 0 : bytes > 0;
}

int64_t mp_heap_exported(const struct mp_heap_export *export)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < export->calls->flame->count; i++)
        if (mp_heap_is_exported(export, i))
            sum = mp_sum(sum, export->calls->own[i][export->measure].bytes);
    return sum;
}

int mp_heap_each_stack(FILE *out, const struct mp_heap_export *export,
                       mp_heap_put_frame *put_frame, mp_heap_put_stack *put_stack)
{
    struct texts texts = {0};
    int failed = write_spots(&texts, export, put_frame);
    uint32_t frame = 0;
    size_t count = 0;
    do {
        failed = failed || enter(&texts, export->calls, frame);
        if (!failed && mp_heap_is_exported(export, frame)) {
            struct mp_heap_stack stack = stack_of(&texts, export->calls, frame);
            stack.index = count++;
            put_stack(out, export, &stack);
        }
        frame = mp_flame_calls_next(export->calls, frame);
    } while (frame && !failed);
    free(texts.spots);
    free(texts.stack);
    free(texts.ends);
    return failed ? -1 : 0;
}
