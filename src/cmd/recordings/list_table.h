/* What `mprof list` shows on a terminal: the classic's columns, then what was run and how large it
 * became, under headings.
 *
 *     #  recording                    began                kind      duration      peak  command
 *     0  mprofile_20261123030525.dat  03:05:25 23/11/2026  timeline     2.1 s  35.2 MiB  python a.py
 */
#ifndef MP_CMD_RECORDINGS_LIST_TABLE_H
#define MP_CMD_RECORDINGS_LIST_TABLE_H

#include <stdio.h>

#include "cmd/recordings/list_entry.h"

/* Lines end at `width` columns; 0: nowhere. */
void mp_list_table(FILE *, const struct mp_entry *, size_t count, int width);

#endif
