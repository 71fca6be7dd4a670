/* api/validation: the frame of the rules per kind. Only the files of this folder and api/validate.c use it.
 *
 * The rules of a kind are one file (or a few, for pods) that ends in a constant `struct validator`:
 *
 *     // core/v1 ConfigMap
 *     #include "api/validation/validation.h"
 *
 *     static void create(struct validation *v, const void *object) {
 *         const struct core_config_map *m = object;
 *         for (uint32_t i = 0; i < m->data.n; i++)
 *             check_config_key(v->errors, at_key(at_field(NULL, "data"), m->data.v[i].key),
 * m->data.v[i].key);
 *     }
 *
 *     static void update(struct validation *v, const void *object, const void *old) {
 *         create(v, object);
 *         … what may not change …
 *     }
 *
 *     const struct validator validator_core_config_map = {
 *         .type = TY_CORE_CONFIG_MAP, .name = name_check_dns1123_subdomain, .create = create, .update =
 * update};
 *
 * and a line in registry.c. What to keep to:
 *   - The metadata rules (names, labels, owners, what an update may change, …) have run already; the kind
 * only says what its names look like.
 *   - Walk with paths made on the stack (at_field, at_index, at_key) and record with field_*()
 * (field_error.h). Use the checks of checks.h, formats.h and meta.h; they say what upstream's say.
 *   - Order of errors is upstream's where it is cheap: fields in declaration order, create rules before
 * update rules.
 *   - Nothing quadratic: look for duplicates with struct seen. No allocation on the way of a valid object.
 *   - Every rule is tested: each row of test/facts/validation.tsv has a line in
 * test/facts/validation-covered.tsv that names its test; the facts suite compares them.
 */
#pragma once

#include "api/equal.h"
#include "api/field_error.h"
#include "api/kind.h"
#include "api/name.h"
#include "api/types/ids.h"
#include "api/types/meta.h"
#include "api/validate.h"
#include "api/validation/checks.h"
#include "api/validation/formats.h"
#include "api/validation/seen.h"

/* One run over one object; on the stack of validate_*(). */
struct validation {
    struct field_errors *errors;
    const struct validate_options *options;  /* never NULL */
    const struct kind *kind;                 /* as the request named it */
    const struct meta_object_meta *meta;     /* of the object; NULL: the type has none */
    const struct meta_object_meta *old_meta; /* NULL: creation */
};

struct subresource_validator {
    struct str name; /* "resize" */
    void (*update)(struct validation *v, const void *object, const void *old);
};

struct validator {
    uint16_t type;                                                             /* of the hub */
    name_check_fn name;                                                        /* of api/name.h */
    void (*create)(struct validation *v, const void *object);                  /* NULL: no rules */
    void (*update)(struct validation *v, const void *object, const void *old); /* NULL: create's rules */
    void (*status)(struct validation *v, const void *object, const void *old); /* NULL: no rules */
    const struct subresource_validator
        *subresources; /* besides status; ends with an empty name; may be NULL */
};

/* All of them, by type, ascending. */
extern const struct validator *const validators[];
extern const uint32_t n_validators;

/* The validator of a hub type, or NULL. */
const struct validator *validator_find(uint32_t type);
