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

enum {
    MP_HEAP_VERSION = 1,
    MP_HEAP_CHUNK = 1 << 16, /* bytes; the unit in which the file grows */
    MP_HEAP_CHUNKS = 512,    /* at most: 32 MiB */
    MP_HEAP_POINTS = 512,    /* of the time series; then its resolution halves */
    MP_HEAP_COMMAND = 256,   /* bytes of a command line */
    MP_HEAP_CHILDREN = 512,  /* of a run that have a capture; more are only counted */
};

#define MP_HEAP_MAGIC "mprof\x1ahp"

/* The tables; each chunk of the file behind the first belongs to one. */
enum mp_heap_table {
    MP_HEAP_UNUSED,
    MP_HEAP_NODES,
    MP_HEAP_CODES,
    MP_HEAP_TEXT,
    MP_HEAP_THREADS,
    MP_HEAP_TABLES
};

/* Who was asked for the memory. The kinds of one stack are nodes of their own, side by side. */
enum mp_heap_kind { MP_HEAP_PYTHON, MP_HEAP_MALLOC, MP_HEAP_MMAP, MP_HEAP_KINDS };
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

/* Totals of one thread, in the order in which they first allocated. */
struct mp_heap_thread {
    int64_t id;                /* gettid(2); 0: all those for which there was no room */
    uint64_t allocated, freed; /* bytes */
    uint64_t blocks, frees, temporary;
};

struct mp_heap_point {
    int64_t time; /* ns since the start */
    int64_t rss, heap;
};

/* Points are in points[bank]; the other bank is where the halved series is prepared. */
struct mp_heap_series {
    int64_t interval; /* ns between points */
    uint32_t bank, count[2];
    uint32_t refused; /* not of the series: errno of the file's first growth that failed */
    struct mp_heap_point points[2][MP_HEAP_POINTS];
};

/* What made up the resident memory at a moment, as it was read; -1 where that could not be. What
   follows from it is in aggregate/heap_balance.h. All but `time` in bytes. */
struct mp_heap_balance {
    int64_t time; /* ns since the start */
    int64_t rss,
        shared;   /* resident (written last, 0: no reading); of it files and shared */
    int64_t heap; /* in tracked blocks and mappings */
    int64_t small, mapped; /* of the heap: in blocks as pymalloc serves them; in mappings */
    int64_t absent;        /* of the heap: pages that are not resident */
    int64_t mapped_shared; /* resident pages of mappings that are in `shared` */
    int64_t arenas, pooled; /* of pymalloc; in use in them, who ever allocated it */
    int64_t malloc_used, malloc_free; /* of malloc(3); free and resident */
    int64_t stacks, libraries;        /* of threads; private pages of mapped files */
    int64_t own, own_shared;          /* the recorder's; of that in `shared` */
};

/* Beside the kinds of memory that were followed: another tool had put Python's allocators back. */
enum { MP_HEAP_LOST = 1 << 8 };

enum mp_heap_moment {
    MP_HEAP_AT_START,
    MP_HEAP_NEAR_PEAK,
    MP_HEAP_AT_END,
    MP_HEAP_MOMENTS
};

/* The file's first chunk. A count is raised after what it counts is complete. */
struct mp_heap_header {
    char magic[8];
    uint32_t version, header_size, node_size;
    uint32_t followed; /* a bit for each kind of memory that was, and MP_HEAP_LOST */
    int64_t pid;
    int64_t wall_start; /* ns since 1970: the one wall clock reading */
    int64_t elapsed;    /* ns from the start to the latest reading of the clock */
    uint32_t clean;     /* 1: tracking was stopped, nothing is missing */
    uint32_t epoch;     /* of the present peak */
    int64_t live, peak; /* bytes */
    int64_t peak_time;  /* ns since the start */
    uint64_t untracked, untracked_bytes; /* allocations that could not be followed */
    uint64_t sample;    /* bytes between samples on average; 0: every block was recorded */
    uint64_t shortened; /* allocations charged to an ancestor: no room for their stack */
    uint64_t counts[MP_HEAP_TABLES];
    uint8_t
        owners[MP_HEAP_CHUNKS]; /* which table chunk i belongs to; 0 is the header's own */
    struct mp_heap_balance balance[MP_HEAP_MOMENTS];
    struct mp_heap_series series;
    uint64_t run;      /* the same in all captures of one run, in no other */
    int64_t parent;    /* the pid; 0 in a run's first process */
    uint64_t children; /* in the first process's: how many more joined the run */
    char command[MP_HEAP_COMMAND]; /* what was started, words ended by NUL, cut */
};

/* The tables of a running capture, each in one piece of address space that never moves. */
struct mp_heap {
    struct mp_heap_header *header;
    struct mp_heap_node *nodes;
    struct mp_heap_code *codes;
    char *text;
    struct mp_heap_thread *threads;
    size_t room[MP_HEAP_TABLES]; /* items */
    /* Makes room for more items of a table: 0, or -1 with errno (ENOSPC: the file is as large
       as it may be, or the disk is full). */
    int (*grow)(struct mp_heap *, enum mp_heap_table);
};

/* The same, to read. Counts are checked against what is there. Where the captures of several
   processes are merged, figures are sums, and the peak is that of each at its own moment. */
struct mp_heap_view {
    const struct mp_heap_header *header;
    const struct mp_heap_node *nodes;
    const struct mp_heap_code *codes;
    const char *text;
    const struct mp_heap_thread *threads;
    size_t counts[MP_HEAP_TABLES];
    size_t processes; /* that were merged; 0: a capture as it is */
};

/* Bytes of one item. */
size_t mp_heap_item_size(enum mp_heap_table);

/* Makes room for `more` items behind those there are. 0, or -1 with errno. */
int mp_heap_reserve(struct mp_heap *, enum mp_heap_table, size_t more);

struct mp_heap_view mp_heap_view_of(const struct mp_heap *);

/* Whether anything was ever allocated there: mappings have bytes and no blocks. */
static inline bool mp_heap_was_used(const struct mp_heap_node *node)
{
    return node->blocks || node->total;
}

static inline uint32_t mp_heap_instruction(const struct mp_heap_node *node)
{
    return node->instruction & ((1u << MP_HEAP_KIND_SHIFT) - 1);
}

static inline enum mp_heap_kind mp_heap_kind(const struct mp_heap_node *node)
{
    return (enum mp_heap_kind)(node->instruction >> MP_HEAP_KIND_SHIFT);
}

/* Whether a file is import machinery: frames between an import statement and the module that it
   runs, as tracebacks leave them out. */
static inline bool mp_heap_is_importer(const char *file, size_t length)
{
    static const char frozen[] = "<frozen importlib._bootstrap";
    return length >= sizeof frozen - 1 && !memcmp(file, frozen, sizeof frozen - 1);
}

/* Whether it is no code but a thread without any, by its name: then it was started on its line,
   or has neither line nor file. */
static inline bool mp_heap_is_thread(const struct mp_heap_code *code)
{
    return code->name.length && !code->lines.length;
}

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
static inline int64_t mp_heap_error(const struct mp_heap_header *header, int64_t bytes)
{
    const double most = 0x1p62; /* a damaged file may say anything */
    double sample = (double)header->sample;
    double whole = sample * ((double)bytes > sample ? (double)bytes : sample);
    double root = whole > 0 ? __builtin_sqrt(whole) : 0;
    return (int64_t)(root < most ? root : most);
}

/* Bytes that were asked of each kind. */
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
