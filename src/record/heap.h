/* What a heap capture is: which call stack holds how much memory, now and at the peak.
 *
 *      node 0 (every stack's root)
 *        └─ node 1: code 1 "<module>", at instruction 12 ──► counters of blocks allocated here
 *             └─ node 2: code 2 "load", at instruction 40 ──► counters
 *
 * A stack is a node of a trie; a node's parent always has the lower number. Codes are the
 * functions the nodes run, with name, file and line table copied; texts are their bytes.
 * Counters are of the node itself, callees not included. All of it lies in the file as it lies
 * in memory: docs/heap-file.md draws the file, src/store/ maps and reads it.
 */
#ifndef MP_RECORD_HEAP_H
#define MP_RECORD_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "record/heap_census.h"
#include "record/heap_balance.h"
#include "record/heap_engine.h"
#include "record/heap_holders.h"
#include "record/heap_series.h"
#include "record/heap_waste.h"
#include "record/identity.h"
#include "record/memory_end.h"

enum {
    MP_HEAP_VERSION = 2,
    MP_HEAP_CHUNK = 1 << 16,         /* bytes; the unit in which the file grows */
    MP_HEAP_CHUNKS = 1 << 13,        /* that a file may ask for: 512 MiB */
    MP_HEAP_CHUNKS_MOST = 1 << 12,   /* where nobody asks: 256 MiB, */
    MP_HEAP_CHUNKS_MEMORY = 1 << 10, /* of one that is in memory 64 MiB */
    MP_HEAP_CHUNKS_LEAST = 1 << 4,
    MP_HEAP_COMMAND = 256,     /* bytes of a command line */
    MP_HEAP_DIRECTORY = 32,    /* tables that a file may have */
    MP_HEAP_SLOT = 2048,       /* entries of a moment, at most */
    MP_HEAP_SLOTS = 128,       /* moments that a file may have: half of them marks */
    MP_HEAP_ENTRY_PART = 2000, /* a stack with so small a part of what is live has one */
    MP_HEAP_MARK = 64,         /* bytes of a mark's name */
    MP_HEAP_REQUESTS = 16,     /* marks asked from outside that wait */
    MP_HEAP_CHILDREN = 512,    /* of a run that have a capture; more are only counted */
    MP_HEAP_CHILDREN_MOST = 1 << 16, /* that may be asked for */
};

#define MP_HEAP_MAGIC "mprof\x1ahp"

/* The tables; each chunk of the file behind the first belongs to one. A number is never used for
   anything else: readers skip those that they do not know. */
enum mp_heap_table {
    MP_HEAP_UNUSED,
    MP_HEAP_NODES,
    MP_HEAP_CODES,
    MP_HEAP_TEXT,
    MP_HEAP_THREADS,
    MP_HEAP_MOMENTS,
    MP_HEAP_ENTRIES,
    MP_HEAP_SOURCES,
    MP_HEAP_SOURCE_LINES,
    MP_HEAP_TYPES,
    MP_HEAP_TYPED,
    MP_HEAP_TAGS,
    MP_HEAP_CENSUSES,
    MP_HEAP_TYPED_THEN,
    MP_HEAP_HOLDERS,
    MP_HEAP_WASTE,
    MP_HEAP_TABLES
};

/* Who asks for room in a file, each of them for more of it than the one before. So imports leave
   room to the program, its libraries to its own functions, and whole stacks to lines alone. */
enum mp_heap_for {
    MP_HEAP_FOR_IMPORTS, /* what an import runs: half of the file */
    MP_HEAP_FOR_LIBRARY, /* other code that is not the program's: 3/4 */
    MP_HEAP_FOR_PROGRAM, /* its own stacks: 7/8 */
    MP_HEAP_FOR_LINES    /* its own lines, without callers: all of it */
};

/* Who was asked for the memory. The kinds of one stack are nodes of their own, side by side. */
enum mp_heap_kind {
    MP_HEAP_PYTHON,
    MP_HEAP_MALLOC,
    MP_HEAP_MMAP,
    MP_HEAP_POOL, /* a large mapping: it counts for what is resident of it */
    MP_HEAP_KINDS
};
enum { MP_HEAP_KIND_SHIFT = 30 };

/* One call stack and what it allocated. `at_peak` and `at_peak_blocks` hold when `epoch` is the
   header's; else nothing changed since the peak and `live`, `live_blocks` are the values then. */
struct mp_heap_node {
    uint32_t parent, code;
    uint32_t
        instruction; /* code unit in the code's bytecode that was running; above it the kind */
    uint32_t epoch;
    int64_t live, at_peak; /* bytes */
    uint64_t total;        /* bytes ever allocated */
    uint64_t blocks;       /* ever allocated */
    uint32_t live_blocks, at_peak_blocks;
    uint64_t temporary; /* blocks freed before their thread allocated again */
};

/* A stretch of the text table. */
struct mp_heap_text {
    uint32_t offset, length;
};

struct mp_heap_code {
    struct mp_heap_text name,
        file;                  /* qualified name; both UTF-8, or the bytes there were */
    struct mp_heap_text lines; /* CPython's location table */
    int32_t first_line;
    uint32_t hash; /* of all the above, to find the same definition again */
};

/* A source file whose lines are in the file, so that they are read wherever the capture is. */
struct mp_heap_source {
    struct mp_heap_text file; /* as codes name it */
    struct mp_heap_text
        label;              /* what it is called where no file is behind it: "Cell In[3]" */
    int64_t size, modified; /* bytes, ns since 1970; -1 where no file is behind it */
    uint64_t hash;          /* mp_heap_source_hash() of its bytes */
    uint32_t first, count;  /* its lines, by number, in the table of them */
};

struct mp_heap_source_line {
    uint32_t number; /* from 1 on */
    struct mp_heap_text text;
};

/* What blocks are: record/heap_census.h has which are no classes. */
struct mp_heap_type {
    struct mp_heap_text name; /* "dict", "app.cache.Node" */
};

/* The most bytes of a source that is read. */
enum { MP_HEAP_SOURCE_MOST = 4 << 20 };

/* FNV-1a of 64 bits: to tell two versions of a file apart, not against who wants them to be alike. */
uint64_t mp_heap_source_hash(const char *bytes, size_t length);

/* A border below which are the stacks of what ran under a tag: a context word of the program's. */
struct mp_heap_tag {
    uint32_t node;
    struct mp_heap_text name;
};

enum {
    MP_HEAP_TAG_BORDER =
        1 << 29,             /* the instruction of such a border, with the tag's number */
    MP_HEAP_TAGS_MOST = 4096 /* that are told apart */
};

/* Totals of one thread, in the order in which they first allocated. */
struct mp_heap_thread {
    int64_t id;                /* gettid(2); 0: all those for which there was no room */
    uint64_t allocated, freed; /* bytes */
    uint64_t blocks, frees, temporary;
};

/* What the stacks held at a moment: a point of the time series, or a mark. Those of the stacks that
   have no entry are summed in the rest. Moment i has the entries from i * MP_HEAP_SLOT on. */
struct mp_heap_moment {
    int64_t time; /* ns since the start */
    int64_t live; /* bytes, of all stacks; */
    uint64_t blocks;
    int64_t rest; /* of those without an entry */
    uint64_t rest_blocks;
    uint32_t rest_stacks;
    uint32_t count; /* entries */
    uint32_t
        stamp; /* another one for each; 0: there is none here, or it is being written */
    uint32_t flags;
    char name[MP_HEAP_MARK]; /* of a mark, ended by NUL where it is shorter */
    uint32_t nodes;          /* there were then: later ones held nothing */
    uint32_t unused;
};

enum { MP_HEAP_IS_MARK = 1 };

struct mp_heap_holding {
    uint32_t node, blocks;
    int64_t bytes;
};

/* Of a mark, by another process: in the order in which they were asked. */
struct mp_heap_request {
    char name[MP_HEAP_MARK];
    int64_t
        taken; /* ns since the start: when it was asked, once it is answered its mark's time, or -1: there
                      was no room */
};

/* Who wants to be told of a node before it changes. */
enum mp_heap_tell {
    MP_HEAP_TELL_NESTS = 1,   /* recordings inside this one */
    MP_HEAP_TELL_SCAN = 2,    /* a moment that is being taken */
    MP_HEAP_TELL_REQUEST = 4, /* another process, which asks for a mark */
};

/* Beside the kinds of memory that were followed: another tool had put Python's allocators back; a
   run's children may join; no source text goes into its captures. */
enum {
    MP_HEAP_LOST = 1 << 8,
    MP_HEAP_CHILDREN_TOO = 1 << 9,
    MP_HEAP_NO_SOURCES = 1 << 10,
    MP_HEAP_TYPES_ALWAYS =
        1 << 11, /* what blocks are is counted at the end, however many */
    MP_HEAP_TYPES_NEVER = 1 << 12,
    MP_HEAP_KILLED = 1 << 13, /* of a copy: its process was gone when it was made, */
    MP_HEAP_LIVED = 1 << 14   /* or was there */
};

/* The file's first chunk. A count is raised after what it counts is complete. */
struct mp_heap_header {
    char magic[8];
    uint32_t version, header_size;
    uint32_t tell;     /* enum mp_heap_tell; means nothing once it has ended */
    uint32_t followed; /* a bit for each kind of memory that was, and those above */
    int64_t pid;
    int64_t wall_start; /* ns since 1970: the one wall clock reading */
    int64_t elapsed;    /* ns from the start to the latest reading of the clock */
    uint32_t clean;     /* 1: tracking was stopped, nothing is missing */
    uint32_t epoch;     /* of the present peak */
    int64_t live, peak; /* bytes */
    int64_t peak_time;  /* ns since the start */
    uint64_t untracked, untracked_bytes; /* allocations that could not be followed */
    uint64_t sample;    /* bytes between samples on average; 0: every block was recorded */
    uint64_t shortened; /* allocations whose stack lacks frames: there was no room */
    uint64_t misplaced; /* of them: their innermost frame of the program's own is lacking */
    uint64_t most;      /* bytes that the file may have */
    uint64_t counts[MP_HEAP_DIRECTORY];     /* items of each table */
    uint32_t item_sizes[MP_HEAP_DIRECTORY]; /* their bytes; 0: the file has no such table */
    struct mp_heap_balance balance[MP_HEAP_READINGS];
    struct mp_heap_series series;
    uint64_t run;      /* the same in all captures of one run, in no other */
    int64_t parent;    /* the pid; 0 in a run's first process */
    uint64_t children; /* in the first process's: how many more joined the run */
    char command[MP_HEAP_COMMAND]; /* what was started, words ended by NUL, cut */
    uint8_t
        owners[MP_HEAP_CHUNKS]; /* which table chunk i belongs to; 0 is the header's own */
    int64_t period;             /* ns between moments, at least */
    uint64_t missed;            /* moments that were due or asked, and could not be taken */
    uint32_t asked, answered;   /* marks, by other processes, ever */
    struct mp_heap_request requests[MP_HEAP_REQUESTS]; /* a ring */
    struct mp_identity identity;
    int64_t
        attached; /* ns that the process had run when it was attached to; 0: it was not */
    uint64_t
        most_children; /* in the first process's: that may have a capture; 0: as usual */
    struct mp_group_memory group;
    uint32_t types_asked, types_answered; /* censuses, by other processes, ever */
    struct mp_heap_holders_asked holders;
    struct mp_heap_engine engine;
    uint32_t
        stay; /* points of a stretch of the series, at most; 0: of a few not all stay */
    uint32_t unused;
};

/* The tables of a running capture, each in one piece of address space that never moves. */
struct mp_heap {
    struct mp_heap_header *header;
    struct mp_heap_node *nodes;
    struct mp_heap_code *codes;
    char *text;
    struct mp_heap_thread *threads;
    struct mp_heap_moment *moments;
    struct mp_heap_holding *entries;
    struct mp_heap_source *sources;
    struct mp_heap_source_line *source_lines;
    struct mp_heap_type *types;
    struct mp_heap_tag *tags;
    struct mp_heap_typed *typed;
    struct mp_heap_census *censuses;
    struct mp_heap_typed *typed_then; /* their rows */
    struct mp_heap_holder *holders;
    struct mp_heap_waste *waste;
    size_t room[MP_HEAP_TABLES]; /* items */
    unsigned chunks, most; /* of the file, the header's included; how many it may have */
    bool stays;            /* there is a file, to be read when all is over, */
    bool shared;           /* and its pages are what is written to */
    /* Makes room for more items of a table: 0, or -1 with errno (ENOSPC: the file is as large
       as it may be, or the disk is full). */
    int (*grow)(struct mp_heap *, enum mp_heap_table);
    int is_cut; /* somebody cut the file short: what there is means nothing */
    void (*cut)(struct mp_heap *); /* told of that, in a signal handler; or NULL */
};

/* A point of a run at which the figures of each stack are known. */
enum mp_heap_when {
    MP_HEAP_WHEN_START, /* nothing was there; also before a process began and after it ended */
    MP_HEAP_WHEN_MOMENT,
    MP_HEAP_WHEN_MARK,
    MP_HEAP_WHEN_PEAK,
    MP_HEAP_WHEN_END
};

struct mp_heap_instant {
    enum mp_heap_when when;
    uint32_t index;              /* of a moment or mark: in the view's moments */
    int64_t time;                /* ns since the start */
    int64_t live;                /* bytes then */
    char name[MP_HEAP_MARK + 1]; /* of a mark */
};

/* What a view was asked to show beside, or in place of, the peak. */
struct mp_heap_range {
    bool is_at;                      /* the peak's figures are those at `to` */
    struct mp_heap_instant from, to; /* else there is growth between these */
};

/* How much more, or less. */
struct mp_heap_delta {
    int64_t bytes, blocks;
};

/* Between which bytes something is. */
struct mp_heap_bounds {
    int64_t least, most;
};

/* The same, to read. Counts are checked against what is there. Where the captures of several
   processes are merged, figures are sums, and the peak is that of each at its own moment. */
struct mp_heap_view {
    const struct mp_heap_header *header;
    const struct mp_heap_node *nodes;
    const struct mp_heap_code *codes;
    const char *text;
    const struct mp_heap_thread *threads;
    const struct mp_heap_moment *moments; /* those without a stamp are none */
    const struct mp_heap_holding *entries;
    const struct mp_heap_source *sources;
    const struct mp_heap_source_line *source_lines;
    const struct mp_heap_type *types;
    const struct mp_heap_tag *tags;
    const struct mp_heap_typed *typed;     /* of the end; none where it was not asked */
    const struct mp_heap_census *censuses; /* those without a stamp are none */
    const struct mp_heap_typed *typed_then;
    const struct mp_heap_holder *holders; /* none where nobody asked */
    const struct mp_heap_waste *waste;    /* of the end; none where it was not asked */
    size_t untyped;                       /* processes that were merged and have none */
    bool typed_at; /* their rows of types are of the moment that was asked for */
    size_t counts[MP_HEAP_TABLES];
    size_t processes;    /* that were merged; 0: a capture as it is */
    bool lives;          /* its process runs, and holds what it held last */
    bool several_clocks; /* theirs: no moment is one of all, and there is no series */
    struct mp_heap_bounds together;     /* of what they held at once; 0, 0: not known */
    const struct mp_heap_range *range;  /* NULL: nothing was asked for */
    const struct mp_heap_delta *growth; /* of each node; NULL: no range was asked for */
};

/* Bytes of one item. */
size_t mp_heap_item_size(enum mp_heap_table);

/* Makes room for `more` items behind those there are, in as much of the file as a share is. 0, or
   -1 with errno. */
int mp_heap_reserve(struct mp_heap *, enum mp_heap_table, size_t more, enum mp_heap_for);

struct mp_heap_view mp_heap_view_of(const struct mp_heap *);

/* Whether anything was ever allocated there: mappings have bytes and no blocks. */
static inline bool mp_heap_was_used(const struct mp_heap_node *node)
{
    return node->blocks || node->total;
}

/* The same, or there is growth of it: of what has no stack of its own. */
static inline bool mp_heap_has_figures(const struct mp_heap_view *view, size_t node)
{
    const struct mp_heap_delta *growth = view->growth ? &view->growth[node] : NULL;
    return mp_heap_was_used(&view->nodes[node]) || view->nodes[node].at_peak ||
           (growth && (growth->bytes || growth->blocks));
}

static inline uint32_t mp_heap_instruction(const struct mp_heap_node *node)
{
    return node->instruction & ((1u << MP_HEAP_KIND_SHIFT) - 1);
}

static inline enum mp_heap_kind mp_heap_kind(const struct mp_heap_node *node)
{
    return (enum mp_heap_kind)(node->instruction >> MP_HEAP_KIND_SHIFT);
}

/* Whether it is no call but the border where a recording inside this one began: below it are the
   stacks of that time, from their outermost calls on. */
static inline bool mp_heap_is_border(const struct mp_heap_node *node)
{
    return !node->code && mp_heap_instruction(node);
}

/* Whether it is the border of a tag, also one that has got a name as a frame: aggregate/heap/tag_frames.h. */
static inline bool mp_heap_is_tag(const struct mp_heap_node *node)
{
    return mp_heap_instruction(node) & MP_HEAP_TAG_BORDER;
}

/* Whether it is no code but a thread without any, by its name: then it was started on its line,
   or has neither line nor file. The table of a function may be empty too, but is in the text. */
static inline bool mp_heap_is_thread(const struct mp_heap_code *code)
{
    return code->name.length && !code->lines.length && !code->lines.offset;
}

/* Of the run whose first capture this is: how many children may have one. */
static inline uint64_t mp_heap_children_most(const struct mp_heap_header *first)
{
    uint64_t most = first->most_children;
    return !most                          ? MP_HEAP_CHILDREN
           : most < MP_HEAP_CHILDREN_MOST ? most
                                          : MP_HEAP_CHILDREN_MOST;
}

/* Whether their times are of two clocks. What does not name its clock is taken for one of the other's:
   runs of one machine are all there was. */
bool mp_heap_has_other_clock(const struct mp_heap_header *, const struct mp_heap_header *);

/* Sums over the tables: threads for what came and went, nodes for what was alive. */
struct mp_heap_totals {
    uint64_t total; /* bytes ever allocated */
    uint64_t blocks, frees, temporary;
    uint64_t live_blocks, peak_blocks;
};

struct mp_heap_totals mp_heap_totals(const struct mp_heap_view *);

/* The standard error of a figure of so many bytes, at most: 0 where every block was recorded. A
   sampled block stands for at least `sample` bytes, a sum of them varies by the root of its size.
   Where no block was met there may still have been some: that is as uncertain as one. */
static inline int64_t mp_heap_error_of(uint64_t each, int64_t bytes)
{
    const double most = 0x1p62; /* a damaged file may say anything */
    double sample = (double)each;
    double size = bytes < 0 ? -(double)bytes : (double)bytes; /* of what shrank */
    double whole = sample * (size > sample ? size : sample);
    double root = whole > 0 ? __builtin_sqrt(whole) : 0;
    return (int64_t)(root < most ? root : most);
}

static inline int64_t mp_heap_error(const struct mp_heap_header *header, int64_t bytes)
{
    return mp_heap_error_of(header->sample, bytes);
}

/* Bytes that were asked of each kind; pools are mappings too. */
struct mp_heap_kinds {
    int64_t at_peak[MP_HEAP_KINDS], live[MP_HEAP_KINDS];
};

struct mp_heap_kinds mp_heap_kinds(const struct mp_heap_view *);

/* A node's bytes and blocks in use when the capture ended, or now. */
static inline int64_t mp_heap_live(const struct mp_heap_node *node)
{
    return node->live;
}

static inline uint64_t mp_heap_live_blocks(const struct mp_heap_node *node)
{
    return node->live_blocks;
}

/* Whether figures at the peak are those of a moment that was asked for. */
static inline bool mp_heap_is_at(const struct mp_heap_view *view)
{
    return view->range && view->range->is_at;
}

/* The same at the peak. */
static inline int64_t mp_heap_at_peak(const struct mp_heap_view *view,
                                      const struct mp_heap_node *node)
{
    return node->epoch == view->header->epoch ? node->at_peak : node->live;
}

static inline uint64_t mp_heap_blocks_at_peak(const struct mp_heap_view *view,
                                              const struct mp_heap_node *node)
{
    return node->epoch == view->header->epoch ? node->at_peak_blocks : node->live_blocks;
}

#endif
