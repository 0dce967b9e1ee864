/* Moments of a heap are exact however many stacks there are and whatever happens while they are
 * taken; of many the file keeps some, evenly. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/heap/accounting/ledger.h"
#include "store/heap/file.h"
#include "store/heap/read.h"

enum { SECOND = 1000000000, MANY = 200000 };

struct accounts {
    struct mp_heap_file file;
    struct mp_ledger ledger;
    struct mp_heap_header *header;
};

static void open_accounts(struct accounts *accounts, uint32_t stacks, uint64_t most)
{
    int fd = memfd_create("capture", MFD_CLOEXEC);
    assert_int_equal(mp_heap_file_open(&accounts->file, fd, NULL, most), 0);
    assert_int_equal(mp_ledger_init(&accounts->ledger, &accounts->file.heap, NULL), 0);
    for (uint32_t i = 1; i <= stacks; i++)
        assert_int_equal(
            mp_stacks_child(&accounts->ledger.stacks, 0, 0, i, MP_HEAP_FOR_LINES), i);
    accounts->header = accounts->file.heap.header;
    accounts->ledger.moments.next = INT64_MAX; /* none but those that are asked */
}

static void close_accounts(struct accounts *accounts)
{
    mp_ledger_release(&accounts->ledger);
    mp_heap_file_release(&accounts->file);
}

static void add(struct accounts *accounts, uintptr_t number, size_t size, uint32_t stack)
{
    mp_ledger_add(&accounts->ledger, accounts->file.heap.threads, number << 12, size, stack,
                  MP_SHADOW_ANYWHERE);
}

static void take(struct accounts *accounts, uintptr_t number)
{
    struct mp_block block = mp_shadow_take(&accounts->ledger.shadow, number << 12);
    if (block.known)
        mp_ledger_remove(&accounts->ledger, accounts->file.heap.threads, number << 12,
                         &block, 0);
}

static struct mp_heap_capture reread(const struct accounts *accounts)
{
    struct mp_heap_capture capture;
    assert_int_equal(mp_heap_read_fd(&capture, accounts->file.fd), MP_HEAP_OK);
    return capture;
}

/* The mark of this name; there is one. */
static const struct mp_heap_moment *find(const struct mp_heap_view *view, const char *name)
{
    const struct mp_heap_moment *found = NULL;
    for (size_t i = 0; i < view->counts[MP_HEAP_MOMENTS]; i++)
        if (view->moments[i].stamp && !strncmp(view->moments[i].name, name, MP_HEAP_MARK))
            found = &view->moments[i];
    assert_non_null(found);
    return found;
}

static const struct mp_heap_holding *entries_of(const struct mp_heap_view *view,
                                                const struct mp_heap_moment *moment)
{
    return view->entries + (size_t)(moment - view->moments) * MP_HEAP_SLOT;
}

static void mark(struct accounts *accounts, const char *name)
{
    uint32_t scan = 0;
    while (mp_ledger_mark(&accounts->ledger, name, strlen(name), &scan))
        ;
    assert_true(scan);
}

static void a_mark_holds_what_each_stack_held(void **state)
{
    (void)state;
    struct accounts accounts;
    open_accounts(&accounts, 8, 0);
    add(&accounts, 1, 1000, 3);
    add(&accounts, 2, 24, 3);
    add(&accounts, 3, 0, 5);
    mark(&accounts, "warm");
    take(&accounts, 1);
    add(&accounts, 4, 70, 8);
    struct mp_heap_capture capture = reread(&accounts);
    const struct mp_heap_moment *moment = find(&capture.view, "warm");
    const struct mp_heap_holding *entries = entries_of(&capture.view, moment);
    assert_int_equal(moment->live, 1024);
    assert_int_equal(moment->blocks, 3);
    assert_int_equal(moment->count, 2);
    assert_int_equal(moment->rest, 0);
    assert_int_equal(entries[0].node, 3);
    assert_int_equal(entries[0].bytes, 1024);
    assert_int_equal(entries[0].blocks, 2);
    assert_int_equal(entries[1].node, 5);
    assert_int_equal(entries[1].blocks, 1);
    mp_heap_capture_release(&capture);
    close_accounts(&accounts);
}

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

/* Blocks come and go anywhere; some stacks hold most. */
static void live_on(struct accounts *accounts, int changes)
{
    for (int i = 0; i < changes; i++) {
        uintptr_t number = 1 + next_random() % (2 * MANY);
        uint32_t stack = 1 + (uint32_t)(next_random() % MANY);
        take(accounts, number);
        if (next_random() % 3)
            add(accounts, number, next_random() % 100 ? next_random() % 300 : 100000,
                next_random() % 100 ? stack : stack % 50 + 1);
    }
}

/* Every entry is what the stack held then, and all that held enough have one. */
static void compare(const struct mp_heap_view *view, const struct mp_heap_moment *moment,
                    const struct mp_heap_node *then, int64_t live)
{
    const struct mp_heap_holding *entries = entries_of(view, moment);
    uint32_t large = 0, found = 0;
    assert_int_equal(moment->live, live);
    for (uint32_t i = 1; i <= MANY; i++)
        large += then[i].live > live / MP_HEAP_ENTRY_PART;
    for (uint32_t i = 0; i < moment->count; i++) {
        const struct mp_heap_node *node = &then[entries[i].node];
        assert_int_equal(entries[i].bytes, node->live);
        assert_int_equal(entries[i].blocks, node->live_blocks);
        found += node->live > live / MP_HEAP_ENTRY_PART;
    }
    assert_true(large > 10 && found == large);
    uint64_t blocks = 0;
    for (uint32_t i = 1; i <= MANY; i++)
        blocks += then[i].live_blocks;
    assert_int_equal(moment->blocks, blocks);
}

static void a_scan_that_is_spread_is_of_one_instant(void **state)
{
    (void)state;
    struct accounts accounts;
    open_accounts(&accounts, MANY, 0);
    size_t bytes = (MANY + 1) * sizeof(struct mp_heap_node);
    struct mp_heap_node *then = malloc(bytes);
    for (int round = 0; round < 4; round++) {
        char name[2] = {(char)('a' + round), 0};
        uint32_t scan = 0;
        int pieces = 0;
        live_on(&accounts, MANY / 2);
        memcpy(then, accounts.file.heap.nodes, bytes);
        int64_t live = accounts.header->live;
        while (mp_ledger_mark(&accounts.ledger, name, 1, &scan)) {
            live_on(&accounts, round * 3000); /* meanwhile */
            pieces++;
        }
        assert_true(round || pieces > 10);
        struct mp_heap_capture capture = reread(&accounts);
        compare(&capture.view, find(&capture.view, name), then, live);
        mp_heap_capture_release(&capture);
    }
    assert_int_equal(accounts.header->missed, 0);
    free(then);
    close_accounts(&accounts);
}

static void new_stacks_are_no_part_of_a_moment_under_way(void **state)
{
    (void)state;
    struct accounts accounts;
    open_accounts(&accounts, MANY, 0);
    add(&accounts, 1, 5000, MANY);
    uint32_t scan = 0;
    assert_true(mp_ledger_mark(&accounts.ledger, "m", 1, &scan));
    uint32_t later = mp_stacks_child(&accounts.ledger.stacks, 1, 0, 1, MP_HEAP_FOR_LINES);
    add(&accounts, 2, 7000, later);
    while (mp_ledger_mark(&accounts.ledger, "m", 1, &scan))
        ;
    struct mp_heap_capture capture = reread(&accounts);
    assert_int_equal(find(&capture.view, "m")->live, 5000);
    mp_heap_capture_release(&capture);
    close_accounts(&accounts);
}

/* As they are in the file, by time. */
static size_t times_of(const struct accounts *accounts, int64_t times[MP_HEAP_SLOTS])
{
    size_t count = 0;
    struct mp_heap_capture capture = reread(accounts);
    for (size_t i = 0; i < capture.view.counts[MP_HEAP_MOMENTS]; i++) {
        const struct mp_heap_moment *moment = &capture.view.moments[i];
        if (!moment->stamp)
            continue;
        size_t at = count++;
        for (; at && times[at - 1] > moment->time; at--)
            times[at] = times[at - 1];
        times[at] = moment->time;
    }
    mp_heap_capture_release(&capture);
    return count;
}

/* An hour of them, each due one. */
static void of_a_long_run_every_second_moment_is_dropped_again_and_again(void **state)
{
    (void)state;
    struct accounts accounts;
    int64_t times[MP_HEAP_SLOTS], longest = 0, hour = (int64_t)3600 * SECOND;
    open_accounts(&accounts, 8, 0);
    struct mp_moments *moments = &accounts.ledger.moments;
    moments->next = 0;
    for (int64_t now = 0; now < hour; now += SECOND / 100)
        if (mp_moments_are_due(moments, now))
            mp_moments_look(moments, now);
    size_t count = times_of(&accounts, times);
    assert_true(count > MP_HEAP_SLOTS / 4 && count <= MP_HEAP_SLOTS / 2);
    for (size_t i = 1; i < count; i++)
        longest = times[i] - times[i - 1] > longest ? times[i] - times[i - 1] : longest;
    assert_true(longest < 2 * hour / (int64_t)count);
    assert_true(times[0] < 2 * longest && hour - times[count - 1] < 2 * longest);
    assert_true(accounts.file.heap.chunks < 80);
    close_accounts(&accounts);
}

static void marks_outlive_the_series_and_of_one_name_the_oldest_goes(void **state)
{
    (void)state;
    struct accounts accounts;
    int64_t times[MP_HEAP_SLOTS];
    open_accounts(&accounts, 8, 0);
    mark(&accounts, "first");
    for (size_t i = 0; i < 1000; i++) {
        add(&accounts, i + 1, 10, 1);
        mark(&accounts, "again");
    }
    assert_int_equal(times_of(&accounts, times), MP_HEAP_SLOTS / 2);
    struct mp_heap_capture capture = reread(&accounts);
    int64_t latest = 0;
    for (size_t i = 0; i < MP_HEAP_SLOTS / 2; i++)
        if (capture.view.moments[i].live > latest)
            latest = capture.view.moments[i].live;
    assert_int_equal(find(&capture.view, "first")->live, 0);
    assert_int_equal(latest, 10000);
    mp_heap_capture_release(&capture);
    close_accounts(&accounts);
}

static void other_names_than_there_is_room_for_are_refused(void **state)
{
    (void)state;
    struct accounts accounts;
    char name[16];
    uint32_t scan = 0;
    open_accounts(&accounts, 8, 0);
    for (int i = 0; i < MP_HEAP_SLOTS / 2; i++) {
        snprintf(name, sizeof name, "mark %d", i);
        mark(&accounts, name);
    }
    assert_false(mp_ledger_mark(&accounts.ledger, "one more", 8, &scan));
    assert_int_equal(scan, 0);
    assert_int_equal(accounts.header->missed, 1);
    mark(&accounts, "mark 7");
    close_accounts(&accounts);
}

static void a_small_file_has_fewer_and_keeps_its_stacks(void **state)
{
    (void)state;
    struct accounts accounts;
    int64_t times[MP_HEAP_SLOTS];
    open_accounts(&accounts, 8, 1 << 20);
    struct mp_moments *moments = &accounts.ledger.moments;
    moments->next = 0;
    for (int64_t now = 0; now < (int64_t)100 * SECOND; now += SECOND / 100)
        if (mp_moments_are_due(moments, now))
            mp_moments_look(moments, now);
    size_t count = times_of(&accounts, times);
    assert_true(count >= 1 && count <= 2);
    assert_true(accounts.file.heap.chunks <= 5 + 2);
    close_accounts(&accounts);
}

static void ask(struct accounts *accounts, const char *name)
{
    struct mp_heap_header *header = accounts->header;
    strncpy(header->requests[header->asked % MP_HEAP_REQUESTS].name, name, MP_HEAP_MARK);
    header->asked++;
    mp_heap_want(header, MP_HEAP_TELL_REQUEST, true);
}

/* Whatever the block is: the one that comes next, or the one that goes. */
static void a_mark_from_outside_is_of_what_was_before_the_next_change(void **state)
{
    (void)state;
    struct accounts accounts;
    open_accounts(&accounts, 8, 0);
    add(&accounts, 1, 1000, 3);
    ask(&accounts, "before");
    ask(&accounts, "too");
    assert_int_equal(accounts.header->answered, 0);
    take(&accounts, 1);
    add(&accounts, 2, 24, 3);
    assert_int_equal(accounts.header->answered, 2);
    assert_int_equal(accounts.header->tell, 0);
    ask(&accounts, "at the end");
    mp_ledger_end_moments(&accounts.ledger);
    assert_int_equal(accounts.header->answered, 3);
    struct mp_heap_capture capture = reread(&accounts);
    assert_int_equal(find(&capture.view, "before")->live, 1000);
    assert_int_equal(find(&capture.view, "too")->live, 1000);
    assert_int_equal(find(&capture.view, "at the end")->live, 24);
    for (int i = 0; i < 3; i++)
        assert_true(capture.view.header->requests[i].taken > 0);
    mp_heap_capture_release(&capture);
    close_accounts(&accounts);
}

static void a_mark_from_outside_of_many_stacks_is_of_one_instant(void **state)
{
    (void)state;
    struct accounts accounts;
    open_accounts(&accounts, MANY, 0);
    size_t bytes = (MANY + 1) * sizeof(struct mp_heap_node);
    struct mp_heap_node *then = malloc(bytes);
    live_on(&accounts, 2 * MANY);
    memcpy(then, accounts.file.heap.nodes, bytes);
    int64_t live = accounts.header->live;
    ask(&accounts, "asked");
    for (int i = 0; i < 1000 && !accounts.header->answered; i++)
        live_on(&accounts, 1000);
    assert_int_equal(accounts.header->answered, 1);
    struct mp_heap_capture capture = reread(&accounts);
    compare(&capture.view, find(&capture.view, "asked"), then, live);
    mp_heap_capture_release(&capture);
    free(then);
    close_accounts(&accounts);
}

/* The second is asked for while the first is taken, and things change before its turn. */
static void
a_mark_from_outside_has_the_time_at_which_it_was_asked_unless_it_came_late(void **state)
{
    (void)state;
    struct accounts accounts;
    open_accounts(&accounts, MANY, 0);
    live_on(&accounts, 2 * MANY);
    ask(&accounts, "asked");
    ask(&accounts, "late");
    accounts.header->requests[0].taken = accounts.header->requests[1].taken = 1;
    for (int i = 0; i < 1000 && accounts.header->answered < 2; i++)
        live_on(&accounts, 1000);
    ask(&accounts, "in time");
    accounts.header->requests[2].taken = 2;
    ask(&accounts, "of a clock that is ahead");
    accounts.header->requests[3].taken = INT64_MAX;
    mp_ledger_end_moments(&accounts.ledger);
    assert_int_equal(accounts.header->answered, 4);
    assert_int_equal(accounts.header->requests[0].taken, 1);
    assert_true(accounts.header->requests[1].taken > 1);
    assert_int_equal(accounts.header->requests[2].taken, 2);
    assert_in_range(accounts.header->requests[3].taken, 3, accounts.header->elapsed);
    close_accounts(&accounts);
}

/* Whoever may write to the file may write anything. */
static void requests_that_cannot_be_harm_nothing(void **state)
{
    (void)state;
    struct accounts accounts;
    open_accounts(&accounts, 8, 0);
    memset(accounts.header->requests, 'x', sizeof accounts.header->requests);
    for (int i = 0; i < 100; i++) {
        accounts.header->asked = (uint32_t)next_random();
        accounts.header->answered = (uint32_t)next_random();
        mp_heap_want(accounts.header, MP_HEAP_TELL_REQUEST, true);
        add(&accounts, (uintptr_t)i + 1, 10, 1);
        assert_int_equal(accounts.header->asked, accounts.header->answered);
    }
    close_accounts(&accounts);
}

static void nothing_is_taken_where_it_is_switched_off_or_no_file_is_there(void **state)
{
    (void)state;
    struct accounts accounts;
    uint32_t scan = 0;
    setenv("MPROF_MOMENTS", "0", 1);
    open_accounts(&accounts, 8, 0);
    unsetenv("MPROF_MOMENTS");
    assert_false(mp_ledger_mark(&accounts.ledger, "m", 1, &scan));
    assert_int_equal(scan, 0);
    ask(&accounts, "asked");
    add(&accounts, 1, 10, 1);
    assert_int_equal(accounts.header->requests[0].taken, -1);
    assert_int_equal(accounts.header->counts[MP_HEAP_MOMENTS], 0);
    close_accounts(&accounts);
    assert_int_equal(mp_heap_file_open(&accounts.file, -1, NULL, 0), 0);
    assert_int_equal(mp_ledger_init(&accounts.ledger, &accounts.file.heap, NULL), 0);
    assert_false(mp_ledger_mark(&accounts.ledger, "m", 1, &scan));
    assert_int_equal(scan, 0);
    assert_int_equal(accounts.ledger.moments.next, INT64_MAX);
    close_accounts(&accounts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_holds_what_each_stack_held),
        cmocka_unit_test(a_scan_that_is_spread_is_of_one_instant),
        cmocka_unit_test(new_stacks_are_no_part_of_a_moment_under_way),
        cmocka_unit_test(of_a_long_run_every_second_moment_is_dropped_again_and_again),
        cmocka_unit_test(marks_outlive_the_series_and_of_one_name_the_oldest_goes),
        cmocka_unit_test(other_names_than_there_is_room_for_are_refused),
        cmocka_unit_test(a_small_file_has_fewer_and_keeps_its_stacks),
        cmocka_unit_test(a_mark_from_outside_is_of_what_was_before_the_next_change),
        cmocka_unit_test(a_mark_from_outside_of_many_stacks_is_of_one_instant),
        cmocka_unit_test(
            a_mark_from_outside_has_the_time_at_which_it_was_asked_unless_it_came_late),
        cmocka_unit_test(requests_that_cannot_be_harm_nothing),
        cmocka_unit_test(nothing_is_taken_where_it_is_switched_off_or_no_file_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
