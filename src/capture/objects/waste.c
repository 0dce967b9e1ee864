#include "capture/objects/waste.h"

#include "base/mix.h"
#include "base/pages.h"
#include "capture/objects/attributes.h"
#include "capture/objects/copies.h"
#include "capture/objects/path.h"
#include "capture/objects/sizes.h"
#include "capture/objects/wasted.h"

/* Rows that are told apart, and texts; what saves less is no row. Of contents and arrays so much is read. */
enum { MOST = 1 << 12, SLOTS = 1 << 13, MOST_TEXTS = 1 << 22, LEAST = 1 << 10 };
static const uint64_t most_read = (uint64_t)2 << 30;

struct row {
    enum mp_waste_kind kind;
    uint32_t code, line;
    const PyTypeObject *type;
    uint32_t first; /* node */
    uint64_t count, bytes, saved;
};

struct finding {
    const struct mp_graph *graph;
    const struct mp_waste_lines *lines;
    struct mp_waste *waste;
    struct row *rows; /* owned, as all; the first is none */
    uint32_t *slots, count;
    uint8_t *is_own; /* by node: the dict of an instance, module or class */
    struct mp_copies copies;
    struct mp_wasted_limits limits;
};

/* 0: nothing is known there. */
static uint32_t line_at(const struct mp_waste_lines *lines, uintptr_t block)
{
    const struct mp_block its = mp_shadow_find(lines->shadow, block);
    return its.known && its.stack < lines->nodes ? lines->places[its.stack] : 0;
}

static uint32_t line_of(const struct finding *finding, uintptr_t block, PyObject *object)
{
    const struct mp_waste_lines *lines = finding->lines;
    if (!lines)
        return 0;
    uint32_t line = line_at(lines, block);
    return line ? line : line_at(lines, mp_size_block(object));
}

static bool is_same(const struct row *row, const struct row *other)
{
    return row->kind == other->kind && row->code == other->code &&
           row->type == other->type && row->line == other->line;
}

/* NULL: there is no room. */
static struct row *find_row(struct finding *finding, const struct row *wanted)
{
    uint64_t what =
        (uint64_t)wanted->kind << 40 | (uint64_t)wanted->code << 32 | wanted->line;
    size_t at = mp_mix(what, (uintptr_t)wanted->type) & (SLOTS - 1);
    for (; finding->slots[at]; at = (at + 1) & (SLOTS - 1))
        if (is_same(&finding->rows[finding->slots[at]], wanted))
            return &finding->rows[finding->slots[at]];
    if (finding->count == MOST)
        return NULL;
    finding->slots[at] = finding->count;
    struct row *row = &finding->rows[finding->count++];
    *row = *wanted;
    return row;
}

static void add(struct finding *finding, uint32_t node, const struct mp_wasted *wasted)
{
    PyObject *object = finding->graph->objects[node];
    if (!wasted->saved)
        return;
    struct row wanted = {.kind = wasted->kind,
                         .code = wasted->code,
                         .line = line_of(finding, wasted->block, object),
                         .type = Py_TYPE(object),
                         .first = node};
    struct row *row = find_row(finding, &wanted);
    if (!row) {
        finding->waste->others_saved += wasted->saved;
        return;
    }
    row->count++;
    row->bytes += wasted->bytes;
    row->saved += wasted->saved;
}

static void look_at_text(struct finding *finding, uint32_t node)
{
    PyObject *text = finding->graph->objects[node];
    uint64_t length = mp_copies_length(text);
    if (!mp_wasted_may_read(&finding->limits, length))
        return;
    PyObject *first = mp_copies_first(&finding->copies, text);
    if (!first)
        finding->limits.unseen += length;
    uint64_t size = mp_size_of(text);
    if (first && first != text)
        add(finding, node,
            &(struct mp_wasted){.saved = size,
                                .bytes = size,
                                .kind = MP_WASTE_COPIES,
                                .block = mp_size_block(text)});
}

static void look(struct finding *finding, uint32_t node)
{
    PyObject *object = finding->graph->objects[node];
    struct mp_wasted wasted;
    if (mp_copies_can_be(object)) {
        look_at_text(finding, node);
        return;
    }
    if (!finding->is_own[node]) {
        wasted = mp_wasted_container(object);
        add(finding, node, &wasted);
    }
    wasted = mp_wasted_numbers(object);
    add(finding, node, &wasted);
    wasted = mp_wasted_attributes(object);
    add(finding, node, &wasted);
    wasted = mp_wasted_array(object, &finding->limits);
    add(finding, node, &wasted);
}

/* The dicts that are somebody's own, and how many texts there are. */
static size_t look_before(struct finding *finding)
{
    const struct mp_graph *graph = finding->graph;
    size_t texts = 0;
    for (uint32_t i = 1; i < graph->count; i++) {
        PyObject *object = graph->objects[i], *dict;
        if (mp_copies_can_be(object)) {
            texts++;
        } else {
            dict = mp_attributes_dict(object);
            finding->is_own[dict ? mp_graph_find(graph, dict) : 0] = 1;
        }
    }
    return texts < MOST_TEXTS ? texts : MOST_TEXTS;
}

static void put_row(const struct finding *finding, const struct mp_paths *paths,
                    const struct row *row)
{
    struct mp_waste *waste = finding->waste;
    struct mp_words words = {waste->text, waste->text_size, MP_WASTE_TEXT};
    struct mp_waste_row *to = &waste->rows[waste->count++];
    *to = (struct mp_waste_row){.kind = row->kind,
                                .code = row->code,
                                .line = row->line,
                                .of = waste->text_size,
                                .count = row->count,
                                .bytes = row->bytes,
                                .saved = row->saved};
    mp_words_put_type(&words, (PyTypeObject *)row->type);
    to->of_length = (uint32_t)words.size - to->of;
    to->path = (uint32_t)words.size;
    mp_path_put(paths, &words, row->first, true);
    to->length = (uint32_t)words.size - to->path;
    waste->text_size = (uint32_t)words.size;
}

static void sort(struct row *rows, uint32_t count)
{
    for (uint32_t shown = 0; shown < MP_WASTE_ROWS && shown < count; shown++) {
        uint32_t most = shown;
        for (uint32_t i = shown + 1; i < count; i++)
            if (rows[i].saved > rows[most].saved)
                most = i;
        struct row row = rows[most];
        rows[most] = rows[shown];
        rows[shown] = row;
    }
}

static void put_rows(const struct finding *finding, const struct mp_reach *reach)
{
    const struct mp_paths paths = {finding->graph, reach, NULL, NULL};
    struct mp_waste *waste = finding->waste;
    waste->objects = finding->graph->count - 1;
    waste->unseen = finding->limits.unseen;
    sort(finding->rows + 1, finding->count - 1);
    for (uint32_t i = 1; i < finding->count; i++) {
        const struct row *row = &finding->rows[i];
        if (waste->count < MP_WASTE_ROWS && row->saved >= LEAST) {
            put_row(finding, &paths, row);
            continue;
        }
        waste->others++;
        waste->others_saved += row->saved;
    }
}

static int make_room(struct finding *finding)
{
    finding->rows = mp_pages_new(MOST, sizeof *finding->rows);
    finding->slots = mp_pages_new(SLOTS, sizeof *finding->slots);
    finding->is_own = mp_pages_new(finding->graph->count, 1);
    return !finding->rows || !finding->slots || !finding->is_own ||
                   mp_copies_init(&finding->limits.few, MP_WASTED_FEW + 1)
               ? -1
               : mp_copies_init(&finding->copies, look_before(finding));
}

int mp_waste_find(struct mp_holders *holders, const struct mp_graph *graph,
                  const struct mp_reach *reach, const struct mp_waste_lines *lines)
{
    struct finding finding = {.graph = graph,
                              .lines = holders->apart ? lines : NULL,
                              .waste = &holders->waste,
                              .count = 1,
                              .limits.left = most_read};
    int failed = make_room(&finding);
    for (uint32_t i = 1; i < graph->count && !failed; i++)
        if (i != graph->aside)
            look(&finding, i);
    if (!failed)
        put_rows(&finding, reach);
    mp_copies_release(&finding.copies);
    mp_copies_release(&finding.limits.few);
    mp_pages_free(finding.is_own, graph->count, 1);
    mp_pages_free(finding.slots, SLOTS, sizeof *finding.slots);
    mp_pages_free(finding.rows, MOST, sizeof *finding.rows);
    return failed;
}
