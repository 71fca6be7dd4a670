/* ctl/object: reading and changing JSON trees of objects. Any thread; results lie in the arena given. */
#pragma once

#include "base/arena.h"
#include "codec/jval.h"

static inline struct str object_name(const struct jval *o) {
    return jval_get_str(jval_get(o, S("metadata")), S("name"));
}
static inline struct str object_namespace(const struct jval *o) {
    return jval_get_str(jval_get(o, S("metadata")), S("namespace"));
}
static inline struct str object_kind(const struct jval *o) {
    return jval_get_str(o, S("kind"));
}
static inline struct str object_api_version(const struct jval *o) {
    return jval_get_str(o, S("apiVersion"));
}

/* A string at a dotted path, or "". */
struct str object_str(const struct jval *o, const char *dotted);
/* A whole number there, or `otherwise`. */
int64_t object_int(const struct jval *o, const char *dotted, int64_t otherwise);
bool object_bool(const struct jval *o, const char *dotted);
/* An array there; NULL when there is none (or something else). */
const struct jval *object_array(const struct jval *o, const char *dotted);
struct str object_annotation(const struct jval *o, struct str key);
struct str object_label(const struct jval *o, struct str key);

/* A copy with the value at the dotted path set (objects on the way are made), or taken out. */
struct jval object_with(struct arena *a, const struct jval *o, const char *dotted, struct jval value);
struct jval object_without(struct arena *a, const struct jval *o, const char *dotted);
/* The same along keys that may have dots in them. */
struct jval object_with_keys(struct arena *a, const struct jval *o, const struct str *keys, size_t n,
                             struct jval value);
struct jval object_without_keys(struct arena *a, const struct jval *o, const struct str *keys, size_t n);
struct jval object_with_annotation(struct arena *a, const struct jval *o, struct str key, struct str value);

/* An array being built. */
struct jlist {
    struct jval *v;
    size_t n, cap;
};
void jlist_add(struct arena *a, struct jlist *l, struct jval v);
static inline struct jval jlist_done(const struct jlist *l) {
    return jval_array(l->v, l->n);
}

/* A selector of labels (matchLabels and matchExpressions) as text, sorted by key: "a=b,c in (d,e)"; "" when
 * it is empty or absent. */
struct str selector_text(struct arena *a, const struct jval *selector);

/* Compact JSON in the arena. */
struct str object_json(struct arena *a, const struct jval *o);
