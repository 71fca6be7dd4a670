/* api/json_patch: JSON Patch: a list of operations that change a JSON document one after the other.
 *
 * CONFORMS: RFC 6902 and RFC 6901, with the liberties that API servers grant: array indexes may be negative
 * (counted from the end) or written with a sign or leading zeros, a stray '~' stands for itself, a missing
 * "value" is null, and a test for null passes where the member is absent.
 *
 * Reading and applying are apart because they fail differently: a patch that cannot be read is a bad request,
 * one that does not apply is an unprocessable one. Work and memory are bounded by the limits below. Results
 * share memory with the document and the patch, which must outlive them. Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "codec/jval.h"

struct arena;
struct err;

#define JSON_PATCH_OPERATIONS_MAX 10000u
#define JSON_PATCH_COPY_BYTES_MAX (3u * 1024 * 1024)     /* all that copy operations add, as JSON */
#define JSON_PATCH_WORK_MAX (UINT64_C(64) * 1024 * 1024) /* list items and members moved out of the way */

enum json_patch_verb {
    JSON_PATCH_ADD,
    JSON_PATCH_REMOVE,
    JSON_PATCH_REPLACE,
    JSON_PATCH_MOVE,
    JSON_PATCH_COPY,
    JSON_PATCH_TEST,
};

struct json_patch_operation {
    uint8_t verb; /* enum json_patch_verb */
    struct str path;
    struct str from; /* move and copy */
    struct jval value;
};

struct json_patch {
    const struct json_patch_operation *v;
    uint32_t n;
};

/* Checks the form of a patch document. ERR_INVALID when it is malformed, ERR_TOO_LARGE past a limit. */
int json_patch_read(struct arena *a, const struct jval *document, struct json_patch *ret_patch,
                    struct err *err);

/* All operations or none. ERR_INVALID when an operation does not apply, ERR_CONFLICT when a test does not
 * hold, ERR_TOO_LARGE past a limit; the message names the operation by index, verb and path. */
int json_patch_apply(struct arena *a, const struct json_patch *patch, const struct jval *target,
                     struct jval *ret_result, struct err *err);
