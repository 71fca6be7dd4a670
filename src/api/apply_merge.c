/* Merging and pruning of values. See apply.h.
 *
 * Where the configuration changes nothing, the result is the live value itself and not a copy of it, up to
 * the whole object: what is the same node need not be compared any more. Equal is what means the same, so
 * that "1" stays "1" when "1000m" is applied.
 */
#include "api/apply.h"

#include "base/arena.h"

static const struct ref absent;

static bool empty_map(struct ref r) {
    struct ref_iter it = ref_iter(r);
    return !ref_next(&it);
}

static bool same_node(const struct jval *x, const struct jval *y) {
    return x->kind == y->kind && x->b == y->b && x->n == y->n && x->i == y->i;
}

static struct jval merge(struct arena *a, const struct ref *live, const struct ref *config, uint32_t depth);

__attribute__((noinline)) static struct jval merge_maps(struct arena *a, const struct ref *live,
                                                        const struct ref *config, uint32_t depth) {
    struct jobject out = {0};
    struct ref_iter x = ref_iter(*live), y = ref_iter(*config);
    bool more_x = ref_next(&x), more_y = ref_next(&y), same = live->rep == REP_TREE;
    while (more_x || more_y) {
        int c = !more_x ? 1 : !more_y ? -1 : str_cmp(x.name, y.name);
        struct jval v = merge(a, c <= 0 ? &x.value : &absent, c >= 0 ? &y.value : &absent, depth + 1);
        jobject_set(a, &out, c <= 0 ? x.name : y.name, v);
        same = same && c <= 0 && same_node(&v, x.value.p);
        if (c <= 0)
            more_x = ref_next(&x);
        if (c >= 0)
            more_y = ref_next(&y);
    }
    return same ? *(const struct jval *)live->p : jobject_done(&out);
}

#define NONE UINT32_MAX

/* One side of a list merge. */
struct side {
    struct ref list;
    uint32_t n;
    uint32_t *other; /* per item: the first item of the other side with its element, or NONE */
    bool *twice;     /* per item: its element is there more than once */
};

static struct side side_of(struct arena *a, struct ref list, const struct item *items) {
    struct side s = {list, ref_len(list), NULL, NULL};
    s.other = arena_new_n(a, s.n, uint32_t);
    s.twice = arena_new_n(a, s.n, bool);
    for (uint32_t i = 0; i < s.n; i++) {
        s.other[i] = NONE;
        s.twice[items[i].i] = items[i].twice;
    }
    return s;
}

/* Finds each item's counterpart; items of one element are next to each other, the first one first. */
static void match(struct side *x, const struct item *ix, struct side *y, const struct item *iy) {
    for (uint32_t i = 0, j = 0; i < x->n && j < y->n;) {
        int c = path_el_cmp(&ix[i].el, &iy[j].el);
        uint32_t end_i = i + 1, end_j = j + 1;
        while (end_i < x->n && ix[i].twice && path_el_cmp(&ix[i].el, &ix[end_i].el) == 0)
            end_i++;
        while (end_j < y->n && iy[j].twice && path_el_cmp(&iy[j].el, &iy[end_j].el) == 0)
            end_j++;
        if (c == 0) {
            for (uint32_t k = i; k < end_i; k++)
                x->other[ix[k].i] = iy[j].i;
            for (uint32_t k = j; k < end_j; k++)
                y->other[iy[k].i] = ix[i].i;
        }
        if (c <= 0)
            i = end_i;
        if (c >= 0)
            j = end_j;
    }
}

/* The state of a list merge: live and config are walked in order, config decides. */
struct list_merge {
    struct arena *a;
    uint32_t depth; /* of the items */
    struct side live, config;
    bool *done;    /* per config item: already in the result */
    uint32_t next; /* the config item that, of those also in live, comes next */
    struct jval *out;
    uint32_t n;
};

static void find_next(struct list_merge *m, uint32_t from) {
    while (from < m->config.n && m->config.other[from] == NONE)
        from++;
    m->next = from;
}

/* Puts config item j, merged with its live counterpart. Of items that are there twice in live none can be
 * told to be the counterpart: the applied one replaces them. */
static void put_config(struct list_merge *m, uint32_t j) {
    uint32_t i = m->config.other[j];
    struct ref live = i != NONE && !m->live.twice[i] ? ref_at(m->live.list, i) : absent;
    struct ref config = ref_at(m->config.list, j);
    m->out[m->n++] = merge(m->a, &live, &config, m->depth);
    m->done[j] = true;
    if (j == m->next)
        find_next(m, j + 1);
}

/* CONFORMS: structured-merge-diff's order of merged lists: the items of the configuration in their order; an
 * item that only live has comes before the shared item that it stood before. */
static void merge_items(struct list_merge *m) {
    uint32_t i = 0, j = 0;
    while (i < m->live.n || j < m->config.n) {
        if (i < m->live.n) {
            uint32_t shared = m->live.other[i];
            if (shared == NONE) {
                m->out[m->n++] = ref_tree(ref_at(m->live.list, i++), m->a);
                continue;
            }
            if (shared == j && j < m->config.n) {
                put_config(m, j++);
                i++;
                continue;
            }
            bool wait = j < m->config.n && m->next < m->config.n && shared != m->next;
            if (wait || m->done[shared]) {
                i++; /* it moves to where the configuration has it */
                if (wait)
                    continue;
            }
        }
        if (j < m->config.n)
            put_config(m, j++);
    }
}

__attribute__((noinline)) static struct jval merge_lists(struct arena *a, const struct ref *live,
                                                         const struct ref *config, uint32_t depth) {
    const struct item *x = list_items(a, *live), *y = list_items(a, *config);
    struct list_merge *m = arena_new(a, struct list_merge);
    *m = (struct list_merge){
        .a = a, .depth = depth + 1, .live = side_of(a, *live, x), .config = side_of(a, *config, y)};
    match(&m->live, x, &m->config, y);
    m->done = arena_new_n(a, m->config.n, bool);
    m->out = arena_new_n(a, (size_t)m->live.n + m->config.n, struct jval);
    find_next(m, 0);
    merge_items(m);
    bool same = live->rep == REP_TREE && m->n == m->live.n;
    for (uint32_t i = 0; i < m->n && same; i++)
        same = same_node(&m->out[i], &((const struct jval *)live->p)->items[i]);
    return same ? *(const struct jval *)live->p : jval_array(m->out, m->n);
}

/* Whether the configuration's null stands against something that has parts: those stay. */
static bool null_keeps(const struct ref *live, const struct ref *config) {
    if (ref_kind(*config) != REF_NULL || !ref_granular(*live))
        return false;
    return ref_kind(*live) == REF_LIST ? ref_len(*live) > 0 : !empty_map(*live);
}

static struct jval merge(struct arena *a, const struct ref *live, const struct ref *config, uint32_t depth) {
    struct ref x = ref_unpack(*live, a), y = ref_unpack(*config, a);
    if (ref_kind(y) == REF_ABSENT || null_keeps(&x, &y))
        return ref_tree(x, a);
    if (depth == FIELDSET_DEPTH_MAX || ref_kind(x) != ref_kind(y) || !ref_granular(x) || !ref_granular(y))
        return ref_tree(ref_equal(x, y) ? x : y, a);
    return ref_kind(x) == REF_MAP ? merge_maps(a, &x, &y, depth) : merge_lists(a, &x, &y, depth);
}

struct jval apply_merge(struct arena *a, struct ref live, struct ref config) {
    return merge(a, &live, &config, 0);
}

__attribute__((noinline)) static struct jval remove_members(struct arena *a, const struct ref *v,
                                                            const struct fieldset *remove);
__attribute__((noinline)) static struct jval remove_items(struct arena *a, const struct ref *v,
                                                          const struct fieldset *remove);

static struct jval remove_parts(struct arena *a, const struct ref *v, const struct fieldset *remove) {
    struct ref r = ref_unpack(*v, a);
    if (!ref_granular(r) || !remove->n)
        return ref_tree(r, a);
    return ref_kind(r) == REF_MAP ? remove_members(a, &r, remove) : remove_items(a, &r, remove);
}

static struct jval remove_members(struct arena *a, const struct ref *v, const struct fieldset *remove) {
    struct jobject out = {0};
    for (struct ref_iter it = ref_iter(*v); ref_next(&it);) {
        struct path_el el = path_field(it.name);
        const struct fieldset *kid = fieldset_kid(remove, &el);
        if (!kid)
            jobject_set(a, &out, it.name, ref_tree(it.value, a));
        else if (!kid->member)
            jobject_set(a, &out, it.name, remove_parts(a, &it.value, kid));
    }
    return jobject_done(&out);
}

static struct jval remove_items(struct arena *a, const struct ref *v, const struct fieldset *remove) {
    uint32_t n = ref_len(*v), left = 0;
    struct jval *out = arena_new_n(a, n, struct jval);
    for (uint32_t i = 0; i < n; i++) {
        bool complete;
        struct ref item = ref_at(*v, i);
        struct path_el el = path_el_of_item(a, v->pos, item, i, &complete);
        const struct fieldset *kid = fieldset_kid(remove, &el);
        if (!kid)
            out[left++] = ref_tree(item, a);
        else if (!kid->member)
            out[left++] = remove_parts(a, &item, kid);
    }
    return jval_array(out, left);
}

struct jval apply_remove(struct arena *a, struct ref v, const struct fieldset *remove) {
    return remove_parts(a, &v, remove);
}
