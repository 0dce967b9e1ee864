/* The heap file: written by mapping, read whatever happened to it. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/heap/file.h"
#include "store/heap/read.h"
#include "store/heap/spare.h"

static char path[64];

static int fresh(void)
{
    snprintf(path, sizeof path, "/tmp/heap-test-%d", (int)getpid());
    unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    return fd;
}

static void add_nodes(struct mp_heap *heap, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(mp_heap_reserve(heap, MP_HEAP_NODES, 1, MP_HEAP_FOR_LINES), 0);
        uint64_t id = heap->header->counts[MP_HEAP_NODES];
        heap->nodes[id].parent = (uint32_t)(id - 1);
        heap->nodes[id].code = 1;
        heap->nodes[id].live = (int64_t)id;
        heap->header->counts[MP_HEAP_NODES] = id + 1;
    }
}

static void add_code(struct mp_heap *heap, const char *name)
{
    uint32_t length = (uint32_t)strlen(name);
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_TEXT, length, MP_HEAP_FOR_LINES), 0);
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_CODES, 1, MP_HEAP_FOR_LINES), 0);
    uint32_t at = (uint32_t)heap->header->counts[MP_HEAP_TEXT];
    memcpy(heap->text + at, name, length);
    heap->header->counts[MP_HEAP_TEXT] += length;
    heap->codes[heap->header->counts[MP_HEAP_CODES]++].name =
        (struct mp_heap_text){at, length};
}

/* A capture of `count` stacks, left as a killed process would, or finished. */
static void write_capture(uint32_t count, bool finish)
{
    struct mp_heap_file file;
    assert_int_equal(mp_heap_file_open(&file, fresh(), path, 0), 0);
    add_code(&file.heap, "work");
    add_nodes(&file.heap, count);
    if (finish)
        assert_int_equal(mp_heap_file_finish(&file), 0);
    mp_heap_file_release(&file);
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct mp_heap_capture capture;
    write_capture(5000, true);
    assert_int_equal(mp_heap_read(&capture, path), MP_HEAP_OK);
    assert_null(capture.incomplete);
    assert_int_equal(capture.view.counts[MP_HEAP_NODES], 5001);
    assert_int_equal(capture.view.nodes[5000].live, 5000);
    assert_int_equal(capture.view.codes[1].name.length, 4);
    assert_memory_equal(capture.view.text + capture.view.codes[1].name.offset, "work", 4);
    mp_heap_capture_release(&capture);
    unlink(path);
}

static void a_killed_process_leaves_everything_in_the_file(void **state)
{
    (void)state;
    int fd = fresh(), status;
    pid_t child = fork();
    if (!child) {
        struct mp_heap_file file;
        if (mp_heap_file_open(&file, fd, path, 0))
            _exit(1);
        add_code(&file.heap, "work");
        add_nodes(&file.heap, 3000);
        raise(SIGKILL);
    }
    close(fd);
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    struct mp_heap_capture capture;
    assert_int_equal(mp_heap_read(&capture, path), MP_HEAP_OK);
    assert_int_equal(capture.view.counts[MP_HEAP_NODES], 3001);
    assert_non_null(capture.incomplete);
    mp_heap_capture_release(&capture);
    unlink(path);
}

static void a_closed_descriptor_is_opened_again(void **state)
{
    (void)state;
    struct mp_heap_file file;
    assert_int_equal(mp_heap_file_open(&file, fresh(), path, 0), 0);
    int theirs = open("/dev/null", O_RDONLY);
    dup2(theirs, file.fd);
    add_nodes(&file.heap, 3000);
    assert_int_equal(mp_heap_file_finish(&file), 0);
    mp_heap_file_release(&file);
    unlink(path);
}

static void what_was_cut_in_the_middle_and_grew_again_is_known_at_the_end(void **state)
{
    (void)state;
    for (int part = 1; part < 7; part++) {
        struct mp_heap_file file;
        int fd = fresh();
        assert_int_equal(mp_heap_file_open(&file, fd, path, 0), 0);
        for (int i = 0; i < 3000; i++)
            add_code(&file.heap, "a function of some name");
        add_nodes(&file.heap, 3000);
        off_t size = (off_t)file.heap.chunks * MP_HEAP_CHUNK;
        assert_int_equal(truncate(path, size * part / 8), 0);
        assert_int_equal(truncate(path, size), 0);
        assert_int_equal(mp_heap_file_finish(&file), -1);
        assert_int_equal(errno, ESTALE);
        mp_heap_file_release(&file);
        unlink(path);
    }
}

/* The last byte of a chunk, behind its items, once what is not used was given back. */
static char behind_items(uint32_t header_size, uint32_t item_size)
{
    struct mp_heap_header header;
    const off_t last = 2 * MP_HEAP_CHUNK - 1;
    char mark = 'x';
    write_capture(300, true);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &header, sizeof header, 0), sizeof header);
    header.header_size += header_size;
    header.item_sizes[MP_HEAP_NODES] += item_size;
    assert_int_equal(pwrite(fd, &header, sizeof header, 0), sizeof header);
    assert_int_equal(pwrite(fd, &mark, 1, last), 1);
    mp_heap_give_back_of(path);
    assert_int_equal(pread(fd, &mark, 1, last), 1);
    close(fd);
    return mark;
}

static void nothing_is_taken_from_files_whose_items_are_longer(void **state)
{
    (void)state;
    char mark = behind_items(0, 0);
    if (mark)
        skip(); /* this disk takes nothing back */
    assert_int_equal(behind_items(8, 0), 'x');
    assert_int_equal(behind_items(0, 8), 'x');
}

static void the_file_limit_is_an_error_and_no_signal(void **state)
{
    (void)state;
    struct rlimit before, tight;
    struct mp_heap_file file;
    getrlimit(RLIMIT_FSIZE, &before);
    tight = before;
    tight.rlim_cur = 8 * MP_HEAP_CHUNK;
    assert_int_equal(mp_heap_file_open(&file, fresh(), path, 0), 0);
    setrlimit(RLIMIT_FSIZE, &tight);
    int failed = 0;
    for (int i = 0; i < 8 && !failed; i++)
        failed = file.heap.grow(&file.heap, MP_HEAP_NODES);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(failed, -1);
    mp_heap_file_release(&file);
    unlink(path);
}

static void the_file_never_passes_its_cap(void **state)
{
    (void)state;
    struct mp_heap_file file;
    assert_int_equal(mp_heap_file_open(&file, -1, NULL, 0), 0);
    size_t grown = 0;
    while (!file.heap.grow(&file.heap, MP_HEAP_NODES))
        grown++;
    assert_int_equal(errno, ENOSPC);
    assert_true(grown < MP_HEAP_CHUNKS);
    mp_heap_file_release(&file);
}

static size_t load(unsigned char **bytes)
{
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    fseek(in, 0, SEEK_END);
    size_t length = (size_t)ftell(in);
    rewind(in);
    *bytes = malloc(length);
    assert_int_equal(fread(*bytes, 1, length, in), length);
    fclose(in);
    return length;
}

static enum mp_heap_problem reread(struct mp_heap_capture *capture, int fd,
                                   const void *bytes, size_t length)
{
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, bytes, length, 0), (ssize_t)length);
    return mp_heap_read_fd(capture, fd);
}

static int in_memory_file(void)
{
    int fd = memfd_create("heap", 0);
    assert_true(fd >= 0);
    return fd;
}

/* Behind the header, what precedes the cut is there. Every byte of the header and of the first
   stacks; then every 61st, which meets each alignment. */
static void a_file_cut_at_any_byte_gives_what_precedes_the_cut(void **state)
{
    (void)state;
    unsigned char *bytes;
    write_capture(1000, true);
    size_t length = load(&bytes);
    size_t dense = MP_HEAP_CHUNK + 2000;
    int fd = in_memory_file();
    struct mp_heap_capture capture;
    assert_int_equal(reread(&capture, fd, bytes, length), MP_HEAP_OK);
    mp_heap_capture_release(&capture);
    for (size_t cut = length - 1; cut<length; cut -= cut> dense ? 61 : 1) {
        assert_int_equal(ftruncate(fd, (off_t)cut), 0);
        enum mp_heap_problem problem = mp_heap_read_fd(&capture, fd);
        if (cut < sizeof(struct mp_heap_header)) {
            assert_true(problem == MP_HEAP_FOREIGN || problem == MP_HEAP_DAMAGED);
        } else {
            size_t nodes = cut <= MP_HEAP_CHUNK ? 0 : (cut - MP_HEAP_CHUNK) / 64;
            assert_int_equal(problem, MP_HEAP_OK);
            assert_int_equal(capture.view.counts[MP_HEAP_NODES],
                             nodes < 1001 ? nodes : 1001);
            assert_true(nodes >= 1001 || capture.incomplete);
        }
        mp_heap_capture_release(&capture);
    }
    close(fd);
    free(bytes);
    unlink(path);
}

/* Changes one number of a good capture and expects it to be refused at its place. */
static void refuse(const unsigned char *bytes, size_t length, size_t at, uint64_t value,
                   size_t size, int64_t offset)
{
    unsigned char *copy = malloc(length);
    memcpy(copy, bytes, length);
    memcpy(copy + at, &value, size);
    int fd = in_memory_file();
    struct mp_heap_capture capture;
    assert_int_equal(reread(&capture, fd, copy, length), MP_HEAP_DAMAGED);
    assert_int_equal(capture.offset, offset);
    mp_heap_capture_release(&capture);
    close(fd);
    free(copy);
}

static void damage_is_refused_with_its_offset(void **state)
{
    (void)state;
    unsigned char *bytes;
    write_capture(100, true);
    size_t length = load(&bytes);
    size_t counts = offsetof(struct mp_heap_header, counts);
    size_t owners = offsetof(struct mp_heap_header, owners);
    size_t node = MP_HEAP_CHUNK + 7 * sizeof(struct mp_heap_node);
    size_t code = 2 * MP_HEAP_CHUNK + sizeof(struct mp_heap_code);
    for (size_t table = MP_HEAP_NODES; table < MP_HEAP_TABLES; table++)
        refuse(bytes, length, counts + 8 * table, (uint64_t)1 << 60, 8,
               (int64_t)(counts + 8 * table));
    refuse(bytes, length, node, 7, 4, (int64_t)node); /* its own parent */
    refuse(bytes, length, node, 9, 4, (int64_t)node); /* a cycle: 9 comes after it */
    refuse(bytes, length, node + 4, 12345, 4, (int64_t)node);
    refuse(bytes, length, node + 16, UINT64_MAX, 8, (int64_t)node);
    refuse(bytes, length, code, UINT32_MAX, 4, (int64_t)code);
    refuse(bytes, length, owners + 2, 200, 1, (int64_t)owners + 2);
    refuse(bytes, length, owners + 300, 1, 1, (int64_t)owners + 300);
    free(bytes);
    unlink(path);
}

static void what_is_not_a_capture_is_said_to_be_none(void **state)
{
    (void)state;
    struct mp_heap_capture capture;
    unsigned char *bytes;
    int fd = in_memory_file();
    assert_int_equal(mp_heap_read_fd(&capture, fd), MP_HEAP_FOREIGN);
    mp_heap_capture_release(&capture);
    assert_int_equal(reread(&capture, fd, "MEM 1 2\n", 8), MP_HEAP_FOREIGN);
    mp_heap_capture_release(&capture);
    assert_int_equal(mp_heap_read(&capture, "/dev/null"), MP_HEAP_FOREIGN);
    assert_int_equal(mp_heap_read(&capture, "/tmp"), MP_HEAP_FOREIGN);
    assert_int_equal(mp_heap_read(&capture, "/no/such"), MP_HEAP_SYSTEM);
    write_capture(1, true);
    size_t length = load(&bytes);
    bytes[8] = 9;
    assert_int_equal(reread(&capture, fd, bytes, length), MP_HEAP_FUTURE);
    assert_int_equal(capture.found, 9);
    mp_heap_capture_release(&capture);
    close(fd);
    free(bytes);
    unlink(path);
}

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

/* Follows everything a report would follow. */
static uint64_t use(const struct mp_heap_view *view)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < view->counts[MP_HEAP_NODES]; i++) {
        for (uint32_t at = (uint32_t)i; at; at = view->nodes[at].parent)
            sum += view->codes[view->nodes[at].code].name.length;
        i += i / 8;
    }
    for (size_t i = 0; i < view->counts[MP_HEAP_CODES]; i++)
        for (uint32_t byte = 0; byte < view->codes[i].name.length; byte++)
            sum += (unsigned char)view->text[view->codes[i].name.offset + byte];
    return sum;
}

/* The bytes that mean something: the header, and the first of each table. */
static size_t random_place(void)
{
    static const size_t used[] = {0, 64 * 101, 40 * 2, 16, 48};
    size_t chunk = next_random() % 5;
    size_t span = chunk ? used[chunk] : offsetof(struct mp_heap_header, series);
    if (!chunk && next_random() % 8 == 0)
        return offsetof(struct mp_heap_header, owners) + next_random() % 16;
    return chunk * MP_HEAP_CHUNK + next_random() % span;
}

static void no_mutation_of_a_file_harms_its_reader(void **state)
{
    (void)state;
    unsigned char *bytes;
    unsigned refused = 0;
    write_capture(100, true);
    size_t length = load(&bytes);
    int fd = in_memory_file();
    struct mp_heap_capture capture;
    assert_int_equal(reread(&capture, fd, bytes, length), MP_HEAP_OK);
    mp_heap_capture_release(&capture);
    for (int round = 0; round < 10000; round++) {
        size_t at = random_place(), span = next_random() % 3 ? 1 : 8;
        uint64_t value = next_random() % 3 ? next_random() : UINT64_MAX;
        assert_int_equal(pwrite(fd, &value, span, (off_t)at), (ssize_t)span);
        if (mp_heap_read_fd(&capture, fd) == MP_HEAP_OK)
            use(&capture.view);
        else
            refused++;
        mp_heap_capture_release(&capture);
        assert_int_equal(pwrite(fd, bytes + at, span, (off_t)at), (ssize_t)span);
    }
    assert_true(refused > 1000 && refused < 10000);
    close(fd);
    free(bytes);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_killed_process_leaves_everything_in_the_file),
        cmocka_unit_test(a_closed_descriptor_is_opened_again),
        cmocka_unit_test(what_was_cut_in_the_middle_and_grew_again_is_known_at_the_end),
        cmocka_unit_test(nothing_is_taken_from_files_whose_items_are_longer),
        cmocka_unit_test(the_file_limit_is_an_error_and_no_signal),
        cmocka_unit_test(the_file_never_passes_its_cap),
        cmocka_unit_test(a_file_cut_at_any_byte_gives_what_precedes_the_cut),
        cmocka_unit_test(damage_is_refused_with_its_offset),
        cmocka_unit_test(what_is_not_a_capture_is_said_to_be_none),
        cmocka_unit_test(no_mutation_of_a_file_harms_its_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
