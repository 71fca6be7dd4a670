/* codec/base64: RFC 4648.
 *
 * CONFORMS: RFC 4648 sections 4 and 5. Reading is as lenient as upstream's decoder: line breaks are skipped,
 * unused bits of the last group may be set; anything else is an error with its offset. Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;

enum base64_form {
    BASE64_STD, /* + and /, padded */
    BASE64_URL, /* - and _, not padded: JWT, file names */
};

/* Exact length of n bytes encoded. */
size_t base64_encoded_len(size_t n, enum base64_form form);

/* Writes base64_encoded_len() characters, no NUL; returns their number. */
size_t base64_encode(enum base64_form form, struct str bytes, char *to);

/* Enough room for `n` characters decoded. */
static inline size_t base64_decoded_max(size_t n) {
    return n / 4 * 3 + 3;
}

/* `to` has room for base64_decoded_max(text.n) bytes; what is in it on failure is undefined. */
int base64_decode(enum base64_form form, struct str text, char *to, size_t *ret_n, struct err *err);
