/* Rules on node selectors and taints. See node_selector.h. */
#include "api/validation/node_selector.h"

#include "api/validation/checks.h"
#include "api/validation/formats.h"

#define NOT_AN_OPERATOR "not a valid selector operator"

static bool is(struct str operator, const char * text) {
    return str_eq(operator, str_from(text));
}

static void check_expression(struct field_errors *e, const struct field_path *p,
                             const struct core_node_selector_requirement *r, bool any_values) {
    const struct field_path *values = at_field(p, "values");
    if (is(r->operator, "In") || is(r->operator, "NotIn")) {
        if (r->values.n == 0)
            field_required_because(e, values, "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (is(r->operator, "Exists") || is(r->operator, "DoesNotExist")) {
        if (r->values.n)
            field_forbidden(e, values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else if (is(r->operator, "Gt") || is(r->operator, "Lt")) {
        if (r->values.n != 1)
            field_required_because(e, values, "must be a single value when `operator` is 'Lt' or 'Gt'");
    } else {
        field_invalid(e, at_field(p, "operator"), bad(r->operator), NOT_AN_OPERATOR);
    }
    check_label_key(e, at_field(p, "key"), r->key);
    for (uint32_t i = 0; i < r->values.n && !any_values; i++)
        check_label_value(e, at_index(values, i), r->values.v[i]);
}

/* CONFORMS: the only field of nodes that can be selected is the name, by one value. */
static void check_node_field(struct field_errors *e, const struct field_path *p,
                             const struct core_node_selector_requirement *r) {
    if (!is(r->operator, "In") && !is(r->operator, "NotIn"))
        field_invalid(e, at_field(p, "operator"), bad(r->operator), NOT_AN_OPERATOR);
    else if (r->values.n != 1)
        field_required_because(e, at_field(p, "values"),
                               "must be only one value when `operator` is 'In' or 'NotIn' of a node field");
    if (!str_eq(r->key, S("metadata.name"))) {
        field_invalid(e, at_field(p, "key"), bad(r->key), "not a valid field selector key");
        return;
    }
    for (uint32_t i = 0; i < r->values.n; i++)
        check_dns_subdomain(e, at_index(at_field(p, "values"), i), r->values.v[i]);
}

void check_node_selector_term(struct field_errors *e, const struct field_path *p,
                              const struct core_node_selector_term *term, bool any_values) {
    for (uint32_t i = 0; i < term->match_expressions.n; i++)
        check_expression(e, at_index(at_field(p, "matchExpressions"), i), &term->match_expressions.v[i],
                         any_values);
    for (uint32_t i = 0; i < term->match_fields.n; i++)
        check_node_field(e, at_index(at_field(p, "matchFields"), i), &term->match_fields.v[i]);
}

void check_node_selector(struct field_errors *e, const struct field_path *p,
                         const struct core_node_selector *selector, bool any_values) {
    const struct field_path *terms = at_field(p, "nodeSelectorTerms");
    if (selector->node_selector_terms.n == 0)
        field_required_because(e, terms, "must have at least one node selector term");
    for (uint32_t i = 0; i < selector->node_selector_terms.n; i++)
        check_node_selector_term(e, at_index(terms, i), &selector->node_selector_terms.v[i], any_values);
}

static bool has_odd_values(const struct core_node_selector_term *term) {
    for (uint32_t i = 0; i < term->match_expressions.n; i++) {
        const struct str_array *values = &term->match_expressions.v[i].values;
        for (uint32_t k = 0; k < values->n; k++)
            if (name_check_label_value(values->v[k], NULL) != 0)
                return true;
    }
    return false;
}

bool node_selector_has_odd_values(const struct core_node_selector *selector) {
    for (uint32_t i = 0; selector && i < selector->node_selector_terms.n; i++)
        if (has_odd_values(&selector->node_selector_terms.v[i]))
            return true;
    return false;
}

bool check_taint_effect(struct field_errors *e, const struct field_path *p, struct str effect) {
    static const struct str effects[] = {STR_INIT("NoSchedule"), STR_INIT("PreferNoSchedule"),
                                         STR_INIT("NoExecute")};
    return check_supported(e, p, effect, STR_SET(effects));
}
