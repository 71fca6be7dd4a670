/* Rules of admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration, MutatingWebhookConfiguration. */
#include "api/validation/admission.h"
#include "api/validation/meta.h"
#include "api/validation/webhook.h"

#define TIMEOUT_SEC_MAX 30

/* The mutating kind has one field more, checked apart. */
static void check_webhook(struct field_errors *e, const struct field_path *p,
                          const struct admissionregistration_validating_webhook *w, struct seen *names) {
    static const struct str effects[] = {STR_INIT("None"), STR_INIT("NoneOnDryRun")};
    const struct admissionregistration_service_reference *s = w->client_config.service;
    struct webhook_service service = {0};
    check_required_format(e, at_field(p, "name"), w->name, name_check_fully_qualified_name);
    if (seen_before(names, w->name))
        field_duplicate(e, at_field(p, "name"), bad(w->name));
    for (uint32_t i = 0; i < w->rules.n; i++)
        check_admission_rule(e, at_index(at_field(p, "rules"), i), &w->rules.v[i]);
    check_failure_policy(e, at_field(p, "failurePolicy"), w->failure_policy);
    check_match_policy(e, at_field(p, "matchPolicy"), w->match_policy);
    if (!w->side_effects.p)
        field_required_because(e, at_field(p, "sideEffects"), "must specify one of None, NoneOnDryRun");
    else
        check_supported(e, at_field(p, "sideEffects"), w->side_effects, STR_SET(effects));
    if (w->timeout_seconds.set)
        check_range(e, at_field(p, "timeoutSeconds"), w->timeout_seconds.v, 1, TIMEOUT_SEC_MAX);
    check_label_selector(e, at_field(p, "namespaceSelector"), w->namespace_selector, false);
    check_label_selector(e, at_field(p, "objectSelector"), w->object_selector, false);
    check_review_versions(e, at_field(p, "admissionReviewVersions"), &w->admission_review_versions);
    if (s)
        service = (struct webhook_service){s->namespace, s->name, s->path, s->port};
    check_webhook_client(e, at_field(p, "clientConfig"), w->client_config.url, s ? &service : NULL);
    check_match_conditions(e, at_field(p, "matchConditions"), &w->match_conditions);
}

static void create_validating(struct validation *v, const void *object) {
    const struct admissionregistration_validating_webhook_configuration *c = object;
    SEEN(names);
    for (uint32_t i = 0; i < c->webhooks.n; i++)
        check_webhook(v->errors, at_index(at_field(NULL, "webhooks"), i), &c->webhooks.v[i], &names);
}

const struct validator validator_admissionregistration_validating_webhook_configuration = {
    .type = TY_ADMISSIONREGISTRATION_VALIDATING_WEBHOOK_CONFIGURATION,
    .name = name_check_dns1123_subdomain,
    .create = create_validating};

static void create_mutating(struct validation *v, const void *object) {
    static const struct str policies[] = {STR_INIT("IfNeeded"), STR_INIT("Never")};
    const struct admissionregistration_mutating_webhook_configuration *c = object;
    SEEN(names);
    for (uint32_t i = 0; i < c->webhooks.n; i++) {
        const struct admissionregistration_mutating_webhook *w = &c->webhooks.v[i];
        const struct field_path *p = at_index(at_field(NULL, "webhooks"), i);
        const struct admissionregistration_validating_webhook same = {
            .name = w->name,
            .client_config = w->client_config,
            .rules = w->rules,
            .failure_policy = w->failure_policy,
            .match_policy = w->match_policy,
            .namespace_selector = w->namespace_selector,
            .object_selector = w->object_selector,
            .side_effects = w->side_effects,
            .timeout_seconds = w->timeout_seconds,
            .admission_review_versions = w->admission_review_versions,
            .match_conditions = w->match_conditions,
        };
        check_webhook(v->errors, p, &same, &names);
        if (w->reinvocation_policy.p)
            check_supported(v->errors, at_field(p, "reinvocationPolicy"), w->reinvocation_policy,
                            STR_SET(policies));
    }
}

const struct validator validator_admissionregistration_mutating_webhook_configuration = {
    .type = TY_ADMISSIONREGISTRATION_MUTATING_WEBHOOK_CONFIGURATION,
    .name = name_check_dns1123_subdomain,
    .create = create_mutating};
