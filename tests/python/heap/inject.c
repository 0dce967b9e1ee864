/* Has a process run a file again and again, in each of its threads in turn, or once until a step at which it
 * is killed itself.
 *
 *     inject PID FOLDER COUNT          FOLDER/N runs what FOLDER/code says; it makes FOLDER/N.ran
 *     inject PID FOLDER COUNT STEP     dies at this step of the last one
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/attach/inject.h"
#include "capture/attach/steps.h"
#include "capture/attach/threads.h"

enum { WITHIN = 60 };

#ifdef MP_WITH_STEPS
enum mp_step mp_step_to_die_at;
#endif

static void copy(const char *from, const char *to)
{
    char bytes[4096];
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");
    size_t length = in ? fread(bytes, 1, sizeof bytes, in) : 0;
    if (!in || !out || fwrite(bytes, 1, length, out) != length || fclose(in) || fclose(out))
        exit(2);
}

static int is_there(const char *path)
{
    return !access(path, F_OK);
}

/* In the thread that is next; another one where that has ended or may not be stopped where it is. */
static enum mp_injection_problem inject(struct mp_target *target, int number,
                                        const char *file, struct mp_injection *injection)
{
    struct mp_threads threads;
    enum mp_injection_problem problem = MP_INJECTION_NO_THREAD;
    if (mp_target_look_again(target))
        return MP_INJECTION_GONE;
    if (!mp_threads_list(&threads, target) && threads.count)
        problem = mp_inject_thread(target, threads.items[(size_t)number % threads.count].tid,
                                   false, file, injection);
    mp_threads_release(&threads);
    return problem;
}

int main(int count, char **words)
{
    struct mp_target target;
    int times = count > 3 ? atoi(words[3]) : 0, ways[2] = {0}, tries = 0;
    int64_t longest = 0;
    if (count < 4 || mp_target_open(&target, (pid_t)atoi(words[1])))
        return 2;
    for (int number = 0; number < times; number++) {
        char code[4096], file[4096], ran[4096];
        struct mp_injection injection;
        snprintf(code, sizeof code, "%s/code", words[2]);
        snprintf(file, sizeof file, "%s/%d", words[2], number);
        snprintf(ran, sizeof ran, "%s/%d.ran", words[2], number);
        copy(code, file);
#ifdef MP_WITH_STEPS
        if (count > 4 && number == times - 1)
            mp_step_to_die_at = (enum mp_step)atoi(words[4]);
#endif
        enum mp_injection_problem problem = inject(&target, number + tries, file, &injection);
        if (problem == MP_INJECTION_GONE && mp_target_look_again(&target))
            break; /* the process has ended, not a thread of it */
        if (problem && count > 4)
            return 3; /* it died as it was to */
        if (problem) {
            tries++;
            number--;
            continue;
        }
        ways[injection.way]++;
        longest = injection.stopped > longest ? injection.stopped : longest;
        int64_t until = mp_clock_ns() + WITHIN * (int64_t)1000000000;
        while (!is_there(ran) && mp_clock_ns() < until && !mp_target_look_again(&target))
            nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
        if (!is_there(ran)) {
            printf("lost %d in thread %d, way %d\n", number, (int)injection.tid,
                   (int)injection.way);
            return 1;
        }
    }
    printf("%d direct, %d pending, %d tried again, stopped for %.2f ms at most\n", ways[0],
           ways[1], tries, (double)longest / 1e6);
    mp_target_release(&target);
    return 0;
}
