/* Who holds the objects of the largest types and lines, or of those that were asked for: put into a capture, when a
 * recording ends, and when another process asks. */
#include "python/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/lines.h"
#include "capture/heap/python/found.h"
#include "capture/heap/python/lines.h"
#include "capture/heap/python/objects.h"
#include "capture/heap/python/recording.h"
#include "capture/objects/holders.h"
#include "capture/objects/words.h"
#include "python/waste_lines.h"
#include "store/heap/holders.h"

/* Questions: what retains most, types, what is wasted, the tree of owners, and each line. */
enum { ASK_LARGEST, ASK_TYPES, ASK_WASTE, ASK_OWNERS, ASK_LINES };

enum { MOST_LINES = 10, MOST_TYPES = 10, LONGEST_NAME = 1 << 10 };

/* With whom they are answered, and what comes of it. */
struct mp_heap_keeping {
    struct mp_heap_finding its; /* its name is there while it begins */
    uint32_t of;                /* a mark of that */
    struct mp_holders *holders; /* owned: what the child fills; NULL: none does */
    pid_t child;
    bool of_lines;            /* the next three were made */
    struct mp_heap_view view; /* whose lines these are, of the recording that is open */
    struct mp_heap_own own;
    struct mp_heap_lines lines;
    struct mp_waste_places places;
    const struct mp_heap_line *largest[MOST_LINES];
    unsigned count;
    PyObject **objects; /* owned: of the first line, the second ... */
    size_t begins[MOST_LINES], counts[MOST_LINES];
    struct mp_object_types all; /* where types are asked for; of them */
    PyObject *types[MOST_TYPES];
    size_t type_count;
    char text[MP_HOLDERS_TEXT + MOST_LINES * MP_LINE_PLACE];
    size_t size; /* of the text: that of the holders, then the places */
    struct mp_heap_holder rows[1 + MP_HOLDERS_ROWS];
    size_t row_count;
    struct mp_waste_kept waste;
};

/* "app.cache.Node" is "Node", too; "/home/me/app.py" is "app.py". */
static bool ends_in(const char *text, size_t length, const char *word, size_t size,
                    char before)
{
    return length >= size && !memcmp(text + length - size, word, size) &&
           (length == size || text[length - size - 1] == before);
}

bool mp_heap_line_is(const struct mp_heap_view *view, const struct mp_heap_line *line,
                     const char *place)
{
    const char *colon = strrchr(place, ':');
    struct mp_heap_text file = view->codes[line->code].file;
    return colon && line->code && line->line == atoi(colon + 1) &&
           ends_in(view->text + file.offset, file.length, place, (size_t)(colon - place),
                   '/');
}

/* Not of a type, which is nothing without its name. */
static bool asks(const struct mp_heap_keeping *keeping, enum mp_heap_wants_of what)
{
    return keeping->its.wants.what == what || keeping->its.wants.what == MP_HEAP_WANTS_ALL;
}

static bool may_be(const struct mp_heap_keeping *keeping, const struct mp_heap_line *line)
{
    if (keeping->its.wants.what == MP_HEAP_WANTS_LINE)
        return mp_heap_line_is(&keeping->view, line, keeping->its.wants.name);
    return line->live > 0 && line->code && !line->importing;
}

/* By what is live. */
static void choose_lines(struct mp_heap_keeping *keeping)
{
    for (size_t i = 0; i < keeping->lines.count; i++) {
        const struct mp_heap_line *line = &keeping->lines.lines[i];
        unsigned at = keeping->count;
        if (!may_be(keeping, line))
            continue;
        while (at && keeping->largest[at - 1]->live < line->live)
            at--;
        if (at == MOST_LINES)
            continue;
        keeping->count += keeping->count < MOST_LINES;
        memmove(&keeping->largest[at + 1], &keeping->largest[at],
                (keeping->count - at - 1) * sizeof keeping->largest[0]);
        keeping->largest[at] = line;
    }
}

/* Those of the name. */
static int choose_types(struct mp_heap_keeping *keeping)
{
    char name[LONGEST_NAME];
    if (mp_object_types_init(&keeping->all))
        return -1;
    for (size_t i = 0; i < keeping->all.count && keeping->type_count < MOST_TYPES; i++) {
        struct mp_words words = {name, 0, sizeof name};
        mp_words_put_type(&words, keeping->all.types[i].type);
        const char *wanted = keeping->its.wants.name;
        if (ends_in(name, words.size, wanted, strlen(wanted), '.'))
            keeping->types[keeping->type_count++] = (PyObject *)keeping->all.types[i].type;
    }
    return 0;
}

/* Of each stack the list that its objects are for, from 1 on. */
static void choose_stacks(const struct mp_heap_keeping *keeping, uint8_t *wanted,
                          size_t nodes)
{
    for (size_t i = 0; i < nodes; i++)
        for (unsigned k = 0; k < keeping->count; k++)
            if (keeping->lines.places[i] == keeping->largest[k]->number)
                wanted[i] = (uint8_t)(k + 1);
}

/* Puts the objects of each list behind those of the one before. */
static int sort_objects(struct mp_heap_keeping *keeping, const struct mp_found *found,
                        const uint8_t *wanted)
{
    size_t ends[MOST_LINES + 1] = {0};
    keeping->objects = malloc((found->count + 1) * sizeof *keeping->objects);
    if (!keeping->objects)
        return -1;
    for (size_t i = 0; i < found->count; i++)
        keeping->counts[wanted[found->stacks[i]] - 1]++;
    for (unsigned k = 0; k < keeping->count; k++)
        ends[k + 1] = ends[k] + keeping->counts[k];
    memcpy(keeping->begins, ends, sizeof keeping->begins);
    for (size_t i = 0; i < found->count; i++)
        keeping->objects[ends[wanted[found->stacks[i]] - 1]++] = found->objects[i];
    return 0;
}

static int find_objects(struct mp_heap_keeping *keeping)
{
    size_t nodes = keeping->view.counts[MP_HEAP_NODES];
    uint8_t *wanted = calloc(nodes + 1, 1);
    struct mp_found found;
    if (!wanted)
        return -1;
    choose_stacks(keeping, wanted, nodes);
    int failed = mp_found_init(&found, wanted, nodes);
    if (!failed) {
        failed = sort_objects(keeping, &found, wanted);
        mp_found_release(&found);
    }
    free(wanted);
    return failed;
}

static void put_place(struct mp_heap_keeping *keeping, unsigned line,
                      struct mp_heap_holder *row)
{
    row->of = (uint32_t)keeping->size;
    row->of_length = (uint32_t)mp_line_place(keeping->text + keeping->size, &keeping->view,
                                             keeping->largest[line]);
    keeping->size += row->of_length;
}

static void keep(struct mp_heap_keeping *keeping, const struct mp_holders *holders)
{
    const struct mp_heap_holder *before = keeping->rows;
    keeping->rows[0] = (struct mp_heap_holder){.kind = MP_HEAP_HOLDER_ALL,
                                               .count = holders->objects,
                                               .bytes = holders->references,
                                               .retained = holders->retained};
    memcpy(keeping->text, holders->text, holders->text_size);
    keeping->size = holders->text_size;
    for (uint32_t i = 0; i < holders->count; i++) {
        const struct mp_holder *from = &holders->rows[i];
        struct mp_heap_holder *row = &keeping->rows[1 + i];
        *row = (struct mp_heap_holder){from->of,
                                       from->of_length,
                                       from->path,
                                       from->length,
                                       MP_HEAP_HOLDER_LARGEST,
                                       from->others,
                                       from->count,
                                       from->bytes,
                                       from->retained};
        if (from->question == ASK_TYPES)
            row->kind = MP_HEAP_HOLDER_TYPE;
        if (from->question == ASK_OWNERS)
            row->kind = MP_HEAP_HOLDER_OWNER;
        if (from->question < ASK_LINES)
            continue;
        row->kind = MP_HEAP_HOLDER_LINE;
        if (i && holders->rows[i - 1].question == from->question) {
            row->of = before->of;
            row->of_length = before->of_length;
        } else {
            put_place(keeping, from->question - ASK_LINES, row);
        }
        before = row;
    }
    keeping->row_count = 1 + holders->count;
}

static void fill(struct mp_heap_keeping *keeping, struct mp_question *questions)
{
    const struct mp_question none = {.kind = MP_ASK_EACH_TYPE, .objects = keeping->types};
    questions[ASK_LARGEST] = none;
    questions[ASK_TYPES] = none;
    questions[ASK_WASTE] = none;
    questions[ASK_OWNERS] = none;
    if (asks(keeping, MP_HEAP_WANTS_LARGEST)) {
        questions[ASK_LARGEST].kind = MP_ASK_LARGEST;
        questions[ASK_OWNERS].kind = MP_ASK_OWNERS;
    }
    if (keeping->its.wants.what == MP_HEAP_WANTS_ALL)
        questions[ASK_TYPES].kind = MP_ASK_LARGEST_TYPES;
    questions[ASK_TYPES].count = keeping->type_count;
    if (asks(keeping, MP_HEAP_WANTS_WASTE))
        questions[ASK_WASTE] = (struct mp_question){
            .kind = MP_ASK_WASTE,
            .lines = keeping->places.places ? &keeping->places.lines : NULL};
    for (unsigned i = 0; i < keeping->count; i++)
        questions[ASK_LINES + i] =
            (struct mp_question){.kind = MP_ASK_OBJECTS,
                                 .objects = keeping->objects + keeping->begins[i],
                                 .count = keeping->counts[i]};
}

static void say(struct mp_heap_keeping *keeping, enum mp_heap_holder_kind why)
{
    keeping->rows[0] = (struct mp_heap_holder){.kind = why};
    keeping->row_count = 1;
}

static void ask(struct mp_heap_keeping *keeping)
{
    struct mp_question questions[ASK_LINES + MOST_LINES];
    fill(keeping, questions);
    keeping->holders = mp_holders_new();
    const struct mp_inquiry inquiry = {.questions = questions,
                                       .count = ASK_LINES + keeping->count,
                                       .own = keeping->its.own_files,
                                       .still = mp_hooks_pause,
                                       .looked = keeping->its.looked,
                                       .number = keeping->its.number};
    if (keeping->holders)
        keeping->child = mp_holders_begin(keeping->holders, &inquiry);
}

/* Lines are numbers of the recording: what is found of them is said of them before they go. */
static void ask_lines(struct mp_heap_keeping *keeping)
{
    keeping->view = mp_heap_view_of(mp_recording.heap);
    if (mp_heap_own_init(&keeping->own, &keeping->view))
        return;
    if (mp_heap_lines_init_uncalled(&keeping->lines, &keeping->view, &keeping->own)) {
        mp_heap_own_release(&keeping->own);
        return;
    }
    keeping->of_lines = true;
    if (asks(keeping, MP_HEAP_WANTS_LINE))
        choose_lines(keeping);
    if ((!keeping->count || !find_objects(keeping)) &&
        !mp_waste_places_init(&keeping->places, &keeping->view, &keeping->own,
                              &keeping->lines))
        ask(keeping);
}

struct mp_heap_keeping *mp_heap_holders_begin(const struct mp_heap_finding *its)
{
    bool aside = mp_hooks_set_aside(true);
    struct mp_heap_keeping *keeping = calloc(1, sizeof *keeping);
    if (keeping) {
        keeping->its = *its;
        keeping->of = mp_heap_wants_mark(&its->wants);
        say(keeping, MP_HEAP_HOLDER_NO_MEMORY); /* until it was found */
        if (mp_hooks_are_open() &&
            (asks(keeping, MP_HEAP_WANTS_LINE) || asks(keeping, MP_HEAP_WANTS_WASTE)))
            ask_lines(keeping);
        else if (its->wants.what != MP_HEAP_WANTS_TYPE || !choose_types(keeping))
            ask(keeping);
    }
    mp_hooks_set_aside(aside);
    return keeping;
}

pid_t mp_heap_holders_child(const struct mp_heap_keeping *keeping)
{
    return keeping ? keeping->child : 0;
}

void mp_heap_holders_await(struct mp_heap_keeping *keeping)
{
    if (!keeping || !keeping->holders)
        return;
    bool aside = mp_hooks_set_aside(true);
    struct mp_holders *holders = keeping->holders;
    if (!mp_holders_end(holders, keeping->child, NULL)) {
        keep(keeping, holders);
        if (asks(keeping, MP_HEAP_WANTS_WASTE))
            mp_waste_fill(&keeping->waste, &holders->waste, &keeping->view,
                          &keeping->lines);
    } else if (errno != ENOMEM) {
        say(keeping, MP_HEAP_HOLDER_BROKEN);
    }
    mp_hooks_set_aside(aside);
}

void mp_heap_holders_free(struct mp_heap_keeping *keeping)
{
    if (!keeping)
        return;
    bool aside = mp_hooks_set_aside(true);
    if (keeping->of_lines) {
        mp_waste_places_release(&keeping->places);
        mp_heap_lines_release(&keeping->lines);
        mp_heap_own_release(&keeping->own);
    }
    mp_object_types_release(&keeping->all);
    mp_holders_free(keeping->holders);
    free(keeping->objects);
    free(keeping);
    mp_hooks_set_aside(aside);
}

struct putting {
    struct mp_heap *heap;
    const struct mp_heap_keeping *keeping;
    int64_t time;
    int failed;
};

/* Threads that go on write stacks and texts into the file until it ends: not meanwhile. */
static void put_paused(void *context)
{
    static const struct mp_heap_holder none = {.kind = MP_HEAP_HOLDER_NO_MEMORY};
    struct mp_heap_holder_rows holders = {&none, 1, "", 0};
    struct mp_heap_waste_rows waste = {NULL, 0, "", 0};
    struct putting *putting = context;
    const struct mp_heap_keeping *its = putting->keeping;
    if (its) {
        const struct mp_waste_kept *kept = &its->waste;
        holders =
            (struct mp_heap_holder_rows){its->rows, its->row_count, its->text, its->size};
        waste =
            (struct mp_heap_waste_rows){kept->rows, kept->count, kept->text, kept->size};
    }
    putting->failed = mp_heap_keep_holders(putting->heap, putting->time, its ? its->of : 0,
                                           &holders, &waste);
}

int mp_heap_holders_put(struct mp_heap *heap, int64_t time, struct mp_heap_keeping *keeping)
{
    struct putting putting = {heap, keeping, time, 0};
    bool aside = mp_hooks_set_aside(true);
    mp_hooks_pause(put_paused, &putting);
    int kept = errno;
    mp_heap_holders_free(keeping);
    mp_hooks_set_aside(aside);
    errno = kept;
    return putting.failed;
}

void mp_heap_object_keep_holders(struct mp_heap_object *self)
{
    const struct mp_heap_finding all = {.wants = {MP_HEAP_WANTS_ALL, NULL}};
    if (self->file.heap.is_cut || self->types != MP_TYPES_ALWAYS)
        return;
    struct mp_heap_keeping *found = mp_heap_holders_begin(&all);
    mp_heap_holders_await(found);
    mp_heap_holders_put(&self->file.heap, 0, found);
}
