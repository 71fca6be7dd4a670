/* api/name_priv: what name.c and name_field.c share: classes of characters, and adding a message. */
#pragma once

#include <stdbool.h>

#include "api/name.h"

enum char_class {
    CHAR_LOWER = 1 << 0,
    CHAR_UPPER = 1 << 1,
    CHAR_DIGIT = 1 << 2,
    CHAR_DASH = 1 << 3,
    CHAR_DOT = 1 << 4,
    CHAR_UNDERSCORE = 1 << 5,
    CHAR_LOWER_ALNUM = CHAR_LOWER | CHAR_DIGIT,
    CHAR_ALPHA = CHAR_LOWER | CHAR_UPPER,
    CHAR_ALNUM = CHAR_ALPHA | CHAR_DIGIT,
};

extern const unsigned char name_char_classes[256];

static inline bool char_is(char c, int classes) {
    return (name_char_classes[(unsigned char)c] & classes) != 0;
}

/* All characters are of these classes; true for "". */
static inline bool chars_are(struct str s, int classes) {
    for (size_t i = 0; i < s.n; i++)
        if (!char_is(s.p[i], classes))
            return false;
    return true;
}

/* first, any number of middle, last: of the given classes; one character must be of first and last. */
static inline bool is_framed(struct str s, int first, int middle, int last) {
    return s.n && char_is(s.p[0], first) && char_is(s.p[s.n - 1], last) &&
           (s.n <= 2 || chars_are(str_make(s.p + 1, s.n - 2), middle));
}

/* Parts between separators, each passing the test; at least one. */
static inline bool are_parts(struct str s, char separator, bool (*test)(struct str part)) {
    struct str part;
    bool more;
    do {
        more = str_split(s, separator, &part, &s);
        if (!test(part))
            return false;
    } while (more);
    return true;
}

bool name_is_dns1123_label(struct str s);     /* of any length */
bool name_is_dns1123_subdomain(struct str s); /* of any length */

/* Returns ERR_INVALID. */
int name_error(struct name_errors *errors, struct str message);
