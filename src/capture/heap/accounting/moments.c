#include "capture/heap/accounting/moments.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "capture/heap/accounting/moment_slots.h"
#include "capture/heap/accounting/throttle.h"

enum {
    PIECE = 1 << 13, /* nodes at once: some 50 us */
    AT_ONCE = 8,     /* pieces, of a mark that another process asked for */
    FIRST_PERIOD = 50000000,
    TIMES = 200,          /* what the last one cost are between two: 0.5% */
    FIRST_LEAST = 64,     /* bytes */
    SAVE_COSTS = 20,      /* ns */
    MANY_SAVES = 1 << 16, /* pages that are given back: 1 MiB */
};

static bool are_wanted(void)
{
    const char *wanted = getenv("MPROF_MOMENTS");
    return !wanted || strcmp(wanted, "0") != 0;
}

void mp_moments_init(struct mp_moments *moments, struct mp_heap *heap)
{
    *moments = (struct mp_moments){.heap = heap, .next = INT64_MAX};
    if (!heap->stays || !are_wanted())
        return;
    moments->next = heap->header->period = FIRST_PERIOD;
    moments->most[0] = moments->most[1] = mp_moment_slots_most(heap);
}

void mp_moments_release(struct mp_moments *moments)
{
    if (moments->saved)
        munmap(moments->saved, moments->saved_bytes);
    *moments = (struct mp_moments){.next = INT64_MAX};
}

/* Addresses for all nodes that there can be: pages are there where something was saved. */
static bool can_save(struct mp_moments *moments)
{
    size_t bytes = (size_t)moments->heap->most * MP_HEAP_CHUNK /
                   sizeof(struct mp_heap_node) * sizeof *moments->saved;
    if (moments->saved)
        return true;
    void *saved = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (saved == MAP_FAILED)
        return false;
    moments->saved = saved;
    moments->saved_bytes = bytes;
    return true;
}

/* Begins to take `made`, as far as that is known. Returns whether it has. */
static bool begin(struct mp_moments *moments, const struct mp_heap_moment *made)
{
    struct mp_heap_header *header = moments->heap->header;
    int slot = mp_moment_slots_take(moments->heap, moments->most, made);
    uint32_t end = (uint32_t)header->counts[MP_HEAP_NODES];
    if (slot < 0 || (end > PIECE && !can_save(moments))) {
        header->missed++;
        return false;
    }
    moments->scans += moments->scans == UINT32_MAX ? 2 : 1; /* 0 is none */
    moments->scanning = true;
    moments->saves = moments->at = 0;
    moments->end = end;
    moments->slot = (uint32_t)slot;
    moments->least = 0;
    moments->enough = header->live / MP_HEAP_ENTRY_PART + 1;
    moments->cost = 0;
    moments->request = NULL;
    moments->made = *made;
    moments->made.nodes = end;
    mp_heap_want(header, MP_HEAP_TELL_SCAN, true);
    return true;
}

static void leave_out(struct mp_moments *moments, const struct mp_heap_holding *entry)
{
    moments->made.rest += entry->bytes;
    moments->made.rest_blocks += entry->blocks;
    moments->made.rest_stacks++;
}

/* There are more than the slot has room for: only larger ones stay, until half of it is free. Of those
   that hold `enough` there cannot be so many. */
static void select_larger(struct mp_moments *moments, struct mp_heap_holding *entries)
{
    while (moments->made.count > MP_HEAP_SLOT / 2 && moments->least < moments->enough) {
        uint32_t count = moments->made.count, kept = 0;
        int64_t least = moments->least ? moments->least * 2 : FIRST_LEAST;
        moments->least = least < moments->enough ? least : moments->enough;
        for (uint32_t i = 0; i < count; i++) {
            if (entries[i].bytes >= moments->least)
                entries[kept++] = entries[i];
            else
                leave_out(moments, &entries[i]);
        }
        moments->made.count = kept;
    }
}

static void put(struct mp_moments *moments, const struct mp_heap_holding *entry)
{
    struct mp_heap_holding *entries =
        moments->heap->entries + (size_t)moments->slot * MP_HEAP_SLOT;
    moments->made.live += entry->bytes;
    moments->made.blocks += entry->blocks;
    if (moments->made.count == MP_HEAP_SLOT)
        select_larger(moments, entries);
    if (entry->bytes < moments->least || moments->made.count == MP_HEAP_SLOT)
        leave_out(moments, entry);
    else
        entries[moments->made.count++] = *entry;
}

static void see(struct mp_moments *moments, uint32_t number)
{
    const struct mp_heap_node *node = &moments->heap->nodes[number];
    struct mp_heap_holding entry = {number, node->live_blocks, node->live};
    if (moments->saves && moments->saved[number].scan == moments->scans) {
        entry.blocks = moments->saved[number].blocks;
        entry.bytes = moments->saved[number].bytes;
    }
    if (entry.bytes || entry.blocks)
        put(moments, &entry);
}

/* The cost of what was saved is the program's too. */
static void finish(struct mp_moments *moments)
{
    struct mp_heap_header *header = moments->heap->header;
    int64_t rest = (moments->cost + (int64_t)moments->saves * SAVE_COSTS) * TIMES;
    moments->scanning = false;
    mp_heap_want(header, MP_HEAP_TELL_SCAN, false);
    if (moments->saves > MANY_SAVES)
        madvise(moments->saved, moments->saved_bytes, MADV_DONTNEED);
    mp_moment_slots_list(moments->heap, moments->slot, &moments->made, moments->scans);
    moments->next = moments->made.time + (rest > header->period ? rest : header->period);
    if (moments->request) {
        moments->request->taken = moments->made.time;
        __atomic_store_n(&header->answered, header->answered + 1, __ATOMIC_RELEASE);
    }
}

void mp_moments_go_on(struct mp_moments *moments)
{
    int64_t began = mp_throttle_clock();
    uint32_t left = moments->end - moments->at;
    uint32_t until = moments->at + (left < PIECE ? left : PIECE);
    for (; moments->at < until; moments->at++)
        see(moments, moments->at);
    moments->cost += mp_throttle_clock() - began;
    if (until == moments->end)
        finish(moments);
}

/* A slot that is not listed is free. */
static void give_up(struct mp_moments *moments)
{
    moments->scanning = false;
    mp_heap_want(moments->heap->header, MP_HEAP_TELL_SCAN, false);
}

/* Where there is no room for one, the next may find some. */
void mp_moments_look(struct mp_moments *moments, int64_t now)
{
    struct mp_heap_header *header = moments->heap->header;
    const struct mp_heap_moment made = {.time = now};
    if (!moments->scanning && !begin(moments, &made))
        moments->next = now + header->period;
    else
        mp_moments_go_on(moments);
}

uint32_t mp_moments_mark(struct mp_moments *moments, int64_t now, const char *name,
                         size_t length)
{
    if (mp_moments_are_marking(moments))
        return 0;
    if (moments->scanning)
        give_up(moments);
    struct mp_heap_moment made = {.time = now, .flags = MP_HEAP_IS_MARK};
    memcpy(made.name, name, length < MP_HEAP_MARK ? length : MP_HEAP_MARK);
    return begin(moments, &made) ? moments->scans : 0;
}

void mp_moments_save(struct mp_moments *moments, uint32_t number)
{
    if (!moments->scanning || number < moments->at || number >= moments->end)
        return;
    const struct mp_heap_node *node = &moments->heap->nodes[number];
    struct mp_moment_saved *saved = &moments->saved[number];
    if (saved->scan == moments->scans)
        return;
    *saved = (struct mp_moment_saved){node->live, node->live_blocks, moments->scans};
    moments->saves++;
}

/* Whoever asks may write anything: nothing of it is trusted but that it is there. */
static struct mp_heap_request *next_request(struct mp_heap_header *header)
{
    uint32_t asked = __atomic_load_n(&header->asked, __ATOMIC_ACQUIRE);
    if (asked - header->answered > MP_HEAP_REQUESTS)
        header->answered = asked - MP_HEAP_REQUESTS;
    return asked == header->answered
               ? NULL
               : &header->requests[header->answered % MP_HEAP_REQUESTS];
}

/* When it was asked, if nothing has changed since: an idle program answers hours later. */
static int64_t time_of(const struct mp_moments *moments, int64_t now,
                       const struct mp_heap_request *request)
{
    int64_t asked = request->taken;
    return moments->kept_waiting || asked < 1 || asked > now ? now : asked;
}

/* All of it before anything else changes, as far as there is time. */
static void answer_one(struct mp_moments *moments, int64_t now,
                       struct mp_heap_request *request, int pieces)
{
    struct mp_heap_header *header = moments->heap->header;
    char name[MP_HEAP_MARK];
    int64_t time = time_of(moments, now, request);
    memcpy(name, request->name, sizeof name);
    if (!mp_moments_mark(moments, time, name, strnlen(name, sizeof name))) {
        request->taken = -1;
        __atomic_store_n(&header->answered, header->answered + 1, __ATOMIC_RELEASE);
        return;
    }
    moments->request = request;
    while (moments->scanning && pieces--)
        mp_moments_go_on(moments);
}

static void answer(struct mp_moments *moments, int64_t now, int pieces)
{
    struct mp_heap_header *header = moments->heap->header;
    struct mp_heap_request *request;
    mp_heap_want(header, MP_HEAP_TELL_REQUEST,
                 false); /* before it is looked what there is */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    while ((request = next_request(header)) && !mp_moments_are_marking(moments))
        answer_one(moments, now, request, pieces);
    moments->kept_waiting = false;
    if (request)
        mp_heap_want(header, MP_HEAP_TELL_REQUEST, true);
}

void mp_moments_answer(struct mp_moments *moments, int64_t now)
{
    answer(moments, now, AT_ONCE);
}

static void take_whole(struct mp_moments *moments)
{
    while (moments->scanning)
        mp_moments_go_on(moments);
}

void mp_moments_end(struct mp_moments *moments, int64_t now)
{
    take_whole(moments);
    answer(moments, now, INT32_MAX);
    take_whole(moments);
}
