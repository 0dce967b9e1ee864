#include "capture/heap/native/maps.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    FIRST_ROOM = 1 << 10,
    CUTS = 8, /* nodes that one operation may need besides those it copies */
};

struct pieces {
    uint32_t left, middle, right;
};

struct range {
    uintptr_t start, end;
};

static struct range pages(const struct mp_maps *maps, uintptr_t address, size_t length)
{
    uintptr_t mask = maps->page - 1;
    return (struct range){address & ~mask, (address + length + mask) & ~mask};
}

int mp_maps_init(struct mp_maps *maps, mp_maps_report *tell, void *context)
{
    size_t bytes = FIRST_ROOM * sizeof *maps->nodes;
    void *nodes =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (nodes == MAP_FAILED)
        return -1;
    *maps = (struct mp_maps){
        .nodes = nodes,
        .room = FIRST_ROOM,
        .fresh = 1,
        .random = 2463534242,
        .page = (uintptr_t)sysconf(_SC_PAGESIZE),
        .tell = tell,
        .context = context,
    };
    return 0;
}

void mp_maps_release(struct mp_maps *maps)
{
    if (maps->nodes)
        munmap(maps->nodes, maps->room * sizeof *maps->nodes);
    maps->nodes = NULL;
}

/* So that nothing fails between a cut and its join. */
static int reserve(struct mp_maps *maps, uint32_t count)
{
    size_t bytes = maps->room * sizeof *maps->nodes;
    while (maps->room - maps->fresh + maps->unused_count < count) {
        void *nodes = mremap(maps->nodes, bytes, bytes * 2, MREMAP_MAYMOVE);
        if (nodes == MAP_FAILED)
            return -1;
        maps->nodes = nodes;
        maps->room *= 2;
        bytes *= 2;
    }
    return 0;
}

static uint32_t next_random(struct mp_maps *maps)
{
    maps->random ^= maps->random << 13;
    maps->random ^= maps->random >> 17;
    return maps->random ^= maps->random << 5;
}

/* A tree of one node, like another one. */
static uint32_t make(struct mp_maps *maps, const struct mp_maps_node *like)
{
    uint32_t node = maps->unused;
    if (node) {
        maps->unused = maps->nodes[node].left;
        maps->unused_count--;
    } else {
        node = maps->fresh++;
    }
    maps->nodes[node] = *like;
    maps->nodes[node].left = maps->nodes[node].right = 0;
    maps->nodes[node].order = next_random(maps);
    return node;
}

static void drop(struct mp_maps *maps, uint32_t node)
{
    maps->nodes[node].left = maps->unused;
    maps->unused = node;
    maps->unused_count++;
}

static uint32_t leftmost(const struct mp_maps *maps, uint32_t tree)
{
    while (maps->nodes[tree].left)
        tree = maps->nodes[tree].left;
    return tree;
}

static uint32_t rightmost(const struct mp_maps *maps, uint32_t tree)
{
    while (maps->nodes[tree].right)
        tree = maps->nodes[tree].right;
    return tree;
}

/* All of `left` lies below all of `right`. */
static uint32_t join(struct mp_maps *maps, uint32_t left, uint32_t right)
{
    struct mp_maps_node *nodes = maps->nodes;
    if (!left || !right)
        return left ? left : right;
    if (nodes[left].order > nodes[right].order) {
        nodes[left].right = join(maps, nodes[left].right, right);
        return left;
    }
    nodes[right].left = join(maps, left, nodes[right].left);
    return right;
}

/* By where intervals start. */
static void split(struct mp_maps *maps, uint32_t tree, uintptr_t at, uint32_t *left,
                  uint32_t *right)
{
    if (!tree) {
        *left = *right = 0;
        return;
    }
    struct mp_maps_node *node = &maps->nodes[tree];
    if (node->start < at) {
        split(maps, node->right, at, &node->right, right);
        *left = tree;
    } else {
        split(maps, node->left, at, left, &node->left);
        *right = tree;
    }
}

/* An interval that lies across the cut becomes two. */
static void cut(struct mp_maps *maps, uint32_t tree, uintptr_t at, uint32_t *left,
                uint32_t *right)
{
    split(maps, tree, at, left, right);
    uint32_t last = rightmost(maps, *left);
    if (!last || maps->nodes[last].end <= at)
        return;
    uint32_t rest = make(maps, &maps->nodes[last]);
    maps->nodes[rest].start = at;
    maps->nodes[last].end = at;
    *right = join(maps, rest, *right);
}

static struct pieces lift(struct mp_maps *maps, struct range range)
{
    struct pieces pieces;
    uint32_t rest;
    cut(maps, maps->root, range.start, &pieces.left, &rest);
    cut(maps, rest, range.end, &pieces.middle, &pieces.right);
    return pieces;
}

static bool are_alike(const struct mp_maps_node *one, const struct mp_maps_node *other)
{
    return one->end == other->start && one->stack == other->stack &&
           one->kind == other->kind && one->state == other->state;
}

/* Neighbours that differ in nothing become one: a heap that grows by pages stays small. */
static uint32_t join_neighbours(struct mp_maps *maps, uint32_t left, uint32_t right)
{
    uint32_t last = rightmost(maps, left), first = leftmost(maps, right), rest;
    if (!last || !first || !are_alike(&maps->nodes[last], &maps->nodes[first]))
        return join(maps, left, right);
    split(maps, right, maps->nodes[first].end, &first, &rest);
    maps->nodes[last].end = maps->nodes[first].end;
    drop(maps, first);
    return join(maps, left, rest);
}

static void lower(struct mp_maps *maps, const struct pieces *pieces)
{
    uint32_t right = join_neighbours(maps, pieces->middle, pieces->right);
    maps->root = join_neighbours(maps, pieces->left, right);
}

static void tell(struct mp_maps *maps, const struct mp_maps_node *node, int sign)
{
    if (node->state == MP_MAP_COUNTS)
        maps->tell(maps->context, node->stack, node->kind,
                   sign * (int64_t)(node->end - node->start));
}

static void forget(struct mp_maps *maps, uint32_t tree)
{
    if (!tree)
        return;
    forget(maps, maps->nodes[tree].left);
    forget(maps, maps->nodes[tree].right);
    tell(maps, &maps->nodes[tree], -1);
    drop(maps, tree);
}

/* What was in the range is gone, and a tree (0: nothing) is there. */
static void put(struct mp_maps *maps, struct range range, uint32_t tree)
{
    struct pieces pieces = lift(maps, range);
    forget(maps, pieces.middle);
    pieces.middle = tree;
    lower(maps, &pieces);
}

static void put_new(struct mp_maps *maps, const struct mp_maps_node *like)
{
    if (like->start >= like->end)
        return;
    put(maps, (struct range){like->start, like->end}, make(maps, like));
    tell(maps, like, 1);
}

int mp_maps_map(struct mp_maps *maps, uintptr_t address, size_t length, uint32_t stack,
                enum mp_map_kind kind, int protection)
{
    struct range range = pages(maps, address, length);
    if (reserve(maps, CUTS))
        return -1;
    put_new(maps, &(struct mp_maps_node){
                      .start = range.start,
                      .end = range.end,
                      .stack = stack,
                      .kind = kind,
                      .state = protection == PROT_NONE ? MP_MAP_RESERVED : MP_MAP_COUNTS,
                  });
    return 0;
}

int mp_maps_unmap(struct mp_maps *maps, uintptr_t address, size_t length)
{
    if (reserve(maps, CUTS))
        return -1;
    put(maps, pages(maps, address, length), 0);
    return 0;
}

static void set_state(struct mp_maps *maps, uint32_t tree,
                      enum mp_map_state (*after)(const struct mp_maps_node *))
{
    if (!tree)
        return;
    struct mp_maps_node *node = &maps->nodes[tree];
    set_state(maps, node->left, after);
    tell(maps, node, -1);
    node->state = after(node);
    tell(maps, node, 1);
    set_state(maps, node->right, after);
}

static int change(struct mp_maps *maps, struct range range,
                  enum mp_map_state (*after)(const struct mp_maps_node *))
{
    if (reserve(maps, CUTS))
        return -1;
    struct pieces pieces = lift(maps, range);
    set_state(maps, pieces.middle, after);
    lower(maps, &pieces);
    return 0;
}

static enum mp_map_state closed(const struct mp_maps_node *node)
{
    (void)node;
    return MP_MAP_RESERVED;
}

static enum mp_map_state opened(const struct mp_maps_node *node)
{
    return node->state == MP_MAP_RESERVED ? MP_MAP_COUNTS : node->state;
}

static enum mp_map_state emptied(const struct mp_maps_node *node)
{
    bool empties = node->kind == MP_MAP_ANONYMOUS && node->state == MP_MAP_COUNTS;
    return empties ? MP_MAP_EMPTIED : node->state;
}

int mp_maps_protect(struct mp_maps *maps, uintptr_t address, size_t length, int protection)
{
    return change(maps, pages(maps, address, length),
                  protection == PROT_NONE ? closed : opened);
}

int mp_maps_dontneed(struct mp_maps *maps, uintptr_t address, size_t length)
{
    return change(maps, pages(maps, address, length), emptied);
}

const struct mp_maps_node *mp_maps_at(const struct mp_maps *maps, uintptr_t address)
{
    uint32_t at = maps->root;
    while (at && (address < maps->nodes[at].start || address >= maps->nodes[at].end))
        at = address < maps->nodes[at].start ? maps->nodes[at].left : maps->nodes[at].right;
    return &maps->nodes[at];
}

static void move_by(struct mp_maps *maps, uint32_t tree, uintptr_t by)
{
    if (!tree)
        return;
    maps->nodes[tree].start += by;
    maps->nodes[tree].end += by;
    move_by(maps, maps->nodes[tree].left, by);
    move_by(maps, maps->nodes[tree].right, by);
}

static uint32_t count(const struct mp_maps *maps, uint32_t tree)
{
    if (!tree)
        return 0;
    return 1 + count(maps, maps->nodes[tree].left) + count(maps, maps->nodes[tree].right);
}

/* MREMAP_DONTUNMAP leaves the old addresses mapped: private memory is empty there, what is
   shared is mapped twice. */
static uint32_t left_behind(struct mp_maps *maps, uint32_t tree)
{
    if (!tree)
        return 0;
    uint32_t left = left_behind(maps, maps->nodes[tree].left);
    uint32_t copy = make(maps, &maps->nodes[tree]);
    if (maps->nodes[copy].state == MP_MAP_COUNTS &&
        maps->nodes[copy].kind == MP_MAP_ANONYMOUS)
        maps->nodes[copy].state = MP_MAP_EMPTIED;
    tell(maps, &maps->nodes[copy], 1);
    uint32_t right = left_behind(maps, maps->nodes[tree].right);
    return join(maps, join(maps, left, copy), right);
}

/* One by one: what lies under a hole between them stays (Linux 6.17 moves several at once). */
static void put_each(struct mp_maps *maps, uint32_t tree)
{
    struct mp_maps_node node = maps->nodes[tree];
    if (!tree)
        return;
    put_each(maps, node.left);
    maps->nodes[tree].left = maps->nodes[tree].right = 0;
    put(maps, (struct range){node.start, node.end}, tree);
    put_each(maps, node.right);
}

static int move(struct mp_maps *maps, struct range from, uintptr_t to, int flags)
{
    struct pieces pieces = lift(maps, from);
    uint32_t moved = pieces.middle;
    bool stays = flags & MREMAP_DONTUNMAP;
    int failed = reserve(maps, CUTS + 3 * count(maps, moved));
    if (!failed)
        pieces.middle = stays ? left_behind(maps, moved) : 0;
    lower(maps, &pieces);
    if (failed)
        return -1;
    move_by(maps, moved, to - from.start);
    if (moved)
        put_each(maps, moved);
    else /* a mapping from before that is not known */
        put(maps, (struct range){to, to + (from.end - from.start)}, 0);
    return 0;
}

int mp_maps_remap(struct mp_maps *maps, const struct mp_maps_remap *remap)
{
    struct range old = pages(maps, remap->old, remap->old_length);
    struct range new = pages(maps, remap->new, remap->new_length);
    uintptr_t before = old.end - old.start, after = new.end - new.start;
    uintptr_t kept = before < after ? before : after;
    if (reserve(maps, CUTS))
        return -1;
    /* What new bytes are like. */
    struct mp_maps_node grown = *mp_maps_at(maps, before ? old.end - 1 : old.start);
    if (kept < before)
        put(maps, (struct range){old.start + kept, old.end}, 0);
    if (kept && new.start != old.start &&
        move(maps, (struct range){old.start, old.start + kept}, new.start, remap->flags))
        return -1;
    grown.start = new.start + kept;
    grown.end = new.end;
    grown.stack = remap->stack;
    if (grown.state == MP_MAP_EMPTIED)
        grown.state = MP_MAP_COUNTS;
    put_new(maps, &grown);
    return 0;
}

static void see_all(const struct mp_maps *maps, uint32_t tree,
                    void (*see)(void *, const struct mp_maps_node *), void *context)
{
    if (!tree)
        return;
    see_all(maps, maps->nodes[tree].left, see, context);
    see(context, &maps->nodes[tree]);
    see_all(maps, maps->nodes[tree].right, see, context);
}

void mp_maps_each(const struct mp_maps *maps,
                  void (*see)(void *context, const struct mp_maps_node *), void *context)
{
    see_all(maps, maps->root, see, context);
}
