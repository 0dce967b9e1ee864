/* What to type, for each command. */
#include "cmd/examples.h"

#include <string.h>

static const struct mp_example run[] = {
    {"mprof run script.py", "record a script, with the functions that are decorated"},
    {"mprof run -C -E make test", "record any program and its children; exit as it does"},
    {"mprof run --max 500M -o job.dat python job.py", "exit with 1 where it took more"},
    {0},
};

static const struct mp_example attach[] = {
    {"mprof attach 4711", "record a process until it ends, or Ctrl-C"},
    {"mprof attach -C -t 60 gunicorn", "a minute of a server with its workers"},
    {0},
};

static const struct mp_example plot[] = {
    {"mprof plot", "the latest recording as a page, in the browser"},
    {"mprof plot --terminal", "in characters"},
    {"mprof plot -o both.png monday.dat tuesday.dat",
     "two runs in one picture, by matplotlib"},
    {0},
};

static const struct mp_example peak[] = {
    {"mprof peak", "of the latest recording"},
    {"mprof peak --max 500M *.dat", "exit with 1 where one is over that"},
    {0},
};

static const struct mp_example heap[] = {
    {"mprof heap script.py", "record which lines hold its memory"},
    {"mprof heap --sample 512K -o api.mprof -m gunicorn app:api",
     "a service with its workers, for production"},
    {"mprof heap 4711", "a process that runs already; Ctrl-C detaches"},
    {0},
};

static const struct mp_example detach[] = {
    {"mprof detach 4711", "end what mprof heap 4711 began"},
    {0},
};

static const struct mp_example mark[] = {
    {"mprof mark warm 4711", "keep this moment of a process as warm"},
    {"mprof report --since warm", "what grew since"},
    {0},
};

static const struct mp_example report[] = {
    {"mprof report", "of the newest capture here"},
    {"mprof report --since warm api.mprof", "what grew since a mark"},
    {"mprof report --by process api.mprof", "each process, and where its RSS is"},
    {0},
};

static const struct mp_example lines[] = {
    {"mprof lines", "the files that hold most"},
    {"mprof lines run.mprof report.py", "a source, with what each line holds"},
    {0},
};

static const struct mp_example flamegraph[] = {
    {"mprof flamegraph", "of the newest capture here, in the browser"},
    {"mprof flamegraph --since warm -o grew.html api.mprof", "what grew, into a file"},
    {0},
};

static const struct mp_example table[] = {
    {"mprof table --by module", "a row for each module"},
    {"mprof table --by your-line --csv run.mprof >lines.csv",
     "your own lines, for a sheet"},
    {0},
};

static const struct mp_example tree[] = {
    {"mprof tree", "from callers to callees"},
    {"mprof tree --min-percent 5 run.mprof", "the large ones alone"},
    {0},
};

static const struct mp_example stats[] = {
    {"mprof stats", "how many blocks, how large, from where"},
    {0},
};

static const struct mp_example objects[] = {
    {"mprof objects", "who held the largest types and lines"},
    {"mprof objects --type app.Node run.mprof", "who held these"},
    {0},
};

static const struct mp_example diff[] = {
    {"mprof diff main.mprof branch.mprof", "what grew and what shrank"},
    {"mprof diff --fail-over 5% main.mprof branch.mprof",
     "for a build: exit with 1 where it grew by more"},
    {0},
};

static const struct mp_example leaks[] = {
    {"mprof leaks --since warm api.mprof", "lines that keep growing since a mark"},
    {0},
};

static const struct mp_example merge[] = {
    {"mprof merge -o all.mprof run.*.mprof", "one file of all, to send or keep"},
    {0},
};

static const struct mp_example list[] = {
    {"mprof list", "recordings here, with their numbers"},
    {"mprof list --json", "for programs"},
    {0},
};

static const struct mp_example export[] = {
    {"mprof export --to pprof -o run.pb.gz run.mprof",
     "for pprof and what reads its files"},
    {"mprof export --to collapsed run.mprof | flamegraph.pl >run.svg", "for flamegraph.pl"},
    {0},
};

static const struct mp_example rm[] = {
    {"mprof rm 0", "the oldest recording here"},
    {"mprof rm --dry-run *.mprof", "say what would go"},
    {0},
};

static const struct mp_example clean[] = {
    {"mprof clean", "all recordings here that have a default name"},
    {0},
};

static const struct mp_example help[] = {
    {"mprof help heap", "explain a command"},
    {"mprof help --completion fish >~/.config/fish/completions/mprof.fish",
     "complete with Tab"},
    {"mprof help --man heap | man -l -", "a manual page, where it is not installed"},
    {0},
};

static const struct mp_example top[] = {
    {"mprof top", "the newest recording here, while it is made"},
    {"mprof top --once --by module 4711", "one look, for scripts"},
    {0},
};

static const struct mp_example snapshot[] = {
    {"mprof snapshot -o now.mprof 4711", "a copy of what is recorded until now"},
    {0},
};

static const struct {
    const char *command;
    const struct mp_example *examples;
} known[] = {
    {"run", run},           {"attach", attach},
    {"plot", plot},         {"peak", peak},
    {"heap", heap},         {"detach", detach},
    {"mark", mark},         {"report", report},
    {"lines", lines},       {"flamegraph", flamegraph},
    {"table", table},       {"tree", tree},
    {"stats", stats},       {"objects", objects},
    {"diff", diff},         {"leaks", leaks},
    {"merge", merge},       {"list", list},
    {"export", export},     {"rm", rm},
    {"clean", clean},       {"top", top},
    {"snapshot", snapshot}, {"help", help},
};

const struct mp_example *mp_examples_of(const struct mp_command *command)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].command, command->name))
            return known[i].examples;
    return NULL;
}
