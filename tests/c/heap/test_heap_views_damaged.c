/* The views of heap captures that are not whole: nothing is read outside of them. */
#include "heap_damage.h"
#include "heap_documents.h"

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
    damage_each(put_all);
}

static void faults_17_no_cut_of_a_file_harms_a_view(void **state)
{
    (void)state;
    damage_cut(put_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_18_no_mutation_of_a_file_harms_a_view),
        cmocka_unit_test(faults_17_no_cut_of_a_file_harms_a_view),
    };
    return cmocka_run_group_tests(tests, document_prepare, document_tidy);
}
