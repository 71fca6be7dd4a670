/* Defaults of custom resource definitions and aggregated services. See defaults_priv.h. */
#include "api/types/apiextensions.h"
#include "api/defaults/defaults_priv.h"
#include "api/types/apiregistration.h"

static struct str lower(struct arena *a, struct str s) {
    char *p = arena_strz(a, s);
    for (size_t i = 0; i < s.n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] | 32);
    return str_make(p, s.n);
}

DEFAULTER(definition_spec, apiextensions_custom_resource_definition_spec, s) {
    if (!s->names.singular.n)
        s->names.singular = lower(a, s->names.kind);
    if (!s->names.list_kind.n && s->names.kind.n)
        s->names.list_kind = arena_printf(a, "%.*sList", STR_ARG(s->names.kind));
    if (!s->conversion) {
        default_new(a, s->conversion);
        s->conversion->strategy = APIEXTENSIONS_NONE_CONVERTER;
    }
}

DEFAULTER(definition, apiextensions_custom_resource_definition, d) {
    if (d->status.stored_versions.n)
        return;
    for (uint32_t i = 0; i < d->spec.versions.n; i++)
        if (d->spec.versions.v[i].storage) {
            d->status.stored_versions = default_list_of(a, d->spec.versions.v[i].name);
            return;
        }
}

DEFAULTER(conversion_service, apiextensions_service_reference, r) {
    default_i32(&r->port, 443);
}

DEFAULTER(api_service, apiregistration_service_reference, r) {
    default_i32(&r->port, 443);
}

static const struct default_rule table[] = {
    {TY_APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION, definition},
    {TY_APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION_SPEC, definition_spec},
    {TY_APIEXTENSIONS_SERVICE_REFERENCE, conversion_service},
    {TY_APIREGISTRATION_SERVICE_REFERENCE, api_service},
};
DEFAULT_RULES(apiextensions_defaults, table);
