/* ctl/table_print: tables that the server made, as rows of text.
 *
 * A printer lies in the invocation's arena; rows are collected until the flush, so that they share widths.
 */
#pragma once

#include "ctl/print.h"

struct table_style {
    bool no_headers, wide, show_labels;
    bool namespaces; /* a column with the object's */
    bool kinds;      /* "pod/x" */
    const struct str *label_columns;
    size_t n_label_columns;
    struct str event; /* of a watch: a column with it; absent: none */
};

struct table_printer {
    struct ctl *c;
    struct columns columns;
    const struct jval *definitions; /* of the last table that had some */
    const struct resource *resource;
    struct str head; /* the header line that was printed last, as text */
    struct arena rows;
    unsigned *kept; /* widths, between flushes */
    size_t n_kept;
};

void table_printer_init(struct table_printer *t, struct ctl *c);
void table_printer_fini(struct table_printer *t);

/* A Table, or else an object or a list, of which only names and ages are shown. resource NULL: of no kind. */
void table_print(struct table_printer *t, const struct jval *table, const struct resource *r,
                 const struct table_style *style);
/* Another kind begins: headers are printed anew. */
void table_begin(struct table_printer *t);
/* Prints what was collected; later rows stand below. */
void table_flush(struct table_printer *t);

/* The rows of a table in an order; NULL when it has none. */
bool table_is(const struct jval *o);
/* A cell as text, into the buffer: its first line, without control characters. */
void table_cell(struct buf *out, const struct jval *cell);
/* A value as the Go program prints it with %v. */
void go_value(struct buf *out, const struct jval *v);
/* How long ago a time was, as text: "5m"; "<unknown>" for what is no time. */
struct str age_text(struct ctl *c, struct str time);
