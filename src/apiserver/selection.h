/* apiserver/selection: which objects a list, a watch or a deletion of many is about: labels and fields.
 *
 * Compiled once for a call, in its arena; never changes. Any thread matches.
 */
#pragma once

#include <stdbool.h>

#include "api/field_selector.h"
#include "api/label_selector.h"
#include "api/object.h"

struct arena;
struct err;
struct request_options;

struct selection {
    struct label_selector labels;
    struct field_selector fields; /* resolved */
    struct str name;              /* metadata.name must be this; STR_NONE: any */
    struct str node;              /* pods: spec.nodeName must be this; STR_NONE: any */
    bool by_path;                 /* the name is of the path, not among the fields */
    bool everything;
};

/* kind: the version asked for. ERR_INVALID with the words of upstream's bad request. */
int selection_make(struct arena *a, const struct kind *kind, struct str label_selector,
                   struct str field_selector, struct selection *ret, struct err *err);

/* o: an object of the hub version. scratch takes texts that have to be made. */
bool selection_matches(const struct selection *s, const struct object *o, struct arena *scratch);
