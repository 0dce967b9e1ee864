/* A loop that only keeps deadlines: what any sampler pays. empty_loop INTERVAL SECONDS; prints
   the processor time used, in seconds. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

int main(int count, char **arguments)
{
    if (count < 3)
        return 2;
    double interval = atof(arguments[1]), length = atof(arguments[2]);
    long rounds = (long)(length / interval), step = (long)(interval * 1e9);
    struct timespec next;
    struct rusage used;
    clock_gettime(CLOCK_MONOTONIC, &next);
    while (rounds--) {
        next.tv_nsec += step;
        while (next.tv_nsec >= 1000000000) {
            next.tv_nsec -= 1000000000;
            next.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
    getrusage(RUSAGE_SELF, &used);
    printf("%.6f\n", (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                         (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    return 0;
}
