#include "aggregate/heap/live_place.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/paths.h"
#include "aggregate/heap/rows.h"
#include "aggregate/heap/stacks.h"
#include "base/array.h"
#include "base/mix.h"
#include "record/location.h"

enum { LONG = 1 << 22 /* bytes of line tables */ };

static const char *text_of(const struct mp_heap_view *view, struct mp_heap_text text)
{
    return view->text + text.offset;
}

static uint64_t hash_of(const struct mp_heap_view *view, struct mp_heap_text text)
{
    return mp_mix_bytes(text_of(view, text), text.length);
}

/* Copies a text behind those there are; one that has no room is an empty one. */
static int keep(struct mp_heap_live *live, const char *text, size_t length,
                struct mp_heap_text *kept)
{
    *kept = (struct mp_heap_text){0};
    if (!length || live->text_size + length > UINT32_MAX)
        return 0;
    if (mp_array_reserve((void **)&live->text, &live->text_room, live->text_size + length,
                         1))
        return -1;
    memcpy(live->text + live->text_size, text, length);
    *kept = (struct mp_heap_text){(uint32_t)live->text_size, (uint32_t)length};
    live->text_size += length;
    return 0;
}

/* The number of the row + 1; *added: it is new, and the caller says what it is. 0 with errno ENOMEM. */
static uint32_t find_row(struct mp_heap_live *live, uint64_t id, bool *added)
{
    struct mp_slots_at at;
    *added = false;
    for (mp_slots_begin(&at, &live->index, id); mp_slots_next(&at, &live->index);)
        if (live->rows[at.number - 1].id == id)
            return at.number;
    if (mp_array_reserve((void **)&live->rows, &live->room, live->count + 1,
                         sizeof *live->rows) ||
        mp_slots_put(&at, &live->index, (uint32_t)live->count + 1))
        return 0;
    live->rows[live->count] = (struct mp_heap_live_row){.id = id};
    *added = true;
    return (uint32_t)++live->count;
}

/* A row that is no place in code. */
static uint32_t row_of_kind(struct mp_heap_live *live, enum mp_heap_live_kind kind,
                            int64_t number, int64_t pid, const char *name)
{
    bool added;
    uint64_t id = mp_mix(mp_mix((uint64_t)kind + 1, (uint64_t)number), (uint64_t)pid);
    uint32_t row = find_row(live, id, &added);
    if (!row || !added)
        return row;
    struct mp_heap_live_row *its = &live->rows[row - 1];
    its->kind = kind;
    its->line = number;
    return name && keep(live, name, strlen(name), &its->name) ? 0 : row;
}

uint32_t mp_heap_live_thread_row(struct mp_heap_live *live,
                                 const struct mp_heap_live_process *process, int64_t thread)
{
    return row_of_kind(live, MP_HEAP_LIVE_THREAD, thread, process->pid, process->name);
}

uint32_t mp_heap_live_skip(const struct mp_heap_live *live, const struct mp_heap_view *view,
                           struct mp_heap_text file)
{
    struct mp_heap_text installed = mp_heap_installed(view, file);
    size_t here = live->here ? strlen(live->here) : 0;
    const char *text = text_of(view, file);
    if (installed.length != file.length || !here || file.length <= here + 1 ||
        memcmp(text, live->here, here) != 0 || text[here] != '/')
        return file.length - installed.length;
    for (here++; here + 2 < file.length && text[here] == '.' && text[here + 1] == '/';)
        here += 2;
    return (uint32_t)here;
}

/* What tells the row of a site from others. */
static uint64_t id_of(const struct mp_heap_live *live, const struct mp_heap_view *view,
                      const struct mp_heap_live_site *site)
{
    const struct mp_heap_code *code = &view->codes[site->code];
    uint64_t group = (uint64_t)live->group << 8;
    switch (live->group) {
    case MP_HEAP_LIVE_FUNCTIONS:
        return mp_mix(mp_mix(hash_of(view, code->file), hash_of(view, code->name)),
                      group + (uint64_t)code->first_line);
    case MP_HEAP_LIVE_FILES:
        return mp_mix(hash_of(view, code->file), group);
    case MP_HEAP_LIVE_MODULES:
        return mp_mix(hash_of(view, mp_heap_module(view, code->file)), group);
    default:
        return site->place;
    }
}

/* A thread without Python code has a name and no file. */
static int describe(struct mp_heap_live *live, const struct mp_heap_live_process *process,
                    const struct mp_heap_live_site *site, struct mp_heap_live_row *row)
{
    const struct mp_heap_view *view = process->view;
    const struct mp_heap_code *code = &view->codes[site->code];
    bool is_named = live->group <= MP_HEAP_LIVE_FUNCTIONS || !code->file.length;
    struct mp_heap_text file =
        live->group == MP_HEAP_LIVE_MODULES ? mp_heap_module(view, code->file) : code->file;
    row->skip = file.length == code->file.length ? mp_heap_live_skip(live, view, file) : 0;
    row->users = mp_heap_own_is_users(&process->own, site->code);
    if (code->file.length)
        row->line = live->group <= MP_HEAP_LIVE_LINES       ? site->line
                    : live->group == MP_HEAP_LIVE_FUNCTIONS ? code->first_line
                                                            : 0;
    return keep(live, text_of(view, file), file.length, &row->file) ||
           (is_named &&
            keep(live, text_of(view, code->name), code->name.length, &row->name));
}

static uint32_t row_of_site(struct mp_heap_live *live, struct mp_heap_live_process *process,
                            struct mp_heap_live_site *site)
{
    bool added = false;
    if (!site->row)
        site->row = find_row(live, id_of(live, process->view, site), &added);
    if (added && describe(live, process, site, &live->rows[site->row - 1]))
        return 0;
    return site->row;
}

static uint32_t row_of_code(struct mp_heap_live *live, struct mp_heap_live_process *process,
                            uint32_t node)
{
    struct mp_heap_live_site *site = &process->sites[process->nodes[node].site];
    if (!site->code)
        return row_of_kind(live, MP_HEAP_LIVE_NOWHERE, 0, 0, NULL);
    if (mp_heap_own_is_importer(&process->own, site->code))
        return row_of_kind(live, MP_HEAP_LIVE_IMPORTING, 0, 0, NULL);
    return row_of_site(live, process, site);
}

/* 0 with errno ENOMEM. */
static uint32_t row_of(struct mp_heap_live *live, struct mp_heap_live_process *process,
                       uint32_t node)
{
    uint32_t near = process->nodes[node].near;
    if (live->group == MP_HEAP_LIVE_PROCESSES)
        return row_of_kind(live, MP_HEAP_LIVE_PROCESS, process->pid, 0, process->name);
    if (mp_heap_own_is_ours(&process->own, node))
        return row_of_kind(live, MP_HEAP_LIVE_OWN, 0, 0, NULL);
    if (live->group != MP_HEAP_LIVE_YOURS)
        return row_of_code(live, process, node);
    return near ? row_of_site(live, process, &process->sites[process->nodes[near].site])
                : row_of_kind(live, MP_HEAP_LIVE_NOT_YOURS, 0, 0, NULL);
}

/* The site of a node, added if new; its position + 1, or 0 with errno ENOMEM. */
static uint32_t site_of(struct mp_heap_live_process *process, uint32_t i, const int *lines)
{
    const struct mp_heap_node *node = &process->view->nodes[i];
    const struct mp_heap_view *view = process->view;
    const struct mp_heap_code *code = &view->codes[node->code];
    uint32_t instruction = mp_heap_instruction(node);
    struct mp_slots_at at;
    if (!process->index.slots && mp_slots_init(&process->index, 0))
        return 0;
    for (mp_slots_begin(&at, &process->index, mp_mix(node->code, instruction));
         mp_slots_next(&at, &process->index);) {
        const struct mp_heap_live_site *there = &process->sites[at.number - 1];
        if (there->code == node->code && there->instruction == instruction)
            return at.number;
    }
    if (mp_array_reserve((void **)&process->sites, &process->site_room,
                         process->site_count + 1, sizeof *process->sites) ||
        mp_slots_put(&at, &process->index, (uint32_t)process->site_count + 1))
        return 0;
    struct mp_heap_live_site *site = &process->sites[process->site_count];
    *site = (struct mp_heap_live_site){node->code, instruction, 0, 0, 0};
    if (node->code)
        site->line = lines
                         ? lines[i]
                         : mp_location_line(text_of(view, code->lines), code->lines.length,
                                            code->first_line, instruction);
    site->place = mp_mix(mp_mix(hash_of(view, code->file), hash_of(view, code->name)),
                         (uint64_t)(uint32_t)site->line);
    return (uint32_t)++process->site_count;
}

/* Parents come first. What is not shown as a caller is no part of a stack. */
static int know(struct mp_heap_live_process *process, uint32_t i, const int *lines)
{
    const struct mp_heap_node *node = &process->view->nodes[i];
    struct mp_heap_live_node *its = &process->nodes[i],
                             *above = &process->nodes[node->parent];
    const struct mp_heap_own *own = &process->own;
    uint32_t site = site_of(process, i, lines);
    if (!site)
        return -1;
    its->site = site - 1;
    bool is_shown = i && node->code && !mp_heap_own_is_outer(own, i) &&
                    !mp_heap_own_is_ours(own, i) &&
                    !mp_heap_own_is_importer(own, node->code);
    its->stack = !i         ? 0
                 : is_shown ? mp_mix(above->stack, process->sites[its->site].place)
                            : above->stack;
    its->near = !i ? 0 : mp_heap_own_is_users(own, node->code) ? i : above->near;
    return 0;
}

/* Whether what was the user's is no longer, or the other way round; or whose nodes are was. */
static bool is_decided_anew(const struct mp_heap_live_process *process, unsigned anew)
{
    if (process->own.anew != anew)
        return true;
    return process->code_count && memcmp(process->users, process->own.users,
                                         process->code_count * sizeof *process->users) != 0;
}

static int decide(struct mp_heap_live *live, struct mp_heap_live_process *process)
{
    const struct mp_heap_view *view = process->view;
    size_t codes = view->counts[MP_HEAP_CODES];
    if (codes == process->code_count && view->counts[MP_HEAP_NODES] == process->count)
        return 0;
    unsigned anew = process->own.anew;
    if (mp_heap_own_grow(&process->own, view))
        return -1;
    for (int i = 0; i < 2; i++)
        if (live->mine[i] && mp_heap_mine_apply(live->mine[i], &process->own, view))
            return -1;
    if (is_decided_anew(process, anew)) {
        for (size_t i = 0; i < process->site_count; i++)
            process->sites[i].row = 0;
        process->placed = process->count = 0; /* marks stay */
    }
    if (mp_array_reserve((void **)&process->users, &process->user_room, codes + 1,
                         sizeof *process->users))
        return -1;
    memcpy(process->users, process->own.users, codes * sizeof *process->users);
    process->code_count = codes;
    return 0;
}

/* Whether the tables of the new nodes' functions are long enough to read each once, for all nodes. */
static bool are_many(const struct mp_heap_live_process *process)
{
    const struct mp_heap_view *view = process->view;
    size_t bytes = 0;
    for (size_t i = process->count; i < view->counts[MP_HEAP_NODES] && bytes < LONG; i++)
        bytes += view->codes[view->nodes[i].code].lines.length;
    return bytes >= LONG;
}

static int know_all(struct mp_heap_live_process *process)
{
    struct mp_heap_stacks stacks = {0};
    int failed = are_many(process) && mp_heap_stacks_init_lines(&stacks, process->view);
    size_t nodes = process->view->counts[MP_HEAP_NODES];
    for (; process->count < nodes && !failed; process->count++)
        if (know(process, (uint32_t)process->count, stacks.lines))
            failed = -1;
    mp_heap_stacks_release(&stacks);
    return failed;
}

int mp_heap_live_place(struct mp_heap_live *live, struct mp_heap_live_process *process)
{
    size_t nodes = process->view->counts[MP_HEAP_NODES];
    if (decide(live, process) ||
        mp_array_reserve((void **)&process->nodes, &process->node_room, nodes + 1,
                         sizeof *process->nodes) ||
        know_all(process))
        return -1;
    if (live->group == MP_HEAP_LIVE_THREADS)
        return 0;
    for (; process->placed < nodes; process->placed++) {
        uint32_t i = (uint32_t)process->placed;
        if (!(process->nodes[i].row = row_of(live, process, i)))
            return -1;
    }
    return 0;
}
