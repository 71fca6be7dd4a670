/* What kinds of objects the server has. See discovery.h. */
#include "ctl/discovery.h"

#include "base/vec.h"
#include "ctl/call.h"
#include "ctl/object.h"

#define ACCEPT_AGGREGATED                                                                                    \
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"                                  \
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"

static const struct str *texts(struct ctl *c, const struct jval *list, size_t *ret_n) {
    *ret_n = 0;
    if (!list || list->kind != J_ARRAY)
        return NULL;
    struct str *v = arena_new_n(&c->arena, list->n + 1, struct str);
    for (uint32_t i = 0; i < list->n; i++)
        if (list->items[i].kind == J_STRING)
            v[(*ret_n)++] = jval_as_str(&list->items[i]);
    return v;
}

static struct str api_version_of(struct ctl *c, struct str group, struct str version) {
    return group.n ? arena_printf(&c->arena, "%.*s/%.*s", STR_ARG(group), STR_ARG(version)) : version;
}

static struct str lower(struct ctl *c, struct str s) {
    char *p = arena_strz(&c->arena, s);
    for (size_t i = 0; i < s.n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] | 0x20);
    return str_make(p, s.n);
}

struct lists {
    struct ctl *c;
    VEC(struct resource) resources;
    VEC(struct str) versions;
};

static void add_resource(struct lists *l, struct resource r) {
    if (!r.singular.n)
        r.singular = lower(l->c, r.kind);
    vec_push_in(&l->c->arena, &l->resources, r);
}

/* -- aggregated: everything in one answer -- */

static const struct str *subresource_names(struct ctl *c, const struct jval *list, size_t *ret_n) {
    *ret_n = 0;
    if (!list || list->kind != J_ARRAY)
        return NULL;
    struct str *v = arena_new_n(&c->arena, list->n + 1, struct str);
    for (uint32_t i = 0; i < list->n; i++)
        v[(*ret_n)++] = object_str(&list->items[i], "subresource");
    return v;
}

static void add_aggregated(struct lists *l, struct str group, struct str version, const struct jval *x,
                           bool preferred) {
    struct ctl *c = l->c;
    struct resource r = {
        .group = group,
        .version = version,
        .api_version = api_version_of(c, group, version),
        .plural = object_str(x, "resource"),
        .singular = object_str(x, "singularResource"),
        .kind = object_str(x, "responseKind.kind"),
        .namespaced = str_eq(object_str(x, "scope"), S("Namespaced")),
        .preferred = preferred,
    };
    r.short_names = texts(c, jval_get(x, S("shortNames")), &r.n_short_names);
    r.categories = texts(c, jval_get(x, S("categories")), &r.n_categories);
    r.verbs = texts(c, jval_get(x, S("verbs")), &r.n_verbs);
    r.subresources = subresource_names(c, jval_get(x, S("subresources")), &r.n_subresources);
    if (r.plural.n && r.kind.n)
        add_resource(l, r);
}

static void add_group(struct lists *l, const struct jval *group) {
    const struct jval *versions = object_array(group, "versions");
    struct str name = object_str(group, "metadata.name");
    for (uint32_t i = 0; versions && i < versions->n; i++) {
        const struct jval *v = &versions->items[i];
        struct str version = object_str(v, "version");
        const struct jval *resources = object_array(v, "resources");
        vec_push_in(&l->c->arena, &l->versions, api_version_of(l->c, name, version));
        for (uint32_t k = 0; resources && k < resources->n; k++)
            add_aggregated(l, name, version, &resources->items[k], i == 0);
    }
}

/* -- of servers before aggregation: one answer per group version -- */

static void add_old(struct lists *l, struct str group, struct str version, const struct jval *list,
                    bool preferred) {
    struct ctl *c = l->c;
    const struct jval *items = object_array(list, "resources");
    for (uint32_t i = 0; items && i < items->n; i++) {
        const struct jval *x = &items->items[i];
        struct str head, sub;
        if (str_split(object_str(x, "name"), '/', &head, &sub))
            continue;
        struct resource r = {
            .group = group,
            .version = version,
            .api_version = api_version_of(c, group, version),
            .plural = head,
            .singular = object_str(x, "singularName"),
            .kind = object_str(x, "kind"),
            .namespaced = object_bool(x, "namespaced"),
            .preferred = preferred,
        };
        r.short_names = texts(c, jval_get(x, S("shortNames")), &r.n_short_names);
        r.categories = texts(c, jval_get(x, S("categories")), &r.n_categories);
        r.verbs = texts(c, jval_get(x, S("verbs")), &r.n_verbs);
        struct str *subs = arena_new_n(&c->arena, items->n, struct str);
        for (uint32_t k = 0; k < items->n; k++)
            if (str_split(object_str(&items->items[k], "name"), '/', &head, &sub) && str_eq(head, r.plural))
                subs[r.n_subresources++] = sub;
        r.subresources = subs;
        add_resource(l, r);
    }
}

static int read_old(struct lists *l, struct str group, struct str version, bool preferred,
                    struct problem *p) {
    struct ctl *c = l->c;
    struct answer answer;
    struct str api_version = api_version_of(c, group, version);
    struct str path = arena_printf(&c->arena, "/%s/%.*s", group.n ? "apis" : "api", STR_ARG(api_version));
    vec_push_in(&c->arena, &l->versions, api_version);
    if (ctl_call(c, &(struct request){.path = path}, &answer, p))
        return p->http_code ? 0 : CTL_PROBLEM; /* an extension server that is away hides only its own */
    add_old(l, group, version, &answer.tree, preferred);
    return 0;
}

static int read_old_groups(struct lists *l, const struct jval *root, struct problem *p) {
    const struct jval *core = object_array(root, "versions"), *groups = object_array(root, "groups");
    int rc = 0;
    if (str_eq(object_kind(root), S("APIVersions")))
        for (uint32_t i = 0; core && i < core->n && rc == 0; i++)
            rc = read_old(l, S(""), jval_as_str(&core->items[i]), i == 0, p);
    for (uint32_t i = 0; groups && i < groups->n; i++) {
        const struct jval *versions = object_array(&groups->items[i], "versions");
        struct str best = object_str(&groups->items[i], "preferredVersion.version");
        for (uint32_t k = 0; versions && k < versions->n && rc == 0; k++) {
            struct str version = object_str(&versions->items[k], "version");
            rc = read_old(l, object_str(&groups->items[i], "name"), version, str_eq(version, best), p);
        }
    }
    return rc;
}

static int read_root(struct lists *l, const char *path, struct problem *p) {
    struct answer answer;
    if (ctl_call(l->c, &(struct request){.path = str_from(path), .accept = ACCEPT_AGGREGATED}, &answer, p))
        return CTL_PROBLEM;
    if (!str_eq(object_kind(&answer.tree), S("APIGroupDiscoveryList")))
        return read_old_groups(l, &answer.tree, p);
    const struct jval *groups = object_array(&answer.tree, "items");
    for (uint32_t i = 0; groups && i < groups->n; i++)
        add_group(l, &groups->items[i]);
    return 0;
}

int discovery_load(struct ctl *c, struct problem *p) {
    if (c->discovery)
        return 0;
    struct lists l = {.c = c};
    if (read_root(&l, "/api", p) || read_root(&l, "/apis", p))
        return CTL_PROBLEM;
    /* a resource is preferred in the first version that has it */
    for (size_t i = 0; i < l.resources.n; i++) {
        struct resource *r = &l.resources.v[i];
        r->preferred = true;
        for (size_t k = 0; k < i && r->preferred; k++)
            r->preferred =
                !str_eq(l.resources.v[k].group, r->group) || !str_eq(l.resources.v[k].plural, r->plural);
    }
    c->discovery = arena_new(&c->arena, struct discovery);
    *c->discovery = (struct discovery){l.resources.v, l.resources.n, l.versions.v, l.versions.n};
    return 0;
}

/* -- looking up -- */

static bool is_called(struct ctl *c, const struct resource *r, struct str name) {
    return str_eq(r->plural, name) || str_eq(r->singular, name) || str_eq(lower(c, r->kind), name);
}

static bool is_short(const struct resource *r, struct str name) {
    for (size_t i = 0; i < r->n_short_names; i++)
        if (str_eq(r->short_names[i], name))
            return true;
    return false;
}

/* version "": the preferred one. Of a group its beginning will do ("deploy.app"), when nothing fits better.
 */
static const struct resource *look(struct ctl *c, struct str name, struct str version, struct str group,
                                   bool any_group) {
    const struct discovery *d = c->discovery;
    for (int pass = 0; pass < 4; pass++)
        for (size_t i = 0; i < d->n; i++) {
            const struct resource *r = &d->v[i];
            bool exact = pass < 2, fits = version.n ? str_eq(r->version, version) : r->preferred;
            bool in_group = any_group || (exact ? str_eq(r->group, group) : str_has_prefix(r->group, group));
            if (fits && in_group && (pass % 2 == 0 ? is_called(c, r, name) : is_short(r, name)))
                return r;
        }
    return NULL;
}

int resource_find(struct ctl *c, struct str text, const struct resource **ret, struct problem *p) {
    if (discovery_load(c, p))
        return CTL_PROBLEM;
    struct str name, rest, version, group;
    const struct resource *r = NULL;
    bool dots = str_split(lower(c, text), '.', &name, &rest);
    if (!dots)
        r = look(c, name, S(""), S(""), true);
    else if (str_split(rest, '.', &version, &group))
        r = look(c, name, version, group, false);
    if (!r && dots)
        r = look(c, name, S(""), rest, false);
    if (!r)
        return problem_set(c, p, "the server doesn't have a resource type \"%.*s\"", STR_ARG(name));
    *ret = r;
    return 0;
}

int resource_of_kind(struct ctl *c, struct str api_version, struct str kind, const struct resource **ret,
                     struct problem *p) {
    if (discovery_load(c, p))
        return CTL_PROBLEM;
    for (size_t i = 0; i < c->discovery->n; i++) {
        const struct resource *r = &c->discovery->v[i];
        if (str_eq(r->api_version, api_version) && str_eq(r->kind, kind))
            return *ret = r, 0;
    }
    return problem_set(c, p, "no matches for kind \"%.*s\" in version \"%.*s\"", STR_ARG(kind),
                       STR_ARG(api_version));
}

const struct resource *resource_of_group_kind(struct ctl *c, struct str group, struct str kind) {
    for (size_t i = 0; i < c->discovery->n; i++) {
        const struct resource *r = &c->discovery->v[i];
        if (r->preferred && str_eq(r->group, group) && str_eq(r->kind, kind))
            return r;
    }
    return NULL;
}

const struct resource *resource_get(struct ctl *c, struct str group, struct str version, struct str plural) {
    for (size_t i = 0; i < c->discovery->n; i++) {
        const struct resource *r = &c->discovery->v[i];
        if (str_eq(r->group, group) && str_eq(r->plural, plural) &&
            (version.n ? str_eq(r->version, version) : r->preferred))
            return r;
    }
    return NULL;
}

const struct resource *const *resource_category(struct ctl *c, struct str name, size_t *ret_n) {
    const struct discovery *d = c->discovery;
    const struct resource **found = arena_new_n(&c->arena, d->n + 1, const struct resource *);
    *ret_n = 0;
    for (size_t i = 0; i < d->n; i++)
        for (size_t k = 0; k < d->v[i].n_categories && d->v[i].preferred; k++)
            if (str_eq(d->v[i].categories[k], name))
                found[(*ret_n)++] = &d->v[i];
    return found;
}

bool resource_can(const struct resource *r, const char *verb) {
    for (size_t i = 0; i < r->n_verbs; i++)
        if (str_eq(r->verbs[i], str_from(verb)))
            return true;
    return false;
}

bool resource_has_sub(const struct resource *r, struct str sub) {
    for (size_t i = 0; i < r->n_subresources; i++)
        if (str_eq(r->subresources[i], sub))
            return true;
    return false;
}

static struct str with_group(struct ctl *c, struct str name, struct str group) {
    return group.n ? arena_printf(&c->arena, "%.*s.%.*s", STR_ARG(name), STR_ARG(group)) : name;
}

struct str resource_full_name(struct ctl *c, const struct resource *r) {
    return with_group(c, r->plural, r->group);
}

struct str resource_kind_name(struct ctl *c, const struct resource *r) {
    return with_group(c, lower(c, r->kind), r->group);
}
