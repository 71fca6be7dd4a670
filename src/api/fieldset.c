/* Path elements and set operations. See fieldset.h.
 *
 * All binary operations are merges of sorted children. A node that would neither be a member nor lead to one
 * is left out, so that an empty set has no nodes and equal sets have equal tries.
 */
#include "api/fieldset.h"

#include "api/field_error.h"
#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"

/* The place of a kind of value in the order of elements. */
static int value_rank(const struct jval *v) {
    static const int rank[] = {[J_INT] = 0,   [J_DOUBLE] = 0, [J_STRING] = 1, [J_BOOL] = 2,
                               [J_ARRAY] = 3, [J_OBJECT] = 4, [J_NULL] = 5};
    return rank[v->kind];
}

static int number_cmp(const struct jval *a, const struct jval *b) {
    if (a->kind == J_INT && b->kind == J_INT)
        return (a->i > b->i) - (a->i < b->i);
    double x = a->kind == J_INT ? (double)a->i : a->d, y = b->kind == J_INT ? (double)b->i : b->d;
    return (x > y) - (x < y);
}

static int value_cmp(const struct jval *a, const struct jval *b) {
    int rank = value_rank(a), c = rank - value_rank(b);
    if (c)
        return c;
    if (rank == 0)
        return number_cmp(a, b);
    uint32_t n = a->n < b->n ? a->n : b->n;
    switch ((enum jkind)a->kind) {
    case J_STRING: return str_cmp(jval_as_str(a), jval_as_str(b));
    case J_BOOL: return a->b - b->b;
    case J_ARRAY:
        for (uint32_t i = 0; i < n && !c; i++)
            c = value_cmp(&a->items[i], &b->items[i]);
        return c ? c : (a->n > b->n) - (a->n < b->n);
    case J_OBJECT:
        for (uint32_t i = 0; i < n && !c; i++) {
            c = str_cmp(a->members[i].key, b->members[i].key);
            c = c ? c : value_cmp(&a->members[i].value, &b->members[i].value);
        }
        return c ? c : (a->n > b->n) - (a->n < b->n);
    default: return 0;
    }
}

int path_el_cmp(const struct path_el *a, const struct path_el *b) {
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->kind == PATH_FIELD)
        return str_cmp(jval_as_str(&a->v), jval_as_str(&b->v));
    return value_cmp(&a->v, &b->v);
}

static void write_value(struct buf *out, const struct jval *v) {
    switch ((enum jkind)v->kind) {
    case J_STRING: field_quote(out, jval_as_str(v)); break;
    case J_ARRAY:
        buf_byte(out, '[');
        for (uint32_t i = 0; i < v->n; i++) {
            if (i)
                buf_byte(out, ',');
            write_value(out, &v->items[i]);
        }
        buf_byte(out, ']');
        break;
    case J_OBJECT:
        buf_byte(out, '{');
        for (uint32_t i = 0; i < v->n; i++) {
            if (i)
                buf_byte(out, ',');
            buf_str(out, v->members[i].key);
            buf_byte(out, '=');
            write_value(out, &v->members[i].value);
        }
        buf_byte(out, '}');
        break;
    default: json_write(out, v); break;
    }
}

static void write_el(struct buf *out, const struct path_el *el) {
    if (el->kind == PATH_FIELD) {
        buf_byte(out, '.');
        buf_str(out, jval_as_str(&el->v));
        return;
    }
    buf_byte(out, '[');
    if (el->kind == PATH_VALUE)
        buf_byte(out, '=');
    if (el->kind != PATH_KEY)
        write_value(out, &el->v);
    for (uint32_t i = 0; el->kind == PATH_KEY && el->v.kind == J_OBJECT && i < el->v.n; i++) {
        if (i)
            buf_byte(out, ',');
        buf_str(out, el->v.members[i].key);
        buf_byte(out, '=');
        write_value(out, &el->v.members[i].value);
    }
    buf_byte(out, ']');
}

void path_write(struct buf *out, const struct path *path) {
    if (!path)
        return;
    path_write(out, path->parent);
    write_el(out, &path->el);
}

size_t fieldset_size(const struct fieldset *set) {
    size_t n = 0;
    for (uint32_t i = 0; i < set->n; i++)
        n += set->kids[i].member + fieldset_size(&set->kids[i]);
    return n;
}

bool fieldset_equal(const struct fieldset *a, const struct fieldset *b) {
    if (a->n != b->n)
        return false;
    if (a->kids == b->kids)
        return true;
    for (uint32_t i = 0; i < a->n; i++) {
        const struct fieldset *x = &a->kids[i], *y = &b->kids[i];
        if (x->member != y->member || path_el_cmp(&x->el, &y->el) != 0 || !fieldset_equal(x, y))
            return false;
    }
    return true;
}

bool fieldset_covers(const struct fieldset *a, const struct fieldset *b) {
    if (a->kids == b->kids && a->n == b->n)
        return true;
    uint32_t i = 0;
    for (uint32_t j = 0; j < b->n; j++) {
        const struct fieldset *y = &b->kids[j];
        while (i < a->n && path_el_cmp(&a->kids[i].el, &y->el) < 0)
            i++;
        if (i == a->n || path_el_cmp(&a->kids[i].el, &y->el) != 0)
            return false;
        if ((y->member && !a->kids[i].member) || !fieldset_covers(&a->kids[i], y))
            return false;
    }
    return true;
}

bool fieldset_overlaps(const struct fieldset *a, const struct fieldset *b) {
    for (uint32_t i = 0, j = 0; i < a->n && j < b->n;) {
        const struct fieldset *x = &a->kids[i], *y = &b->kids[j];
        int c = path_el_cmp(&x->el, &y->el);
        if (c == 0 && ((x->member && y->member) || fieldset_overlaps(x, y)))
            return true;
        i += c <= 0;
        j += c >= 0;
    }
    return false;
}

/* Index of the first child at or after the element. */
static uint32_t kid_index(const struct fieldset *set, const struct path_el *el, bool *ret_found) {
    uint32_t low = 0, high = set->n;
    *ret_found = false;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        int c = path_el_cmp(el, &set->kids[mid].el);
        if (c == 0) {
            *ret_found = true;
            return mid;
        }
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

const struct fieldset *fieldset_kid(const struct fieldset *set, const struct path_el *el) {
    bool found;
    uint32_t i = kid_index(set, el, &found);
    return found ? &set->kids[i] : NULL;
}

const struct fieldset *fieldset_find(const struct fieldset *set, const struct path_el *path, size_t n) {
    for (size_t i = 0; i < n && set; i++)
        set = fieldset_kid(set, &path[i]);
    return set;
}

static void reserve_kid(struct arena *a, struct fieldset *set) {
    if (set->n < set->cap)
        return;
    uint32_t cap = set->cap ? set->cap * 2 : 4;
    struct fieldset *kids = arena_new_n(a, cap, struct fieldset);
    if (set->n)
        memcpy(kids, set->kids, set->n * sizeof *kids);
    set->kids = kids;
    set->cap = cap;
}

struct fieldset *fieldset_push(struct arena *a, struct fieldset *set, const struct path_el *el) {
    reserve_kid(a, set);
    set->kids[set->n] = (struct fieldset){.el = *el};
    return &set->kids[set->n++];
}

void fieldset_insert(struct arena *a, struct fieldset *set, const struct path_el *path, size_t n) {
    for (size_t i = 0; i < n; i++) {
        bool found;
        uint32_t at = kid_index(set, &path[i], &found);
        if (!found) {
            reserve_kid(a, set);
            memmove(&set->kids[at + 1], &set->kids[at], (set->n - at) * sizeof *set->kids);
            set->kids[at] = (struct fieldset){.el = path[i]};
            set->n++;
        }
        set = &set->kids[at];
    }
    set->member = true;
}

void fieldset_insert_names(struct arena *a, struct fieldset *set, const char *dotted) {
    struct str rest = str_from(dotted), head;
    struct path_el path[16];
    size_t n = 0;
    while (rest.n && n < sizeof path / sizeof *path) {
        str_split(rest, '.', &head, &rest);
        path[n++] = path_field(head);
    }
    fieldset_insert(a, set, path, n);
}

/* An operation decides what becomes of a node that both sides have, and which lone nodes stay. */
enum keep { KEEP_LEFT = 1, KEEP_RIGHT = 2 };
typedef struct fieldset (*pair_fn)(struct arena *a, const struct fieldset *x, const struct fieldset *y);

static struct fieldset merge_kids(struct arena *a, const struct fieldset *x, const struct fieldset *y,
                                  unsigned keep, pair_fn pair) {
    struct fieldset out = {.el = x->el};
    uint32_t room = (keep & KEEP_LEFT ? x->n : 0) + (keep & KEEP_RIGHT ? y->n : 0);
    if (!keep)
        room = x->n < y->n ? x->n : y->n;
    out.kids = arena_new_n(a, room, struct fieldset);
    out.cap = room;
    for (uint32_t i = 0, j = 0; i < x->n || j < y->n;) {
        int c = i == x->n ? 1 : j == y->n ? -1 : path_el_cmp(&x->kids[i].el, &y->kids[j].el);
        if (c < 0) {
            if (keep & KEEP_LEFT)
                out.kids[out.n++] = x->kids[i];
            i++;
        } else if (c > 0) {
            if (keep & KEEP_RIGHT)
                out.kids[out.n++] = y->kids[j];
            j++;
        } else {
            struct fieldset both = pair(a, &x->kids[i++], &y->kids[j++]);
            if (both.member || both.n)
                out.kids[out.n++] = both;
        }
    }
    return out;
}

struct fieldset fieldset_union(struct arena *a, const struct fieldset *x, const struct fieldset *y) {
    struct fieldset out = *x;
    if (!x->n || x->kids == y->kids)
        out = *y;
    else if (y->n)
        out = merge_kids(a, x, y, KEEP_LEFT | KEEP_RIGHT, fieldset_union);
    out.member = x->member || y->member;
    return out;
}

struct fieldset fieldset_intersection(struct arena *a, const struct fieldset *x, const struct fieldset *y) {
    struct fieldset out = {.el = x->el};
    if (x->kids == y->kids && x->n == y->n)
        out = *x;
    else if (x->n && y->n)
        out = merge_kids(a, x, y, 0, fieldset_intersection);
    out.member = x->member && y->member;
    return out;
}

struct fieldset fieldset_difference(struct arena *a, const struct fieldset *x, const struct fieldset *y) {
    struct fieldset out = *x;
    if (x->n && y->n)
        out = merge_kids(a, x, y, KEEP_LEFT, fieldset_difference);
    out.member = x->member && !y->member;
    return out;
}

struct fieldset fieldset_difference_below(struct arena *a, const struct fieldset *x,
                                          const struct fieldset *y) {
    struct fieldset out = *x;
    if (y->member)
        return (struct fieldset){.el = x->el};
    if (x->n && y->n)
        out = merge_kids(a, x, y, KEEP_LEFT, fieldset_difference_below);
    out.member = x->member;
    return out;
}

struct fieldset fieldset_below(struct arena *a, const struct fieldset *x, const struct fieldset *y) {
    if (y->member)
        return *x;
    struct fieldset out = {.el = x->el};
    if (x->n && y->n)
        out = merge_kids(a, x, y, 0, fieldset_below);
    out.member = false;
    return out;
}

struct fieldset fieldset_leaves(struct arena *a, const struct fieldset *set) {
    struct fieldset out = {.el = set->el, .member = set->member && !set->n};
    out.kids = arena_new_n(a, set->n, struct fieldset);
    out.cap = set->n;
    for (uint32_t i = 0; i < set->n; i++)
        out.kids[out.n++] = fieldset_leaves(a, &set->kids[i]);
    return out;
}

struct fieldset fieldset_without_prefix(const struct fieldset *set, const struct path_el *el) {
    const struct fieldset *kid = fieldset_kid(set, el);
    return kid ? (struct fieldset){.kids = kid->kids, .n = kid->n, .cap = kid->cap} : (struct fieldset){0};
}

struct fieldset fieldset_with_prefix(struct arena *a, const struct path_el *el, const struct fieldset *x) {
    if (!x->n)
        return (struct fieldset){0};
    struct fieldset out = {.kids = arena_new(a, struct fieldset), .n = 1, .cap = 1};
    *out.kids = *x;
    out.kids->el = *el;
    out.kids->member = false;
    return out;
}

static int each(const struct fieldset *set, const struct path *prefix, fieldset_fn fn, void *ctx) {
    for (uint32_t i = 0; i < set->n; i++) {
        struct path path = {prefix, set->kids[i].el};
        int rc = set->kids[i].member ? fn(ctx, &path) : 0;
        if (rc)
            return rc;
    }
    for (uint32_t i = 0; i < set->n; i++) {
        struct path path = {prefix, set->kids[i].el};
        int rc = each(&set->kids[i], &path, fn, ctx);
        if (rc)
            return rc;
    }
    return 0;
}

int fieldset_each(const struct fieldset *set, fieldset_fn fn, void *ctx) {
    return each(set, NULL, fn, ctx);
}
