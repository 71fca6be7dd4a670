/* Node selectors. See node_selector.h. */
#include "api/node_selector.h"

#include "api/types/constants.h"
#include "api/types/core.h"
#include "base/arena.h"
#include "base/err.h"

static bool find_op(struct str text, enum label_op *ret) {
    const struct {
        struct str text;
        enum label_op op;
    } table[] = {
        {CORE_NODE_SELECTOR_OP_IN, LABEL_IN},
        {CORE_NODE_SELECTOR_OP_NOT_IN, LABEL_NOT_IN},
        {CORE_NODE_SELECTOR_OP_EXISTS, LABEL_EXISTS},
        {CORE_NODE_SELECTOR_OP_DOES_NOT_EXIST, LABEL_NOT_EXISTS},
        {CORE_NODE_SELECTOR_OP_GT, LABEL_GREATER},
        {CORE_NODE_SELECTOR_OP_LT, LABEL_LESS},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (str_eq(text, table[i].text)) {
            *ret = table[i].op;
            return true;
        }
    }
    return false;
}

static int compile_labels(struct arena *a, const struct core_node_selector_requirement_array *from,
                          struct label_selector *ret, struct err *err) {
    struct label_requirement *v = arena_new_n(a, from->n, struct label_requirement);
    for (uint32_t i = 0; i < from->n; i++) {
        const struct core_node_selector_requirement *r = &from->v[i];
        enum label_op op;
        if (!find_op(r->operator, & op))
            return err_set(err, ERR_INVALID, "\"%.*s\" is not a valid node selector operator",
                           STR_ARG(str_cut(r->operator, 64)));
        int rc = label_requirement_make(a, r->key, op, r->values.v, r->values.n, &v[i], err);
        if (rc)
            return rc;
    }
    *ret = label_selector_of(v, from->n);
    return 0;
}

static int compile_names(struct arena *a, const struct core_node_selector_requirement_array *from,
                         struct node_selector_term *ret, struct err *err) {
    struct node_name_requirement *v = arena_new_n(a, from->n, struct node_name_requirement);
    for (uint32_t i = 0; i < from->n; i++) {
        const struct core_node_selector_requirement *r = &from->v[i];
        v[i].is_not = str_eq(r->operator, CORE_NODE_SELECTOR_OP_NOT_IN);
        if (!v[i].is_not && !str_eq(r->operator, CORE_NODE_SELECTOR_OP_IN))
            return err_set(err, ERR_INVALID, "\"%.*s\" is not a valid field selector operator",
                           STR_ARG(str_cut(r->operator, 64)));
        if (!str_eq(r->key, META_OBJECT_NAME_FIELD))
            return err_set(err, ERR_INVALID, "\"%.*s\" is not a valid field selector key",
                           STR_ARG(str_cut(r->key, 64)));
        if (r->values.n != 1)
            return err_set(err, ERR_INVALID, "a field selector takes one value");
        v[i].name = r->values.v[0];
    }
    ret->names = v;
    ret->n_names = from->n;
    return 0;
}

static bool is_empty(const struct core_node_selector_term *t) {
    return t->match_expressions.n == 0 && t->match_fields.n == 0;
}

/* Adds the term; the first one that is malformed leaves its message instead. */
static void add_term(struct arena *a, const struct core_node_selector_term *from, int32_t weight,
                     struct node_selector_term *v, struct node_selector *ret) {
    struct err err = ERR_INIT;
    struct node_selector_term term = {.weight = weight};
    if (compile_labels(a, &from->match_expressions, &term.labels, &err) == 0 &&
        compile_names(a, &from->match_fields, &term, &err) == 0)
        v[ret->n++] = term;
    else if (!ret->problem.p)
        ret->problem = arena_printf(a, "%s", err.msg);
}

void node_selector_compile(struct arena *a, const struct core_node_selector *from,
                           struct node_selector *ret) {
    *ret = (struct node_selector){.n = 0};
    if (!from)
        return;
    struct node_selector_term *v = arena_new_n(a, from->node_selector_terms.n, struct node_selector_term);
    for (uint32_t i = 0; i < from->node_selector_terms.n; i++)
        if (!is_empty(&from->node_selector_terms.v[i]))
            add_term(a, &from->node_selector_terms.v[i], 0, v, ret);
    ret->v = v;
}

void node_selector_compile_preferred(struct arena *a, const struct core_preferred_scheduling_term_array *from,
                                     struct node_selector *ret) {
    *ret = (struct node_selector){.n = 0};
    struct node_selector_term *v = arena_new_n(a, from->n, struct node_selector_term);
    for (uint32_t i = 0; i < from->n; i++)
        if (from->v[i].weight != 0 && !is_empty(&from->v[i].preference))
            add_term(a, &from->v[i].preference, from->v[i].weight, v, ret);
    ret->v = v;
}

static bool term_matches(const struct node_selector_term *t, struct str_map labels, struct str name) {
    for (uint32_t i = 0; i < t->n_names; i++)
        if (str_eq(t->names[i].name, name) == t->names[i].is_not)
            return false;
    return label_selector_matches(&t->labels, labels);
}

bool node_selector_matches(const struct node_selector *s, struct str_map labels, struct str name) {
    for (uint32_t i = 0; i < s->n; i++)
        if (term_matches(&s->v[i], labels, name))
            return true;
    return false;
}

int64_t node_selector_score(const struct node_selector *s, struct str_map labels, struct str name) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < s->n; i++)
        if (term_matches(&s->v[i], labels, name))
            sum += s->v[i].weight;
    return sum;
}
