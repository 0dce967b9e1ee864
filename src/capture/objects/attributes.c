#include "capture/objects/attributes.h"

/* 3.13's own have a parameter that nothing uses. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <internal/pycore_dict.h>
#include <internal/pycore_object.h>
#pragma GCC diagnostic pop
#include <structmember.h>

#include <string.h>

static bool is_managed(const PyTypeObject *type)
{
    return type->tp_flags & Py_TPFLAGS_MANAGED_DICT;
}

/* The values of an instance whose dict was not made; NULL: it was, or there are none. */
static const PyDictValues *values_of(PyObject *object)
{
    if (!is_managed(Py_TYPE(object)))
        return NULL;
#if PY_VERSION_HEX < 0x030C0000
    return *_PyObject_ValuesPointer(object);
#elif PY_VERSION_HEX < 0x030D0000
    PyDictOrValues there = *_PyObject_DictOrValuesPointer(object);
    return _PyDictOrValues_IsValues(there) ? _PyDictOrValues_GetValues(there) : NULL;
#else
    const PyTypeObject *type = Py_TYPE(object);
    return type->tp_flags & Py_TPFLAGS_INLINE_VALUES &&
                   _PyObject_InlineValues(object)->valid
               ? _PyObject_InlineValues(object)
               : NULL;
#endif
}

static PyObject *managed_dict(PyObject *object)
{
#if PY_VERSION_HEX < 0x030C0000
    return *_PyObject_ManagedDictPointer(object);
#elif PY_VERSION_HEX < 0x030D0000
    PyDictOrValues there = *_PyObject_DictOrValuesPointer(object);
    return _PyDictOrValues_IsValues(there) ? NULL : _PyDictOrValues_GetDict(there);
#else
    return (PyObject *)_PyObject_GetManagedDict(object);
#endif
}

PyObject *mp_attributes_dict(PyObject *object)
{
    const PyTypeObject *type = Py_TYPE(object);
    PyObject *dict = NULL;
    if (PyType_Check(object))
        return ((PyTypeObject *)object)->tp_dict;
    if (is_managed(type))
        return managed_dict(object);
    if (type->tp_dictoffset > 0)
        memcpy(&dict, (char *)object + type->tp_dictoffset, sizeof dict);
    return dict;
}

PyObject *mp_attributes_name(PyObject *object, const PyObject *value)
{
    const PyDictValues *values = values_of(object);
    PyDictKeysObject *keys =
        values ? ((PyHeapTypeObject *)Py_TYPE(object))->ht_cached_keys : NULL;
    for (Py_ssize_t i = 0; keys && i < keys->dk_nentries; i++)
        if (values->values[i] == value)
            return DK_UNICODE_ENTRIES(keys)[i].me_key;
    return NULL;
}

static bool is_member(const PyMemberDef *member, const PyObject *object,
                      const PyObject *value)
{
    if (member->type != T_OBJECT && member->type != T_OBJECT_EX)
        return false;
    const PyObject *there;
    memcpy(&there, (const char *)object + member->offset, sizeof there);
    return there == value;
}

const char *mp_attributes_member(const PyObject *object, const PyObject *value)
{
    for (const PyTypeObject *type = Py_TYPE(object); type; type = type->tp_base)
        for (const PyMemberDef *member = type->tp_members; member && member->name; member++)
            if (is_member(member, object, value))
                return member->name;
    return NULL;
}

static PyDictKeysObject *class_keys(PyObject *object)
{
    return ((PyHeapTypeObject *)Py_TYPE(object))->ht_cached_keys;
}

Py_ssize_t mp_attributes_count(PyObject *object)
{
    const PyTypeObject *type = Py_TYPE(object);
    if (!is_managed(type) || !(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return -1;
    const PyDictKeysObject *keys = class_keys(object);
    PyObject *dict = managed_dict(object);
    Py_ssize_t own = dict ? ((PyDictObject *)dict)->ma_used : 0;
    Py_ssize_t shared = keys ? keys->dk_nentries : 0;
    return own > shared ? own : shared;
}

size_t mp_attributes_bytes(PyObject *object)
{
#if PY_VERSION_HEX < 0x030D0000
    /* The byte before them says how far before the block begins. */
    const PyDictValues *values = values_of(object);
    const PyDictKeysObject *keys = values ? class_keys(object) : NULL;
    return keys ? ((const uint8_t *)values)[-1] +
                      (size_t)(keys->dk_nentries + keys->dk_usable) * sizeof(PyObject *)
                : 0;
#else
    /* They lie behind the instance, also where a dict has them or others. */
    PyTypeObject *type = Py_TYPE(object);
    return type->tp_flags & Py_TPFLAGS_INLINE_VALUES && class_keys(object)
               ? _PyInlineValuesSize(type)
               : 0;
#endif
}

static bool is_within_instance(const PyDictObject *dict)
{
#if PY_VERSION_HEX < 0x030D0000
    (void)dict;
    return false;
#else
    return dict->ma_values && dict->ma_values->embedded;
#endif
}

/* Two thirds of the places are used, also where popitem() took away from what is counted. */
static size_t entries_of(unsigned log2_places)
{
    return ((size_t)2 << log2_places) / 3;
}

static size_t table_bytes(const PyDictKeysObject *keys, unsigned log2_index, size_t entries)
{
    size_t entry =
        DK_IS_UNICODE(keys) ? sizeof(PyDictUnicodeEntry) : sizeof(PyDictKeyEntry);
    return sizeof *keys + ((size_t)1 << log2_index) + entries * entry;
}

size_t mp_attributes_table(const PyDictObject *dict)
{
    const PyDictKeysObject *keys = dict->ma_keys;
    if (dict->ma_values)
        return is_within_instance(dict)
                   ? 0
                   : (size_t)(keys->dk_nentries + keys->dk_usable) * sizeof(PyObject *);
    if (!dict->ma_used && keys->dk_log2_size == 0)
        return 0; /* the one that all empty dicts have */
    return table_bytes(keys, keys->dk_log2_index_bytes, entries_of(keys->dk_log2_size));
}

/* An index is as wide as places are many. */
size_t mp_attributes_tight_table(const PyDictObject *dict)
{
    unsigned log2 = 3;
    if (dict->ma_values)
        return 0;
    while (entries_of(log2) < (size_t)dict->ma_used)
        log2++;
    unsigned width = log2 < 8 ? 0 : log2 < 16 ? 1 : log2 < 32 ? 2 : 3;
    return table_bytes(dict->ma_keys, log2 + width, entries_of(log2));
}
