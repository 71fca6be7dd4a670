/* api/node_selector */
#include "api/node_selector.h"

#include "api/types/core.h"
#include "base/arena.h"
#include "unit/unit.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct str_entry node_labels[] = {
    {STR_INIT("cores"), STR_INIT("8")},
    {STR_INIT("disk"), STR_INIT("ssd")},
    {STR_INIT("zone"), STR_INIT("a")},
};
static const struct str_map labels = {node_labels, COUNT(node_labels)};

struct requirement {
    const char *key, *op, *values[3];
};

/* A term of up to two requirements on labels and one on the name. */
struct term {
    struct requirement labels[2], name;
};

static void add(struct arena *a, struct core_node_selector_requirement_array *to,
                const struct requirement *r) {
    if (!r->key)
        return;
    struct core_node_selector_requirement *v = &to->v[to->n++];
    v->key = arena_printf(a, "%s", r->key);
    v->operator= arena_printf(a, "%s", r->op);
    v->values.v = arena_new_n(a, 3, struct str);
    for (size_t i = 0; i < 3 && r->values[i]; i++)
        v->values.v[v->values.n++] = arena_printf(a, "%s", r->values[i]);
}

static struct core_node_selector_term term_of(struct arena *a, const struct term *from) {
    struct core_node_selector_term t = {0};
    t.match_expressions.v = arena_new_n(a, 2, struct core_node_selector_requirement);
    t.match_fields.v = arena_new_n(a, 1, struct core_node_selector_requirement);
    add(a, &t.match_expressions, &from->labels[0]);
    add(a, &t.match_expressions, &from->labels[1]);
    add(a, &t.match_fields, &from->name);
    return t;
}

static struct node_selector compile(struct arena *a, const struct term *terms, uint32_t n) {
    struct core_node_selector from = {{arena_new_n(a, n, struct core_node_selector_term), n}};
    for (uint32_t i = 0; i < n; i++)
        from.node_selector_terms.v[i] = term_of(a, &terms[i]);
    struct node_selector s;
    node_selector_compile(a, &from, &s);
    return s;
}

static const struct {
    struct term term;
    bool matches;
} single_terms[] = {
    {{{{"disk", "In", {"ssd"}}}, {0}}, true},
    {{{{"disk", "In", {"hdd", "ssd"}}}, {0}}, true},
    {{{{"disk", "In", {"hdd"}}}, {0}}, false},
    {{{{"disk", "NotIn", {"hdd"}}}, {0}}, true},
    {{{{"disk", "NotIn", {"ssd"}}}, {0}}, false},
    {{{{"gpu", "NotIn", {"x"}}}, {0}}, true},
    {{{{"disk", "Exists", {0}}}, {0}}, true},
    {{{{"gpu", "Exists", {0}}}, {0}}, false},
    {{{{"gpu", "DoesNotExist", {0}}}, {0}}, true},
    {{{{"disk", "DoesNotExist", {0}}}, {0}}, false},
    {{{{"cores", "Gt", {"7"}}}, {0}}, true},
    {{{{"cores", "Gt", {"8"}}}, {0}}, false},
    {{{{"cores", "Lt", {"9"}}}, {0}}, true},
    {{{{"cores", "Lt", {"8"}}}, {0}}, false},
    {{{{"disk", "Gt", {"1"}}}, {0}}, false},
    {{{{"gpu", "Lt", {"1"}}}, {0}}, false},
    {{{{"disk", "In", {"ssd"}}, {"zone", "In", {"a"}}}, {0}}, true},
    {{{{"disk", "In", {"ssd"}}, {"zone", "In", {"b"}}}, {0}}, false},
    {{{{0}}, {"metadata.name", "In", {"n1"}}}, true},
    {{{{0}}, {"metadata.name", "In", {"n2"}}}, false},
    {{{{0}}, {"metadata.name", "NotIn", {"n2"}}}, true},
    {{{{0}}, {"metadata.name", "NotIn", {"n1"}}}, false},
    {{{{"disk", "In", {"ssd"}}}, {"metadata.name", "In", {"n1"}}}, true},
    {{{{"disk", "In", {"hdd"}}}, {"metadata.name", "In", {"n1"}}}, false},
    {{{{"disk", "In", {"ssd"}}}, {"metadata.name", "In", {"n2"}}}, false},
    {{{{0}}, {0}}, false},
};

TEST(test_node_selector__terms_match) {
    for (size_t i = 0; i < COUNT(single_terms); i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct node_selector s = compile(&a, &single_terms[i].term, 1);
        assert_null(s.problem.p);
        if (node_selector_matches(&s, labels, S("n1")) != single_terms[i].matches)
            fail_msg("row %zu", i);
    }
}

TEST(test_node_selector__malformed_terms_match_nothing) {
    static const struct {
        struct term term;
        const char *problem;
    } table[] = {
        {{{{"disk", "in", {"ssd"}}}, {0}}, "\"in\" is not a valid node selector operator"},
        {{{{"disk", "In", {0}}}, {0}}, "values: Invalid value: []: for 'in', 'notin' operators"},
        {{{{"disk", "Exists", {"ssd"}}}, {0}}, "values: Invalid value: values set must be empty"},
        {{{{"cores", "Gt", {"1", "2"}}}, {0}},
         "values: Invalid value: for 'Gt', 'Lt' operators, exactly one"},
        {{{{"cores", "Gt", {"x"}}}, {0}}, "values[0]: Invalid value: for 'Gt', 'Lt' operators, the value"},
        {{{{"a b", "Exists", {0}}}, {0}}, "key: Invalid value: \"a b\""},
        {{{{"disk", "In", {"ssd"}}}, {"metadata.name", "Exists", {0}}}, "\"Exists\" is not a valid field"},
        {{{{0}}, {"metadata.name", "In", {0}}}, "a field selector takes one value"},
        {{{{0}}, {"metadata.name", "In", {"n1", "n2"}}}, "a field selector takes one value"},
        {{{{0}}, {"spec.x", "In", {"n1"}}}, "\"spec.x\" is not a valid field selector key"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct node_selector s = compile(&a, &table[i].term, 1);
        assert_int_equal(s.n, 0);
        assert_non_null(s.problem.p);
        if (!str_has_prefix(s.problem, str_make(table[i].problem, strlen(table[i].problem))))
            fail_msg("row %zu: %s", i, s.problem.p);
        assert_false(node_selector_matches(&s, labels, S("n1")));
    }
}

TEST(test_node_selector__one_term_is_enough) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct term terms[] = {
        {{{"disk", "in", {"ssd"}}}, {0}}, /* malformed */
        {{{0}}, {0}},                     /* empty */
        {{{"disk", "In", {"hdd"}}}, {0}}, /* does not match */
        {{{"zone", "Exists", {0}}}, {0}}, /* matches */
        {{{"zone", "bogus", {0}}}, {0}},  /* malformed too */
    };
    struct node_selector s = compile(&a, terms, COUNT(terms));
    assert_int_equal(s.n, 2);
    assert_str(s.problem, "\"in\" is not a valid node selector operator");
    assert_true(node_selector_matches(&s, labels, S("n1")));
    s = compile(&a, terms, 3);
    assert_false(node_selector_matches(&s, labels, S("n1")));
}

TEST(test_node_selector__absent_and_empty_match_nothing) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct node_selector s;
    node_selector_compile(&a, NULL, &s);
    assert_false(node_selector_matches(&s, labels, S("n1")));
    s = compile(&a, NULL, 0);
    assert_false(node_selector_matches(&s, labels, S("n1")));
    assert_null(s.problem.p);
}

TEST(test_node_selector__scores_sum_up) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct term ssd = {{{"disk", "In", {"ssd"}}}, {0}}, hdd = {{{"disk", "In", {"hdd"}}}, {0}},
                n1 = {{{0}}, {"metadata.name", "In", {"n1"}}}, empty = {{{0}}, {0}};
    struct core_preferred_scheduling_term v[] = {
        {.weight = 1, .preference = term_of(&a, &ssd)},  {.weight = 10, .preference = term_of(&a, &hdd)},
        {.weight = 100, .preference = term_of(&a, &n1)}, {.weight = 50, .preference = term_of(&a, &empty)},
        {.weight = 0, .preference = term_of(&a, &ssd)},
    };
    struct core_preferred_scheduling_term_array from = {v, COUNT(v)};
    struct node_selector s;
    node_selector_compile_preferred(&a, &from, &s);
    assert_int_equal(s.n, 3);
    assert_int_equal(node_selector_score(&s, labels, S("n1")), 101);
    assert_int_equal(node_selector_score(&s, labels, S("n2")), 1);
    assert_int_equal(node_selector_score(&s, (struct str_map){0}, S("n2")), 0);
}
