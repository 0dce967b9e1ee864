#include "python/waste_lines.h"

#include <stdio.h>
#include <stdlib.h>

#include "aggregate/heap/types.h"
#include "capture/heap/python/recording.h"

size_t mp_line_place(char place[MP_LINE_PLACE], const struct mp_heap_view *view,
                     const struct mp_heap_line *line)
{
    const struct mp_heap_code *code = &view->codes[line->code];
    int length = snprintf(place, MP_LINE_PLACE, "%.*s:%d\t%.*s", (int)code->file.length,
                          view->text + code->file.offset, line->line,
                          (int)code->name.length, view->text + code->name.offset);
    return length < 0 ? 0 : length >= MP_LINE_PLACE ? MP_LINE_PLACE - 1 : (size_t)length;
}

int mp_waste_places_init(struct mp_waste_places *places, const struct mp_heap_view *view,
                         const struct mp_heap_own *own, const struct mp_heap_lines *lines)
{
    size_t nodes = view->counts[MP_HEAP_NODES];
    *places = (struct mp_waste_places){.places = calloc(nodes + 1, sizeof(uint32_t))};
    if (!places->places)
        return -1;
    mp_heap_own_nearest(own, view, places->places);
    for (size_t i = 0; i < nodes; i++) {
        uint32_t users = lines->places[places->places[i]];
        places->places[i] = users ? users : lines->places[i];
    }
    places->lines =
        (struct mp_waste_lines){&mp_recording.ledger.shadow, places->places, nodes};
    return 0;
}

void mp_waste_places_release(struct mp_waste_places *places)
{
    free(places->places);
    *places = (struct mp_waste_places){0};
}

static void fill_row(struct mp_heap_waste *row, const struct mp_waste_row *from)
{
    *row = (struct mp_heap_waste){.kind = MP_HEAP_WASTE_FIRST + from->kind,
                                  .code = from->code,
                                  .of = from->of,
                                  .of_length = from->of_length,
                                  .path = from->path,
                                  .path_length = from->length,
                                  .count = from->count,
                                  .bytes = from->bytes,
                                  .saved = from->saved};
}

void mp_waste_fill(struct mp_waste_kept *kept, const struct mp_waste *waste,
                   const struct mp_heap_view *view, const struct mp_heap_lines *lines)
{
    const struct mp_heap_line **by_number = mp_heap_lines_by_number(lines);
    kept->rows[0] = (struct mp_heap_waste){.kind = MP_HEAP_WASTE_ALL,
                                           .code = (uint32_t)waste->others,
                                           .count = waste->objects,
                                           .bytes = waste->unseen,
                                           .saved = waste->others_saved};
    memcpy(kept->text, waste->text, waste->text_size);
    kept->size = waste->text_size;
    for (uint32_t i = 0; i < waste->count; i++) {
        const struct mp_waste_row *from = &waste->rows[i];
        struct mp_heap_waste *row = &kept->rows[1 + i];
        const struct mp_heap_line *line = by_number ? by_number[from->line] : NULL;
        fill_row(row, from);
        row->place = (uint32_t)kept->size;
        if (line && line->code)
            row->place_length =
                (uint32_t)mp_line_place(kept->text + kept->size, view, line);
        kept->size += row->place_length;
    }
    kept->count = 1 + waste->count;
    free(by_number);
}
