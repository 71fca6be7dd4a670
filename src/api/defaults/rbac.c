/* Defaults of access control: roles, tokens. See defaults_priv.h. */
#include "api/types/rbac.h"
#include "api/defaults/defaults_priv.h"
#include "api/types/authentication.h"

DEFAULTER(role_binding, rbac_role_binding, b) {
    default_empty(&b->role_ref.api_group, RBAC_GROUP_NAME);
}

DEFAULTER(cluster_role_binding, rbac_cluster_role_binding, b) {
    default_empty(&b->role_ref.api_group, RBAC_GROUP_NAME);
}

DEFAULTER(subject, rbac_subject, s) {
    if (str_eq(s->kind, RBAC_USER_KIND) || str_eq(s->kind, RBAC_GROUP_KIND))
        default_empty(&s->api_group, RBAC_GROUP_NAME);
}

DEFAULTER(token_request_spec, authentication_token_request_spec, s) {
    default_i64(&s->expiration_seconds, 60 * 60);
}

static const struct default_rule table[] = {
    {TY_AUTHENTICATION_TOKEN_REQUEST_SPEC, token_request_spec},
    {TY_RBAC_CLUSTER_ROLE_BINDING, cluster_role_binding},
    {TY_RBAC_ROLE_BINDING, role_binding},
    {TY_RBAC_SUBJECT, subject},
};
DEFAULT_RULES(rbac_defaults, table);
