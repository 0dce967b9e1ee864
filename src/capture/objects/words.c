#include "capture/objects/words.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST_NAME = 200 };

void mp_words_put_bytes(struct mp_words *words, const char *bytes, size_t length)
{
    if (length > words->room - words->size)
        return;
    memcpy(words->text + words->size, bytes, length);
    words->size += length;
}

void mp_words_put(struct mp_words *words, const char *text)
{
    mp_words_put_bytes(words, text, strlen(text));
}

void mp_words_put_number(struct mp_words *words, long long number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", number);
    mp_words_put(words, digits);
}

/* Half of a pair is no character: UTF-8 has none of it. */
static void put_character(struct mp_words *words, Py_UCS4 character)
{
    char bytes[4];
    if (character < 0x20 || character == 0x7f)
        character = ' ';
    if (character >= 0xd800 && character < 0xe000)
        character = 0xfffd;
    if (character < 0x80) {
        bytes[0] = (char)character;
        mp_words_put_bytes(words, bytes, 1);
        return;
    }
    size_t length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, character >>= 6)
        bytes[i] = (char)(0x80 | (character & 0x3f));
    bytes[0] = (char)((0xf00 >> length) | character);
    mp_words_put_bytes(words, bytes, length);
}

void mp_words_put_text(struct mp_words *words, PyObject *text, Py_ssize_t most)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    for (Py_ssize_t i = 0; i < length && i < most; i++)
        put_character(words, PyUnicode_READ_CHAR(text, i));
    if (length > most)
        mp_words_put(words, "…");
}

static PyObject *module_of(const PyTypeObject *type)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (type->tp_dict && PyDict_Next(type->tp_dict, &at, &key, &value))
        if (PyUnicode_Check(key) &&
            PyUnicode_CompareWithASCIIString(key, "__module__") == 0)
            return PyUnicode_Check(value) ? value : NULL;
    return NULL;
}

static bool is_plain_module(PyObject *module)
{
    return PyUnicode_CompareWithASCIIString(module, "builtins") == 0 ||
           PyUnicode_CompareWithASCIIString(module, "__main__") == 0;
}

void mp_words_put_type(struct mp_words *words, PyTypeObject *type)
{
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        mp_words_put_bytes(words, type->tp_name, strnlen(type->tp_name, LONGEST_NAME));
        return;
    }
    PyObject *module = module_of(type);
    if (module && !is_plain_module(module)) {
        mp_words_put_text(words, module, LONGEST_NAME);
        mp_words_put(words, ".");
    }
    PyObject *name = ((PyHeapTypeObject *)type)->ht_qualname;
    if (name && PyUnicode_Check(name))
        mp_words_put_text(words, name, LONGEST_NAME);
    else
        mp_words_put(words, type->tp_name);
}
