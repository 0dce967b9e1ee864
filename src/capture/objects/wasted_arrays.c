/* Arrays of NumPy: values that a smaller type would hold, texts that repeat. */
#include "capture/objects/references.h"
#include "capture/objects/sizes.h"
#include "capture/objects/wasted.h"

#include <math.h>
#include <string.h>

enum { WORD = sizeof(void *), LEAST = 128, AT_ONCE = 1024, FEW_OF = 4 };

static const struct mp_wasted nothing;

bool mp_wasted_may_read(struct mp_wasted_limits *limits, uint64_t bytes)
{
    bool may = bytes <= limits->left;
    limits->left -= may ? bytes : 0;
    limits->unseen += may ? 0 : bytes;
    return may;
}

/* Elements of eight bytes that lie one behind the other; 0: they do not. */
static size_t count_words(const struct mp_ndarray *array)
{
    size_t count = 1;
    for (int i = 0; i < array->dimensions; i++)
        count *= (size_t)array->shape[i];
    return array->owns && array->data && count >= LEAST &&
                   mp_ndarray_bytes(array) == count * WORD
               ? count
               : 0;
}

/* NaN is NaN in both. */
static bool fit_floats(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i += AT_ONCE) {
        int wrong = 0;
        for (size_t k = i; k < count && k < i + AT_ONCE; k++)
            wrong |= values[k] == values[k] && (double)(float)values[k] != values[k];
        if (wrong)
            return false;
    }
    return true;
}

static uint32_t fit_ints(const int64_t *values, size_t count, size_t *width)
{
    int64_t least = values[0], most = values[0];
    for (size_t i = 0; i < count; i++) {
        least = values[i] < least ? values[i] : least;
        most = values[i] > most ? values[i] : most;
    }
    return mp_wasted_code(least, most, width);
}

static struct mp_wasted of_numbers(const struct mp_ndarray *array, size_t count)
{
    size_t width = sizeof(float);
    uint32_t code = 'f';
    if (array->kind == 'i')
        code = fit_ints((const int64_t *)(const void *)array->data, count, &width);
    else if (!fit_floats((const double *)(const void *)array->data, count))
        return nothing;
    return (struct mp_wasted){
        .saved = count * (WORD - width), .kind = MP_WASTE_WIDE, .code = code};
}

/* Adds what only the array keeps of a text that another element has too. */
static bool add_text(struct mp_wasted_limits *limits, PyObject *text, uint64_t *own)
{
    if (!text || text == Py_None || PyFloat_CheckExact(text))
        return true; /* nothing there, as pandas has it */
    if (!PyUnicode_CheckExact(text) || !PyUnicode_IS_READY(text) ||
        !mp_wasted_may_read(limits, mp_copies_length(text)))
        return false;
    PyObject *first = mp_copies_first(&limits->few, text);
    if (first && first != text && Py_REFCNT(text) == 1)
        *own += mp_size_of(text);
    return first;
}

static struct mp_wasted of_texts(const struct mp_ndarray *array, size_t count,
                                 struct mp_wasted_limits *limits)
{
    struct mp_copies *few = &limits->few;
    PyObject *const *texts = (PyObject *const *)(void *)array->data;
    size_t most = count / FEW_OF < MP_WASTED_FEW ? count / FEW_OF : MP_WASTED_FEW, width;
    uint64_t own = 0;
    mp_copies_clear(few, most + 1);
    for (size_t i = 0; i < count; i++)
        if (!add_text(limits, texts[i], &own) || few->count > most)
            return nothing;
    if (!few->count)
        return nothing;
    mp_wasted_code(-1, (long long)few->count - 1, &width);
    return (struct mp_wasted){
        .saved = count * (WORD - width) + own, .bytes = own, .kind = MP_WASTE_REPEATED};
}

struct mp_wasted mp_wasted_array(PyObject *object, struct mp_wasted_limits *limits)
{
    struct mp_ndarray array = {0};
    size_t count = mp_ndarray_of(object, &array) ? count_words(&array) : 0;
    bool texts = array.kind == 'O';
    if (!count || (!texts && !mp_ndarray_is_word(&array)) ||
        !mp_wasted_may_read(limits, count * WORD))
        return nothing;
    struct mp_wasted wasted =
        texts ? of_texts(&array, count, limits) : of_numbers(&array, count);
    wasted.bytes += mp_size_of(object);
    wasted.block = (uintptr_t)array.data;
    return wasted;
}
