/* api/image_ref: references to container images: [domain/]path[:tag][@digest].
 *
 * CONFORMS: the reference grammar of container registries. Which registry a name without a domain means is
 * the container runtime's business. Pure; results borrow from the text. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

#define IMAGE_PATH_MAX 255u

struct image_ref {
    struct str domain; /* empty when the text names none */
    struct str path;   /* as written */
    struct str tag;    /* empty when there is none */
    struct str digest; /* likewise */
};

/* False when the text is no reference; *ret_ref is untouched then. */
bool image_ref_parse(struct str text, struct image_ref *ret_ref);

/* Whether the reference means the tag "latest", said or implied. */
bool image_ref_is_latest(const struct image_ref *ref);
