/* Durations and memory as people read them: of a run of a second, and of one of a night. */
#ifndef MP_REPORT_TIMELINE_WORDS_H
#define MP_REPORT_TIMELINE_WORDS_H

#include <stdint.h>

enum { MP_WORDS_ROOM = 40 };

/* "1.500 s" below two minutes, "12 min 5 s" below an hour, "8 h 19 min", "2 d 6 h". Returns `text`. */
const char *mp_duration_words(char text[MP_WORDS_ROOM], double seconds);

/* "200.000 MiB", "6.274 GiB", "1.250 TiB". Returns `text`. */
const char *mp_memory_words(char text[MP_WORDS_ROOM], int64_t bytes);

#endif
