/* Objects and their references as numbers. Node 0 stands for all that holds objects from outside:
 * modules, frames, threads, C code.
 *
 *     references of node i:  edges[first[i]] ... edges[first[i + 1] - 1]       i from 1
 *     references of node 0:  roots[0] ... roots[root_count - 1]
 */
#ifndef MP_RECORD_OBJECT_GRAPH_H
#define MP_RECORD_OBJECT_GRAPH_H

#include <stdint.h>

struct mp_object_graph {
    uint32_t count, root_count; /* nodes, 0 among them; references of 0 */
    const uint32_t *first;      /* borrowed, as all; count + 1 of them */
    const uint32_t *edges;
    const uint32_t *roots;
};

#endif
