/* Function records: FUNC as the classic writes it, CALL and DONE around ours. */
#include <stdlib.h>

#include "base/array.h"
#include "store/dat/records.h"

enum { FARTHEST_CALL = 4096 }; /* open calls a DONE is looked for among */

static int add_span(struct mp_dat_reader *reader, const struct mp_span *span, int number)
{
    struct mp_timeline *timeline = reader->timeline;
    size_t count = timeline->span_count + 1;
    if (mp_array_reserve((void **)&timeline->spans, &timeline->span_room, count,
                         sizeof *timeline->spans) ||
        mp_array_reserve((void **)&reader->numbers, &reader->number_room, count,
                         sizeof *reader->numbers))
        return -1;
    timeline->spans[count - 1] = *span;
    reader->numbers[count - 1] = number;
    timeline->span_count = count;
    return 0;
}

static int intern(struct mp_dat_reader *reader, struct mp_fields name)
{
    if (!reader->timeline->version)
        return mp_names_index(&reader->timeline->names, name.at,
                              (size_t)(name.end - name.at));
    size_t length;
    char *plain = mp_dat_unescaped(name.at, name.end, &length);
    if (!plain)
        return -1;
    int index = mp_names_index(&reader->timeline->names, plain, length);
    free(plain);
    return index;
}

/* "name MiB time MiB time [level]"; the classic let names hold blanks, so from the right. */
int mp_dat_read_function(struct mp_dat_reader *reader, struct mp_fields fields)
{
    struct mp_span span = {0};
    struct mp_fields whole = fields, last = mp_fields_take_last(&fields);
    span.level = mp_fields_integer(&last);
    if (!mp_fields_done(&last)) {
        fields = whole; /* from before levels were written */
        span.level = 0;
    }
    struct mp_fields numbers[4];
    for (int i = 4; i-- > 0;)
        numbers[i] = mp_fields_take_last(&fields);
    span.enter.bytes = mp_fields_mib(&numbers[0]);
    span.enter.time = mp_fields_seconds(&numbers[1]);
    span.leave.bytes = mp_fields_mib(&numbers[2]);
    span.leave.time = mp_fields_seconds(&numbers[3]);
    for (int i = 0; i < 4; i++)
        if (!mp_fields_done(&numbers[i]))
            return 0;
    if (fields.at == fields.end || span.leave.time < span.enter.time)
        return 0;
    span.name = intern(reader, fields);
    return span.name < 0 ? -1 : add_span(reader, &span, 0) ? -1 : 1;
}

int mp_dat_read_call(struct mp_dat_reader *reader, struct mp_fields fields)
{
    struct mp_span span = {.open = true};
    span.pid = mp_fields_integer(&fields);
    span.thread = mp_fields_integer(&fields);
    int number = mp_fields_integer(&fields);
    span.enter.bytes = mp_fields_mib(&fields);
    span.enter.time = mp_fields_seconds(&fields);
    span.level = mp_fields_integer(&fields);
    if (fields.failed || fields.at == fields.end || !number)
        return 0;
    span.leave = span.enter;
    span.name = intern(reader, fields);
    if (span.name < 0 || mp_array_reserve((void **)&reader->open, &reader->open_room,
                                          reader->open_count + 1, sizeof *reader->open))
        return -1;
    reader->open[reader->open_count++] = (int)reader->timeline->span_count;
    return add_span(reader, &span, number) ? -1 : 1;
}

/* The FUNC just before it closes this call: its times go into the span of the CALL. */
int mp_dat_read_done(struct mp_dat_reader *reader, struct mp_fields fields)
{
    struct mp_timeline *timeline = reader->timeline;
    int pid = mp_fields_integer(&fields), number = mp_fields_integer(&fields);
    if (!mp_fields_done(&fields))
        return 0;
    size_t oldest =
        reader->open_count > FARTHEST_CALL ? reader->open_count - FARTHEST_CALL : 0;
    for (size_t i = reader->open_count; i-- > oldest;) {
        int at = reader->open[i];
        struct mp_span *span = &timeline->spans[at];
        struct mp_span *last = &timeline->spans[timeline->span_count - 1];
        if (span->pid != pid || reader->numbers[at] != number)
            continue;
        if (last == span || last->pid || last->name != span->name)
            return 0;
        span->leave = last->leave;
        span->open = false;
        timeline->span_count--;
        reader->open[i] = reader->open[--reader->open_count];
        return 1;
    }
    return 0;
}
