/* api/label_selector: filters on labels, compiled once and matched often.
 *
 * A selector comes from a text ("app=web,tier in (a,b),!canary"), from a meta.v1.LabelSelector, or from a map
 * of labels. It is a list of requirements that must all hold, sorted by key. Matching allocates nothing.
 *
 * Compiled selectors live in the arena they were made in. Those made from structs and maps also borrow the
 * strings of these, which must live as long. They never change: any thread may match.
 */
#pragma once

#include "api/value.h"

struct arena;
struct buf;
struct err;
struct meta_label_selector;

enum label_op {
    LABEL_EQUALS,        /* key=value */
    LABEL_DOUBLE_EQUALS, /* key==value */
    LABEL_NOT_EQUALS,    /* key!=value; holds without the label too */
    LABEL_IN,            /* key in (a,b) */
    LABEL_NOT_IN,        /* key notin (a,b); holds without the label too */
    LABEL_EXISTS,        /* key */
    LABEL_NOT_EXISTS,    /* !key */
    LABEL_GREATER,       /* key>5: label and value are integers */
    LABEL_LESS,          /* key<5 */
};

struct label_requirement {
    struct str key;
    const struct str *values; /* sorted, each once */
    uint32_t n;
    uint8_t op;    /* enum label_op */
    int64_t bound; /* of LABEL_GREATER and LABEL_LESS: the value */
};

/* Zeroed, it matches everything. */
struct label_selector {
    const struct label_requirement *v; /* sorted by key */
    uint32_t n;
    bool nothing; /* matches nothing, whatever the requirements */
};

#define LABEL_EVERYTHING ((struct label_selector){.n = 0})
#define LABEL_NOTHING ((struct label_selector){.nothing = true})

/* Longer texts are refused with ERR_TOO_LARGE. */
#define LABEL_SELECTOR_BYTES_MAX (256u * 1024)

/* Reads a text; "" matches everything. Copies what it keeps. CONFORMS: labels.Parse. */
int label_selector_parse(struct arena *a, struct str text, struct label_selector *ret, struct err *err);

/* Checks and compiles: NULL matches nothing, an empty one everything. CONFORMS: LabelSelectorAsSelector. */
int label_selector_compile(struct arena *a, const struct meta_label_selector *from,
                           struct label_selector *ret, struct err *err);

/* All of these labels; an empty map matches everything. Nothing is checked. */
struct label_selector label_selector_of_map(struct arena *a, struct str_map labels);

/* One requirement, checked; values are sorted in the arena. CONFORMS: labels.NewRequirement. */
int label_requirement_make(struct arena *a, struct str key, enum label_op op, const struct str *values,
                           uint32_t n, struct label_requirement *ret, struct err *err);

/* A selector of requirements, which it sorts in place and keeps. */
struct label_selector label_selector_of(struct label_requirement *requirements, uint32_t n);

bool label_requirement_matches(const struct label_requirement *r, struct str_map labels);
bool label_selector_matches(const struct label_selector *s, struct str_map labels);

/* The same straight from the struct, for a single look. What does not compile because of its operators or
 * numbers of values matches nothing; the texts are not checked. */
bool label_selector_struct_matches(const struct meta_label_selector *s, struct str_map labels);

/* Whether all labels of the first map are in the second: what the selector of a Service means. */
bool label_map_matches(struct str_map selector, struct str_map labels);

static inline bool label_selector_is_everything(const struct label_selector *s) {
    return !s->nothing && s->n == 0;
}

/* Whether the selector wants the label to have exactly this one value. */
bool label_selector_requires(const struct label_selector *s, struct str key, struct str *ret_value);

/* Appends the canonical text, which reads back as the same selector (but for a set of the empty value alone);
 * "" for everything and for nothing. */
void label_selector_write(struct buf *out, const struct label_selector *s);

/* Appends what is shown to people: the canonical text, "<none>", or "<error>". CONFORMS:
 * FormatLabelSelector. */
void label_selector_show(struct buf *out, const struct meta_label_selector *s);
