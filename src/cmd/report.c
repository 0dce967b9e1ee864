/* mprof report: what a heap capture says first. */
#include <stdlib.h>

#include "aggregate/heap_lines.h"
#include "cmd/command.h"
#include "cmd/heap_open.h"
#include "cmd/source.h"
#include "report/heap_json.h"
#include "report/heap_text.h"

enum { KEY_JSON = 256, USUAL_LINES = 10 };

struct settings {
    bool json;
    size_t most;
};

static const struct mp_option options[] = {
    {'n', "lines", "N", "lines in each table (default: 10)", NULL},
    {KEY_JSON, "json", NULL, "print JSON, in bytes and nanoseconds", NULL},
    {0},
};

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    if (key == KEY_JSON) {
        settings->json = true;
        return NULL;
    }
    char *end;
    long number = strtol(value, &end, 10);
    if (*end || end == value || number < 1 || number > 1000000)
        return "not a number of lines";
    settings->most = (size_t)number;
    return NULL;
}

static int print(const struct settings *settings, const struct mp_heap_capture *capture,
                 const char *path)
{
    struct mp_heap_lines lines;
    struct mp_source source = {0};
    struct mp_heap_text_options how = {.name = path,
                                       .incomplete = capture->incomplete,
                                       .most =
                                           settings->most ? settings->most : USUAL_LINES,
                                       .source = mp_source_line,
                                       .context = &source};
    if (mp_heap_lines_init(&lines, &capture->view))
        return mp_fail("out of memory");
    if (settings->json)
        mp_heap_json(stdout, &capture->view, &lines, capture->incomplete);
    else
        mp_heap_text(stdout, &capture->view, &lines, &how);
    mp_source_release(&source);
    mp_heap_lines_release(&lines);
    return MP_EXIT_OK;
}

static int run(void *from, int count, char **operands)
{
    struct mp_heap_capture capture;
    int code = mp_heap_open(&capture, "report", count, operands);
    if (!code)
        code = print(from, &capture, operands[0]);
    mp_heap_capture_release(&capture);
    return code;
}

const struct mp_command mp_command_report = {
    "report",
    "file",
    "print which lines hold the memory in a heap capture",
    "Prints the peak of a heap capture and when it was, the lines that held it, what is still "
    "live and what is freed as soon as it was allocated. The program may still be running, or "
    "have been killed.",
    MP_OPERANDS_WORD,
    options,
    take,
    sizeof(struct settings),
    run,
};
