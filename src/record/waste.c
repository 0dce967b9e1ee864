#include "record/waste.h"

#include <stddef.h>
#include <stdio.h>

/* The words of those that fit a smaller type end in it. */
static const struct {
    const char *name, *words;
} kinds[MP_WASTE_KINDS] = {
    [MP_WASTE_COPIES] = {"copies", "copies of others: one would do"},
    [MP_WASTE_EMPTY] = {"empty", "empty: None would do until something is put in"},
    [MP_WASTE_SPARSE] = {"sparse", "less than half full: one built anew is smaller"},
    [MP_WASTE_SPARE] = {"spare", "room for items that are not there: a copy has none"},
    [MP_WASTE_DICTS] = {"dicts", "attributes in dicts: __slots__ would hold them"},
    [MP_WASTE_NUMBERS] = {"numbers", "numbers that an array would hold as "},
    [MP_WASTE_WIDE] = {"wide", "numbers that all fit "},
    [MP_WASTE_REPEATED] = {"repeated", "few texts, repeated: categories would hold them"},
};

const char *mp_waste_name(enum mp_waste_kind kind)
{
    return kinds[kind].name;
}

const char *mp_waste_type(uint32_t code)
{
    return code == 'b'   ? "int8"
           : code == 'h' ? "int16"
           : code == 'i' ? "int32"
           : code == 'q' ? "int64"
           : code == 'f' ? "float32"
           : code == 'd' ? "float64"
                         : NULL;
}

void mp_waste_say(char text[MP_WASTE_LONGEST], enum mp_waste_kind kind, uint32_t code)
{
    const char *type = mp_waste_type(code);
    snprintf(text, MP_WASTE_LONGEST, "%s%s", kinds[kind].words, type ? type : "");
}
