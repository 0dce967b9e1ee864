/* Options that take one of several words, as completions list them: "a b c". */
#ifndef MP_CMD_SHARED_WORDS_H
#define MP_CMD_SHARED_WORDS_H

/* Which of the words a value is, from 0 on, or -1. */
int mp_word_of(const char *words, const char *value);

#endif
