/* codec/yaml: YAML text to JSON trees and back, as upstream's tools read and print it.
 *
 * CONFORMS: sigs.k8s.io/yaml over go-yaml v2, without a target type, which is how the API server reads
 * request bodies and kubectl reads files: plain scalars resolve as in YAML 1.1 (yes, on and y are booleans,
 * 0755 is octal, 1_000 is a number; base 60 is not), what looks like a time is a string, keys that are
 * numbers or booleans become strings, later keys and merged maps replace earlier ones, infinity and NaN are
 * refused, and of a text with several documents the first counts. Complaints have go-yaml's words:
 * "yaml: line 3: did not find expected key".
 *
 * Reading is bounded: depth and size by json_limits, memory by a small multiple of the input; aliases may
 * stand for more than the text holds only within YAML_ALIAS_* below. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "codec/json.h"

struct arena;
struct buf;
struct err;

/* Aliases and merged maps together may bring in at most this many bytes of keys and strings for each byte of
 * text, and some for any text. Their number of values is bounded as by go-yaml: beyond the first thousand
 * values, at most 99 of 100 may come from aliases, falling to 10 of 100 in documents of four million. */
#define YAML_ALIAS_GROWTH_MAX 100
#define YAML_ALIAS_BYTES_MIN ((size_t)1 << 20)

/* The first document; null when there is none. limits may be NULL. With `strict` (may be NULL), keys that are
 * set twice in one map are reported, all in one complaint with their lines. The tree owes nothing to `text`.
 */
int yaml_parse(struct arena *a, struct str text, const struct json_limits *limits,
               struct strict_errors *strict, struct jval *ret_value, struct err *err);

/* The same as compact JSON text. */
int yaml_to_json(struct buf *out, struct str text, const struct json_limits *limits,
                 struct strict_errors *strict, struct err *err);

/* One document after another, as kubectl takes a file apart: lines that begin with --- separate YAML
 * documents; a text that begins with { is a sequence of JSON values. Documents without a value (or with null)
 * are left out. Lines are counted within each document. */
struct yaml_reader {
    struct str rest; /* not yet read; borrowed */
    bool json;
    struct json_limits limits;
};

void yaml_reader_init(struct yaml_reader *r, struct str text, const struct json_limits *limits);

/* *ret_found tells whether there was another document. After an error the reader is at its end. */
int yaml_reader_next(struct yaml_reader *r, struct arena *a, struct strict_errors *strict,
                     struct jval *ret_value, bool *ret_found, struct err *err);

/* Appends a document, as kubectl get -o yaml prints it: keys in go-yaml's order (numbers in them count),
 * lists not indented under their key, strings quoted when they would read as something else, texts of several
 * lines as blocks, long lines folded at spaces. */
void yaml_write(struct buf *out, const struct jval *v);
