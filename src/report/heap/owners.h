/* Who keeps what alone: what retains much, each below the one that retains it.
 *
 *    retained   share     itself     objects  kept by
 *     5.7 MiB   46.7%      832 B           1  app
 *     4.4 MiB   36.1%  405.4 KiB           1    .cache._data: dict
 *     4.0 MiB   32.8%    1.5 MiB      20,000      as ['user:...']: Row
 *     4.1 MiB   33.6%                         (what retains less)
 */
#ifndef MP_REPORT_HEAP_OWNERS_H
#define MP_REPORT_HEAP_OWNERS_H

#include "report/heap/parts.h"

/* At most `most` of them; nothing where there are none. */
void mp_heap_owners_text(FILE *, const struct mp_heap_view *, const struct mp_heap_style *,
                         size_t most);

/* All, as an array. */
void mp_heap_owners_json(FILE *, const struct mp_heap_view *);

#endif
