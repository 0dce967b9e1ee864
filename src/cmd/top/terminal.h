/* The terminal as a screen: plain escape sequences that every terminal knows, and poll(2). It is left as it
 * was found, however we end: also when it is stopped (Ctrl-Z) or we are asked to end.
 */
#ifndef MP_CMD_TOP_TERMINAL_H
#define MP_CMD_TOP_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes the terminal over: false where there is none that can do more than print. */
bool mp_terminal_begin(void);
void mp_terminal_end(void);

/* Shows a text, a line of the screen each, from its upper left corner. False: the terminal is gone. */
bool mp_terminal_show(const char *text, size_t length, int height);

enum mp_terminal_event {
    MP_TERMINAL_TIME, /* it is `deadline` */
    MP_TERMINAL_KEY,
    MP_TERMINAL_DRAW, /* it has another size, or is ours again */
    MP_TERMINAL_ENDED /* we are asked to end, or it is gone */
};

/* Waits until `deadline` (monotonic ns) for what comes first; *key is a character, or one of enum mp_top_key. */
enum mp_terminal_event mp_terminal_wait(int64_t deadline, int *key);

#endif
