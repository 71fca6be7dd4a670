/* What the files of api/table share: how a cell is written. Inside table*.c only. */
#pragma once

#include "api/kind.h"
#include "api/table.h"
#include "api/types/ids.h"
#include "base/buf.h"

/* One cell in the making. Functions write either text (with cell_* or straight into `text`), which becomes a
 * JSON string, or one bare value (cell_int, cell_bool). */
struct cell {
    const void *object;
    int64_t now_ns;
    struct buf *out;  /* bare values go here */
    struct buf *text; /* everything else here */
    bool bare;
};

typedef void (*cell_fn)(struct cell *c);

struct cell_row {
    uint16_t type; /* TY_* */
    const char *column;
    cell_fn fn;
};

/* Each ends with a row of type 0. */
extern const struct cell_row cells_core[], cells_pod[], cells_workload[], cells_policy[];

void cell_int(struct cell *c, int64_t v);
void cell_bool(struct cell *c, bool v);
void cell_str(struct cell *c, struct str s);
void cell_text(struct cell *c, const char *s);

/* The text, or `otherwise` when it is empty. */
void cell_or(struct cell *c, struct str s, const char *otherwise);

/* Separator before all but the first part. */
void cell_sep(struct cell *c, const char *sep);

/* How long ago it was ("5m"), or `otherwise` when it is not set. */
void cell_since(struct cell *c, struct timestamp t, const char *otherwise);
void cell_human(struct cell *c, int64_t ns);

/* k=v sorted, joined by commas; <none> when empty. */
void cell_map(struct cell *c, struct str_map m);

/* Strings joined, or `otherwise`. */
void cell_list(struct cell *c, struct str_array a, const char *sep, const char *otherwise);

/* " + 3 more..." */
void cell_more(struct cell *c, uint32_t n);

/* Sorted, each once, joined by commas. Sorts v in place. */
void cell_strs(struct cell *c, struct str *v, size_t n);

/* ASCII only; writes the text. */
void cell_lower(struct cell *c, struct str s);

struct meta_label_selector;
struct core_pod_template_spec;
/* The selector's text; `empty` when it selects everything or is absent, `bad` when it is malformed. */
void cell_selector(struct cell *c, const struct meta_label_selector *s, const char *empty, const char *bad);
void cell_container_names(struct cell *c, const struct core_pod_template_spec *t);
void cell_container_images(struct cell *c, const struct core_pod_template_spec *t);
