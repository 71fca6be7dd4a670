/* Defaults of admission: webhooks and policies. See defaults_priv.h.
 *
 * Older versions have the same rules on structs of their own; the macros below keep them one text.
 */
#include "api/types/admissionregistration.h"
#include "api/defaults/defaults_priv.h"

/* What both kinds of webhook share. */
#define DEFAULT_WEBHOOK(a, w)                                                                                \
    do {                                                                                                     \
        default_absent(&(w)->failure_policy, ADMISSIONREGISTRATION_FAIL);                                    \
        default_absent(&(w)->match_policy, ADMISSIONREGISTRATION_EQUIVALENT);                                \
        default_new((a), (w)->namespace_selector);                                                           \
        default_new((a), (w)->object_selector);                                                              \
        default_i32(&(w)->timeout_seconds, 10);                                                              \
    } while (0)

#define WEBHOOK_RULES(p)                                                                                     \
    DEFAULTER(p##_validating_webhook_rule, p##_validating_webhook, w) {                                      \
        DEFAULT_WEBHOOK(a, w);                                                                               \
    }                                                                                                        \
    DEFAULTER(p##_mutating_webhook_rule, p##_mutating_webhook, w) {                                          \
        DEFAULT_WEBHOOK(a, w);                                                                               \
        default_absent(&w->reinvocation_policy, ADMISSIONREGISTRATION_NEVER_REINVOCATION_POLICY);            \
    }                                                                                                        \
    DEFAULTER(p##_service_reference_rule, p##_service_reference, r) {                                        \
        default_i32(&r->port, 443);                                                                          \
    }

#define POLICY_RULES(p)                                                                                      \
    DEFAULTER(p##_validating_policy_rule, p##_validating_admission_policy_spec, s) {                         \
        default_absent(&s->failure_policy, ADMISSIONREGISTRATION_FAIL);                                      \
    }                                                                                                        \
    DEFAULTER(p##_mutating_policy_rule, p##_mutating_admission_policy_spec, s) {                             \
        default_absent(&s->failure_policy, ADMISSIONREGISTRATION_FAIL);                                      \
    }                                                                                                        \
    DEFAULTER(p##_match_resources_rule, p##_match_resources, m) {                                            \
        default_absent(&m->match_policy, ADMISSIONREGISTRATION_EQUIVALENT);                                  \
        default_new(a, m->namespace_selector);                                                               \
        default_new(a, m->object_selector);                                                                  \
    }

WEBHOOK_RULES(admissionregistration)
WEBHOOK_RULES(admissionregistration_v1beta1)
POLICY_RULES(admissionregistration)
POLICY_RULES(admissionregistration_v1beta1)
POLICY_RULES(admissionregistration_v1alpha1)

DEFAULTER(rule, admissionregistration_rule, r) {
    default_absent(&r->scope, ADMISSIONREGISTRATION_ALL_SCOPES);
}

#define WEBHOOK_ROWS(P, p)                                                                                   \
    {TY_##P##_VALIDATING_WEBHOOK, p##_validating_webhook_rule},                                              \
        {TY_##P##_MUTATING_WEBHOOK, p##_mutating_webhook_rule}, {                                            \
        TY_##P##_SERVICE_REFERENCE, p##_service_reference_rule                                               \
    }
#define POLICY_ROWS(P, p)                                                                                    \
    {TY_##P##_VALIDATING_ADMISSION_POLICY_SPEC, p##_validating_policy_rule},                                 \
        {TY_##P##_MUTATING_ADMISSION_POLICY_SPEC, p##_mutating_policy_rule}, {                               \
        TY_##P##_MATCH_RESOURCES, p##_match_resources_rule                                                   \
    }

static const struct default_rule table[] = {
    {TY_ADMISSIONREGISTRATION_RULE, rule},
    WEBHOOK_ROWS(ADMISSIONREGISTRATION, admissionregistration),
    WEBHOOK_ROWS(ADMISSIONREGISTRATION_V1BETA1, admissionregistration_v1beta1),
    POLICY_ROWS(ADMISSIONREGISTRATION, admissionregistration),
    POLICY_ROWS(ADMISSIONREGISTRATION_V1BETA1, admissionregistration_v1beta1),
    POLICY_ROWS(ADMISSIONREGISTRATION_V1ALPHA1, admissionregistration_v1alpha1),
};
DEFAULT_RULES(admissionregistration_defaults, table);
