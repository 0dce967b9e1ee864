/* Stacks in lines: collapsed, and CSV. */
#include <inttypes.h>

#include "base/escape.h"
#include "report/heap/export_parts.h"

static void put_frame(FILE *out, const struct mp_heap_export *export, uint32_t spot)
{
    fputs(spot ? ";" : "", out);
    mp_heap_put_spot(out, export, &export->calls->spots[spot], ";");
}

/* Without the ";" that it begins with, but where there is no frame. */
static struct mp_heap_words text_of(const struct mp_heap_stack *stack)
{
    bool marked = stack->length && *stack->text == ';';
    return (struct mp_heap_words){stack->text + marked, stack->length - marked};
}

static bool is_own(const struct mp_flame_calls *calls, uint32_t frame)
{
    return calls->flame->frames[frame].kind == MP_FLAME_OWN;
}

static void put_collapsed(FILE *out, const struct mp_heap_export *export,
                          const struct mp_heap_stack *stack)
{
    struct mp_heap_words text = text_of(stack);
    if (is_own(export->calls, stack->frame))
        return;
    fwrite(text.text, 1, text.length, out);
    fprintf(out, " %" PRId64 "\n", export->calls->own[stack->frame][export->measure].bytes);
}

/* Ours is said first, also where it is 0: the format has no other place to say whose a file is. */
int mp_heap_export_collapsed(FILE *out, const struct mp_heap_export *export)
{
    int64_t own = 0;
    for (uint32_t i = 0; i < export->calls->flame->count; i++)
        if (is_own(export->calls, i) && mp_heap_is_exported(export, i))
            own += export->calls->own[i][export->measure].bytes;
    fprintf(out, MP_HEAP_COLLAPSED_MARK "%" PRId64 "\n", own);
    return mp_heap_each_stack(out, export, put_frame, put_collapsed);
}

static void put_row(FILE *out, const struct mp_heap_export *export,
                    const struct mp_heap_stack *stack)
{
    const struct mp_flame_calls *calls = export->calls;
    const struct mp_heap_amount *own = &calls->own[stack->frame][export->measure];
    const struct mp_heap_spot *spot = &calls->spots[calls->numbers[stack->frame]];
    struct mp_heap_words name = mp_heap_spot_name(export->view, spot);
    struct mp_heap_words file = mp_heap_spot_file(export->view, spot);
    struct mp_heap_words text = text_of(stack);
    fprintf(out, "%" PRId64 ",%" PRId64 ",", own->bytes, own->blocks);
    mp_escape_csv(out, file.text, file.length);
    fprintf(out, ",%d,", file.length ? spot->line : 0);
    mp_escape_csv(out, name.text, name.length);
    fputc(',', out);
    mp_escape_csv(out, text.text, text.length);
    fputc('\n', out);
}

int mp_heap_export_csv(FILE *out, const struct mp_heap_export *export)
{
    fputs(MP_HEAP_CSV_MARK, out);
    return mp_heap_each_stack(out, export, put_frame, put_row);
}
