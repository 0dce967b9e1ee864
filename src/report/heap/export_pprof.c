/* profile.proto of pprof, gzip'd: https://github.com/google/pprof/blob/main/proto/profile.proto
 *
 * Each message is put together in a buffer, since its length goes before it. All measures are in the
 * file, that of the export is the one that is shown first. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/command.h"
#include "base/escape.h"
#include "base/gzip.h"
#include "report/heap/export_parts.h"

/* Fields of the messages. */
enum { SAMPLE_TYPE = 1, SAMPLE, LOCATION = 4, FUNCTION, STRING, TIME = 9, DURATION };
enum { COMMENT = 13, DEFAULT_TYPE };
enum { VARINT, BYTES = 2, LONGEST = 10 };

/* Strings that are always there. */
enum string {
    STRING_EMPTY,
    STRING_BYTES,
    STRING_COUNT,
    STRING_TYPES, /* two of each measure: its bytes, its blocks */
    STRING_COMMENTS = STRING_TYPES + 2 * MP_HEAP_MEASURES,
    STRING_COMMAND,
    STRING_MISSING,
    STRING_SAMPLED,
    STRING_SPOTS /* two of each function: its name, its file */
};

struct message {
    unsigned char bytes[(MP_HEAP_EXPORT_DEPTH + 3) * 5 + 12 * LONGEST];
    size_t length;
};

static void put_varint(struct message *to, uint64_t value)
{
    for (; value > 127; value >>= 7)
        to->bytes[to->length++] = (unsigned char)(value | 128);
    to->bytes[to->length++] = (unsigned char)value;
}

static void put_field(struct message *to, unsigned field, uint64_t value)
{
    put_varint(to, field << 3 | VARINT);
    put_varint(to, value);
}

static void put_bytes(struct mp_gzip *gzip, unsigned field, const void *bytes,
                      size_t length)
{
    struct message head = {.length = 0};
    put_varint(&head, field << 3 | BYTES);
    put_varint(&head, length);
    mp_gzip_put(gzip, head.bytes, head.length);
    mp_gzip_put(gzip, bytes, length);
}

static void put_message(struct mp_gzip *gzip, unsigned field, const struct message *message)
{
    put_bytes(gzip, field, message->bytes, message->length);
}

/* A field of the profile itself. */
static void put_value(struct mp_gzip *gzip, unsigned field, uint64_t value)
{
    struct message message = {.length = 0};
    put_field(&message, field, value);
    mp_gzip_put(gzip, message.bytes, message.length);
}

/* Growth is there where a range is shown. */
static unsigned measures_of(const struct mp_heap_view *view)
{
    return view->growth ? MP_HEAP_MEASURES : MP_HEAP_MEASURE_GROWTH;
}

static void put_types(struct mp_gzip *gzip, const struct mp_heap_view *view)
{
    for (unsigned i = 0; i < 2 * measures_of(view); i++) {
        struct message type = {.length = 0};
        put_field(&type, 1, STRING_TYPES + i);
        put_field(&type, 2, i % 2 ? STRING_COUNT : STRING_BYTES);
        put_message(gzip, SAMPLE_TYPE, &type);
    }
}

/* A packed field: its length goes before it, too. */
static void put_packed(struct message *to, unsigned field, const struct message *packed)
{
    put_varint(to, field << 3 | BYTES);
    put_varint(to, packed->length);
    memcpy(to->bytes + to->length, packed->bytes, packed->length);
    to->length += packed->length;
}

/* The innermost first; the number of a location is its spot's and one more. */
static void put_locations(struct message *to, const struct mp_flame_calls *calls,
                          uint32_t frame)
{
    struct message packed;
    packed.length = 0;
    do {
        put_varint(&packed, calls->numbers[frame] + 1);
        frame = calls->flame->frames[frame].parent;
    } while (frame);
    put_packed(to, 1, &packed);
}

static void put_sample(struct mp_gzip *gzip, const struct mp_heap_export *export,
                       uint32_t frame)
{
    const struct mp_flame_calls *calls = export->calls;
    struct message sample, packed;
    uint64_t any = 0;
    sample.length = packed.length = 0;
    for (unsigned i = 0; i < measures_of(export->view); i++) {
        const struct mp_heap_amount *own = &calls->own[frame][i];
        any |= (uint64_t)own->bytes | (uint64_t)own->blocks;
        put_varint(&packed, (uint64_t)own->bytes);
        put_varint(&packed, (uint64_t)own->blocks);
    }
    if (!any)
        return;
    put_locations(&sample, calls, frame);
    put_packed(&sample, 2, &packed);
    put_message(gzip, SAMPLE, &sample);
}

/* A number for each function, and for each kind of what is none. */
static uint64_t function_of(const struct mp_heap_export *export,
                            const struct mp_heap_spot *spot)
{
    size_t codes = export->view->counts[MP_HEAP_CODES];
    return 1 + (spot->kind == MP_FLAME_FRAME ? spot->code : codes + spot->kind);
}

/* Strings are UTF-8. */
static int put_words(struct mp_gzip *gzip, struct mp_heap_words words)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -1;
    mp_escape_terminal(out, words.text, words.length, false);
    int failed = ferror(out) | fclose(out);
    if (!failed)
        put_bytes(gzip, STRING, text, size);
    free(text);
    return failed ? -1 : 0;
}

/* Without a system_name: where that is the same as the name, pprof takes both for C++ and strips
   "<module>" of what it thinks a template. */
static int put_function(struct mp_gzip *gzip, const struct mp_heap_export *export,
                        const struct mp_heap_spot *spot, uint64_t strings)
{
    struct message function = {.length = 0};
    put_field(&function, 1, function_of(export, spot));
    put_field(&function, 2, strings);
    put_field(&function, 4, strings + 1);
    if (spot->kind == MP_FLAME_FRAME && spot->code)
        put_field(&function, 5, (uint64_t) export->view->codes[spot->code].first_line);
    put_message(gzip, FUNCTION, &function);
    int failed = put_words(gzip, mp_heap_spot_name(export->view, spot));
    return failed || put_words(gzip, mp_heap_spot_file(export->view, spot)) ? -1 : 0;
}

static void put_location(struct mp_gzip *gzip, const struct mp_heap_export *export,
                         uint32_t at)
{
    const struct mp_heap_spot *spot = &export->calls->spots[at];
    struct message location = {.length = 0}, line = {.length = 0};
    put_field(&line, 1, function_of(export, spot));
    if (mp_heap_spot_file(export->view, spot).length)
        put_field(&line, 2, (uint64_t)spot->line);
    put_field(&location, 1, (uint64_t)at + 1);
    put_packed(&location, 4, &line);
    put_message(gzip, LOCATION, &location);
}

/* Each function behind the first location that is in it, and its strings. */
static int put_spots(struct mp_gzip *gzip, const struct mp_heap_export *export)
{
    const struct mp_flame_calls *calls = export->calls;
    uint64_t strings = STRING_SPOTS;
    size_t most = export->view->counts[MP_HEAP_CODES] + MP_FLAME_KINDS + 1;
    bool *known = calloc(most, sizeof *known);
    int failed = known ? 0 : -1;
    for (uint32_t i = 0; !failed && i < calls->spot_count; i++) {
        uint64_t function = function_of(export, &calls->spots[i]);
        put_location(gzip, export, i);
        if (known[function])
            continue;
        failed = put_function(gzip, export, &calls->spots[i], strings);
        known[function] = true;
        strings += 2;
    }
    free(known);
    return failed;
}

/* What the figures lack is a comment: `pprof -comments` shows it. */
static char *say_sampled(const struct mp_heap_view *view)
{
    char *text = NULL;
    uint64_t sample = view->header->sample;
    if (!sample)
        return strdup("");
    if (asprintf(&text,
                 "sampled: one block in %" PRIu64
                 " bytes; figures are estimates, the standard error of x bytes is at most "
                 "sqrt(%" PRIu64 " * x)",
                 sample, sample) < 0)
        return NULL;
    return text;
}

/* In the order of `enum string`; the first is empty, as the format wants it. */
static int put_strings(struct mp_gzip *gzip, const struct mp_heap_export *export)
{
    char command[MP_HEAP_COMMAND], *sampled = say_sampled(export->view);
    static const char *const blocks[] = {"peak_blocks", "live_blocks", "allocated_blocks",
                                         "growth_blocks"};
    const char *const first[] = {"", "bytes", "count"};
    mp_heap_command(command, export->view->header->command);
    const char *last[] = {"memory_profiler " MP_VERSION, command,
                          export->incomplete ? export->incomplete : "",
                          sampled ? sampled : ""};
    int failed = sampled ? 0 : -1;
    for (int i = 0; i < 3 && !failed; i++)
        failed = put_words(gzip, (struct mp_heap_words){first[i], strlen(first[i])});
    for (int i = 0; i < MP_HEAP_MEASURES && !failed; i++) {
        const char *bytes = mp_heap_measure_names[i];
        failed = put_words(gzip, (struct mp_heap_words){bytes, strlen(bytes)}) ||
                 put_words(gzip, (struct mp_heap_words){blocks[i], strlen(blocks[i])});
    }
    for (int i = 0; i < 4 && !failed; i++)
        failed = put_words(gzip, (struct mp_heap_words){last[i], strlen(last[i])});
    free(sampled);
    return failed ? -1 : 0;
}

static void put_facts(struct mp_gzip *gzip, const struct mp_heap_export *export)
{
    const struct mp_heap_header *header = export->view->header;
    put_value(gzip, TIME, (uint64_t)header->wall_start);
    put_value(gzip, DURATION, (uint64_t)header->elapsed);
    put_value(gzip, COMMENT, STRING_COMMENTS);
    put_value(gzip, COMMENT, STRING_COMMAND);
    if (export->incomplete)
        put_value(gzip, COMMENT, STRING_MISSING);
    if (header->sample)
        put_value(gzip, COMMENT, STRING_SAMPLED);
    put_value(gzip, DEFAULT_TYPE, STRING_TYPES + 2 * (uint64_t) export->measure);
}

int mp_heap_export_pprof(FILE *out, const struct mp_heap_export *export)
{
    struct mp_gzip *gzip = malloc(sizeof *gzip);
    if (!gzip)
        return -1;
    mp_gzip_begin(gzip, out, MP_HEAP_PPROF_COMMENT);
    int failed = put_strings(gzip, export);
    put_types(gzip, export->view);
    put_facts(gzip, export);
    uint32_t frame = 0;
    do {
        put_sample(gzip, export, frame);
        frame = mp_flame_calls_next(export->calls, frame);
    } while (frame);
    failed = failed || put_spots(gzip, export);
    mp_gzip_end(gzip);
    free(gzip);
    return failed ? -1 : 0;
}
