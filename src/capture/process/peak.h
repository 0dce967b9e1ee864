/* Peaks: the one owner of this process's high-water mark, for everyone inside the process.
 *
 * The kernel keeps a single mark (VmHWM) and can only set it back to the present RSS. Several
 * intervals can be open at once, nested or in several threads, so the owner reads the mark
 * before each reset and remembers it for every interval that was open then:
 *
 *     mark   ____/\______________________/\________
 *     outer    [------ sees both --------------]
 *     inner             [-- sees only its own -----]      the reset happens where inner opens
 *
 * The mark is reset only when an interval opens while it stands above present RSS. It is read
 * with getrusage (three to four times cheaper than /proc/self/status), except in an image whose
 * ru_maxrss still tells of the process before exec.
 *
 * Under `mprof run` the sampler resets the mark (record/run_notice.h): then nobody here does,
 * and an interval's answer is a lower bound wherever an older mark hides the new one.
 *
 * Thread-safe; survives fork (a child's mark is its own).
 */
#ifndef MP_CAPTURE_PROCESS_PEAK_H
#define MP_CAPTURE_PROCESS_PEAK_H

#include <stdbool.h>
#include <stdint.h>

/* An open interval. The caller's storage; copyable, nothing points to it. */
struct mp_peak {
    uint64_t since; /* resets before it opened */
    int64_t mark;   /* the mark as it stood then */
    int64_t bytes;  /* RSS then */
};

/* Opens an interval. `rss`: the process's resident bytes now when the caller knows them, else
   -1 (they are read). One getrusage, and a reset when the mark stands above `rss`. No errors:
   where the mark cannot be had an interval knows the RSS readings alone. */
void mp_peak_begin(struct mp_peak *, int64_t rss);

/* The largest RSS since it opened, in bytes; never below `rss`. The interval stays open. */
int64_t mp_peak_read(const struct mp_peak *, int64_t rss);

/* The same, and closes the interval. Each begin needs one end. */
int64_t mp_peak_end(struct mp_peak *, int64_t rss);

/* End and begin in one look at the mark, for intervals that follow each other (lines). */
int64_t mp_peak_next(struct mp_peak *, int64_t rss);

/* True when this process may reset its mark, so that intervals are exact. */
bool mp_peak_is_ours(void);

/* Resets so far, for tests of work. */
uint64_t mp_peak_resets(void);

#endif
