/* apiserver/subresource: what does not go the way of the generic verbs: special subresources, and resources
 * of which nothing is stored.
 *
 * One row for each, in subresource.c. Subresources whose body is the object itself need none: status is
 * generic, the others have strategy->prepare_subresource. What has neither is not served (404).
 */
#pragma once

#include <stdint.h>

#include "apiserver/call.h"

struct subresource_row {
    uint16_t kind;    /* KIND_* of the hub of the resource; SUBRESOURCE_ANY_KIND */
    const char *name; /* "": the resource itself (Binding, reviews, ComponentStatus) */

    /* Takes the whole call over: any verb that the schema has. */
    void (*run)(struct call *c);
};
#define SUBRESOURCE_ANY_KIND 0xffffu

extern const struct subresource_row subresource_rows[];
extern const uint32_t n_subresource_rows;

/* The row, or NULL. kind: any version. */
const struct subresource_row *subresource_find(const struct kind *kind, struct str name);

/* Takes everything from old but metadata and one field of the JSON. */
void subresource_keep_but(const struct kind *hub, void *object, const void *old, const char *field);
