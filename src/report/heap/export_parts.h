/* What an export is, and what its formats share: names of frames, and the text of each stack. */
#ifndef MP_REPORT_HEAP_EXPORT_PARTS_H
#define MP_REPORT_HEAP_EXPORT_PARTS_H

#include <stdbool.h>
#include <stdio.h>

#include "aggregate/heap/calls.h"
#include "aggregate/heap/paths.h"

enum mp_heap_export_format {
    MP_HEAP_EXPORT_COLLAPSED,
    MP_HEAP_EXPORT_SPEEDSCOPE,
    MP_HEAP_EXPORT_PPROF,
    MP_HEAP_EXPORT_MASSIF,
    MP_HEAP_EXPORT_CSV,
    MP_HEAP_EXPORT_JSON
};

/* Frames that a stack has at most, the last one for all that is deeper. */
enum { MP_HEAP_EXPORT_DEPTH = 400 };

struct mp_heap_export {
    enum mp_heap_export_format format;
    enum mp_heap_measure measure;
    const char *name;       /* of the capture's file */
    const char *incomplete; /* NULL when nothing is missing */
    const struct mp_heap_view *view;
    const struct mp_heap_paths *paths;
    const struct mp_flame_calls *calls; /* by the measure */
};

/* "peak", "live", "allocated", "growth". */
extern const char *const mp_heap_measure_names[];

/* The function, or what stands for one; not escaped. */
struct mp_heap_words {
    const char *text;
    size_t length;
};
struct mp_heap_words mp_heap_spot_name(const struct mp_heap_view *,
                                       const struct mp_heap_spot *);

/* The file's whole name; empty where there is none. */
struct mp_heap_words mp_heap_spot_file(const struct mp_heap_view *,
                                       const struct mp_heap_spot *);

/* Controls and the bytes of `marks` as \xNN. */
void mp_heap_put_words(FILE *, const char *text, size_t length, const char *marks);

/* "load (work.py:5)": the file's short name; escaped likewise. */
void mp_heap_put_spot(FILE *, const struct mp_heap_export *, const struct mp_heap_spot *,
                      const char *marks);

/* What each frame is in the text of a stack, with what separates it from the one before. */
typedef void mp_heap_put_frame(FILE *, const struct mp_heap_export *, uint32_t spot);

/* A stack that allocated. Of a text that is longer than 64 KiB the innermost frames are left out. */
struct mp_heap_stack {
    uint32_t frame;
    size_t index;     /* how many came before */
    const char *text; /* its frames, the outermost first */
    size_t length;
};
typedef void mp_heap_put_stack(FILE *, const struct mp_heap_export *,
                               const struct mp_heap_stack *);

/* Whether a frame's own bytes are written: those that are not 0; where a format has no negative
   ones, those that grew. */
bool mp_heap_is_exported(const struct mp_heap_export *, uint32_t frame);

/* The sum of what is. */
int64_t mp_heap_exported(const struct mp_heap_export *);

/* Each stack that is exported, callers before callees; `put_frame` NULL:
   without texts. 0, or -1 with errno ENOMEM. */
int mp_heap_each_stack(FILE *, const struct mp_heap_export *, mp_heap_put_frame *,
                       mp_heap_put_stack *);

/* The formats. */
int mp_heap_export_collapsed(FILE *, const struct mp_heap_export *);
int mp_heap_export_csv(FILE *, const struct mp_heap_export *);
int mp_heap_export_json(FILE *, const struct mp_heap_export *);
int mp_heap_export_speedscope(FILE *, const struct mp_heap_export *);
int mp_heap_export_pprof(FILE *, const struct mp_heap_export *);
int mp_heap_export_massif(FILE *, const struct mp_heap_export *);

/* What files of each begin with, by which ours are known. */
#define MP_HEAP_COLLAPSED_MARK "(memory_profiler itself) "
#define MP_HEAP_CSV_MARK "bytes,blocks,file,line,function,stack\n"
#define MP_HEAP_JSON_MARK "{\n  \"schema\": \"memory_profiler.heap-stacks/1\""
#define MP_HEAP_SPEEDSCOPE_MARK                                            \
    "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\"," \
    "\"exporter\":\"memory_profiler"
#define MP_HEAP_PPROF_COMMENT "memory_profiler"
#define MP_HEAP_MASSIF_MARK "desc: memory_profiler"

#endif
