/* What the commands that show a heap capture have in common: their options and operands, and it,
 * its lines, its source. */
#ifndef MP_CMD_HEAP_VIEWS_H
#define MP_CMD_HEAP_VIEWS_H

#include "aggregate/heap/lines.h"
#include "aggregate/heap/mine.h"
#include "aggregate/heap/tag_choice.h"
#include "aggregate/heap/tag_frames.h"
#include "cmd/heap/run.h"
#include "cmd/heap/source.h"
#include "cmd/shared/command.h"
#include "cmd/shared/screen.h"
#include "report/heap/json.h"
#include "report/heap/parts.h"

struct mp_heap_views {
    char *path;   /* owned: of several captures what they are called together */
    bool several; /* captures were named; else one, with its children */
    struct mp_heap_run run;
    struct mp_heap_tag_choice tag_choice; /* empty where nothing is chosen, and */
    struct mp_heap_tag_frames tag_frames; /* empty where they are none */
    struct mp_heap_own own;
    const struct mp_heap_own *hidden; /* &own, or NULL: all frames are shown */
    struct mp_heap_lines lines;
    struct mp_heap_paths paths;
    struct mp_source source;
    char *here;                 /* owned */
    struct mp_heap_style style; /* of standard output */
};

enum mp_heap_how {
    MP_HEAP_ALL_FRAMES = 1, /* ours too */
    MP_HEAP_ALONE = 2,      /* without children */
    MP_HEAP_TOGETHER = 4,   /* lines of import machinery are one */
    MP_HEAP_NO_PAGER = 8,   /* print it all, however long */
    MP_HEAP_UNCALLED = 16,  /* who called lines is not asked */
    MP_HEAP_SHARES = 64,    /* each process's are kept */
    MP_HEAP_BY_TAG = 128,   /* tags are frames */
    MP_HEAP_TYPES_AT = 256, /* types are of the moment that is asked for, else of the end */
    MP_HEAP_NO_LINES = 32   /* lines are not asked at all */
};

/* What the options of these commands that say how to look at it have set. */
struct mp_heap_asked {
    unsigned how; /* of the flags above */
    bool json;
    int colour;                   /* enum mp_colour */
    size_t most;                  /* of -n; 0: not given */
    struct mp_source_named roots; /* where sources may be beside the usual folders */
    struct mp_heap_mine mine;     /* which code is the user's, where it is said */
    struct mp_heap_asked_range range;
    const char *tag; /* pattern of those that are shown alone; NULL: all is */
};

enum {
    MP_HEAP_KEY_ALL_FRAMES = 512,
    MP_HEAP_KEY_NO_CHILDREN,
    MP_HEAP_KEY_SOURCE_ROOT,
    MP_HEAP_KEY_JSON,
    MP_HEAP_KEY_MINE,
    MP_HEAP_KEY_NOT_MINE,
    MP_HEAP_KEY_COLOUR,
    MP_HEAP_KEY_NO_PAGER,
    MP_HEAP_KEY_BY_TAG,
    MP_HEAP_KEY_TAG,
};

/* Those that say the same of each command. */
#define MP_HEAP_OPTION_NO_CHILDREN                          \
    {                                                       \
        MP_HEAP_KEY_NO_CHILDREN, "no-children", NULL,       \
            "leave out the processes that it started", NULL \
    }
#define MP_HEAP_OPTION_SOURCE_ROOT                                          \
    {                                                                       \
        MP_HEAP_KEY_SOURCE_ROOT, "source-root", "FOLDER",                   \
            "show sources that lie below FOLDER too; may be repeated", NULL \
    }
#define MP_HEAP_OPTION_MINE                                                                 \
    {MP_HEAP_KEY_MINE, "mine", "PATTERN",                                                   \
     "your code is files and modules like PATTERN too: 'pandas', 'pkg.*', 'src/*'; may be " \
     "repeated; also MPROF_MINE=PATTERN:!PATTERN",                                          \
     NULL},                                                                                 \
    {                                                                                       \
        MP_HEAP_KEY_NOT_MINE, "not-mine", "PATTERN",                                        \
            "files and modules like PATTERN are not your code; may be repeated", NULL       \
    }
#define MP_HEAP_OPTION_SCREEN                                                          \
    {MP_HEAP_KEY_COLOUR, "color", "WHEN",                                              \
     "your own lines in bold: auto (default: on a terminal), always or never",         \
     mp_colour_words},                                                                 \
    {                                                                                  \
        MP_HEAP_KEY_NO_PAGER, "no-pager", NULL,                                        \
            "on a terminal, do not show long text through MPROF_PAGER, PAGER or less", \
            NULL                                                                       \
    }
#define MP_HEAP_OPTION_TAG                                                            \
    {                                                                                 \
        MP_HEAP_KEY_TAG, "tag", "PATTERN",                                            \
            "show only what was allocated under tags like PATTERN, 'request=*'", NULL \
    }
#define MP_HEAP_OPTION_BY_TAG                                                              \
    {                                                                                      \
        MP_HEAP_KEY_BY_TAG, "by", "WHAT",                                                  \
            "tag: begin with the tags that the program set, each calls what ran under it", \
            "tag"                                                                          \
    }
#define MP_HEAP_OPTION_JSON                                                          \
    {                                                                                \
        MP_HEAP_KEY_JSON, "json", NULL, "print JSON, in bytes and nanoseconds", NULL \
    }

/* Takes one of them or -n, and leaves other keys; NULL, or what is wrong with its value. */
const char *mp_heap_asked_take(struct mp_heap_asked *, int key, const char *value);

/* 0, or the exit code of a command that takes `most` operands, "one capture", and has more. */
int mp_heap_check_operands(const char *command, const char *takes, int most, int count,
                           char **operands);

/* Opens what is named: captures, folders, bundles, indices, patterns; without operands the newest capture
   here. Returns 0, or the exit code, and why was said; the caller releases it either way. */
int mp_heap_views_init(struct mp_heap_views *, int count, char **operands,
                       const struct mp_heap_asked *);
void mp_heap_views_release(struct mp_heap_views *);

/* Whose the code is: options have the last word, after the environment. 0, or -1 with errno ENOMEM; the
   caller releases it either way. */
int mp_heap_find_own(struct mp_heap_own *, const struct mp_heap_view *,
                     const struct mp_heap_mine *);

/* A command at work on an open capture. Returns the exit code. */
typedef int mp_heap_show(struct mp_heap_views *, const void *settings);

/* Opens them, shows them together and releases them. Returns the exit code, and why was said. */
int mp_heap_views_show(int count, char **operands, const struct mp_heap_asked *,
                       mp_heap_show *show, const void *settings);

/* What JSON says of the capture beside its figures; borrowed from the views. */
struct mp_heap_json_options mp_heap_views_json(const struct mp_heap_views *);

#endif
