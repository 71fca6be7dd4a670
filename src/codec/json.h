/* codec/json: JSON text, without any schema: lexing, trees, writing.
 *
 * CONFORMS: RFC 8259, as upstream's decoder reads it: UTF-8 is checked (invalid bytes are an error), a BOM is
 * not accepted, numbers keep int64 exactly, lone surrogate escapes become U+FFFD, duplicate keys are reported
 * through the strict sink and the last one wins. Written text is compact, with Go's escaping of <, >, &,
 * U+2028 and U+2029.
 *
 * Everything is bounded: depth and size by json_limits, memory by a small multiple of the input. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "codec/jval.h"

struct arena;
struct buf;
struct err;

#define JSON_DEPTH_MAX 1000u                /* nesting; deeper text is refused */
#define JSON_SIZE_MAX (64u * 1024 * 1024)   /* bytes of text; callers set lower limits for request bodies */
#define JSON_MEMBERS_MAX (4u * 1024 * 1024) /* values in one text */

struct json_limits {
    uint32_t depth;    /* 0: JSON_DEPTH_MAX */
    size_t size_bytes; /* 0: JSON_SIZE_MAX */
};

/* Complaints of strict reading that do not stop it, each with the path of the field: unknown field
 * "spec.foo", duplicate field "spec.foo". Texts live in the arena; at most STRICT_MAX are kept. */
#define STRICT_MAX 100
struct strict_errors {
    struct str *v;
    size_t n, cap;
    struct arena *arena;
    struct str prefix; /* path of what is being read, when it is part of something larger; else absent */
};
void strict_add(struct strict_errors *s, const char *what, struct str path);

/* Parses one JSON value that fills the whole text. Strings without escapes point into `text`, which must live
 * as long as the tree (copy it to the arena first if it does not). strict may be NULL. */
int json_parse(struct arena *a, struct str text, const struct json_limits *limits,
               struct strict_errors *strict, struct jval *ret_value, struct err *err);

/* Appends compact JSON. */
void json_write(struct buf *out, const struct jval *v);

/* With indentation, as kubectl prints it: 4 spaces for "    ". */
void json_write_indented(struct buf *out, const struct jval *v, const char *indent);

/* Appends a string with quotes and escapes. */
void json_write_string(struct buf *out, struct str s);

/* Appends a double as Go's encoding/json does (shortest form, exponent from 1e21 and below 1e-6). */
void json_write_double(struct buf *out, double d);

/* Checks `text` as one JSON value and appends it without insignificant white space; for raw values. */
int json_compact(struct buf *out, struct str text, const struct json_limits *limits, struct err *err);

/* Appends compact JSON text with indentation (input must be valid JSON). */
void json_indent(struct buf *out, struct str text, const char *indent);
