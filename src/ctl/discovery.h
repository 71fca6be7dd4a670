/* ctl/discovery: what kinds of objects the server has, and by what names users call them.
 *
 * Read on first use, kept in the invocation's arena; rows never change. One thread.
 */
#pragma once

#include "ctl/ctl.h"

struct resource {
    struct str group, version; /* "" is the core group */
    struct str api_version;    /* "v1", "apps/v1" */
    struct str plural, singular, kind;
    const struct str *short_names, *categories, *verbs, *subresources;
    size_t n_short_names, n_categories, n_verbs, n_subresources;
    bool namespaced;
    bool preferred; /* version of its group */
};

struct discovery {
    struct resource *v; /* in the server's order: the core group first, versions by priority */
    size_t n;
    struct str *group_versions; /* "v1", "apps/v1", … */
    size_t n_group_versions;
};

/* c->discovery. */
int discovery_load(struct ctl *c, struct problem *p);

/* What a user may call a resource: plural, singular, short name, kind in small letters, and these with
 * .group or .version.group. "the server doesn't have a resource type …" */
int resource_find(struct ctl *c, struct str name, const struct resource **ret, struct problem *p);
/* By apiVersion and kind of an object: "no matches for kind …". */
int resource_of_kind(struct ctl *c, struct str api_version, struct str kind, const struct resource **ret,
                     struct problem *p);
/* By group and kind, the preferred version; NULL when the server has none. */
const struct resource *resource_of_group_kind(struct ctl *c, struct str group, struct str kind);
/* By group, version ("": the preferred) and plural; NULL when the server has none. */
const struct resource *resource_get(struct ctl *c, struct str group, struct str version, struct str plural);
/* Resources of a category ("all"), in order; NULL-terminated in the arena; *ret_n 0 when it is none. */
const struct resource *const *resource_category(struct ctl *c, struct str name, size_t *ret_n);

bool resource_can(const struct resource *r, const char *verb);
bool resource_has_sub(const struct resource *r, struct str sub);
/* "pods", "deployments.apps". */
struct str resource_full_name(struct ctl *c, const struct resource *r);
/* "pod", "deployment.apps": what stands before an object's name in texts. */
struct str resource_kind_name(struct ctl *c, const struct resource *r);
