/* A difference as GitHub's workflow commands: each is one line, and shown at its line of source.
 *
 *     ::error file=shop/cache.py,line=33,title=Cache.put grew by 2.0 MiB::0 B, then 2.0 MiB at the peak
 *
 * In a property %, newlines, colons and commas are escaped, in the text % and newlines.
 */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "report/heap/diff.h"

enum { USUAL_ROWS = 10 /* GitHub shows so many of a kind in each step */ };

static void put_escaped(FILE *out, const char *text, size_t length, bool property)
{
    const char *escaped = property ? "%\r\n:," : "%\r\n";
    for (size_t i = 0; i < length; i++)
        if (text[i] && strchr(escaped, text[i]))
            fprintf(out, "%%%02X", (unsigned char)text[i]);
        else
            fputc(text[i], out);
}

/* The same, of bytes that may be anything: controls made visible first. */
static void put_bytes(FILE *out, const char *bytes, size_t length, bool property)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return;
    mp_escape_terminal(stream, bytes, length, false);
    fclose(stream);
    put_escaped(out, text, size, property);
    free(text);
}

/* A file as GitHub knows it: from the root of the repository. */
static void put_file(FILE *out, const struct mp_heap_view *view, struct mp_heap_text file,
                     const char *root)
{
    const char *path = view->text + file.offset;
    size_t length = file.length, its = root ? strlen(root) : 0;
    if (its && length > its + 1 && path[its] == '/' && !memcmp(path, root, its)) {
        path += its + 1;
        length -= its + 1;
    }
    while (length > 2 && path[0] == '.' && path[1] == '/') {
        path += 2;
        length -= 2;
    }
    put_bytes(out, path, length, true);
}

/* Annotations are of the code as it is: what is gone did not grow. */
static void put_where(FILE *out, const struct mp_heap_diff_view *view,
                      const struct mp_heap_difference *change, const char *root)
{
    const struct mp_heap_view *its = view->diff->sides[MP_HEAP_AFTER].view;
    struct mp_heap_text file = its->codes[change->code[MP_HEAP_AFTER]].file;
    if (change->kind != MP_HEAP_ROW_PLACE || !file.length || its->text[file.offset] == '<')
        return;
    fputs("file=", out);
    put_file(out, its, file, root);
    if (change->line[MP_HEAP_AFTER] > 0)
        fprintf(out, ",line=%d", change->line[MP_HEAP_AFTER]);
    fputc(',', out);
}

static void put_name(FILE *out, const struct mp_heap_diff_view *view,
                     const struct mp_heap_difference *change)
{
    char *name = NULL;
    size_t size;
    FILE *stream = open_memstream(&name, &size);
    const struct mp_heap_side *after = &view->diff->sides[MP_HEAP_AFTER];
    const struct mp_heap_code *code = &after->view->codes[change->code[MP_HEAP_AFTER]];
    if (!stream)
        return;
    if (change == &view->diff->whole)
        fputs("all memory", stream);
    else if (view->diff->by < MP_HEAP_DIFF_FILE && change->kind == MP_HEAP_ROW_PLACE)
        mp_escape_terminal(stream, after->view->text + code->name.offset, code->name.length,
                           false);
    else
        mp_heap_difference_put(stream, view, change, 0);
    fclose(stream);
    put_escaped(out, name, size, true);
    free(name);
}

static void put_annotation(FILE *out, const struct mp_heap_diff_view *view,
                           const struct mp_heap_difference *change, const char *root)
{
    char text[MP_HEAP_FIGURE];
    fputs(mp_heap_diff_is_over(view, change) ? "::error " : "::warning ", out);
    if (change != &view->diff->whole)
        put_where(out, view, change, root);
    fputs("title=", out);
    put_name(out, view, change);
    fprintf(out, " grew by %s", mp_heap_growth(change->growth, text) + 1);
    fprintf(out, "::%s before", mp_heap_size(change->amount[MP_HEAP_BEFORE].bytes, text));
    fprintf(out, ", %s now%s%s\n", mp_heap_size(change->amount[MP_HEAP_AFTER].bytes, text),
            mp_heap_diff_when(view), *mp_heap_difference_mark(change) ? "; it is new" : "");
}

void mp_heap_diff_github(FILE *out, const struct mp_heap_diff_view *view, const char *root)
{
    const struct mp_heap_diff *diff = view->diff;
    size_t most = view->most ? view->most : USUAL_ROWS, shown = 0;
    if (mp_heap_diff_is_over(view, &diff->whole))
        put_annotation(out, view, &diff->whole, root);
    for (size_t i = 0; i < diff->grew && shown < most; i++)
        if (view->limit.set ? mp_heap_diff_is_over(view, &diff->changes[i])
                            : mp_heap_diff_has_weight(diff, &diff->changes[i])) {
            put_annotation(out, view, &diff->changes[i], root);
            shown++;
        }
}
