/* Rules of admissionregistration.k8s.io/v1: ValidatingAdmissionPolicy, MutatingAdmissionPolicy and their
 * bindings. Expressions must be there; compiling them is for those who run them. */
#include "api/validation/admission.h"
#include "api/validation/meta.h"

#define ANNOTATIONS_MAX 20
#define VALUE_EXPRESSION_BYTES_MAX 5120

/* ---- parts ---- */

static bool has_line_break(struct str s) {
    return str_find_byte(s, '\n') >= 0 || str_find_byte(s, '\r') >= 0;
}

static void check_expression(struct field_errors *e, const struct field_path *p, struct str expression) {
    if (str_empty(str_trim(expression)))
        field_required_because(e, p, "expression is not specified");
}

static void check_required_failure_policy(struct field_errors *e, const struct field_path *p,
                                          struct str policy) {
    if (!policy.p)
        field_required(e, p);
    check_failure_policy(e, p, policy);
}

static int check_kind(struct str s, struct name_errors *errors) {
    char lower[NAME_DNS_LABEL_MAX];
    if (s.n > sizeof lower)
        return name_check_dns1035_label(s, errors);
    for (size_t i = 0; i < s.n; i++)
        lower[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]);
    return name_check_dns1035_label(str_make(lower, s.n), errors);
}

static void check_param_kind(struct field_errors *e, const struct field_path *p,
                             const struct admissionregistration_param_kind *k) {
    const struct field_path *at = at_field(p, "apiVersion");
    struct str group, version;
    if (!k)
        return;
    if (check_required(e, at, k->api_version)) {
        if (!api_version_split(k->api_version, &group, &version)) {
            field_invalid(e, at, bad(k->api_version), "must be a version or group/version");
        } else {
            check_optional_format(e, at, group, name_check_dns1123_subdomain);
            check_format(e, at, version, name_check_dns1035_label);
        }
    }
    check_required_format(e, at_field(p, "kind"), k->kind, check_kind);
}

/* mutating: only what a policy can change. */
static void check_named_rules(struct field_errors *e, const struct field_path *p,
                              const struct admissionregistration_named_rule_with_operations_array *rules,
                              bool mutating) {
    static const struct str operations[] = {STR_INIT("CREATE"), STR_INIT("UPDATE")};
    for (uint32_t i = 0; i < rules->n; i++) {
        const struct admissionregistration_named_rule_with_operations *r = &rules->v[i];
        const struct field_path *at = at_index(p, i);
        SEEN(names);
        for (uint32_t k = 0; k < r->resource_names.n; k++) {
            const struct field_path *name = at_index(at_field(at, "resourceNames"), k);
            check_format(e, name, r->resource_names.v[k], name_check_path_segment);
            if (seen_before(&names, r->resource_names.v[k]))
                field_duplicate(e, name, bad(r->resource_names.v[k]));
        }
        check_admission_rule(e, at, &r->rule_with_operations);
        for (uint32_t k = 0; mutating && k < r->rule_with_operations.operations.n; k++)
            check_supported(e, at_index(at_field(at, "operations"), k),
                            r->rule_with_operations.operations.v[k], STR_SET(operations));
    }
}

static void check_match_resources(struct field_errors *e, const struct field_path *p,
                                  const struct admissionregistration_match_resources *m, bool mutating) {
    if (!m->match_policy.p)
        field_required(e, at_field(p, "matchPolicy"));
    check_match_policy(e, at_field(p, "matchPolicy"), m->match_policy);
    if (!m->namespace_selector)
        field_required(e, at_field(p, "namespaceSelector"));
    check_label_selector(e, at_field(p, "namespaceSelector"), m->namespace_selector, false);
    if (!m->object_selector)
        field_required(e, at_field(p, "objectSelector"));
    check_label_selector(e, at_field(p, "objectSelector"), m->object_selector, false);
    check_named_rules(e, at_field(p, "resourceRules"), &m->resource_rules, mutating);
    check_named_rules(e, at_field(p, "excludeResourceRules"), &m->exclude_resource_rules, false);
}

static void check_match_constraints(struct field_errors *e, const struct field_path *p,
                                    const struct admissionregistration_match_resources *m, bool mutating) {
    if (!m) {
        field_required(e, p);
        return;
    }
    check_match_resources(e, p, m, mutating);
    if (m->resource_rules.n == 0)
        field_required(e, at_field(p, "resourceRules"));
}

static void check_variables(struct field_errors *e, const struct field_path *p,
                            const struct admissionregistration_variable_array *variables) {
    SEEN(names);
    for (uint32_t i = 0; i < variables->n; i++) {
        const struct field_path *at = at_index(p, i), *name = at_field(at, "name");
        if (check_required_format(e, name, variables->v[i].name, name_check_cel_identifier) &&
            seen_before(&names, variables->v[i].name))
            field_duplicate(e, name, bad(variables->v[i].name));
        check_expression(e, at_field(at, "expression"), variables->v[i].expression);
    }
}

/* ---- ValidatingAdmissionPolicy ---- */

static void check_rule(struct field_errors *e, const struct field_path *p,
                       const struct admissionregistration_validation *r) {
    static const struct str reasons[] = {STR_INIT("Unauthorized"), STR_INIT("Forbidden"), STR_INIT("Invalid"),
                                         STR_INIT("RequestEntityTooLarge")};
    struct str expression = str_trim(r->expression), message = str_trim(r->message);
    check_expression(e, at_field(p, "expression"), r->expression);
    if (r->message.n && message.n == 0)
        field_invalid(e, at_field(p, "message"), bad(r->message), "message must be non-empty if specified");
    else if (has_line_break(message))
        field_invalid(e, at_field(p, "message"), bad(r->message), "message must not contain line breaks");
    else if (has_line_break(expression) && message.n == 0)
        field_required_because(e, at_field(p, "message"), "when the expression has line breaks");
    if (r->message_expression.n && str_empty(str_trim(r->message_expression)))
        field_invalid(e, at_field(p, "messageExpression"), bad(r->message_expression),
                      "must be non-empty if specified");
    if (r->reason.p)
        check_supported(e, at_field(p, "reason"), r->reason, STR_SET(reasons));
}

static void check_annotations_of(struct validation *v, const struct field_path *p,
                                 const struct admissionregistration_audit_annotation_array *annotations) {
    SEEN(keys);
    if (annotations->n > ANNOTATIONS_MAX)
        field_invalid(v->errors, p, bad(annotations->n), "must not have more than %d auditAnnotations",
                      ANNOTATIONS_MAX);
    for (uint32_t i = 0; i < annotations->n; i++) {
        const struct admissionregistration_audit_annotation *a = &annotations->v[i];
        const struct field_path *at = at_index(p, i), *key = at_field(at, "key"),
                                *value = at_field(at, "valueExpression");
        /* <policy>/<key> is a label key when the name is a subdomain, as was checked, and the key is one
         * without a slash. */
        if (check_required(v->errors, key, a->key)) {
            if (str_find_byte(a->key, '/') >= 0)
                field_invalid(v->errors, key, bad(a->key), "must be a qualified name behind <policy>/");
            else
                check_format(v->errors, key, a->key, name_check_qualified);
        }
        if (seen_before(&keys, a->key))
            field_duplicate(v->errors, key, bad(a->key));
        check_expression(v->errors, value, a->value_expression);
        if (a->value_expression.n > VALUE_EXPRESSION_BYTES_MAX)
            field_required_because(v->errors, value, "must not exceed %d bytes", VALUE_EXPRESSION_BYTES_MAX);
    }
}

static void create_validating(struct validation *v, const void *object) {
    const struct admissionregistration_validating_admission_policy_spec *s =
        &((const struct admissionregistration_validating_admission_policy *)object)->spec;
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec"), *rules = at_field(p, "validations");
    check_required_failure_policy(e, at_field(p, "failurePolicy"), s->failure_policy);
    check_param_kind(e, at_field(p, "paramKind"), s->param_kind);
    check_match_constraints(e, at_field(p, "matchConstraints"), s->match_constraints, false);
    check_match_conditions(e, at_field(p, "matchConditions"), &s->match_conditions);
    check_variables(e, at_field(p, "variables"), &s->variables);
    if (s->validations.n == 0 && s->audit_annotations.n == 0) {
        field_required_because(e, rules, "validations or auditAnnotations must be specified");
        field_required_because(e, at_field(p, "auditAnnotations"),
                               "validations or auditAnnotations must be specified");
    }
    for (uint32_t i = 0; i < s->validations.n; i++)
        check_rule(e, at_index(rules, i), &s->validations.v[i]);
    check_annotations_of(v, at_field(p, "auditAnnotations"), &s->audit_annotations);
}

static void status_validating(struct validation *v, const void *object, const void *old) {
    const struct admissionregistration_validating_admission_policy_status *s =
        &((const struct admissionregistration_validating_admission_policy *)object)->status;
    const struct field_path *p = at_field(NULL, "status");
    (void)old;
    for (uint32_t i = 0; s->type_checking && i < s->type_checking->expression_warnings.n; i++) {
        const struct admissionregistration_expression_warning *w =
            &s->type_checking->expression_warnings.v[i];
        const struct field_path *at = at_index(at_field(p, "typeChecking.expressionWarnings"), i);
        check_required(v->errors, at_field(at, "warning"), w->warning);
        check_required(v->errors, at_field(at, "fieldRef"), w->field_ref);
    }
    check_conditions(v->errors, at_field(p, "conditions"), &s->conditions);
}

const struct validator validator_admissionregistration_validating_admission_policy = {
    .type = TY_ADMISSIONREGISTRATION_VALIDATING_ADMISSION_POLICY,
    .name = name_check_dns1123_subdomain,
    .create = create_validating,
    .status = status_validating};

/* ---- MutatingAdmissionPolicy ---- */

static void check_mutation(struct field_errors *e, const struct field_path *p,
                           const struct admissionregistration_mutation *m) {
    static const struct str types[] = {STR_INIT("ApplyConfiguration"), STR_INIT("JSONPatch")};
    const struct field_path *apply = at_field(p, "applyConfiguration"), *patch = at_field(p, "jsonPatch");
    if (!check_enum(e, at_field(p, "patchType"), m->patch_type, STR_SET(types)))
        return;
    bool applies = str_eq(m->patch_type, types[0]);
    if (applies && !m->apply_configuration)
        field_required_because(e, apply, "with this patchType");
    if (!applies && !m->json_patch)
        field_required_because(e, patch, "with this patchType");
    if (applies && m->json_patch)
        field_forbidden(e, patch, "goes with another patchType");
    if (!applies && m->apply_configuration)
        field_forbidden(e, apply, "goes with another patchType");
    if (applies && m->apply_configuration)
        check_expression(e, at_field(apply, "expression"), m->apply_configuration->expression);
    if (!applies && m->json_patch)
        check_expression(e, at_field(patch, "expression"), m->json_patch->expression);
}

static void create_mutating(struct validation *v, const void *object) {
    static const struct str policies[] = {STR_INIT("IfNeeded"), STR_INIT("Never")};
    const struct admissionregistration_mutating_admission_policy_spec *s =
        &((const struct admissionregistration_mutating_admission_policy *)object)->spec;
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec"), *mutations = at_field(p, "mutations");
    check_required_failure_policy(e, at_field(p, "failurePolicy"), s->failure_policy);
    check_param_kind(e, at_field(p, "paramKind"), s->param_kind);
    check_match_constraints(e, at_field(p, "matchConstraints"), s->match_constraints, true);
    check_match_conditions(e, at_field(p, "matchConditions"), &s->match_conditions);
    check_variables(e, at_field(p, "variables"), &s->variables);
    if (s->mutations.n == 0)
        field_required_because(e, mutations, "must contain at least one item");
    for (uint32_t i = 0; i < s->mutations.n; i++)
        check_mutation(e, at_index(mutations, i), &s->mutations.v[i]);
    check_enum(e, at_field(p, "reinvocationPolicy"), s->reinvocation_policy, STR_SET(policies));
}

const struct validator validator_admissionregistration_mutating_admission_policy = {
    .type = TY_ADMISSIONREGISTRATION_MUTATING_ADMISSION_POLICY,
    .name = name_check_dns1123_subdomain,
    .create = create_mutating};

/* ---- bindings ---- */

static void check_param_ref(struct field_errors *e, const struct field_path *p,
                            const struct admissionregistration_param_ref *r) {
    static const struct str actions[] = {STR_INIT("Deny"), STR_INIT("Allow")};
    const struct field_path *name = at_field(p, "name");
    if (!r)
        return;
    if (r->name.n && r->selector) {
        field_forbidden(e, name, "name and selector exclude each other");
        field_forbidden(e, at_field(p, "selector"), "name and selector exclude each other");
    } else if (r->name.n) {
        check_format(e, name, r->name, name_check_path_segment);
    } else if (r->selector) {
        check_label_selector(e, at_field(p, "selector"), r->selector, false);
    } else {
        field_required_because(e, p, "one of name or selector must be specified");
    }
    if (!r->parameter_not_found_action.p)
        field_required(e, at_field(p, "parameterNotFoundAction"));
    else
        check_supported(e, at_field(p, "parameterNotFoundAction"), r->parameter_not_found_action,
                        STR_SET(actions));
}

static void check_binding(struct field_errors *e, struct str policy,
                          const struct admissionregistration_param_ref *param,
                          const struct admissionregistration_match_resources *match, bool mutating) {
    const struct field_path *p = at_field(NULL, "spec");
    check_required_format(e, at_field(p, "policyName"), policy, name_check_dns1123_subdomain);
    check_param_ref(e, at_field(p, "paramRef"), param);
    if (match)
        check_match_resources(e, at_field(p, "matchResources"), match, mutating);
}

static void check_actions(struct field_errors *e, const struct field_path *p,
                          const struct str_array *actions) {
    static const struct str known[] = {STR_INIT("Audit"), STR_INIT("Deny"), STR_INIT("Warn")};
    bool deny = false, warn = false;
    SEEN(seen);
    if (actions->n == 0)
        field_required_because(e, p, "at least one validation action is required");
    for (uint32_t i = 0; i < actions->n; i++) {
        deny = deny || str_eq(actions->v[i], known[1]);
        warn = warn || str_eq(actions->v[i], known[2]);
        check_supported(e, at_index(p, i), actions->v[i], STR_SET(known));
        if (seen_before(&seen, actions->v[i]))
            field_duplicate(e, at_index(p, i), bad(actions->v[i]));
    }
    if (deny && warn)
        field_invalid(e, p, bad(actions->n), "must not contain both Deny and Warn, which say the same twice");
}

static void create_validating_binding(struct validation *v, const void *object) {
    const struct admissionregistration_validating_admission_policy_binding_spec *s =
        &((const struct admissionregistration_validating_admission_policy_binding *)object)->spec;
    check_binding(v->errors, s->policy_name, s->param_ref, s->match_resources, false);
    check_actions(v->errors, at_field(NULL, "spec.validationActions"), &s->validation_actions);
}

const struct validator validator_admissionregistration_validating_admission_policy_binding = {
    .type = TY_ADMISSIONREGISTRATION_VALIDATING_ADMISSION_POLICY_BINDING,
    .name = name_check_dns1123_subdomain,
    .create = create_validating_binding};

static void create_mutating_binding(struct validation *v, const void *object) {
    const struct admissionregistration_mutating_admission_policy_binding_spec *s =
        &((const struct admissionregistration_mutating_admission_policy_binding *)object)->spec;
    check_binding(v->errors, s->policy_name, s->param_ref, s->match_resources, true);
}

const struct validator validator_admissionregistration_mutating_admission_policy_binding = {
    .type = TY_ADMISSIONREGISTRATION_MUTATING_ADMISSION_POLICY_BINDING,
    .name = name_check_dns1123_subdomain,
    .create = create_mutating_binding};
