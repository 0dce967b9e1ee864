#include "capture/heap/python/objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "capture/heap/frames/tracked.h"

enum { GC_LINKS = 2 * sizeof(uintptr_t) };

static size_t before(const PyTypeObject *type)
{
    size_t bytes =
        PyType_HasFeature((PyTypeObject *)type, Py_TPFLAGS_HAVE_GC) ? GC_LINKS : 0;
    const unsigned long header =
        1 << 3 | 1 << 4; /* managed weak references, managed dict */
    return bytes + (type->tp_flags & header ? 2 * sizeof(uintptr_t) : 0);
}

/* Until 3.12 the values of attributes are a block of their own. */
static bool has_values(const PyTypeObject *type)
{
#if PY_VERSION_HEX < 0x030D0000
    return type->tp_flags & Py_TPFLAGS_MANAGED_DICT;
#else
    (void)type;
    return false;
#endif
}

/* Those of extension modules are known by name and size. */
static enum mp_family family_by_name(const PyTypeObject *type)
{
    static const struct {
        const char *name;
        size_t size;
        enum mp_family family;
    } known[] = {{"collections.deque", 80, MP_FAMILY_DEQUE},
                 {"array.array", 48, MP_FAMILY_ARRAY},
                 {"numpy.ndarray", 80, MP_FAMILY_NDARRAY}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if ((size_t)type->tp_basicsize >= known[i].size &&
            !strcmp(type->tp_name, known[i].name))
            return known[i].family;
    return MP_FAMILY_PLAIN;
}

static enum mp_family family_of(const PyTypeObject *type)
{
    const struct {
        const PyTypeObject *type;
        enum mp_family family;
    } known[] = {{&PyUnicode_Type, MP_FAMILY_STR},
                 {&PyList_Type, MP_FAMILY_LIST},
                 {&PyODict_Type, MP_FAMILY_ORDERED_DICT},
                 {&PyDict_Type, MP_FAMILY_DICT},
                 {&PySet_Type, MP_FAMILY_SET},
                 {&PyFrozenSet_Type, MP_FAMILY_SET},
                 {&PyByteArray_Type, MP_FAMILY_BYTEARRAY},
                 {&PyType_Type, MP_FAMILY_TYPE}};
    enum mp_family family = MP_FAMILY_PLAIN;
    for (; type && !family; type = type->tp_base) {
        for (size_t i = 0; i < sizeof known / sizeof *known && !family; i++)
            family = type == known[i].type ? known[i].family : MP_FAMILY_PLAIN;
        if (!family)
            family = family_by_name(type);
    }
    return family;
}

static void put(struct mp_object_types *types, size_t position)
{
    const struct mp_object_type *type = &types->types[position];
    uintptr_t word = (uintptr_t)type->type;
    size_t bit = mp_object_filter_bit(word);
    size_t at = mp_open_addressing_home(word, types->mask + 1);
    while (types->slots[at].type)
        at = (at + 1) & types->mask;
    types->filter[bit / 64] |= 1ull << bit % 64;
    types->slots[at] =
        (struct mp_object_slot){type->type, (uint32_t)position, type->before};
}

static int grow(struct mp_object_types *types)
{
    size_t room = types->slots ? (types->mask + 1) * 2 : 1024;
    struct mp_object_slot *slots = calloc(room, sizeof *slots);
    if (!slots)
        return -1;
    free(types->slots);
    types->slots = slots;
    types->mask = room - 1;
    for (size_t i = 0; i < types->count; i++)
        put(types, i);
    return 0;
}

static int add(struct mp_object_types *types, PyTypeObject *type)
{
    if (types->count * 4 >= types->mask && grow(types))
        return -1;
    if (mp_object_slot_of(types, (uintptr_t)type))
        return 0;
    if (mp_array_reserve((void **)&types->types, &types->room, types->count + 1,
                         sizeof *types->types))
        return -1;
    types->types[types->count] =
        (struct mp_object_type){(PyTypeObject *)Py_NewRef(type), (uint8_t)before(type),
                                (uint8_t)family_of(type), has_values(type)};
    put(types, types->count++);
    return 0;
}

/* `type.__subclasses__`, whatever the metaclass makes of the name. */
static int add_subclasses(struct mp_object_types *types, PyObject *method, size_t of)
{
    PyObject *list = PyObject_CallOneArg(method, (PyObject *)types->types[of].type);
    int failed = list && PyList_Check(list) ? 0 : -1;
    for (Py_ssize_t i = 0; !failed && i < PyList_GET_SIZE(list); i++)
        failed = add(types, (PyTypeObject *)PyList_GET_ITEM(list, i));
    Py_XDECREF(list);
    return failed;
}

int mp_object_types_init(struct mp_object_types *types)
{
    PyObject *kind, *value, *traceback;
    *types = (struct mp_object_types){0};
    PyErr_Fetch(&kind, &value, &traceback);
    int collects = PyGC_Disable(); /* what is found dead would run the program's code */
    PyObject *method = PyObject_GetAttrString((PyObject *)&PyType_Type, "__subclasses__");
    int failed = grow(types) || !method || add(types, &PyBaseObject_Type);
    for (size_t i = 0; !failed && i < types->count; i++)
        failed = add_subclasses(types, method, i);
    Py_XDECREF(method);
    if (collects)
        PyGC_Enable();
    PyErr_Restore(kind, value, traceback);
    if (!failed)
        return 0;
    mp_object_types_release(types);
    errno = ENOMEM;
    return -1;
}

void mp_object_types_release(struct mp_object_types *types)
{
    for (size_t i = 0; i < types->count; i++)
        Py_DECREF(types->types[i].type);
    free(types->types);
    free(types->slots);
    *types = (struct mp_object_types){0};
}

struct tracked {
    const struct mp_object_types *types;
    void (*see)(void *context, const struct mp_object *);
    void *context;
};

static int see_tracked(PyObject *object, void *context)
{
    const struct tracked *tracked = context;
    const struct mp_object_slot *slot =
        mp_object_slot_of(tracked->types, (uintptr_t)Py_TYPE(object));
    const struct mp_object_type *type =
        slot ? &tracked->types->types[slot->position] : NULL;
    if (type && type->family != MP_FAMILY_PLAIN)
        tracked->see(tracked->context, &(struct mp_object){MP_OBJECT_LIVE, type, object});
    return 1;
}

void mp_object_each_tracked(const struct mp_object_types *types,
                            void (*see)(void *context, const struct mp_object *),
                            void *context)
{
    struct tracked tracked = {types, see, context};
    mp_tracked_each(see_tracked, &tracked);
}

/* Who is told of what one object keeps. */
struct telling {
    PyObject *object;
    mp_object_keeps *keeps;
    void *context;
};

static size_t tell(const struct telling *telling, const void *address)
{
    return address ? telling->keeps(telling->context, (uintptr_t)address) : 0;
}

/* The word of an object that lies so many bytes in. */
static void *word(const void *object, size_t offset)
{
    void *word;
    memcpy(&word, (const char *)object + offset, sizeof word);
    return word;
}

static void tell_values(const struct telling *telling, const void *values)
{
#if PY_VERSION_HEX < 0x030D0000
    /* The byte before them says how far before the block begins. */
    if (values)
        tell(telling, (const char *)values - ((const uint8_t *)values)[-1]);
#else
    tell(telling, values);
#endif
}

/* Of an instance whose dict was not made: a word before the object. From 3.12 on it is the dict's, or one less
   than the values' address. */
static void tell_attributes(const struct telling *telling)
{
    const char *object = (const char *)telling->object;
#if PY_VERSION_HEX < 0x030C0000
    tell_values(telling, word(object - 4 * sizeof(void *), 0));
#elif PY_VERSION_HEX < 0x030D0000
    const char *there = word(object - 3 * sizeof(void *), 0);
    if ((uintptr_t)there & 1)
        tell_values(telling, there + 1);
#else
    (void)object;
#endif
}

/* The keys of a split one are the class's. */
static void tell_dict(const struct telling *telling)
{
    const PyDictObject *dict = (PyDictObject *)telling->object;
    if (dict->ma_values)
        tell_values(telling, dict->ma_values);
    else
        tell(telling, dict->ma_keys);
}

/* Behind the dict: the first node, the last, the index of them. A node: key, hash, next. */
static void tell_ordered_dict(const struct telling *telling)
{
    enum { INDEX = 2 * sizeof(void *), NEXT = 2 * sizeof(void *) };
    const char *behind = (const char *)telling->object + sizeof(PyDictObject);
    tell_dict(telling);
    tell(telling, word(behind, INDEX));
    const void *node = word(behind, 0);
    while (node && tell(telling, node) >= NEXT + sizeof(void *))
        node = word(node, NEXT);
}

/* Behind the length: the blocks at both ends. A block: the one to the left, 64 items, the one to the right. */
static void tell_deque(const struct telling *telling)
{
    enum { RIGHT = 65 * sizeof(void *) };
    const void *block = word(telling->object, sizeof(PyVarObject));
    const void *last = word(telling->object, sizeof(PyVarObject) + sizeof(void *));
    while (block && tell(telling, block) >= RIGHT + sizeof(void *) && block != last)
        block = word(block, RIGHT);
}

/* Of an array that is a view the data is another's. Behind the header: data, dimensions, shape, strides, base, type,
   flags. */
static void tell_ndarray(const struct telling *telling)
{
    enum { DATA = 16, SHAPE = 32, FLAGS = 64, OWNS_DATA = 4 };
    int flags;
    memcpy(&flags, (const char *)telling->object + FLAGS, sizeof flags);
    if (flags & OWNS_DATA)
        tell(telling, word(telling->object, DATA));
    tell(telling, word(telling->object, SHAPE));
}

static void tell_str(const struct telling *telling)
{
    const PyASCIIObject *ascii = (PyASCIIObject *)telling->object;
#if PY_VERSION_HEX < 0x030C0000
    tell(telling, ascii->wstr);
#endif
    if (!(ascii->state.compact && ascii->state.ascii))
        tell(telling, ((const PyCompactUnicodeObject *)ascii)->utf8);
    if (!ascii->state.compact)
        tell(telling, ((const PyUnicodeObject *)ascii)->data.any);
}

/* From 3.15 on a bytes object has the data. */
static void tell_bytearray(const struct telling *telling)
{
    const PyByteArrayObject *array = (PyByteArrayObject *)telling->object;
#if PY_VERSION_HEX < 0x030F0000
    tell(telling, array->ob_bytes);
#else
    tell(telling, array->ob_bytes_object);
#endif
}

static void tell_type(const struct telling *telling)
{
    const PyHeapTypeObject *type = (PyHeapTypeObject *)telling->object;
    if (!(type->ht_type.tp_flags & Py_TPFLAGS_HEAPTYPE))
        return;
    tell(telling, type->ht_cached_keys);
    tell(telling, type->ht_type.tp_doc);
    tell(telling, type->_ht_tpname);
}

void mp_object_each_kept(const struct mp_object *object, mp_object_keeps *keeps,
                         void *context)
{
    struct telling telling = {object->object, keeps, context};
    if (object->type->values)
        tell_attributes(&telling);
    switch ((enum mp_family)object->type->family) {
    case MP_FAMILY_PLAIN:
        break;
    case MP_FAMILY_STR:
        tell_str(&telling);
        break;
    case MP_FAMILY_LIST:
        tell(&telling, ((PyListObject *)object->object)->ob_item);
        break;
    case MP_FAMILY_DICT:
        tell_dict(&telling);
        break;
    case MP_FAMILY_ORDERED_DICT:
        tell_ordered_dict(&telling);
        break;
    case MP_FAMILY_SET:
        tell(&telling, ((PySetObject *)object->object)->table);
        break;
    case MP_FAMILY_BYTEARRAY:
        tell_bytearray(&telling);
        break;
    case MP_FAMILY_DEQUE:
        tell_deque(&telling);
        break;
    case MP_FAMILY_ARRAY:
        tell(&telling, word(object->object, sizeof(PyVarObject)));
        break;
    case MP_FAMILY_NDARRAY:
        tell_ndarray(&telling);
        break;
    case MP_FAMILY_TYPE:
        tell_type(&telling);
        break;
    }
}
