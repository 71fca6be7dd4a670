/* Tables of text. See print.h. */
#include "base/vec.h"
#include "ctl/print.h"

struct column_row {
    const struct str *cells;
    size_t n;
};

void columns_init(struct columns *t, struct arena *a, unsigned min, unsigned padding) {
    *t = (struct columns){.arena = a, .min = min, .padding = padding};
}

void columns_row(struct columns *t, const struct str *cells, size_t n) {
    struct column_row row = {cells, n};
    struct {
        struct column_row *v;
        size_t n, cap;
    } rows = {t->rows, t->n, t->cap};
    vec_push_in(t->arena, &rows, row);
    t->rows = rows.v;
    t->n = rows.n;
    t->cap = rows.cap;
}

void columns_text(struct columns *t, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    struct str rest = arena_vprintf(t->arena, fmt, ap);
    va_end(ap);
    size_t n = 1;
    for (size_t i = 0; i < rest.n; i++)
        n += rest.p[i] == '\t';
    struct str *cells = arena_new_n(t->arena, n, struct str);
    for (size_t i = 0; i < n; i++)
        (void)str_split(rest, '\t', &cells[i], &rest);
    columns_row(t, cells, n);
}

/* Characters, as far as a terminal is concerned: bytes that begin one. */
static unsigned width_of(struct str s) {
    unsigned n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static void pad(struct buf *out, unsigned n) {
    static const char spaces[] = "                                ";
    for (; n; n -= n < 32 ? n : 32)
        buf_put(out, spaces, n < 32 ? n : 32);
}

/* A column is a run of rows that have a cell there which does not end its line; runs are padded on their own.
 * CONFORMS: elastic tabstops, as text/tabwriter. */
static unsigned run_width(const struct columns *t, size_t column, size_t from, size_t *ret_end) {
    unsigned width = column < t->n_widths ? t->widths[column] : 0;
    size_t i = from;
    for (; i < t->n && column + 1 < t->rows[i].n; i++) {
        unsigned w = width_of(t->rows[i].cells[column]) + t->padding;
        width = w > width ? w : width;
    }
    *ret_end = i;
    return width < t->min ? t->min : width;
}

static void remember_width(struct columns *t, size_t column, unsigned width) {
    if (column < t->n_widths) {
        t->widths[column] = width;
        return;
    }
    unsigned *more = arena_new_n(t->arena, column + 1, unsigned);
    for (size_t i = 0; i < t->n_widths; i++)
        more[i] = t->widths[i];
    more[column] = width;
    t->widths = more;
    t->n_widths = column + 1;
}

void columns_flush(struct columns *t, struct buf *out, bool remember) {
    _cleanup_arena struct arena scratch = ARENA_INIT;
    size_t most = 0;
    for (size_t i = 0; i < t->n; i++)
        most = t->rows[i].n > most ? t->rows[i].n : most;
    unsigned *width = arena_new_n(&scratch, most + 1, unsigned);
    size_t *end = arena_new_n(&scratch, most + 1, size_t); /* of the run that each column is in */
    for (size_t i = 0; i < t->n; i++) {
        const struct column_row *r = &t->rows[i];
        for (size_t k = 0; k + 1 < r->n; k++) {
            if (end[k] <= i) {
                width[k] = run_width(t, k, i, &end[k]);
                if (remember)
                    remember_width(t, k, width[k]);
            }
            buf_str(out, r->cells[k]);
            pad(out, width[k] - width_of(r->cells[k]));
        }
        if (r->n)
            buf_str(out, r->cells[r->n - 1]);
        buf_byte(out, '\n');
    }
    t->rows = NULL;
    t->n = t->cap = 0;
}
