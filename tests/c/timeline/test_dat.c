/* Recordings: what is written is read back, and nothing that is read can do harm. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "store/dat/calls.h"
#include "store/dat/read.h"
#include "store/dat/write.h"

static struct mp_dat_writer writer;

static char path[64];

static int fresh_file(void)
{
    snprintf(path, sizeof path, "/tmp/mprof-test-XXXXXX");
    int fd = mkostemp(path, O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void put_sample(int64_t bytes, int64_t time)
{
    struct mp_round round = {
        .total = {time, bytes}, .bound.bytes = -1, .group = -1, .limit = -1, .cpu = -1};
    mp_dat_put_round(&writer, &round, 0);
}

static enum mp_dat_problem parse(struct mp_timeline *timeline, const char *text)
{
    return mp_dat_parse(timeline, text, strlen(text));
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct mp_timeline read;
    struct mp_dat_header header = {
        .pid = 42,
        .interval = 100000000,
        .metric = "rss",
        .marks = "owned",
        .children = 1,
        .identity = {.host = "node 1", .clock = "3f", .worker = "a\nMEM 1 2"}};
    struct mp_reading child = {.pid = 43,
                               .parent = 42,
                               .bytes = 5 << 20,
                               .cpu = 25 * MP_PERCENT / 2,
                               .named = true,
                               .name = "a name\nMEM 1 2"};
    struct mp_mark mark = {43, 9 << 20, 1000000000, 2000000000};
    struct mp_round round = {.total = {2000000000, 7 << 20},
                             .readings = &child,
                             .reading_count = 1,
                             .marks = &mark,
                             .mark_count = 1,
                             .bound = {0, 16 << 20, 1000000000, 2000000000},
                             .group = 3 << 20,
                             .limit = 64 << 20,
                             .cpu = 150 * MP_PERCENT,
                             .kills = 3};
    char *command[] = {"prog", "two words", "line\nbreak", "\xff"};
    int fd = fresh_file();
    mp_dat_writer_init(&writer, fd, header.interval);
    mp_dat_put_header(&writer, &header);
    mp_dat_put_command(&writer, command, 4);
    mp_dat_put_round(&writer, &round, 1);
    struct mp_run_end end = {MP_ENDED_SIGNAL, 9, 3000000000, 12, 2, 5, 11 << 20};
    mp_dat_put_end(&writer, &end);
    assert_int_equal(mp_dat_writer_flush(&writer), 0);
    close(fd);
    assert_int_equal(mp_dat_read(&read, path), MP_DAT_OK);
    assert_int_equal(read.skipped, 0);
    assert_int_equal(read.pid, 42);
    assert_string_equal(read.identity.host, "node 1");
    assert_string_equal(read.identity.clock, "3f");
    assert_string_equal(read.identity.rank, "");
    assert_string_equal(read.identity.worker, "a\nMEM 1 2");
    assert_true(read.tree && read.ended && !read.cut);
    assert_string_equal(read.command, "prog 'two words' line\nbreak \xff");
    assert_int_equal(read.total.count, 1);
    assert_int_equal(read.total.points[0].bytes, 7 << 20);
    assert_int_equal(read.total.points[0].time, 2000000000);
    assert_int_equal(read.track_count, 1);
    assert_string_equal(read.tracks[0].name, "a name\nMEM 1 2");
    assert_int_equal(read.tracks[0].series.points[0].bytes, 5 << 20);
    assert_int_equal(read.marks[0].bytes, 9 << 20);
    assert_int_equal(read.bounds[0].bytes, 16 << 20);
    assert_int_equal(read.group.points[0].bytes, 3 << 20);
    assert_int_equal(read.limits.points[0].bytes, 64 << 20);
    assert_int_equal(read.cpu.points[0].bytes, 150 * MP_PERCENT);
    assert_int_equal(read.tracks[0].cpu.points[0].bytes, 25 * MP_PERCENT / 2);
    assert_int_equal(read.kills.points[0].bytes, 3);
    assert_int_equal(read.end.code, 9);
    assert_int_equal(read.end.unsampled, 5);
    assert_int_equal(read.end.largest, 11 << 20);
    mp_timeline_release(&read);
    unlink(path);
}

/* CLOCK_MONOTONIC stood still for an hour between the two samples. */
static void what_was_after_a_sleep_is_at_its_time_of_day(void **state)
{
    (void)state;
    struct mp_timeline read;
    int fd = fresh_file();
    mp_dat_writer_init(&writer, fd, MP_SECOND / 10);
    put_sample(1 << 20, 10 * MP_SECOND);
    struct mp_round round = {.total = {11 * MP_SECOND, 2 << 20},
                             .bound.bytes = -1,
                             .group = -1,
                             .limit = -1,
                             .cpu = 7 * MP_PERCENT,
                             .slept = 3600 * MP_SECOND};
    mp_dat_put_round(&writer, &round, 0);
    struct mp_run_end end = {.time = 12 * MP_SECOND, .limit = -1};
    mp_dat_put_end(&writer, &end);
    assert_int_equal(mp_dat_writer_flush(&writer), 0);
    close(fd);
    assert_int_equal(mp_dat_read(&read, path), MP_DAT_OK);
    assert_int_equal(read.total.points[0].time, 10 * MP_SECOND);
    assert_int_equal(read.total.points[1].time, 3611 * MP_SECOND);
    assert_int_equal(read.cpu.points[0].time, 3611 * MP_SECOND);
    assert_int_equal(read.sleeps.points[0].time, 3611 * MP_SECOND);
    assert_int_equal(read.end.time, 3612 * MP_SECOND);
    mp_timeline_release(&read);
    unlink(path);
}

static void a_full_disk_is_reported_once_at_close(void **state)
{
    (void)state;
    int fd = open("/dev/full", O_WRONLY);
    mp_dat_writer_init(&writer, fd, 1000000);
    for (int i = 0; i < 10000; i++)
        put_sample(1 << 20, i);
    assert_int_equal(writer.writes, 1);
    assert_int_equal(mp_dat_writer_flush(&writer), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(writer.writes, 1);
    close(fd);
}

static void records_wait_half_a_second_at_most(void **state)
{
    (void)state;
    int fd = fresh_file();
    const int64_t second = 1000000000;
    mp_dat_writer_init(&writer, fd, second / 10);
    put_sample(1 << 20, second);
    int64_t began = writer.oldest;
    mp_dat_writer_tick(&writer, began + second / 10, began + second / 5);
    assert_int_equal(writer.writes, 0);
    mp_dat_writer_tick(&writer, began + second * 2 / 5, began + second * 3 / 5);
    assert_int_equal(writer.writes, 1);
    put_sample(1 << 20, second);
    mp_dat_writer_tick(&writer, writer.oldest, writer.oldest + 60 * second);
    assert_int_equal(writer.writes, 2);
    close(fd);
    unlink(path);
}

/* Some 20 KB of every kind of record. */
static char *sample_file(size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    fputs("MPROF 1 by=1.0.0 pid=7 interval=0.1 metric=rss children=0\nCMDLINE a b\n", out);
    for (int i = 0; i < 110; i++) {
        fprintf(out, "MEM %d.125000 1795403067.%04d\nCHLD %d 1.5 1795403067.%04d\n", i, i,
                100 + i % 9, i);
        fprintf(out, "CALL 7 7 %d 1.0000 1795403067.%04d 0 m.f%d\n", i + 1, i, i % 5);
        fprintf(out, "FUNC m.f%d 1.0000 1795403067.%04d 2.0 1795403068.0 0\nDONE 7 %d\n",
                i % 5, i, i + 1);
        fprintf(out, "PEAK 7 %d.5 1795403067.0 1795403067.%04d\n", i, i);
    }
    fputs("END 1795403070.0000 exit 0 samples=110 late=0 unsampled=-1 largest=-1\n", out);
    fclose(out);
    return text;
}

static void faults_17_a_cut_at_every_byte_keeps_what_is_before_it(void **state)
{
    (void)state;
    size_t length, lines = 0;
    char *text = sample_file(&length);
    assert_true(length > 20000);
    for (size_t cut = 1; cut < length; cut++) {
        struct mp_timeline read;
        lines += text[cut - 1] == '\n';
        enum mp_dat_problem problem = mp_dat_parse(&read, text, cut);
        assert_int_equal(problem, lines ? MP_DAT_OK : MP_DAT_FOREIGN);
        assert_int_equal(read.skipped, 0);
        assert_int_equal(read.records, lines);
        assert_int_equal(read.cut, text[cut - 1] != '\n');
        mp_timeline_release(&read);
    }
    free(text);
}

/* Each seed is another way to spoil the file; the test is that nothing goes wrong (the suite
   runs under ASan and UBSan too). */
static void spoil(char *text, size_t length, unsigned seed)
{
    srandom(seed);
    for (int i = 0; i < 1 + (int)(seed % 7); i++) {
        size_t at = (size_t)random() % length, run = (size_t)random() % 40;
        if (at + run >= length)
            run = length - at - 1;
        switch (random() % 4) {
        case 0:
            text[at] ^= (char)(1 << random() % 8);
            break;
        case 1:
            memset(text + at, 0xFF, run);
            break;
        case 2:
            memmove(text + at, text + (size_t)random() % (length - run), run);
            break;
        case 3:
            memset(text + at, '9', run);
            break;
        }
    }
}

static void faults_18_ten_thousand_mutations_are_survived(void **state)
{
    (void)state;
    size_t length;
    char *whole = sample_file(&length), *text = malloc(length);
    for (unsigned seed = 0; seed < 10000; seed++) {
        struct mp_timeline read;
        memcpy(text, whole, length);
        spoil(text, length, seed);
        mp_dat_parse(&read, text, length);
        for (size_t i = 0; i < read.span_count; i++)
            assert_true(read.spans[i].name >= 0 &&
                        (size_t)read.spans[i].name < read.names.count);
        for (size_t i = 1; i < read.total.count; i++)
            assert_true(read.total.points[i - 1].time <= read.total.points[i].time);
        mp_timeline_release(&read);
    }
    free(text);
    free(whole);
}

static void faults_20_bad_lines_are_counted_and_good_ones_kept(void **state)
{
    (void)state;
    struct mp_timeline read;
    static const char text[] = "\xef\xbb\xbf"
                               "CMDLINE caf\xe9\r\n"
                               "CHLD 5 2.0 12.0\n"
                               "MEM 3.0 11.0\r\nMEM 2.0 10.0\n"
                               "MEM nan 12.0\nMEM inf 12.0\nMEM -1.0 12.0\nMEM 1.0\nMEM\n"
                               "MEM 1.0 12.0 13.0\nMEM 1e3 12.0\n"
                               "FUNC .one two words 1.0 10.0 2.0 11.0 0\n"
                               "FUNC old.style 1.0 10.0 2.0 11.0\n"
                               "FUNC f 1.0 11.0 2.0 10.0 0\n"
                               "FUTURE record of a later version\n"
                               "word\n\n";
    assert_int_equal(parse(&read, text), MP_DAT_OK);
    assert_int_equal(read.skipped, 10);
    assert_int_equal(read.first_skipped, 5);
    assert_int_equal(read.total.count, 2);
    assert_int_equal(read.total.points[0].bytes, 2 << 20);
    assert_int_equal(read.track_count, 1);
    assert_int_equal(read.names.count, 2);
    assert_string_equal(read.names.items[0].text, ".one two words");
    assert_string_equal(read.names.items[1].text, "old.style");
    mp_timeline_release(&read);
}

static void faults_20_a_line_of_a_million_columns_is_one_bad_line(void **state)
{
    (void)state;
    int fd = fresh_file();
    FILE *out = fdopen(fd, "w");
    struct mp_timeline read;
    fputs("MEM 1.0 10.0\nMEM 2.0 ", out);
    for (int i = 0; i < 1000000; i++)
        fputc('1', out);
    fputs("\nMEM 3.0 11.0\n", out);
    fclose(out);
    assert_int_equal(mp_dat_read(&read, path), MP_DAT_OK);
    assert_int_equal(read.skipped, 1);
    assert_int_equal(read.total.count, 2);
    mp_timeline_release(&read);
    unlink(path);
}

static void faults_16_what_is_no_recording_is_told_apart(void **state)
{
    (void)state;
    struct mp_timeline read;
    assert_int_equal(parse(&read, ""), MP_DAT_EMPTY);
    mp_timeline_release(&read);
    assert_int_equal(parse(&read, "hello\nworld\n"), MP_DAT_FOREIGN);
    mp_timeline_release(&read);
    assert_int_equal(parse(&read, "MPROF 2 x\nMEM 1.0 2.0\n"), MP_DAT_FUTURE);
    assert_int_equal(read.version, 2);
    mp_timeline_release(&read);
}

static void faults_22_a_name_forges_no_record(void **state)
{
    (void)state;
    static const char name[] =
        "a b\nMEM 999.0 1.0\n;\t\xff\xed\xa0\x80\xc2\x9b\\x41 \xe2\x80\xae";
    char escaped[400];
    size_t length = mp_escape_record(escaped, sizeof escaped, name, sizeof name - 1, false);
    for (size_t i = 0; i < length; i++)
        assert_true((unsigned char)escaped[i] > ' ');
    assert_int_equal(mp_unescape_record(escaped, length), sizeof name - 1);
    assert_memory_equal(escaped, name, sizeof name - 1);
}

static struct mp_calls_lost *lost;

static void start_calls(struct mp_calls *calls, int fd)
{
    struct mp_run_notice notice = {.pid = getpid(), .keeper = getpid(), .path = path};
    lost = mp_calls_lost_make(&notice.lost);
    assert_non_null(lost);
    char variable[200];
    struct mp_dat_header header = {
        .pid = getpid(), .interval = 1000000, .metric = "rss", .marks = "none"};
    assert_true(mp_run_notice_write(&notice, variable, sizeof variable) > 0);
    assert_int_equal(setenv("MPROF_RUN", strchr(variable, '=') + 1, 1), 0);
    mp_dat_writer_init(&writer, fd, 1000000);
    mp_dat_put_header(&writer, &header);
    assert_int_equal(mp_dat_writer_flush(&writer), 0);
    assert_int_equal(mp_calls_open(calls), 0);
    assert_non_null(calls->lost);
    close(notice.lost);
}

static void a_call_is_in_the_file_before_it_returns(void **state)
{
    (void)state;
    int fd = fresh_file();
    struct mp_calls calls;
    struct mp_call outer, inner;
    struct mp_timeline read;
    start_calls(&calls, fd);
    mp_calls_enter(&calls, &outer, "m.outer", 7, 0, 10 << 20);
    mp_calls_enter(&calls, &inner, ".a label\n", 9, 1, 11 << 20);
    mp_calls_leave(&calls, &inner, 12 << 20);
    assert_int_equal(mp_dat_read(&read, path), MP_DAT_OK);
    assert_int_equal(read.skipped, 0);
    assert_int_equal(read.span_count, 2);
    assert_true(read.spans[0].open);
    assert_false(read.spans[1].open);
    assert_string_equal(read.names.items[read.spans[1].name].text, ".a label\n");
    assert_int_equal(read.spans[1].leave.bytes, 12 << 20);
    assert_int_equal(read.spans[1].pid, getpid());
    assert_int_equal(lost->records, 0);
    mp_timeline_release(&read);
    mp_calls_release(&calls);
    close(fd);
    unlink(path);
}

static void faults_53_another_file_under_our_number_is_left_alone(void **state)
{
    (void)state;
    int fd = fresh_file(), theirs = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    struct mp_calls calls;
    struct mp_call call;
    struct mp_timeline read;
    struct stat status;
    start_calls(&calls, fd);
    assert_true(calls.fd >= 200);
    assert_int_equal(dup2(theirs, calls.fd), calls.fd);
    int number = calls.fd;
    mp_calls_enter(&calls, &call, "m.f", 3, 0, 1);
    mp_calls_leave(&calls, &call, 1);
    mp_calls_release(&calls);
    assert_int_equal(fstat(number, &status), 0); /* not closed either */
    assert_int_equal(status.st_size, 0);
    assert_int_equal(lost->records, 0); /* the run's file was found again */
    assert_int_equal(call.lost, 0);
    assert_int_equal(mp_dat_read(&read, path), MP_DAT_OK);
    assert_int_equal(read.span_count, 1);
    assert_false(read.spans[0].open);
    mp_timeline_release(&read);
    close(number);
    close(theirs);
    close(fd);
    unlink(path);
}

static void faults_53_a_file_that_took_the_name_of_ours_is_left_alone(void **state)
{
    (void)state;
    int fd = fresh_file();
    struct mp_calls calls;
    struct mp_call call;
    struct stat status;
    start_calls(&calls, fd);
    unlink(path);
    int theirs = open(path, O_CREAT | O_EXCL | O_RDWR, 0600);
    assert_int_equal(fstat(theirs, &status), 0);
    off_t before = status.st_size;
    close(calls.fd);
    mp_calls_enter(&calls, &call, "m.f", 3, 0, 1);
    mp_calls_leave(&calls, &call, 1);
    assert_int_equal(fstat(theirs, &status), 0);
    assert_int_equal(status.st_size, before);
    assert_int_equal(lost->records, 2);
    assert_int_equal(lost->error, ESTALE);
    assert_int_equal(call.lost, 0);
    mp_calls_release(&calls);
    close(theirs);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(what_was_after_a_sleep_is_at_its_time_of_day),
        cmocka_unit_test(a_full_disk_is_reported_once_at_close),
        cmocka_unit_test(records_wait_half_a_second_at_most),
        cmocka_unit_test(faults_17_a_cut_at_every_byte_keeps_what_is_before_it),
        cmocka_unit_test(faults_18_ten_thousand_mutations_are_survived),
        cmocka_unit_test(faults_20_bad_lines_are_counted_and_good_ones_kept),
        cmocka_unit_test(faults_20_a_line_of_a_million_columns_is_one_bad_line),
        cmocka_unit_test(faults_16_what_is_no_recording_is_told_apart),
        cmocka_unit_test(faults_22_a_name_forges_no_record),
        cmocka_unit_test(a_call_is_in_the_file_before_it_returns),
        cmocka_unit_test(faults_53_another_file_under_our_number_is_left_alone),
        cmocka_unit_test(faults_53_a_file_that_took_the_name_of_ours_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
