#include "cmd/heap/objects_all.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/shared/command.h"
#include "report/heap/groups.h"
#include "store/heap/read.h"

enum { MOST = 4 }; /* as text, of processes */

struct all {
    struct one {
        const struct mp_heap_process *process;
        uint64_t reached; /* bytes that anything held */
    } * ones;             /* owned */
    size_t count, without;
};

static bool is_known(const struct mp_heap_view *view)
{
    return view->counts[MP_HEAP_HOLDERS] && view->holders->kind == MP_HEAP_HOLDER_ALL;
}

bool mp_heap_objects_has(const struct mp_heap_holders_report *report)
{
    const struct mp_heap_view *view = report->view;
    if (!is_known(view))
        return false;
    if (mp_heap_holders_show_waste(report) && view->counts[MP_HEAP_WASTE])
        return true;
    for (size_t i = 0; i < view->counts[MP_HEAP_HOLDERS]; i++)
        if (mp_heap_holders_shows(report, &view->holders[i]))
            return true;
    return false;
}

static int by_reached(const void *left, const void *right)
{
    const struct one *a = left, *b = right;
    if (a->reached != b->reached)
        return a->reached < b->reached ? 1 : -1;
    return (a->process > b->process) - (a->process < b->process);
}

/* What could not be read was said when the run was. */
static void add(struct all *all, const struct mp_heap_process *process,
                const struct mp_heap_holders_report *like)
{
    struct mp_heap_capture capture;
    struct mp_heap_holders_report report = *like;
    bool read = mp_heap_read(&capture, process->file) == MP_HEAP_OK;
    report.view = &capture.view;
    if (read && mp_heap_objects_has(&report))
        all->ones[all->count++] = (struct one){process, capture.view.holders->retained};
    else
        all->without += !read || !is_known(&capture.view);
    mp_heap_capture_release(&capture);
}

typedef void print(FILE *, const struct mp_heap_holders_report *);

static void print_one(const struct one *one, const struct mp_heap_holders_report *like,
                      print *how)
{
    struct mp_heap_capture capture;
    struct mp_heap_holders_report report = *like;
    report.view = &capture.view;
    report.process = one->process;
    if (mp_heap_read(&capture, one->process->file) == MP_HEAP_OK)
        how(stdout, &report);
    mp_heap_capture_release(&capture);
}

static void print_text(const struct all *all, const struct mp_heap_holders_report *like)
{
    struct mp_heap_holders_report report = *like;
    for (size_t i = 0; i < all->count && i < MOST; i++) {
        fputs(i ? "\n" : "", stdout);
        print_one(&all->ones[i], &report, mp_heap_holders_text);
        report.incomplete = NULL; /* said once */
    }
    if (all->count > MOST) {
        printf("\n%zu more, which held less: name one, such as mprof objects ",
               all->count - MOST);
        mp_heap_put_text(stdout, like->style, all->ones[MOST].process->file,
                         strlen(all->ones[MOST].process->file), 0, MP_HEAP_CUT_START);
        putchar('\n');
    }
    if (all->without)
        printf("\nnot known of %zu: killed, or recorded without --types\n", all->without);
}

/* The first is as where it is alone, and says which it is. */
static void print_json(const struct all *all, const struct mp_heap_views *views,
                       const struct mp_heap_holders_report *like)
{
    const struct mp_heap_json_options how = mp_heap_views_json(views);
    struct mp_heap_holders_report first = *like;
    const char *before = "\n  ";
    first.process = views->run.processes.processes;
    mp_heap_holders_json_begin(stdout, &first, &how);
    printf(",\n  \"without\": %zu, \"others\": [", all->without);
    for (size_t i = 0; i < all->count; i++) {
        if (all->ones[i].process == views->run.processes.processes)
            continue;
        fputs(before, stdout);
        before = ",\n  ";
        print_one(&all->ones[i], like, mp_heap_holders_json_of);
    }
    fputs("]\n}\n", stdout);
}

int mp_heap_objects_all(struct mp_heap_views *views,
                        const struct mp_heap_holders_report *asked, bool json, bool *any)
{
    const struct mp_heap_processes *list = &views->run.processes;
    struct mp_heap_holders_report like = *asked;
    struct all all = {.ones = calloc(list->count + 1, sizeof *all.ones)};
    if (!all.ones)
        return mp_fail("out of memory");
    like.hosts = mp_heap_hosts(list) > 1;
    for (size_t i = 0; i < list->count; i++)
        add(&all, &list->processes[i], &like);
    qsort(all.ones, all.count, sizeof *all.ones, by_reached);
    *any = all.count;
    if (*any && json)
        print_json(&all, views, &like);
    else if (*any)
        print_text(&all, &like);
    free(all.ones);
    return MP_EXIT_OK;
}
