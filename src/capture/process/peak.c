#include "capture/process/peak.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/array.h"
#include "capture/process/meter.h"
#include "record/run_notice.h"

enum {
    MOST_MARKS = 4096,     /* remembered marks; past that nobody resets until all closed */
    MOST_SLACK = 4 << 20,  /* the kernel's counters cannot be further apart than this */
    FLOOR_SLACK = 1 << 20, /* ru_maxrss this far above VmHWM is an older image's */
};

/* A mark that stood when reset number `reset` erased it. */
struct mark {
    uint64_t reset;
    int64_t bytes;
};

/* `marks` holds what open intervals still need: an earlier mark no larger than a later one tells
   nobody anything, so bytes fall from first to last and the first mark after an interval's
   opening is its largest. */
static struct {
    pthread_mutex_t lock;
    bool looked;         /* in this process */
    unsigned generation; /* of the fork it looked in */
    bool ours;           /* we may reset */
    int64_t floor;       /* ru_maxrss says nothing up to here; -1: it says everything */
    int64_t slack;       /* how far a mark just reset stands above RSS */
    int64_t settled;     /* the mark just after the last reset */
    uint64_t resets;
    size_t open;
    struct mark *marks;
    size_t count, room;
    struct mp_meter meter;
} owner = {.lock = PTHREAD_MUTEX_INITIALIZER, .meter = {.fd = -1}};

static void lock(void)
{
    pthread_mutex_lock(&owner.lock);
}
static void unlock(void)
{
    pthread_mutex_unlock(&owner.lock);
}
static void watch_forks(void)
{
    pthread_atfork(lock, unlock, unlock);
}

/* `mprof run` resets the marks of the processes it watches, unless it was told not to. */
static bool sampler_resets(void)
{
    struct mp_run_notice notice;
    return !mp_run_notice_read(&notice) && notice.owns_marks;
}

static int64_t usage_mark(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) ? 0 : (int64_t)usage.ru_maxrss * 1024;
}

/* ru_maxrss survives exec, VmHWM does not: a small program started by a large one reads the
   large one's mark, and no reset lowers it. A high VmHWM can hide that: looked at again after
   each reset. */
static int64_t look_for_floor(void)
{
    int64_t exact = mp_meter_high_water(0), usage = usage_mark();
    owner.floor = exact < 0 || usage > exact + FLOOR_SLACK ? usage : -1;
    return exact;
}

static void look_around(void)
{
    owner.looked = true;
    owner.generation = mp_meter_generation();
    owner.ours = look_for_floor() >= 0 && !sampler_resets();
    owner.slack = 0;
    owner.settled = -1;
}

/* Entered at the head of every public function that reads. */
static void enter(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    lock();
    if (!owner.looked || owner.generation != mp_meter_generation())
        look_around();
}

static int64_t read_mark(void)
{
    int64_t mark = usage_mark();
    return mark > owner.floor ? mark : mp_meter_high_water(0);
}

static int64_t read_rss(int64_t known)
{
    return known >= 0 ? known : mp_meter_read(&owner.meter);
}

/* Keeps a mark that is about to be erased for the intervals that are open. 0, or -1 ENOMEM. */
static int remember(int64_t mark)
{
    if (!owner.open || mark == owner.settled)
        return 0;
    while (owner.count && owner.marks[owner.count - 1].bytes <= mark)
        owner.count--;
    if (owner.count == MOST_MARKS)
        return -1;
    if (mp_array_reserve((void **)&owner.marks, &owner.room, owner.count + 1,
                         sizeof *owner.marks))
        return -1;
    owner.marks[owner.count++] = (struct mark){owner.resets + 1, mark};
    return 0;
}

/* Sets the mark back to present RSS; returns where it stands now. */
static int64_t reset(int64_t mark)
{
    if (remember(mark))
        return mark;
    if (mp_meter_reset_high_water(0)) {
        owner.ours = false;
        return mark;
    }
    owner.resets++;
    int64_t rss = read_rss(-1);
    if (usage_mark() > rss + FLOOR_SLACK)
        look_for_floor();
    owner.settled = read_mark();
    int64_t above = owner.settled - rss;
    owner.slack = above < 0 ? 0 : above < MOST_SLACK ? above : MOST_SLACK;
    return owner.settled;
}

static void open_interval(struct mp_peak *peak, int64_t mark, int64_t rss)
{
    if (owner.ours && mark > rss + owner.slack)
        mark = reset(mark);
    *peak = (struct mp_peak){.since = owner.resets, .mark = mark, .bytes = rss};
    owner.open++;
}

/* The largest mark that was erased after the interval opened; 0 when none was. */
static int64_t erased_since(uint64_t since)
{
    size_t low = 0, high = owner.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (owner.marks[middle].reset > since)
            high = middle;
        else
            low = middle + 1;
    }
    return low < owner.count ? owner.marks[low].bytes : 0;
}

/* A mark that stands where it stood when the interval opened (or when it was last reset) tells
   of the time before. */
static int64_t largest(const struct mp_peak *peak, int64_t mark, int64_t rss)
{
    int64_t bytes = peak->bytes > rss ? peak->bytes : rss;
    int64_t erased = erased_since(peak->since);
    int64_t old = peak->since == owner.resets ? peak->mark : owner.settled;
    if (erased > bytes)
        bytes = erased;
    return mark != old && mark > bytes ? mark : bytes;
}

static void close_interval(void)
{
    if (owner.open && --owner.open == 0)
        owner.count = 0;
}

void mp_peak_begin(struct mp_peak *peak, int64_t rss)
{
    enter();
    rss = read_rss(rss);
    open_interval(peak, read_mark(), rss);
    unlock();
}

int64_t mp_peak_read(const struct mp_peak *peak, int64_t rss)
{
    enter();
    int64_t bytes = largest(peak, read_mark(), read_rss(rss));
    unlock();
    return bytes;
}

int64_t mp_peak_end(struct mp_peak *peak, int64_t rss)
{
    enter();
    int64_t bytes = largest(peak, read_mark(), read_rss(rss));
    close_interval();
    unlock();
    return bytes;
}

int64_t mp_peak_next(struct mp_peak *peak, int64_t rss)
{
    enter();
    rss = read_rss(rss);
    int64_t mark = read_mark(), bytes = largest(peak, mark, rss);
    close_interval();
    open_interval(peak, mark, rss);
    unlock();
    return bytes;
}

bool mp_peak_is_ours(void)
{
    enter();
    bool ours = owner.ours;
    unlock();
    return ours;
}

uint64_t mp_peak_resets(void)
{
    return owner.resets;
}
