/* ctl/jsonpath: kubectl's templates of JSON paths: "{.items[*].metadata.name}", with ranges, filters and
 * texts.
 *
 * A parsed template is never changed; it and results lie in the arena given. Any thread.
 *
 * CONFORMS: client-go's jsonpath, but for the words of some complaints.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "codec/jval.h"

struct arena;
struct buf;
struct err;
struct jsonpath;

/* ERR_INVALID: what is wrong with it. */
int jsonpath_parse(struct arena *a, struct str text, struct jsonpath **ret, struct err *err);

/* The relaxed form of --sort-by and custom columns ("metadata.name", ".x", "{x}", "{.x}") as a template. */
int jsonpath_relaxed(struct arena *a, struct str text, struct str *ret, struct err *err);

/* Values, borrowed from the tree. */
struct jsonpath_values {
    const struct jval **v;
    size_t n, cap;
};

/* What the template's paths find, all together. missing_ok: fields that are not there are nothing, else an
 * error. */
int jsonpath_find(const struct jsonpath *j, const struct jval *root, bool missing_ok, struct arena *a,
                  struct jsonpath_values *ret, struct err *err);
/* The template with its values: texts as they are, numbers, and JSON of everything else. */
int jsonpath_print(const struct jsonpath *j, const struct jval *root, bool missing_ok, struct buf *out,
                   struct err *err);
/* The values of each path as a JSON array, indented. */
int jsonpath_print_json(const struct jsonpath *j, const struct jval *root, bool missing_ok, struct buf *out,
                        struct err *err);
