/* What lines allocate and free, against a model that looks at every open line at every step. */
#include "unit.h"

#include <stdlib.h>

#include "capture/lines/activation.h"
#include "capture/lines/binding.h"

static struct mp_flow flow;
static bool is_counted = true;

static struct mp_flow *find_flow(void)
{
    return is_counted ? &flow : NULL;
}

static int64_t read_nothing(void *self)
{
    (void)self;
    return 0;
}

static void forget_nothing(const void *code)
{
    (void)code;
}

static struct mp_tracer *make_tracer(bool counts)
{
    struct mp_tracer *tracer = mp_tracer_new();
    tracer->source.read = read_nothing;
    if (counts)
        mp_tracer_use_flow(tracer, find_flow);
    return tracer;
}

static void drop(struct mp_tracer *tracer)
{
    mp_tracer_unbind(tracer, forget_nothing);
    mp_tracer_drop(tracer);
}

/* --- the model --- */

enum { MOST = 12, TABLES = 3, LINES = 4, FRAMES = 64 };

struct open_line {
    const char *frame;
    int table, line;
    bool entered;
    uint64_t entry_allocated, entry_freed, allocated, freed; /* then */
    int64_t start, high;
};

static struct model {
    struct open_line open[MOST];
    int depth;
    uint64_t allocated, freed;
    struct mp_line rows[TABLES][LINES];
} model;

static int64_t net_now(void)
{
    return (int64_t)(model.allocated - model.freed);
}

static void see_net(void)
{
    for (int i = 0; i < model.depth; i++)
        if (net_now() > model.open[i].high)
            model.open[i].high = net_now();
}

static void start(struct open_line *line)
{
    line->allocated = model.allocated;
    line->freed = model.freed;
    line->start = line->high = net_now();
    if (!line->entered) {
        line->entry_allocated = model.allocated;
        line->entry_freed = model.freed;
    }
}

static struct open_line *raise_frame(const char *frame)
{
    int at = model.depth - 1;
    while (model.open[at].frame != frame)
        at--;
    struct open_line found = model.open[at];
    for (; at + 1 < model.depth; at++)
        model.open[at] = model.open[at + 1];
    model.open[at] = found;
    return &model.open[at];
}

static void complete(struct open_line *line)
{
    struct mp_line *row = &model.rows[line->table][line->line];
    if (line->entered) {
        row->allocated += model.allocated - line->allocated;
        row->freed += model.freed - line->freed;
        if (line->high - line->start > row->heap_peak)
            row->heap_peak = line->high - line->start;
    }
    start(line);
    line->entered = true;
}

static void end_top(void)
{
    struct open_line *top = &model.open[--model.depth];
    complete(top);
    for (int i = model.depth - 1; i >= 0; i--)
        if (model.open[i].table == top->table) {
            model.open[i].allocated += top->allocated - top->entry_allocated;
            model.open[i].freed += top->freed - top->entry_freed;
            return;
        }
}

/* --- one step in both --- */

static struct mp_tracer *tracers[TABLES]; /* the last one does not count */
static struct mp_line_table *tables[TABLES];
static const char frames[FRAMES], codes[TABLES];

static void step_begin(int table, bool resumed)
{
    static int next;
    if (model.depth == MOST)
        return;
    const char *frame = &frames[next++ % FRAMES];
    struct open_line *top = &model.open[model.depth++];
    *top = (struct open_line){.frame = frame, .table = table, .line = resumed ? 2 : 0};
    start(top);
    top->entered = resumed;
    mp_activation_begin(mp_thread_self(), frame, tracers[table], tables[table],
                        top->line + 1, resumed);
}

static void step_line(int which, int line)
{
    const char *frame = model.open[which].frame;
    struct open_line *top = raise_frame(frame);
    complete(top);
    top->line = line;
    struct mp_activation *found = mp_activation_find(mp_thread_self(), frame);
    assert_non_null(found);
    mp_activation_line(mp_thread_self(), found, line + 1);
}

static void step_end(int which)
{
    const char *frame = model.open[which].frame;
    raise_frame(frame);
    end_top();
    assert_non_null(mp_activation_find(mp_thread_self(), frame));
    mp_activation_end(mp_thread_self());
}

static void step_add(size_t size)
{
    model.allocated += size;
    see_net();
    mp_flow_add(&flow, size);
}

static void step_remove(size_t size)
{
    model.freed += size;
    mp_flow_remove(&flow, size);
}

static void step(bool greenlets)
{
    int which = model.depth - 1;
    if (greenlets && model.depth && rand() % 3 == 0)
        which = rand() % model.depth;
    switch (rand() % 8) {
    case 0:
        step_begin(rand() % TABLES, rand() % 4 == 0);
        break;
    case 1:
        if (model.depth)
            step_end(which);
        break;
    case 2:
    case 3:
        if (model.depth)
            step_line(which, rand() % LINES);
        break;
    case 4:
    case 5:
        step_remove((size_t)rand() % 1000);
        break;
    default:
        step_add((size_t)rand() % 1000);
    }
}

static void open_tables(void)
{
    model = (struct model){0};
    flow = (struct mp_flow){0};
    for (int i = 0; i < TABLES; i++) {
        tracers[i] = make_tracer(i < TABLES - 1);
        tables[i] = mp_tracer_add(tracers[i], &codes[i], 1, LINES, 1);
    }
}

static void compare_and_close(void)
{
    while (model.depth)
        step_end(model.depth - 1);
    for (int i = 0; i < TABLES; i++) {
        for (int line = 0; line < LINES; line++) {
            const struct mp_line *row = &tables[i]->rows[line];
            const struct mp_line *right = &model.rows[i][line];
            bool counts = i < TABLES - 1;
            assert_int_equal(row->allocated, counts ? right->allocated : 0);
            assert_int_equal(row->freed, counts ? right->freed : 0);
            assert_int_equal(row->heap_peak, counts ? right->heap_peak : 0);
        }
        drop(tracers[i]);
    }
}

static void play(unsigned seed, bool greenlets)
{
    srand(seed);
    open_tables();
    for (int i = 0; i < 300; i++)
        step(greenlets);
    compare_and_close();
}

static void lines_have_what_the_model_says(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 2000; seed++)
        play(seed, false);
}

static void lines_have_what_the_model_says_when_greenlets_switch(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 2000; seed++)
        play(seed, true);
}

static void the_nets_of_a_recursion_sum_to_the_outermost_exit_minus_entry(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 200; seed++) {
        srand(seed);
        open_tables();
        step_begin(0, false);
        step_line(0, 1);
        int64_t entry = flow.net, sum = 0;
        for (int i = 0; i < 300; i++) {
            int what = rand() % 5;
            if (what == 0)
                step_begin(0, false);
            if (what <= 1)
                step_line(model.depth - 1, 1 + rand() % 3);
            else if (what == 2 && model.depth > 1)
                step_end(model.depth - 1);
            else if (what == 3)
                step_remove((size_t)rand() % 100);
            else
                step_add((size_t)rand() % 100);
        }
        while (model.depth)
            step_end(model.depth - 1);
        for (int line = 0; line < LINES; line++)
            sum += mp_line_net(&tables[0]->rows[line]);
        assert_int_equal(sum, flow.net - entry);
        compare_and_close();
    }
}

static void a_thread_that_is_not_counted_charges_nothing(void **state)
{
    (void)state;
    open_tables();
    is_counted = false;
    step_begin(0, false);
    step_line(0, 1);
    mp_flow_add(&flow, 100);
    step_line(0, 2);
    step_end(0);
    is_counted = true;
    model = (struct model){0};
    compare_and_close();
}

static void a_tracer_that_is_gone_is_not_waited_for_any_more(void **state)
{
    (void)state;
    unsigned before = mp_tracer_flows;
    struct mp_tracer *tracer = make_tracer(true);
    assert_int_equal(mp_tracer_flows, before + 1);
    drop(tracer);
    assert_int_equal(mp_tracer_flows, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_what_the_model_says),
        cmocka_unit_test(lines_have_what_the_model_says_when_greenlets_switch),
        cmocka_unit_test(the_nets_of_a_recursion_sum_to_the_outermost_exit_minus_entry),
        cmocka_unit_test(a_thread_that_is_not_counted_charges_nothing),
        cmocka_unit_test(a_tracer_that_is_gone_is_not_waited_for_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
