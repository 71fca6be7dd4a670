/* ctl/print: objects as -o says: names, JSON, YAML, templates, or a line about what happened to them.
 *
 * A printer lies in the invocation's arena.
 */
#pragma once

#include "ctl/ctl.h"

struct printer;
struct resource;
struct target;

/* For commands that change objects: "pod/x labeled" without -o. Reads -o, --template,
 * --allow-missing-template-keys, --show-managed-fields and --dry-run of the command. formats: what -o may be
 * ("json, yaml, …"), NULL: the usual ones. */
int printer_new(struct ctl *c, struct printer **ret, struct problem *p);
/* Prints one object; done: "created", used without -o. resource: for its name, NULL: of the object's kind. */
int printer_print(struct printer *pr, const struct resource *r, const struct jval *object, const char *done,
                  struct problem *p);
/* The same for an object in the form of upstream's types (typed_form): JSON comes in the order of the types.
 */
int printer_print_typed(struct printer *pr, const struct jval *object, const char *done, struct problem *p);
/* Whether -o was given at all, and whether -o name was. */
bool printer_is_plain(const struct printer *pr);
/* Lines say nothing of --dry-run. */
void printer_without_suffix(struct printer *pr);
/* For commands with other forms of their own: reads the same flags, with this -o. */
int printer_for(struct ctl *c, struct str output, struct printer **ret, struct problem *p);

/* -- tables of text -- */

/* Columns at least `min` wide and `padding` apart; a cell that ends its line is not padded. As kubectl's
 * tables are: 6 and 3. */
struct columns {
    struct arena *arena;
    unsigned min, padding;
    struct column_row *rows;
    size_t n, cap;
    unsigned *widths; /* remembered from earlier flushes, so that later rows stand below earlier ones */
    size_t n_widths;
};
void columns_init(struct columns *t, struct arena *a, unsigned min, unsigned padding);
/* Cells are borrowed until the flush. */
void columns_row(struct columns *t, const struct str *cells, size_t n);
/* A row from a text with tabs between cells: "a\tb\tc". Copied. */
void columns_text(struct columns *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends the rows as lines, and forgets them. remember: later ones are at least as wide. */
void columns_flush(struct columns *t, struct buf *out, bool remember);
