#include "cmd/shared/words.h"

#include <string.h>

int mp_word_of(const char *words, const char *value)
{
    size_t length = strlen(value);
    for (int number = 0; *words; number++) {
        size_t its = strcspn(words, " ");
        if (its == length && !strncmp(words, value, its))
            return number;
        words += its + strspn(words + its, " ");
    }
    return -1;
}
