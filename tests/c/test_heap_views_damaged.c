/* The views of heap captures that are not whole: nothing is read outside of them. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "heap_documents.h"
#include "heap_example.h"

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

/* The bytes that mean something: the header, and the first of each table. */
static size_t random_place(void)
{
    static const size_t used[] = {0, 64 * 17, 40 * 11, 400, 48 * 3};
    size_t chunk = next_random() % 5;
    size_t span = chunk ? used[chunk] : sizeof(struct mp_heap_header);
    if (!chunk && next_random() % 2)
        span = offsetof(struct mp_heap_header, owners) + 16;
    return chunk * MP_HEAP_CHUNK + next_random() % span;
}

static void put_all(const struct mp_heap_capture *capture)
{
    FILE *out = fopen("/dev/null", "w");
    for (enum document what = REPORT; what <= LISTING_JSON; what++)
        document_put(out, what, capture, what % 2 ? &document_narrow : &document_wide,
                     what % 3 == 0);
    fclose(out);
}

static void faults_18_no_mutation_of_a_file_harms_a_view(void **state)
{
    (void)state;
    const char *path = example_write();
    int fd = open(path, O_RDWR), shown = 0;
    for (int round = 0; round < 3000; round++) {
        struct mp_heap_capture capture;
        uint64_t value = next_random() % 3 ? next_random() : UINT64_MAX, before = 0;
        size_t at = random_place(), span = next_random() % 3 ? 1 : 8;
        assert_int_equal(pread(fd, &before, span, (off_t)at), (ssize_t)span);
        assert_int_equal(pwrite(fd, &value, span, (off_t)at), (ssize_t)span);
        if (mp_heap_read_fd(&capture, fd) == MP_HEAP_OK) {
            put_all(&capture);
            shown++;
        }
        mp_heap_capture_release(&capture);
        assert_int_equal(pwrite(fd, &before, span, (off_t)at), (ssize_t)span);
    }
    assert_true(shown > 300);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_18_no_mutation_of_a_file_harms_a_view),
    };
    return cmocka_run_group_tests(tests, document_prepare, document_tidy);
}
