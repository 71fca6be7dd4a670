/* Rules of what is only asked, never stored: access reviews and token requests. */
#include "api/types/authentication.h"
#include "api/types/authorization.h"
#include "api/validation/meta.h"
#include "api/validation/validation.h"

#define TOKEN_SEC_MIN 600
#define TOKEN_SEC_MAX (INT64_C(1) << 32)

/* ---- authorization ---- */

static void check_attributes(struct field_errors *e, const struct field_path *p, bool resource, bool other) {
    if (resource && other)
        field_invalid(e, at_field(p, "nonResourceAttributes"), BAD_NULL,
                      "cannot be specified in combination with resourceAttributes");
    if (!resource && !other)
        field_invalid(e, at_field(p, "resourceAttributes"), BAD_NULL,
                      "exactly one of nonResourceAttributes or resourceAttributes must be specified");
}

/* The client sends no metadata; what server-side tools record of themselves is fine. */
static void check_no_meta(struct validation *v, struct str ns) {
    static const struct str recorded[] = {STR_INIT("managedFields")};
    struct meta_object_meta empty = {.namespace = ns};
    if (!api_equal_but(&builtin, TY_META_OBJECT_META, v->meta, &empty, recorded, 1))
        field_invalid(v->errors, at_field(NULL, "metadata"),
                      bad_object(v->errors, TY_META_OBJECT_META, v->meta), "must be empty");
}

static void check_raw(struct field_errors *e, const struct field_path *p, struct str raw,
                      uint32_t requirements, bool present) {
    if (!present)
        return;
    if (!str_empty(raw) && requirements)
        field_invalid(e, at_field(p, "rawSelector"), bad(raw), "excludes requirements");
    else if (str_empty(raw) && !requirements)
        field_required_because(e, at_field(p, "requirements"), "or a rawSelector");
}

static void check_selectors(struct field_errors *e, const struct field_path *p,
                            const struct authorization_resource_attributes *a) {
    if (!a)
        return;
    const struct authorization_field_selector_attributes *f = a->field_selector;
    const struct authorization_label_selector_attributes *l = a->label_selector;
    check_raw(e, at_field(p, "fieldSelector"), f ? f->raw_selector : STR_NONE, f ? f->requirements.n : 0,
              f != NULL);
    check_raw(e, at_field(p, "labelSelector"), l ? l->raw_selector : STR_NONE, l ? l->requirements.n : 0,
              l != NULL);
}

static void check_subject_spec(struct field_errors *e,
                               const struct authorization_subject_access_review_spec *s) {
    const struct field_path *p = at_field(NULL, "spec");
    check_attributes(e, p, s->resource_attributes != NULL, s->non_resource_attributes != NULL);
    if (str_empty(s->user) && s->groups.n == 0)
        field_invalid(e, at_field(p, "user"), bad(s->user),
                      "at least one of user or group must be specified");
    check_selectors(e, at_field(p, "resourceAttributes"), s->resource_attributes);
}

static void create_subject(struct validation *v, const void *object) {
    check_subject_spec(v->errors, &((const struct authorization_subject_access_review *)object)->spec);
    check_no_meta(v, STR_NONE);
}

const struct validator validator_authorization_subject_access_review = {
    .type = TY_AUTHORIZATION_SUBJECT_ACCESS_REVIEW, .create = create_subject};

static void create_self(struct validation *v, const void *object) {
    const struct authorization_self_subject_access_review_spec *s =
        &((const struct authorization_self_subject_access_review *)object)->spec;
    const struct field_path *p = at_field(NULL, "spec");
    check_attributes(v->errors, p, s->resource_attributes != NULL, s->non_resource_attributes != NULL);
    check_selectors(v->errors, at_field(p, "resourceAttributes"), s->resource_attributes);
    check_no_meta(v, STR_NONE);
}

const struct validator validator_authorization_self_subject_access_review = {
    .type = TY_AUTHORIZATION_SELF_SUBJECT_ACCESS_REVIEW, .create = create_self};

static void create_local(struct validation *v, const void *object) {
    const struct authorization_local_subject_access_review *r = object;
    const struct authorization_resource_attributes *a = r->spec.resource_attributes;
    const struct field_path *p = at_field(NULL, "spec");
    check_subject_spec(v->errors, &r->spec);
    check_no_meta(v, r->metadata.namespace);
    if (a && !str_eq(a->namespace, r->metadata.namespace))
        field_invalid(v->errors, at_field(p, "resourceAttributes.namespace"), bad(a->namespace),
                      "must match metadata.namespace");
    if (r->spec.non_resource_attributes)
        field_invalid(v->errors, at_field(p, "nonResourceAttributes"), BAD_NULL,
                      "disallowed on this kind of request");
}

const struct validator validator_authorization_local_subject_access_review = {
    .type = TY_AUTHORIZATION_LOCAL_SUBJECT_ACCESS_REVIEW, .create = create_local};

/* ---- authentication ---- */

static void create_token(struct validation *v, const void *object) {
    const struct authentication_token_request_spec *s =
        &((const struct authentication_token_request *)object)->spec;
    const struct field_path *p = at_field(NULL, "spec.expirationSeconds");
    if (!s->expiration_seconds.set)
        return;
    if (s->expiration_seconds.v < TOKEN_SEC_MIN)
        field_invalid(v->errors, p, bad(s->expiration_seconds),
                      "may not specify a duration less than 10 minutes");
    if (s->expiration_seconds.v > TOKEN_SEC_MAX)
        field_invalid(v->errors, p, bad(s->expiration_seconds),
                      "may not specify a duration larger than 2^32 seconds");
}

const struct validator validator_authentication_token_request = {
    .type = TY_AUTHENTICATION_TOKEN_REQUEST, .name = name_check_path_segment, .create = create_token};
