/* test/fuzz: what a fuzzer is made of.
 *
 * A fuzzer reads one hostile input per call, keeps nothing between calls and aborts through must() when a
 * property of what it reads does not hold.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define must(condition) check(condition)

static inline struct str fuzz_text(const uint8_t *data, size_t n) {
    return str_make((const char *)data, n);
}
