/* Stacks by the numbers of their frames: JSON of our own, and speedscope's. */
#include <inttypes.h>

#include "base/escape.h"
#include "report/heap/export_parts.h"

static void put_number(FILE *out, const struct mp_heap_export *export, uint32_t spot)
{
    (void)export;
    fprintf(out, spot ? ",%" PRIu32 : "%" PRIu32, spot);
}

/* The numbers, without the comma that they begin with; where there is no frame, that. */
static void put_numbers(FILE *out, const struct mp_heap_stack *stack)
{
    bool marked = stack->length && *stack->text == ',';
    fputc('[', out);
    fwrite(stack->text + marked, 1, stack->length - marked, out);
    fputc(']', out);
}

static void put_member(FILE *out, const char *key, struct mp_heap_words text)
{
    fprintf(out, "\"%s\":", key);
    mp_escape_json(out, text.text, text.length);
}

static void put_frames(FILE *out, const struct mp_heap_export *export, const char *name)
{
    for (size_t i = 0; i < export->calls->spot_count; i++) {
        const struct mp_heap_spot *spot = &export->calls->spots[i];
        struct mp_heap_words file = mp_heap_spot_file(export->view, spot);
        fputs(i ? ",\n{" : "\n{", out);
        put_member(out, name, mp_heap_spot_name(export->view, spot));
        if (file.length) {
            fputc(',', out);
            put_member(out, "file", file);
            fprintf(out, ",\"line\":%d", spot->line);
        }
        fputc('}', out);
    }
}

static void put_stack(FILE *out, const struct mp_heap_export *export,
                      const struct mp_heap_stack *stack)
{
    const struct mp_heap_amount *own = &export->calls->own[stack->frame][export->measure];
    fprintf(out, "%s[%" PRId64 ",%" PRId64 ",", stack->index ? ",\n" : "\n", own->bytes,
            own->blocks);
    put_numbers(out, stack);
    fputc(']', out);
}

int mp_heap_export_json(FILE *out, const struct mp_heap_export *export)
{
    struct mp_heap_amount all =
        mp_heap_amount_of(&export->calls->flame->frames[0].sum, export->measure);
    fprintf(out,
            MP_HEAP_JSON_MARK ", \"version\": \"%s\",\n  \"unit\": \"bytes\", "
                              "\"measure\": \"%s\",\n  \"capture\": ",
            MP_VERSION, mp_heap_measure_names[export->measure]);
    mp_escape_json_or_null(out, export->name);
    fputs(", \"incomplete\": ", out);
    mp_escape_json_or_null(out, export->incomplete);
    fprintf(out,
            ", \"sample\": %" PRIu64 ",\n  \"bytes\": %" PRId64 ", \"blocks\": %" PRId64
            ",\n  \"frames\": [",
            export->view->header->sample, all.bytes, all.blocks);
    put_frames(out, export, "function");
    fputs("],\n  \"columns\": [\"bytes\", \"blocks\", \"frames\"],\n  \"stacks\": [", out);
    int failed = mp_heap_each_stack(out, export, put_number, put_stack);
    fputs("]\n}\n", out);
    return failed;
}

/* The format has weights in an array of their own. */
static void put_sample(FILE *out, const struct mp_heap_export *export,
                       const struct mp_heap_stack *stack)
{
    (void)export;
    fputs(stack->index ? ",\n" : "\n", out);
    put_numbers(out, stack);
}

static void put_weight(FILE *out, const struct mp_heap_export *export,
                       const struct mp_heap_stack *stack)
{
    fprintf(out, "%s%" PRId64, stack->index ? ",\n" : "\n",
            export->calls->own[stack->frame][export->measure].bytes);
}

/* Digits and letters alone: nothing to escape. */
static void put_title(FILE *out, const struct mp_heap_export *export)
{
    uint64_t sample = export->view->header->sample;
    fprintf(out, "\"%s", mp_heap_measure_names[export->measure]);
    if (sample)
        fprintf(out, ", sampled: one block in %" PRIu64 " bytes", sample);
    fputc('"', out);
}

int mp_heap_export_speedscope(FILE *out, const struct mp_heap_export *export)
{
    fputs(MP_HEAP_SPEEDSCOPE_MARK " " MP_VERSION "\",\n\"name\":", out);
    mp_escape_json_or_null(out, export->name);
    fputs(",\"activeProfileIndex\":0,\n\"shared\":{\"frames\":[", out);
    put_frames(out, export, "name");
    fputs("]},\n\"profiles\":[{\"type\":\"sampled\",\"name\":", out);
    put_title(out, export);
    fprintf(out,
            ",\"unit\":\"bytes\",\"startValue\":0,\"endValue\":%" PRId64 ",\n\"samples\":[",
            mp_heap_exported(export));
    int failed = mp_heap_each_stack(out, export, put_number, put_sample);
    fputs("],\n\"weights\":[", out);
    failed |= mp_heap_each_stack(out, export, NULL, put_weight);
    fputs("]}]}\n", out);
    return failed;
}
