/* api/validate: whether an object may be stored.
 *
 * Called by the registry on the defaulted and prepared object, before validating admission. Every rule that
 * an object breaks becomes one field error; none: the object is fine. The rules of each kind are in
 * validation/ (see validation/validation.h for how to add one); the rules of metadata are applied to every
 * kind here.
 *
 * Objects are those of the hub version: `kind` is the one the request named (its version matters to a few
 * rules), the bodies are packed structs of kind->hub->type. Custom resources have no packed struct: use the
 * metadata functions, and their schema for the rest.
 *
 * Nothing is allocated for a valid object, except sets for the duplicate checks of long lists. Any thread.
 *
 * CONFORMS: upstream's validation with the feature gates of 1.36 at their defaults.
 */
#pragma once

#include <stdbool.h>

#include "api/field_error.h"
#include "api/kind.h"

struct core_pod_log_options;
struct meta_create_options;
struct meta_delete_options;
struct meta_object_meta;
struct meta_patch_options;
struct meta_update_options;

struct validate_options {
    bool forbid_privileged; /* no privileged containers */
};

/* options may be NULL: all defaults. */
void validate_create(const struct validate_options *options, const struct kind *kind, const void *object,
                     struct field_errors *errors);

/* object replaces old. Metadata that the server fills in (uid, creationTimestamp, …) must be filled in
 * already.
 */
void validate_update(const struct validate_options *options, const struct kind *kind, const void *object,
                     const void *old, struct field_errors *errors);
void validate_status_update(const struct validate_options *options, const struct kind *kind,
                            const void *object, const void *old, struct field_errors *errors);

/* An update through another subresource: "resize", "ephemeralcontainers", "finalize", "approval", … */
void validate_subresource_update(const struct validate_options *options, const struct kind *kind,
                                 struct str subresource, const void *object, const void *old,
                                 struct field_errors *errors);

/* The metadata rules alone. */
void validate_object_meta(const struct kind *kind, const struct meta_object_meta *meta,
                          struct field_errors *errors);
void validate_object_meta_update(const struct kind *kind, const struct meta_object_meta *meta,
                                 const struct meta_object_meta *old, struct field_errors *errors);

/* Whether an object belongs to the namespace of its request ("" for cluster-wide kinds). One that names none
 * does: the server fills it in. Otherwise the answer is 400, before anything else is checked. */
bool namespace_fits_request(const struct meta_object_meta *meta, struct str request_namespace);

/* The parameters of requests. */
void validate_create_options(const struct meta_create_options *options, struct field_errors *errors);
void validate_update_options(const struct meta_update_options *options, struct field_errors *errors);
void validate_delete_options(const struct meta_delete_options *options, struct field_errors *errors);

/* apply: the patch is an apply configuration. */
void validate_patch_options(const struct meta_patch_options *options, bool apply,
                            struct field_errors *errors);

void validate_pod_log_options(const struct core_pod_log_options *options, struct field_errors *errors);

/* A negative grace period means one second. */
void normalise_delete_options(struct meta_delete_options *options);
