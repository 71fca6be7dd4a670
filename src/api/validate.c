/* From a kind to its rules. See validate.h; the rules are in validation/. */
#include "api/validate.h"

#include "api/validation/validation.h"
#include "base/err.h"

static const struct validate_options default_options;

/* The metadata inside an object of a built-in type, or NULL. */
static const struct meta_object_meta *meta_of(const struct kind *kind, const void *object) {
    const struct ty_field *f = ty_find(&builtin, kind->hub->type, S("metadata"));
    if (!f || f->type != TY_META_OBJECT_META)
        return NULL;
    return (const void *)((const char *)object + f->offset);
}

static struct validation begin(const struct validate_options *options, const struct kind *kind,
                               const void *object, const void *old, struct field_errors *errors) {
    check(kind->set == &builtin);
    return (struct validation){
        .errors = errors,
        .options = options ? options : &default_options,
        .kind = kind,
        .meta = meta_of(kind, object),
        .old_meta = old ? meta_of(kind, old) : NULL,
    };
}

/* Objects that are only sent, never stored (reviews), need no name. */
static bool has_stored_meta(const struct validation *v) {
    return v->meta && !v->kind->virtual_;
}

void validate_create(const struct validate_options *options, const struct kind *kind, const void *object,
                     struct field_errors *errors) {
    struct validation v = begin(options, kind, object, NULL, errors);
    if (has_stored_meta(&v))
        validate_object_meta(kind, v.meta, errors);
    const struct validator *validator = validator_find(kind->hub->type);
    if (validator && validator->create)
        validator->create(&v, object);
}

/* The metadata rules of any update. */
static struct validation begin_update(const struct validate_options *options, const struct kind *kind,
                                      const void *object, const void *old, struct field_errors *errors) {
    struct validation v = begin(options, kind, object, old, errors);
    if (has_stored_meta(&v)) {
        validate_object_meta(kind, v.meta, errors);
        validate_object_meta_update(kind, v.meta, v.old_meta, errors);
    }
    return v;
}

void validate_update(const struct validate_options *options, const struct kind *kind, const void *object,
                     const void *old, struct field_errors *errors) {
    struct validation v = begin_update(options, kind, object, old, errors);
    const struct validator *validator = validator_find(kind->hub->type);
    if (!validator)
        return;
    if (validator->update)
        validator->update(&v, object, old);
    else if (validator->create)
        validator->create(&v, object);
}

void validate_status_update(const struct validate_options *options, const struct kind *kind,
                            const void *object, const void *old, struct field_errors *errors) {
    struct validation v = begin_update(options, kind, object, old, errors);
    const struct validator *validator = validator_find(kind->hub->type);
    if (validator && validator->status)
        validator->status(&v, object, old);
}

void validate_subresource_update(const struct validate_options *options, const struct kind *kind,
                                 struct str subresource, const void *object, const void *old,
                                 struct field_errors *errors) {
    if (str_eq(subresource, S("status"))) {
        validate_status_update(options, kind, object, old, errors);
        return;
    }
    struct validation v = begin_update(options, kind, object, old, errors);
    const struct validator *validator = validator_find(kind->hub->type);
    if (!validator || !validator->subresources)
        return;
    for (const struct subresource_validator *s = validator->subresources; !str_empty(s->name); s++)
        if (str_eq(s->name, subresource))
            s->update(&v, object, old);
}
