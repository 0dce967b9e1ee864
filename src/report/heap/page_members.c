#include "report/heap/page_members.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"

/* A group has its name, "7" or "rank 3", a process of its own none. */
static void put_member(FILE *out, const struct mp_heap_process *member)
{
    const char *name = member->members ? member->file : "";
    bool number = !strcmp(name, member->identity.worker) && *name &&
                  !name[strspn(name, "0123456789")];
    fprintf(out, number ? "[\"worker %s\"" : "[", name);
    if (!number)
        mp_escape_json(out, name, strlen(name));
    fprintf(out, ",%" PRId64 ",%" PRId64 ",", member->pid, member->sum.at_peak);
    mp_escape_json(out, member->identity.host, strlen(member->identity.host));
    fputc(']', out);
}

static void put_spread(FILE *out, const struct mp_heap_page *page,
                       const struct mp_heap_names *names)
{
    const struct mp_heap_spread *spread = page->spread;
    for (size_t i = 0; i < mp_heap_page_spread(page); i++) {
        const struct mp_heap_spread_row *row = &spread->rows[i];
        fprintf(out, "%s[%u,%d", i ? ",\n" : "\n", names->numbers[row->code],
                row->importing ? 0 : row->line);
        for (size_t j = 0; j < spread->groups; j++)
            fprintf(out, ",%" PRId64, row->held[j]);
        fputc(']', out);
    }
}

void mp_heap_page_members(FILE *out, const struct mp_heap_page *page,
                          const struct mp_heap_names *names)
{
    const struct mp_heap_processes *list = page->processes;
    if (!list) {
        fputs("\"members\":null,\n", out);
        return;
    }
    fputs("\"members\":[", out);
    for (size_t i = 0; i < list->count; i++) {
        fputs(i ? ",\n" : "\n", out);
        put_member(out, &list->processes[i]);
    }
    fputs("],\n\"spread\":[", out);
    put_spread(out, page, names);
    fputs("],\n", out);
}

void mp_heap_page_members_held(FILE *out, const struct mp_heap_page *page, size_t graph)
{
    const struct mp_flame_members *members = page->members[graph];
    fputs(",\n\"members\":[", out);
    for (size_t i = 0; members && i < members->count; i++) {
        const struct mp_flame_member *held = &members->held[i];
        if (!i || held[-1].frame != held->frame)
            fprintf(out, "%s[%u", i ? "],\n" : "\n", held->frame);
        fprintf(out, ",%u,%" PRId64, held->group, held->bytes);
    }
    fputs(members && members->count ? "]]" : "]", out);
}
