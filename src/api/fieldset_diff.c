/* What differs between two versions of an object, as field sets. See fieldset.h.
 *
 * Both values are walked together; the three sets grow only where something differs, through a chain of
 * frames on the stack that makes a node when the first field below it is reported. Members come in element
 * order, so the nodes are appended sorted.
 *
 * CONFORMS: structured-merge-diff: a value that is there on one side only is reported with everything below
 * it; a map or list that goes from null or empty to another of these is one leaf.
 */
#include "api/fieldset.h"

#include "base/arena.h"

enum change { ADDED, MODIFIED, REMOVED, CHANGES };

struct frame {
    struct frame *parent; /* NULL at the root */
    uint32_t depth;       /* 0 at the root */
    struct path_el el;
    struct fieldset *node[CHANGES]; /* NULL: nothing reported there yet */
};

static struct fieldset *node_of(struct arena *a, struct frame *f, enum change what) {
    if (!f->node[what])
        f->node[what] = fieldset_push(a, node_of(a, f->parent, what), &f->el);
    return f->node[what];
}

static void report(struct arena *a, struct frame *f, enum change what) {
    if (f->parent)
        node_of(a, f, what)->member = true;
}

static void compare(struct arena *a, struct frame *f, const struct ref *before, const struct ref *after);

static const struct ref absent;

static void compare_member(struct arena *a, struct frame *parent, struct str name, const struct ref *before,
                           const struct ref *after) {
    struct frame f = {.parent = parent, .depth = parent->depth + 1, .el = path_field(name)};
    compare(a, &f, before, after);
}

/* Either side may be no map: then it has no members. */
__attribute__((noinline)) static void compare_maps(struct arena *a, struct frame *f, const struct ref *before,
                                                   const struct ref *after) {
    struct ref_iter x = ref_iter(*before), y = ref_iter(*after);
    bool more_x = ref_next(&x), more_y = ref_next(&y);
    while (more_x || more_y) {
        int c = !more_x ? 1 : !more_y ? -1 : str_cmp(x.name, y.name);
        compare_member(a, f, c <= 0 ? x.name : y.name, c <= 0 ? &x.value : &absent,
                       c >= 0 ? &y.value : &absent);
        if (c <= 0)
            more_x = ref_next(&x);
        if (c >= 0)
            more_y = ref_next(&y);
    }
}

static void compare_children(struct arena *a, struct frame *f, const struct ref *before,
                             const struct ref *after);

/* The items of one element in a list. */
struct run {
    const struct ref *list;
    const struct item *items;
    uint32_t n;
};

static struct ref run_at(const struct run *r, uint32_t i) {
    return i < r->n ? ref_at(*r->list, r->items[i].i) : absent;
}

static bool runs_equal(const struct run *x, const struct run *y) {
    if (x->n != y->n)
        return false;
    for (uint32_t i = 0; i < x->n; i++)
        if (!ref_equal(run_at(x, i), run_at(y, i)))
            return false;
    return true;
}

__attribute__((noinline)) static void compare_items(struct arena *a, struct frame *f, const struct run *x,
                                                    const struct run *y) {
    struct ref before = run_at(x, 0), after = run_at(y, 0);
    if (x->n <= 1 && y->n <= 1) {
        compare(a, f, &before, &after);
        return;
    }
    /* Something that is there twice is one leaf: its parts cannot be told apart. */
    if (runs_equal(x, y))
        return;
    report(a, f, !x->n ? ADDED : !y->n ? REMOVED : MODIFIED);
    before = ref_unpack(before, a);
    after = ref_unpack(after, a);
    if (x->n == 1)
        compare_children(a, f, &before, &absent);
    if (y->n == 1)
        compare_children(a, f, &absent, &after);
}

static uint32_t run_length(const struct item *items, uint32_t i, uint32_t n) {
    uint32_t end = i + 1;
    while (end < n && items[i].twice && path_el_cmp(&items[i].el, &items[end].el) == 0)
        end++;
    return end - i;
}

__attribute__((noinline)) static void compare_lists(struct arena *a, struct frame *f,
                                                    const struct ref *before, const struct ref *after) {
    const struct item *x = list_items(a, *before), *y = list_items(a, *after);
    uint32_t nx = ref_len(*before), ny = ref_len(*after);
    for (uint32_t i = 0, j = 0; i < nx || j < ny;) {
        int c = i == nx ? 1 : j == ny ? -1 : path_el_cmp(&x[i].el, &y[j].el);
        struct run run_x = {before, x + i, c <= 0 ? run_length(x, i, nx) : 0};
        struct run run_y = {after, y + j, c >= 0 ? run_length(y, j, ny) : 0};
        struct frame item = {.parent = f, .depth = f->depth + 1, .el = c <= 0 ? x[i].el : y[j].el};
        compare_items(a, &item, &run_x, &run_y);
        i += run_x.n;
        j += run_y.n;
    }
}

/* Of a side that has no parts, nothing is compared. */
static void compare_children(struct arena *a, struct frame *f, const struct ref *before,
                             const struct ref *after) {
    if (!ref_granular(*before))
        before = &absent;
    if (!ref_granular(*after))
        after = &absent;
    if (ref_kind(*before) == REF_LIST || ref_kind(*after) == REF_LIST)
        compare_lists(a, f, before, after);
    else
        compare_maps(a, f, before, after);
}

static bool has_children(const struct ref *r) {
    if (!ref_granular(*r))
        return false;
    if (ref_kind(*r) == REF_LIST)
        return ref_len(*r) > 0;
    struct ref_iter it = ref_iter(*r);
    return ref_next(&it);
}

static void compare_leaf(struct arena *a, struct frame *f, const struct ref *before,
                         const struct ref *after) {
    if (before->rep == REP_NONE)
        report(a, f, ADDED);
    else if (after->rep == REP_NONE)
        report(a, f, REMOVED);
    else if (!ref_equal(*before, *after))
        report(a, f, MODIFIED);
}

static void compare_parts(struct arena *a, struct frame *f, const struct ref *before,
                          const struct ref *after) {
    enum ref_kind kb = ref_kind(*before), ka = ref_kind(*after);
    bool nothing_before = kb == REF_ABSENT || kb == REF_NULL,
         nothing_after = ka == REF_ABSENT || ka == REF_NULL;
    if (nothing_before || nothing_after || (kb == ka && ref_granular(*before) && ref_granular(*after))) {
        compare_children(a, f, before, after);
        if (kb == REF_ABSENT)
            report(a, f, ADDED);
        else if (ka == REF_ABSENT)
            report(a, f, REMOVED);
        return;
    }
    /* An untyped value that became of another kind. */
    report(a, f, MODIFIED);
    compare_children(a, f, before, &absent);
    compare_children(a, f, &absent, after);
}

static void compare(struct arena *a, struct frame *f, const struct ref *before, const struct ref *after) {
    if ((before->rep == REP_NONE && after->rep == REP_NONE) || ref_same(before, after))
        return;
    struct ref x = ref_unpack(*before, a), y = ref_unpack(*after, a);
    if (f->depth < FIELDSET_DEPTH_MAX && (has_children(&x) || has_children(&y)))
        compare_parts(a, f, &x, &y);
    else
        compare_leaf(a, f, &x, &y);
}

struct fieldset_diff fieldset_compare(struct arena *a, struct ref before, struct ref after) {
    struct fieldset_diff d = {0};
    struct frame root = {.node = {&d.added, &d.modified, &d.removed}};
    compare(a, &root, &before, &after);
    return d;
}
