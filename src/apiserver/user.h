/* apiserver/user: who asks, and what for. Plain values; borrow from the request's arena. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"

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
};
