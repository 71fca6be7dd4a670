/* Checking applied configurations. See apply.h.
 *
 * This is about what apply needs to merge and to own fields; whether values make sense is for validation,
 * which sees the merged object.
 */
#include "api/apply.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct check {
    struct arena *a;
    struct str problems[APPLY_PROBLEMS_MAX];
    size_t n;
};

static void problem(struct check *c, const struct path *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void problem(struct check *c, const struct path *path, const char *fmt, ...) {
    if (c->n == APPLY_PROBLEMS_MAX)
        return;
    _cleanup_buf struct buf text = {.limit = 4096};
    path_write(&text, path);
    buf_lit(&text, ": ");
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    c->problems[c->n++] = buf_to_arena(&text, c->a);
}

static const char *kind_text(enum ref_kind kind) {
    static const char *const text[] = {
        [REF_ABSENT] = "nothing", [REF_NULL] = "null",       [REF_BOOL] = "a bool",
        [REF_INT] = "a number",   [REF_DOUBLE] = "a number", [REF_STRING] = "a string",
        [REF_LIST] = "a list",    [REF_MAP] = "a map",       [REF_RAW] = "a map"};
    return text[kind];
}

/* What the schema wants at a position, NULL when `kind` fits. Null fits everywhere: it asks for nothing. */
static const char *unfit(struct pos p, enum ref_kind kind) {
    bool number = kind == REF_INT || kind == REF_DOUBLE;
    if (kind == REF_NULL || pos_open(p))
        return NULL;
    if (p.shape == SHAPE_LIST)
        return kind == REF_LIST ? NULL : "list";
    if (p.shape == SHAPE_MAP)
        return kind == REF_MAP ? NULL : "map";
    switch ((enum leaf)p.leaf) {
    case LEAF_MESSAGE: return kind == REF_MAP ? NULL : "map";
    case LEAF_BOOL:
    case LEAF_BOOL_VALUE: return kind == REF_BOOL ? NULL : "bool";
    case LEAF_I32:
    case LEAF_I64:
    case LEAF_U32:
    case LEAF_U64:
    case LEAF_F64:
    case LEAF_ENUM:
    case LEAF_INT64_VALUE: return number ? NULL : "number";
    case LEAF_QUANTITY:
    case LEAF_INT_OR_STRING: return number || kind == REF_STRING ? NULL : "string or number";
    default: return kind == REF_STRING ? NULL : "string";
    }
}

static void check_value(struct check *c, const struct ref *r, const struct path *path);

static void check_members(struct check *c, const struct ref *r, const struct path *path) {
    bool closed = !pos_open(r->pos) && r->pos.shape == SHAPE_ONE && r->pos.leaf == LEAF_MESSAGE &&
                  !(r->pos.set->types[r->pos.type].flags & TYPE_PRESERVE);
    for (struct ref_iter it = ref_iter(*r); ref_next(&it);) {
        struct path below = {path, path_field(it.name)};
        bool known = true;
        if (closed)
            (void)pos_member(r->pos, it.name, &known);
        if (!known)
            problem(c, &below, "field not declared in schema");
        else
            check_value(c, &it.value, &below);
    }
}

/* Whether item i of a list can be told by its keys or value. */
static bool check_item(struct check *c, const struct ref *item, uint32_t i, const struct item *found,
                       bool keyed, const struct path *path) {
    enum ref_kind kind = ref_kind(*item);
    if (keyed && kind != REF_MAP)
        problem(c, path, "element %u: items of a list with keys are maps, not %s", i, kind_text(kind));
    else if (keyed && !found->complete)
        problem(c, path, "element %u: leaves out a key of the list that has no default", i);
    else if (!keyed && (kind == REF_NULL || kind == REF_MAP || kind == REF_LIST))
        problem(c, path, "element %u: items of a set are scalars, not %s", i, kind_text(kind));
    else
        return true;
    return false;
}

static void duplicate(struct check *c, const struct path_el *el, const struct path *path) {
    _cleanup_buf struct buf text = {.limit = 1024};
    struct path alone = {NULL, *el};
    path_write(&text, &alone);
    problem(c, path, "duplicate entries for key %.*s", STR_ARG(buf_view(&text)));
}

static void check_granular_list(struct check *c, const struct ref *list, const struct path *path) {
    bool keyed = pos_rule(list->pos)->list_type == LIST_MAP;
    const struct item *items = list_items(c->a, *list);
    uint32_t n = ref_len(*list);
    for (uint32_t k = 0; k < n; k++) {
        struct ref item = ref_at(*list, items[k].i);
        struct path below = {path, items[k].el};
        if (!check_item(c, &item, items[k].i, &items[k], keyed, path))
            continue;
        if (items[k].twice && (k == 0 || path_el_cmp(&items[k - 1].el, &items[k].el) != 0))
            duplicate(c, &items[k].el, path);
        check_value(c, &item, &below);
    }
}

static void check_atomic_list(struct check *c, const struct ref *list, const struct path *path) {
    uint32_t n = ref_len(*list);
    for (uint32_t i = 0; i < n; i++) {
        struct ref item = ref_at(*list, i);
        struct path below = {path, {PATH_INDEX, jval_int(i)}};
        check_value(c, &item, &below);
    }
}

static void check_value(struct check *c, const struct ref *r, const struct path *path) {
    enum ref_kind kind = ref_kind(*r);
    const char *wanted = unfit(r->pos, kind);
    if (wanted)
        problem(c, path, "expected %s, got %s", wanted, kind_text(kind));
    else if (kind == REF_MAP)
        check_members(c, r, path);
    else if (kind == REF_LIST && ref_granular(*r))
        check_granular_list(c, r, path);
    else if (kind == REF_LIST)
        check_atomic_list(c, r, path);
}

static struct str all_problems(const struct check *c) {
    if (c->n == 1)
        return c->problems[0];
    struct str joined = arena_join(c->a, c->problems, c->n, S("\n  "));
    return arena_printf(c->a, "errors:\n  %.*s", STR_ARG(joined));
}

int apply_check(struct arena *a, struct ref config, struct str *ret_all, struct err *err) {
    struct check c = {.a = a};
    check_value(&c, &config, NULL);
    if (!c.n)
        return 0;
    if (ret_all)
        *ret_all = all_problems(&c);
    return err_set(err, ERR_INVALID, "%.*s", STR_ARG(c.problems[0]));
}
