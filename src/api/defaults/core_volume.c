/* Defaults of volumes, claims and their sources. See defaults_priv.h. */
#include "api/defaults/defaults_priv.h"
#include "api/types/core.h"

DEFAULTER(secret_source, core_secret_volume_source, s) {
    default_i32(&s->default_mode, CORE_SECRET_VOLUME_SOURCE_DEFAULT_MODE);
}

DEFAULTER(config_map_source, core_config_map_volume_source, s) {
    default_i32(&s->default_mode, CORE_CONFIG_MAP_VOLUME_SOURCE_DEFAULT_MODE);
}

DEFAULTER(downward_api_source, core_downward_api_volume_source, s) {
    default_i32(&s->default_mode, CORE_DOWNWARD_API_VOLUME_SOURCE_DEFAULT_MODE);
}

DEFAULTER(projected_source, core_projected_volume_source, s) {
    default_i32(&s->default_mode, CORE_PROJECTED_VOLUME_SOURCE_DEFAULT_MODE);
}

DEFAULTER(token_projection, core_service_account_token_projection, p) {
    default_i64(&p->expiration_seconds, 60 * 60);
}

DEFAULTER(host_path_source, core_host_path_volume_source, s) {
    default_absent(&s->type, CORE_HOST_PATH_UNSET);
}

DEFAULTER(persistent_volume_spec, core_persistent_volume_spec, s) {
    default_empty(&s->persistent_volume_reclaim_policy, CORE_PERSISTENT_VOLUME_RECLAIM_RETAIN);
    default_absent(&s->volume_mode, CORE_PERSISTENT_VOLUME_FILESYSTEM);
}

DEFAULTER(persistent_volume_status, core_persistent_volume_status, s) {
    default_empty(&s->phase, CORE_VOLUME_PENDING);
}

DEFAULTER(claim_spec, core_persistent_volume_claim_spec, s) {
    default_absent(&s->volume_mode, CORE_PERSISTENT_VOLUME_FILESYSTEM);
}

DEFAULTER(claim_status, core_persistent_volume_claim_status, s) {
    default_empty(&s->phase, CORE_CLAIM_PENDING);
}

static const struct default_rule table[] = {
    {TY_CORE_CONFIG_MAP_VOLUME_SOURCE, config_map_source},
    {TY_CORE_DOWNWARD_API_VOLUME_SOURCE, downward_api_source},
    {TY_CORE_HOST_PATH_VOLUME_SOURCE, host_path_source},
    {TY_CORE_PERSISTENT_VOLUME_CLAIM_SPEC, claim_spec},
    {TY_CORE_PERSISTENT_VOLUME_CLAIM_STATUS, claim_status},
    {TY_CORE_PERSISTENT_VOLUME_SPEC, persistent_volume_spec},
    {TY_CORE_PERSISTENT_VOLUME_STATUS, persistent_volume_status},
    {TY_CORE_PROJECTED_VOLUME_SOURCE, projected_source},
    {TY_CORE_SECRET_VOLUME_SOURCE, secret_source},
    {TY_CORE_SERVICE_ACCOUNT_TOKEN_PROJECTION, token_projection},
};
DEFAULT_RULES(core_volume_defaults, table);
