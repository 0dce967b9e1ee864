/* The captures of several processes as one: sums per stack, and what was there at once. */
#include "unit.h"

#include <stdio.h>

#include "aggregate/heap/lines.h"
#include "aggregate/heap/merge.h"
#include "aggregate/heap/moments.h"
#include "aggregate/heap/series.h"
#include "store/heap/file.h"

static struct mp_heap_text put_text(struct mp_heap *heap, const char *text)
{
    uint32_t at = (uint32_t)heap->header->counts[MP_HEAP_TEXT];
    uint32_t length = (uint32_t)strlen(text);
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_TEXT, length, MP_HEAP_FOR_LINES), 0);
    memcpy(heap->text + at, text, length);
    heap->header->counts[MP_HEAP_TEXT] += length;
    return (struct mp_heap_text){at, length};
}

static uint32_t put_code(struct mp_heap *heap, const char *name)
{
    uint32_t number = (uint32_t)heap->header->counts[MP_HEAP_CODES]++;
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_CODES, 0, MP_HEAP_FOR_LINES), 0);
    heap->codes[number] = (struct mp_heap_code){.name = put_text(heap, name),
                                                .file = put_text(heap, "a.py"),
                                                .first_line = 10,
                                                .hash = (uint32_t)name[0]};
    return number;
}

static uint32_t put_node(struct mp_heap *heap, uint32_t parent, uint32_t code,
                         int64_t bytes)
{
    uint32_t number = (uint32_t)heap->header->counts[MP_HEAP_NODES]++;
    heap->nodes[number] = (struct mp_heap_node){.parent = parent,
                                                .code = code,
                                                .live = bytes,
                                                .total = (uint64_t)bytes,
                                                .blocks = bytes != 0,
                                                .live_blocks = bytes != 0};
    heap->header->live += bytes;
    heap->header->peak += bytes;
    return number;
}

/* A process that allocated in main ─► names[i], and was sampled at its start and end. */
static void make(struct mp_heap_file *file, const char *const *names, const int64_t *bytes,
                 int64_t start, int64_t end)
{
    assert_int_equal(mp_heap_file_open(file, -1, NULL, 0), 0);
    struct mp_heap_header *header = file->heap.header;
    uint32_t outer = put_node(&file->heap, 0, put_code(&file->heap, "main"), 0);
    header->epoch = 5; /* of no node: what is live was also there at the peak */
    for (; *names; names++, bytes++)
        put_node(&file->heap, outer, put_code(&file->heap, *names), *bytes);
    header->wall_start = start;
    header->elapsed = end - start;
    header->series.points[0][0] = (struct mp_heap_point){0, 100, header->live};
    header->series.points[0][1] = (struct mp_heap_point){end - start, 200, header->live};
    header->series.count[0] = 2;
    file->heap.threads[0] = (struct mp_heap_thread){.allocated = 7, .blocks = 1};
}

static int64_t at_peak(const struct mp_heap_view *view, const char *name)
{
    struct mp_heap_lines lines;
    int64_t bytes = 0, found = 0;
    assert_int_equal(mp_heap_lines_init(&lines, view, NULL), 0);
    for (size_t i = 0; i < lines.count; i++) {
        struct mp_heap_text its = view->codes[lines.lines[i].code].name;
        if (its.length != strlen(name) || memcmp(view->text + its.offset, name, its.length))
            continue;
        bytes += lines.lines[i].at_peak;
        found++;
    }
    mp_heap_lines_release(&lines);
    assert_true(found <= 1);
    return bytes;
}

struct two {
    struct mp_heap_file files[2];
    struct mp_heap_merge merge;
};

static struct mp_heap_view merge(struct two *two)
{
    assert_int_equal(mp_heap_merge_init(&two->merge), 0);
    for (int i = 0; i < 2; i++) {
        struct mp_heap_view view = mp_heap_view_of(&two->files[i].heap);
        assert_int_equal(mp_heap_merge_add(&two->merge, &view), 0);
    }
    return mp_heap_merge_view(&two->merge);
}

static void release(struct two *two)
{
    mp_heap_merge_release(&two->merge);
    for (int i = 0; i < 2; i++)
        mp_heap_file_release(&two->files[i]);
}

static void equal_stacks_are_one_wherever_they_were_numbered(void **state)
{
    (void)state;
    struct two two;
    const char *const here[] = {"load", "parse", NULL}, *const there[] = {"parse", NULL};
    make(&two.files[0], here, (int64_t[]){100, 20}, 1000, 2000);
    make(&two.files[1], there, (int64_t[]){3}, 1000, 2000);
    struct mp_heap_view view = merge(&two);
    assert_int_equal(view.processes, 2);
    assert_int_equal(view.counts[MP_HEAP_CODES], 1 + 3);
    assert_int_equal(view.counts[MP_HEAP_NODES], 1 + 3);
    assert_int_equal(at_peak(&view, "load"), 100);
    assert_int_equal(at_peak(&view, "parse"), 23);
    assert_int_equal(view.header->peak, 123);
    assert_int_equal(view.header->live, 123);
    assert_int_equal(mp_heap_totals(&view).total, 14);
    assert_int_equal(mp_heap_totals(&view).peak_blocks, 3);
    release(&two);
}

static void only_processes_that_were_there_together_are_summed_over_time(void **state)
{
    (void)state;
    struct two two;
    const char *const names[] = {"load", NULL};
    make(&two.files[0], names, (int64_t[]){100}, 1000, 2000);
    make(&two.files[1], names, (int64_t[]){50}, 3000, 9000);
    struct mp_heap_view view = merge(&two);
    assert_int_equal(view.header->elapsed, 8000);
    assert_int_equal(mp_heap_marks(&view).peak->heap, 100);
    assert_int_equal(mp_heap_marks(&view).end->heap, 50);
    release(&two);
    make(&two.files[0], names, (int64_t[]){100}, 1000, 5000);
    make(&two.files[1], names, (int64_t[]){50}, 500, 9000);
    view = merge(&two);
    assert_int_equal(view.header->wall_start, 500);
    assert_int_equal(mp_heap_marks(&view).peak->heap, 150);
    assert_int_equal(mp_heap_marks(&view).peak->time, 4500); /* with the larger RSS */
    assert_int_equal(view.header->peak_time, 4500);
    release(&two);
}

/* The sum falls when a process ends, not when another one is seen next. */
static void faults_79_the_end_of_a_process_is_a_moment(void **state)
{
    (void)state;
    struct two two;
    const char *const names[] = {"load", NULL};
    make(&two.files[0], names, (int64_t[]){100}, 1000, 2000);
    make(&two.files[1], names, (int64_t[]){50}, 1000, 9000);
    struct mp_heap_view view = merge(&two);
    size_t count;
    const struct mp_heap_point *points = mp_heap_points(&view, &count);
    assert_int_equal(points[count - 2].time, 1000);
    assert_int_equal(points[count - 2].heap, 50);
    assert_int_equal(points[count - 3].heap, 150);
    struct mp_heap_point buckets[8];
    mp_heap_buckets(&view, buckets, 8);
    assert_int_equal(buckets[1].heap, 150); /* it ends at the beginning of this one */
    assert_int_equal(buckets[2].heap, 50);
    release(&two);
}

/* Of each process a series of these heaps, 10 apart, all in one stretch of time. */
static void fill_series(struct mp_heap_header *header, const int64_t *heaps, uint32_t count)
{
    header->series.interval = 1000;
    header->series.count[0] = count;
    for (uint32_t i = 0; i < count; i++) {
        header->series.points[0][i] = (struct mp_heap_point){i * 10, 100, heaps[i]};
        header->peak = heaps[i] > header->peak ? heaps[i] : header->peak;
    }
}

/* Of MP_HEAP_STAY points of a stretch there may have been others between them. */
static void what_was_held_at_once_is_between_two_bounds(void **state)
{
    (void)state;
    enum { NONE = 0, ALL = 50 << 20 };
    const int64_t few[] = {NONE, ALL, NONE, NONE}, later[] = {NONE, NONE, ALL, NONE};
    const int64_t full[] = {NONE, ALL, NONE, NONE, NONE, NONE, NONE, NONE};
    const char *const none[] = {NULL};
    for (int i = 0; i < 3; i++) {
        struct two two;
        make(&two.files[0], none, NULL, 1000, 2000);
        make(&two.files[1], none, NULL, 1000, 2000);
        fill_series(two.files[0].heap.header, i ? full : few, i ? 8 : 4);
        fill_series(two.files[1].heap.header, later, 4);
        if (i == 2)
            two.files[1].heap.header->stay = 0; /* of an older version */
        struct mp_heap_view view = merge(&two);
        int64_t little = i ? 0 : 2 * mp_heap_small_step(ALL);
        assert_int_equal(mp_heap_marks(&view).peak->heap, ALL);
        assert_int_equal(view.together.least, i < 2 ? ALL : 0);
        assert_in_range(view.together.most, i == 2 ? 0 : (i + 1) * ALL,
                        i == 2 ? 0 : (i + 1) * ALL + little);
        release(&two);
    }
}

enum how { CLOSED, RUNS, KILLED, BECAME };

/* One that is last seen at 2000 with 100, and one that has 50 from 3000 on. */
static struct mp_heap_view merge_first(struct two *two, enum how how)
{
    const char *const names[] = {"load", NULL};
    make(&two->files[0], names, (int64_t[]){100}, 1000, 2000);
    make(&two->files[1], names, (int64_t[]){50}, 3000, 9000);
    assert_int_equal(mp_heap_merge_init(&two->merge), 0);
    for (int i = 0; i < 2; i++) {
        struct mp_heap_view view = mp_heap_view_of(&two->files[i].heap);
        two->files[i].heap.header->run = 7;
        two->files[i].heap.header->pid = how == BECAME ? 1 : i + 1;
        two->files[i].heap.header->clean = i || how == CLOSED;
        view.lives = !i && how == RUNS;
        assert_int_equal(mp_heap_merge_add(&two->merge, &view), 0);
    }
    return mp_heap_merge_view(&two->merge);
}

static void one_that_was_not_closed_may_hold_what_it_held(void **state)
{
    (void)state;
    const int64_t least[] = {100, 150, 100, 100}, most[] = {100, 150, 150, 100};
    const int64_t end[] = {50, 150, 50, 50};
    for (enum how how = CLOSED; how <= BECAME; how++) {
        struct two two;
        struct mp_heap_view view = merge_first(&two, how);
        assert_int_equal(view.together.least, least[how]);
        assert_int_equal(view.together.most, most[how]);
        assert_int_equal(mp_heap_marks(&view).peak->heap, least[how]);
        assert_int_equal(mp_heap_marks(&view).end->heap, end[how]);
        release(&two);
    }
}

/* 100 of one that was last seen at 2000, at a mark of another that was taken at 5000. */
static void at_a_mark_of_another_one_that_runs_holds_what_it_held(void **state)
{
    (void)state;
    const char *const names[] = {"load", NULL};
    struct mp_heap_file file;
    make(&file, names, (int64_t[]){100}, 1000, 2000);
    struct mp_heap_header first = {.wall_start = 1000, .elapsed = 9000};
    struct mp_heap_view view = mp_heap_view_of(&file.heap);
    for (int runs = 0; runs < 2; runs++) {
        struct mp_heap_instant sum = {
            .when = MP_HEAP_WHEN_MARK, .name = "warm", .time = 4000, .live = 50};
        view.lives = runs;
        mp_heap_instants_add(&sum, 1, &first, &view);
        assert_int_equal(sum.live, runs ? 150 : 50);
    }
    mp_heap_file_release(&file);
}

/* Its peak is more than any point says, by a small step. */
static void the_bounds_are_never_crossed(void **state)
{
    (void)state;
    struct two two;
    const char *const names[] = {"load", NULL};
    make(&two.files[0], names, (int64_t[]){100}, 1000, 2000);
    make(&two.files[1], names, (int64_t[]){50}, 3000, 9000);
    two.files[0].heap.header->peak = 1000;
    struct mp_heap_view view = merge(&two);
    assert_int_equal(view.together.least, 1000);
    assert_int_equal(view.together.most, 1000);
    release(&two);
}

static void numbers_that_cannot_be_do_no_harm(void **state)
{
    (void)state;
    struct two two;
    const char *const names[] = {"load", NULL};
    make(&two.files[0], names, (int64_t[]){INT64_MAX}, 1000, 2000);
    make(&two.files[1], names, (int64_t[]){50}, 1000, 2000);
    two.files[1].heap.header->wall_start = INT64_MIN;
    two.files[1].heap.header->elapsed = -1;
    two.files[1].heap.header->series.points[0][1].time = INT64_MAX;
    two.files[1].heap.nodes[1].live_blocks = UINT32_MAX;
    struct mp_heap_view view = merge(&two);
    assert_int_equal(at_peak(&view, "load"), INT64_MAX);
    assert_int_equal(view.header->peak, INT64_MAX);
    release(&two);
}

static void thousands_of_stacks_are_found_again(void **state)
{
    (void)state;
    struct two two;
    const char *const none[] = {NULL};
    for (int i = 0; i < 2; i++) {
        make(&two.files[i], none, NULL, 1000, 2000);
        struct mp_heap *heap = &two.files[i].heap;
        assert_int_equal(mp_heap_reserve(heap, MP_HEAP_NODES, 9000, MP_HEAP_FOR_LINES), 0);
        assert_int_equal(mp_heap_reserve(heap, MP_HEAP_CODES, 3000, MP_HEAP_FOR_LINES), 0);
        for (int n = 0; n < 3000; n++) {
            char name[16];
            snprintf(name, sizeof name, "f%d", i ? 2999 - n : n);
            uint32_t code = put_code(heap, name);
            put_node(heap, put_node(heap, 1, code, 1), code, 2);
        }
    }
    struct mp_heap_view view = merge(&two);
    assert_int_equal(view.counts[MP_HEAP_CODES], 2 + 3000);
    assert_int_equal(view.counts[MP_HEAP_NODES], 2 + 6000);
    assert_int_equal(at_peak(&view, "f17"), 6);
    release(&two);
}

static void clocks_of_two_machines_have_no_moment_together(void **state)
{
    (void)state;
    struct two two;
    const char *const names[] = {"load", NULL};
    make(&two.files[0], names, (int64_t[]){100}, 1000, 2000);
    make(&two.files[1], names, (int64_t[]){50}, 90000001000, 90000005000);
    strcpy(two.files[0].heap.header->identity.clock, "one");
    strcpy(two.files[1].heap.header->identity.clock, "two");
    struct mp_heap_view view = merge(&two);
    assert_true(view.several_clocks);
    assert_int_equal(view.header->peak, 150); /* each at its own */
    assert_int_equal(view.header->elapsed,
                     4000); /* the longest, not from one to the other */
    assert_null(mp_heap_marks(&view).peak);
    release(&two);
}

static void a_clock_without_a_name_is_the_others(void **state)
{
    (void)state;
    struct two two;
    const char *const names[] = {"load", NULL};
    make(&two.files[0], names, (int64_t[]){100}, 1000, 2000);
    make(&two.files[1], names, (int64_t[]){50}, 1000, 2000);
    strcpy(two.files[0].heap.header->identity.clock, "");
    struct mp_heap_view view = merge(&two);
    assert_false(view.several_clocks);
    assert_int_equal(mp_heap_marks(&view).peak->heap, 150);
    release(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_stacks_are_one_wherever_they_were_numbered),
        cmocka_unit_test(only_processes_that_were_there_together_are_summed_over_time),
        cmocka_unit_test(faults_79_the_end_of_a_process_is_a_moment),
        cmocka_unit_test(clocks_of_two_machines_have_no_moment_together),
        cmocka_unit_test(a_clock_without_a_name_is_the_others),
        cmocka_unit_test(what_was_held_at_once_is_between_two_bounds),
        cmocka_unit_test(one_that_was_not_closed_may_hold_what_it_held),
        cmocka_unit_test(at_a_mark_of_another_one_that_runs_holds_what_it_held),
        cmocka_unit_test(the_bounds_are_never_crossed),
        cmocka_unit_test(numbers_that_cannot_be_do_no_harm),
        cmocka_unit_test(thousands_of_stacks_are_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
