/* apiserver/user: who asks, and what for. Plain values; borrow from the request's arena. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"

struct arena;
struct field_selector;

struct user_extra {
    struct str key;
    struct str_array values;
};

struct user {
    struct str name; /* "" never: the anonymous user is system:anonymous */
    struct str uid;
    struct str_array groups;
    const struct user_extra *extra;
    uint32_t n_extra;
};

bool user_in_group(const struct user *u, struct str group);

/* What is asked of authorisation. CONFORMS: authorization.k8s.io/v1 SubjectAccessReviewSpec. */
struct access {
    const struct user *user;
    struct str verb; /* get, list, …, or the HTTP method in lower case for paths */
    bool is_resource;
    struct str group, version, resource, subresource, ns, name; /* of resources */
    struct str path;                                            /* of everything else */
    const struct field_selector *fields; /* of list, watch, deletecollection; NULL: none, or one that does not
                                            parse. Nodes may only list what they ask for by their name. */
};

/* Texts from outside as they stand in messages: between double quotes, with escapes where they need them.
 * CONFORMS: Go's %q. */
struct str user_quote(struct arena *a, struct str s);

/* What a 403 says after "pods "x" is forbidden: ". Ends with the reason when there is one.
 * CONFORMS: upstream's text for resources in a namespace, at the cluster scope, and for paths. */
struct str access_denial(const struct access *what, struct str reason, struct arena *a);
