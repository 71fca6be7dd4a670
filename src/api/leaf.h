/* api/leaf: text, equality and hash of single leaf values, for the generic operations of api/.
 *
 * `p` points at the plain C value that value.h and schema.h say for the leaf. No messages and no trees. Pure
 * functions, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/schema.h"

struct arena;

/* The text of what JSON writes as a string: strings, bytes, quantities, times, durations and the string form
 * of int-or-strings; borrowed or made in `a`. Raw leaves give their text. STR_NONE for all else. */
struct str leaf_text(uint8_t leaf, const void *p, struct arena *a);

/* Whether an optional value (a struct opt_*, or a leaf that knows whether it is set) is there. */
bool leaf_opt_present(uint8_t leaf, const void *p);

/* Same meaning: quantities by value, times by instant, everything else exactly; an unset leaf equals an unset
 * one. */
bool leaf_equal(uint8_t leaf, const void *x, const void *y);

/* Whether two JSON strings mean the same quantity, time or duration although their texts may differ. */
bool leaf_text_equal(uint8_t leaf, struct str x, struct str y);

/* Adds the value to a running hash: what is leaf_equal hashes alike. Not keyed and the same in every process.
 */
uint64_t leaf_hash(uint64_t h, uint8_t leaf, const void *p);
