/* test/unit/validation: the frame of validation tests: objects as JSON, small edits, errors as text.
 *
 * An object is a base, which is valid, and edits to it. JSON is written with ' for ". Edits are separated by
 * " ;; ", each `path = JSON` (or just JSON: the whole object), or `path = -` to leave the field out:
 *
 *     assert_create(KIND_CORE_POD, pod, "spec.containers[0].image = '' ;; spec.hostname = 'x y'",
 *                   "spec.containers[0].image: Required value\n"
 *                   "spec.hostname: Invalid value: \"x y\": *");
 *
 * Steps of a path that hold dots stand in brackets: metadata.labels[a/b.c]. An index one past the end
 * appends.
 *
 * The expected errors stand one per line, in order, all of them; "" is none. A line that ends in * need only
 * begin so. Equal errors that follow each other count as one.
 */
#pragma once

#include "api/kind.h"
#include "api/types/ids.h"
#include "api/validate.h"
#include "unit/unit.h"

/* What a test did, and whether the errors are those expected. */
#define assert_create(kind, base, edits, expected)                                                           \
    assert_valid(&(struct valid_case){.kind_index = (kind), .base_json = (base), .edits_text = (edits)},     \
                 (expected), __FILE__, __LINE__)

/* old_edits make the stored object from the base, new_edits the object that replaces it from the stored one.
 */
#define assert_update(kind, base, old_edits, new_edits, expected)                                            \
    assert_valid(&(struct valid_case){.kind_index = (kind),                                                  \
                                      .base_json = (base),                                                   \
                                      .old_edits_text = (old_edits),                                         \
                                      .edits_text = (new_edits)},                                            \
                 (expected), __FILE__, __LINE__)

#define assert_subresource(kind, sub, base, old_edits, new_edits, expected)                                  \
    assert_valid(&(struct valid_case){.kind_index = (kind),                                                  \
                                      .subresource = (sub),                                                  \
                                      .base_json = (base),                                                   \
                                      .old_edits_text = (old_edits),                                         \
                                      .edits_text = (new_edits)},                                            \
                 (expected), __FILE__, __LINE__)

#define assert_status_update(kind, base, old_edits, new_edits, expected)                                     \
    assert_subresource(kind, "status", base, old_edits, new_edits, expected)

struct valid_case {
    uint32_t kind_index;     /* KIND_* */
    const char *subresource; /* NULL: the object itself */
    const char *base_json;
    const char *old_edits_text; /* NULL: creation */
    const char *edits_text;
    struct validate_options options;
};

void assert_valid(const struct valid_case *c, const char *expected, const char *file, int line);

/* Errors against the expected lines. */
void assert_errors(const struct field_errors *errors, const char *expected, const char *file, int line);

/* A struct of a type from JSON with ' for ", in the arena. */
struct arena;
void *valid_read(struct arena *a, uint32_t type, const char *json);
