/* The way to an object by names: app.cache._data['user:17'].rows[3], from the module, local or thread that
 * holds it.
 */
#ifndef MP_CAPTURE_OBJECTS_PATH_H
#define MP_CAPTURE_OBJECTS_PATH_H

#include "capture/objects/graph.h"
#include "capture/objects/reach.h"
#include "capture/objects/words.h"

struct mp_paths {
    const struct mp_graph *graph; /* borrowed, as all */
    const struct mp_reach *reach;
    /* Whether the last step to a node stands for others like it: then it says […]. NULL: none does. */
    bool (*is_one_of_many)(const void *context, uint32_t node);
    const void *context;
};

/* The shortest way to a node. `dict`: an object's own dict is called so, not as the object. */
void mp_path_put(const struct mp_paths *, struct mp_words *, uint32_t node, bool dict);

/* The way to an object by one that refers to it; 0: by root. */
void mp_path_put_by(const struct mp_paths *, struct mp_words *, uint32_t by, uint32_t node);

/* What is alike in the last steps to nodes: two have the same label if they are items of a container, or
   attributes of one name. */
struct mp_label {
    uintptr_t name; /* an address; 0: an item */
    const PyTypeObject *type;
};

struct mp_label mp_path_label(const struct mp_paths *, uint32_t node);

#endif
