#include "capture/lines/binding.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "base/guard.h"
#include "capture/lines/activation.h"

/* Who traces a code object. */
struct binding {
    struct mp_tracer *tracer;
    struct mp_line_table *table;
    bool always;
    bool block; /* asks for events alone: its activations are capture/lines/block.h's */
};

struct bound_code {
    const void *code; /* NULL: the slot is free */
    struct binding *bindings;
    size_t count, room;
};

/* Code objects by address: open addressing, at most half full. */
static struct bound_code *slots;
static size_t slot_count, slots_used;

static size_t slot_for(const void *code)
{
    uint64_t hash = (uint64_t)(uintptr_t)code * UINT64_C(0x9E3779B97F4A7C15);
    return (hash >> 32) & (slot_count - 1);
}

static struct bound_code *find(const void *code)
{
    if (!slot_count)
        return NULL;
    for (size_t at = slot_for(code);; at = (at + 1) & (slot_count - 1))
        if (slots[at].code == code)
            return &slots[at];
        else if (!slots[at].code)
            return NULL;
}

static void place(struct bound_code entry)
{
    size_t at = slot_for(entry.code);
    while (slots[at].code)
        at = (at + 1) & (slot_count - 1);
    slots[at] = entry;
}

static int grow_slots(void)
{
    size_t old_count = slot_count, more = slot_count ? slot_count * 2 : 64;
    struct bound_code *old = slots, *fresh = calloc(more, sizeof *fresh);
    if (!fresh)
        return -1;
    slots = fresh;
    slot_count = more;
    for (size_t i = 0; i < old_count; i++)
        if (old[i].code)
            place(old[i]);
    free(old);
    return 0;
}

static struct bound_code *find_or_make(const void *code)
{
    struct bound_code *entry = find(code);
    if (entry)
        return entry;
    if ((slots_used + 1) * 2 > slot_count && grow_slots())
        return NULL;
    place((struct bound_code){.code = code});
    slots_used++;
    return find(code);
}

/* Empties a slot and moves up what probing had pushed behind it. */
static void forget(struct bound_code *entry)
{
    free(entry->bindings);
    size_t at = (size_t)(entry - slots);
    slots[at] = (struct bound_code){0};
    slots_used--;
    for (at = (at + 1) & (slot_count - 1); slots[at].code;
         at = (at + 1) & (slot_count - 1)) {
        struct bound_code moved = slots[at];
        slots[at] = (struct bound_code){0};
        place(moved);
    }
}

struct mp_line_table *mp_tracer_table(const struct mp_tracer *tracer, const void *code)
{
    const struct bound_code *entry = find(code);
    for (size_t i = 0; entry && i < entry->count; i++)
        if (entry->bindings[i].tracer == tracer)
            return entry->bindings[i].table;
    return NULL;
}

bool mp_tracer_is_bound(const void *code)
{
    return find(code) != NULL;
}

static int bind_code(const void *code, struct binding binding)
{
    struct mp_tracer *tracer = binding.tracer;
    struct bound_code *entry = find_or_make(code);
    if (!entry || mp_array_reserve((void **)&tracer->bound, &tracer->bound_room,
                                   tracer->bound_count + 1, sizeof *tracer->bound))
        return -1;
    for (size_t i = 0; i < entry->count; i++)
        if (entry->bindings[i].tracer == tracer) {
            entry->bindings[i].always |=
                binding.always; /* nested twice: the first table keeps it */
            return 0;
        }
    if (mp_array_reserve((void **)&entry->bindings, &entry->room, entry->count + 1,
                         sizeof *entry->bindings))
        return -1;
    entry->bindings[entry->count++] = binding;
    tracer->bound[tracer->bound_count++] = code;
    return 0;
}

int mp_tracer_bind(struct mp_tracer *tracer, const void *code, struct mp_line_table *table,
                   bool always)
{
    return bind_code(code, (struct binding){tracer, table, .always = always});
}

int mp_tracer_bind_block(struct mp_tracer *tracer, const void *code,
                         struct mp_line_table *table)
{
    return bind_code(code, (struct binding){tracer, table, .block = true});
}

static void remove_binding(struct bound_code *entry, const struct mp_tracer *tracer)
{
    for (size_t i = entry->count; i-- > 0;)
        if (entry->bindings[i].tracer == tracer) {
            entry->count--;
            for (; i < entry->count; i++) /* keep the newest last */
                entry->bindings[i] = entry->bindings[i + 1];
            return;
        }
}

void mp_tracer_unbind(struct mp_tracer *tracer, void (*freed)(const void *code))
{
    while (tracer->bound_count) {
        const void *code = tracer->bound[--tracer->bound_count];
        struct bound_code *entry = find(code);
        if (!entry)
            continue;
        remove_binding(entry, tracer);
        if (entry->count)
            continue;
        forget(entry);
        freed(code);
    }
}

int mp_tracer_enter(struct mp_tracer *tracer)
{
    struct mp_thread *thread = mp_thread_self();
    if (!thread || mp_array_reserve((void **)&thread->contexts, &thread->context_room,
                                    thread->context_count + 1, sizeof *thread->contexts)) {
        errno = ENOMEM;
        return -1;
    }
    thread->contexts[thread->context_count++] =
        (struct mp_context){.tracer = tracer, .depth = thread->depth};
    mp_tracer_keep(tracer);
    tracer->entered++;
    return 0;
}

void mp_tracer_leave(struct mp_tracer *tracer)
{
    struct mp_thread *thread = mp_thread_self();
    if (!thread)
        return;
    size_t at = thread->context_count;
    while (at > 0 && thread->contexts[at - 1].tracer != tracer)
        at--;
    if (!at)
        return;
    if (at == thread->context_count)
        mp_activation_unwind(thread, thread->contexts[at - 1].depth);
    for (thread->context_count--, at--; at < thread->context_count; at++)
        thread->contexts[at] = thread->contexts[at + 1];
    tracer->entered--;
    mp_tracer_drop(tracer);
}

static const struct binding *binding_of(const struct bound_code *entry,
                                        const struct mp_tracer *tracer)
{
    for (size_t i = entry->count; i-- > 0;) /* the newest are asked about most */
        if (entry->bindings[i].tracer == tracer && !entry->bindings[i].block)
            return &entry->bindings[i];
    return NULL;
}

/* Of several profilers that know the code. Greenlets leave contexts in any order, so the caller's
   tracer goes before a context that has counted its call already. */
static const struct binding *choose_on_thread(const struct mp_thread *thread,
                                              const struct bound_code *entry)
{
    const struct binding *chosen = NULL;
    size_t at = thread->context_count;
    bool fresh = at && !thread->contexts[at - 1].used;
    if (!fresh && thread->depth)
        chosen = binding_of(entry, thread->stack[thread->depth - 1].tracer);
    while (!chosen && at-- > 0)
        chosen = binding_of(entry, thread->contexts[at].tracer);
    return chosen;
}

bool mp_tracer_choose(const struct mp_thread *thread, const void *code,
                      struct mp_tracer **tracer, struct mp_line_table **table)
{
    const struct bound_code *entry = find(code);
    if (!entry)
        return false;
    const struct binding *chosen =
        entry->count > 1 ? choose_on_thread(thread, entry) : NULL;
    for (size_t i = entry->count; i-- > 0 && !chosen;)
        if (!entry->bindings[i].block &&
            (entry->bindings[i].tracer->entered || entry->bindings[i].always))
            chosen = &entry->bindings[i];
    if (!chosen)
        return false;
    *tracer = chosen->tracer;
    *table = chosen->table;
    return true;
}

/* Where there is no memory to know of it, it is as unlikely that somebody cuts the file short. */
static void guard(char *at, size_t room)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct mp_guarded *guarded = malloc(sizeof *guarded); /* as long as the mapping */
    if (!guarded)
        return;
    *guarded = (struct mp_guarded){at, at + (room + page - 1) / page * page};
    mp_guard_add(guarded);
}

int mp_tracer_place(struct mp_tracer *tracer, int fd, off_t offset, size_t from)
{
    enum { LESS_THAN_A_PAGE = 1024 };
    struct mp_thread *thread = mp_thread_self();
    size_t room = mp_tracer_room(tracer, from);
    char *at = thread && room
                   ? mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset)
                   : MAP_FAILED;
    if (at == MAP_FAILED)
        return room ? -1 : 0;
    guard(at, room);
    for (size_t i = 0; i < room; i += LESS_THAN_A_PAGE)
        *(volatile char *)(at + i) = 0; /* no faults in the user's lines */
    for (; from < tracer->count; from++) {
        struct mp_line_table *table = tracer->traced[from].table;
        mp_line_table_move(table, (struct mp_lines_place *)at);
        at += mp_line_table_room(table);
    }
    mp_activation_restart(thread, tracer);
    return 0;
}
