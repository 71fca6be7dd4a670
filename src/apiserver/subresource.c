/* The table of subresource.h. */
#include "apiserver/subresource.h"

#include "api/json.h"
#include "api/object.h"
#include "api/types/ids.h"
#include "apiserver/registry_priv.h"
#include "apiserver/subresource_priv.h"
#include "base/err.h"

#define KIND_BYTES_MAX 4096u /* the top struct of a kind */

/* One line each, by kind. */
const struct subresource_row subresource_rows[] = {
    {.kind = SUBRESOURCE_ANY_KIND, .name = "scale", .run = registry_scale},
    {.kind = KIND_CORE_BINDING, .name = "", .run = subresource_bind},
    {.kind = KIND_CORE_COMPONENT_STATUS, .name = "", .run = subresource_component_status},
    {.kind = KIND_CORE_POD, .name = "binding", .run = subresource_bind},
    {.kind = KIND_CORE_POD, .name = "eviction", .run = subresource_evict},
    {.kind = KIND_CORE_SERVICE_ACCOUNT, .name = "token", .run = subresource_token},
    {.kind = KIND_AUTHENTICATION_SELF_SUBJECT_REVIEW, .name = "", .run = subresource_self_review},
    {.kind = KIND_AUTHENTICATION_TOKEN_REVIEW, .name = "", .run = subresource_token_review},
    {.kind = KIND_AUTHORIZATION_LOCAL_SUBJECT_ACCESS_REVIEW, .name = "", .run = subresource_access_review},
    {.kind = KIND_AUTHORIZATION_SELF_SUBJECT_ACCESS_REVIEW, .name = "", .run = subresource_access_review},
    {.kind = KIND_AUTHORIZATION_SELF_SUBJECT_RULES_REVIEW, .name = "", .run = subresource_rules_review},
    {.kind = KIND_AUTHORIZATION_SUBJECT_ACCESS_REVIEW, .name = "", .run = subresource_access_review},
};
const uint32_t n_subresource_rows = sizeof subresource_rows / sizeof *subresource_rows;

const struct subresource_row *subresource_find(const struct kind *kind, struct str name) {
    for (uint32_t i = 0; i < n_subresource_rows; i++) {
        const struct subresource_row *r = &subresource_rows[i];
        if ((r->kind == kind->hub->index || r->kind == SUBRESOURCE_ANY_KIND) &&
            str_eq(name, str_from(r->name)))
            return r;
    }
    return NULL;
}

static size_t field_bytes(const struct ty_set *set, const struct ty_field *f) {
    return f->shape == SHAPE_OPT ? sizeof(void *) : set->types[f->type].size;
}

void subresource_keep_but(const struct kind *hub, void *object, const void *old, const char *field) {
    const struct ty_set *set = hub->set;
    const struct ty_field *f = ty_find(set, hub->type, str_from(field));
    check(f && f->leaf == LEAF_MESSAGE && set->types[hub->type].size <= KIND_BYTES_MAX);
    char sent[KIND_BYTES_MAX];
    memcpy(sent, object, set->types[hub->type].size);
    memcpy(object, old, set->types[hub->type].size);
    memcpy((char *)object + f->offset, sent + f->offset, field_bytes(set, f));
    *object_meta_in(hub, object) = *object_meta_in(hub, sent);
}
