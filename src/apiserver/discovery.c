/* What there is: groups, versions, resources. See documents.h. */
#include <stdlib.h>

#include "api/json.h"
#include "api/kind.h"
#include "api/types/apidiscovery.h"
#include "api/types/ids.h"
#include "api/types/meta.h"
#include "apiserver/documents_priv.h"
#include "apiserver/front_priv.h"
#include "apiserver/respond.h"
#include "apiserver/server_priv.h"
#include "base/buf.h"
#include "base/err.h"

/* -- kinds of a group version -- */

static struct str_array verbs_of(struct arena *a, uint16_t verbs) {
    static const struct {
        struct str name;
        uint16_t bit;
    } all[] = {
        {STR_INIT("create"), VERB_CREATE},
        {STR_INIT("delete"), VERB_DELETE},
        {STR_INIT("deletecollection"), VERB_DELETECOLLECTION},
        {STR_INIT("get"), VERB_GET},
        {STR_INIT("list"), VERB_LIST},
        {STR_INIT("patch"), VERB_PATCH},
        {STR_INIT("update"), VERB_UPDATE},
        {STR_INIT("watch"), VERB_WATCH},
    };
    struct str_array r = {arena_new_n(a, sizeof all / sizeof *all, struct str), 0};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (verbs & all[i].bit)
            r.v[r.n++] = all[i].name;
    return r;
}

/* Calls fn for each served resource of the version, in the order of plural names. */
static uint32_t each_kind(struct str group, struct str version, void (*fn)(void *arg, const struct kind *k),
                          void *arg) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_kinds; i++) {
        const struct kind *k = &kinds[kinds_by_plural[i]];
        if (!k->served || !str_eq(k->group, group) || !str_eq(k->version, version))
            continue;
        n++;
        if (fn)
            fn(arg, k);
    }
    return n;
}

static void count_subresources(void *arg, const struct kind *k) {
    *(uint32_t *)arg += k->n_subresources;
}

/* -- lists of resources -- */

struct resources {
    struct arena *arena;
    struct meta_api_resource_array list;
};

static void add_resource(void *arg, const struct kind *k) {
    struct resources *r = arg;
    r->list.v[r->list.n++] = (struct meta_api_resource){
        .name = k->plural,
        .singular_name = k->singular,
        .namespaced = k->namespaced,
        .kind = k->name,
        .verbs = {verbs_of(r->arena, k->verbs)},
        .short_names = {(struct str *)k->short_names, k->n_short_names},
        .categories = {(struct str *)k->categories, k->n_categories},
        .storage_version_hash = k->storage_version_hash,
    };
    for (unsigned i = 0; i < k->n_subresources; i++) {
        const struct kind_subresource *s = &k->subresources[i];
        bool elsewhere = !str_eq(s->kind_group, k->group) || !str_eq(s->kind_version, k->version);
        r->list.v[r->list.n++] = (struct meta_api_resource){
            .name = arena_join(r->arena, (struct str[]){k->plural, s->name}, 2, S("/")),
            .singular_name = S(""),
            .namespaced = k->namespaced,
            .group = elsewhere ? s->kind_group : S(""),
            .version = elsewhere ? s->kind_version : S(""),
            .kind = s->kind,
            .verbs = {verbs_of(r->arena, s->verbs)},
        };
    }
}

static bool serve_version(struct front_call *f, struct str group, struct str version) {
    uint32_t subresources = 0;
    uint32_t n = each_kind(group, version, count_subresources, &subresources);
    struct arena *a = &f->arena;
    if (n == 0)
        return false;
    struct resources r = {.arena = a,
                          .list = {arena_new_n(a, n + subresources, struct meta_api_resource), 0}};
    each_kind(group, version, add_resource, &r);
    struct meta_api_resource_list *list = arena_new(a, struct meta_api_resource_list);
    list->type_meta =
        (struct meta_type_meta){.kind = S("APIResourceList"), .api_version = group.n ? S("v1") : S("")};
    list->group_version = group.n ? arena_join(a, (struct str[]){group, version}, 2, S("/")) : version;
    list->resources = r.list;
    respond_packed(f, 200, TY_META_API_RESOURCE_LIST, list);
    return true;
}

/* -- groups -- */

static struct meta_group_version_for_discovery version_of(struct arena *a, const struct api_group_row *g) {
    return (struct meta_group_version_for_discovery){
        .group_version = arena_join(a, (struct str[]){g->group, g->version}, 2, S("/")),
        .version = g->version};
}

static bool is_listed(const struct api_group_row *g) {
    return g->served && g->group.n;
}

static bool first_of_group(uint32_t i) {
    for (uint32_t k = 0; k < i; k++)
        if (is_listed(&api_groups[k]) && str_eq(api_groups[k].group, api_groups[i].group))
            return false;
    return is_listed(&api_groups[i]);
}

static void fill_group(struct arena *a, struct str name, struct meta_api_group *ret) {
    ret->name = name;
    ret->versions.v = arena_new_n(a, n_api_groups, struct meta_group_version_for_discovery);
    for (uint32_t i = 0; i < n_api_groups; i++) {
        const struct api_group_row *g = &api_groups[i];
        if (!is_listed(g) || !str_eq(g->group, name))
            continue;
        ret->versions.v[ret->versions.n++] = version_of(a, g);
        if (g->preferred || ret->versions.n == 1)
            ret->preferred_version = version_of(a, g);
    }
}

static bool serve_group(struct front_call *f, struct str name) {
    struct meta_api_group *g = arena_new(&f->arena, struct meta_api_group);
    fill_group(&f->arena, name, g);
    if (g->versions.n == 0)
        return false;
    g->type_meta = (struct meta_type_meta){.kind = S("APIGroup"), .api_version = S("v1")};
    respond_packed(f, 200, TY_META_API_GROUP, g);
    return true;
}

static void serve_groups(struct front_call *f) {
    struct meta_api_group_list *list = arena_new(&f->arena, struct meta_api_group_list);
    list->type_meta = (struct meta_type_meta){.kind = S("APIGroupList"), .api_version = S("v1")};
    list->groups.v = arena_new_n(&f->arena, n_api_groups, struct meta_api_group);
    for (uint32_t i = 0; i < n_api_groups; i++) {
        if (!first_of_group(i))
            continue;
        struct meta_api_group *g = &list->groups.v[list->groups.n++];
        fill_group(&f->arena, api_groups[i].group, g);
    }
    respond_packed(f, 200, TY_META_API_GROUP_LIST, list);
}

static void serve_core(struct front_call *f) {
    const struct apiserver *s = f->front->server;
    struct meta_api_versions *v = arena_new(&f->arena, struct meta_api_versions);
    struct str *version = arena_new(&f->arena, struct str);
    struct meta_server_address_by_client_cidr *cidr =
        arena_new(&f->arena, struct meta_server_address_by_client_cidr);
    v->type_meta.kind = S("APIVersions");
    *version = S("v1");
    cidr->client_cidr = S("0.0.0.0/0");
    cidr->server_address = arena_printf(&f->arena, "%.*s:%u", STR_ARG(s->advertise_address), s->port);
    v->versions = (struct str_array){version, 1};
    v->server_address_by_client_cidrs.v = cidr;
    v->server_address_by_client_cidrs.n = 1;
    respond_packed(f, 200, TY_META_API_VERSIONS, v);
}

bool discovery_serve(struct front_call *f, struct str path) {
    struct str root, group, version;
    str_split(path, '/', &root, &path);
    bool core = str_eq(root, S("api"));
    if (!core && !str_eq(root, S("apis")))
        return false;
    if (path.n == 0 && documents_aggregated(f, core))
        return true;
    if (!respond_negotiate(f, false, false))
        return true;
    if (path.n == 0) {
        (core ? serve_core : serve_groups)(f);
        return true;
    }
    if (core)
        return serve_version(f, S(""), path);
    bool has_version = str_split(path, '/', &group, &version);
    return has_version ? serve_version(f, group, version) : serve_group(f, group);
}

/* -- all in one -- */

static struct meta_group_version_kind *gvk(struct arena *a, struct str group, struct str version,
                                           struct str kind) {
    struct meta_group_version_kind *r = arena_new(a, struct meta_group_version_kind);
    *r = (struct meta_group_version_kind){.group = group, .version = version, .kind = kind};
    return r;
}

struct aggregate {
    struct arena *arena;
    struct apidiscovery_api_version_discovery *version;
};

static void add_aggregated(void *arg, const struct kind *k) {
    struct aggregate *g = arg;
    struct apidiscovery_api_resource_discovery *r = &g->version->resources.v[g->version->resources.n++];
    *r = (struct apidiscovery_api_resource_discovery){
        .resource = k->plural,
        .response_kind = gvk(g->arena, k->group, k->version, k->name),
        .scope = k->namespaced ? S("Namespaced") : S("Cluster"),
        .singular_resource = k->singular,
        .verbs = verbs_of(g->arena, k->verbs),
        .short_names = {(struct str *)k->short_names, k->n_short_names},
        .categories = {(struct str *)k->categories, k->n_categories},
    };
    if (k->n_subresources == 0)
        return;
    r->subresources.v =
        arena_new_n(g->arena, k->n_subresources, struct apidiscovery_api_subresource_discovery);
    for (unsigned i = 0; i < k->n_subresources; i++) {
        const struct kind_subresource *s = &k->subresources[i];
        r->subresources.v[r->subresources.n++] = (struct apidiscovery_api_subresource_discovery){
            .subresource = s->name,
            .response_kind = gvk(g->arena, s->kind_group, s->kind_version, s->kind),
            .verbs = verbs_of(g->arena, s->verbs),
        };
    }
}

static void fill_aggregated(struct arena *a, struct str group, struct apidiscovery_api_group_discovery *ret) {
    ret->metadata.name = group;
    ret->versions.v = arena_new_n(a, n_api_groups, struct apidiscovery_api_version_discovery);
    for (uint32_t i = 0; i < n_api_groups; i++) {
        const struct api_group_row *g = &api_groups[i];
        uint32_t n = each_kind(g->group, g->version, NULL, NULL);
        if (!g->served || !str_eq(g->group, group) || n == 0)
            continue;
        struct apidiscovery_api_version_discovery *v = &ret->versions.v[ret->versions.n++];
        v->version = g->version;
        v->freshness = S("Current");
        v->resources.v = arena_new_n(a, n, struct apidiscovery_api_resource_discovery);
        each_kind(g->group, g->version, add_aggregated, &(struct aggregate){a, v});
    }
}

void discovery_write_aggregated(struct buf *out, bool core, struct str version) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct apidiscovery_api_group_discovery_list list = {
        .type_meta = {.kind = S("APIGroupDiscoveryList"),
                      .api_version =
                          arena_join(&a, (struct str[]){S("apidiscovery.k8s.io"), version}, 2, S("/"))},
    };
    list.items.v = arena_new_n(&a, n_api_groups + 1, struct apidiscovery_api_group_discovery);
    if (core)
        fill_aggregated(&a, S(""), &list.items.v[list.items.n++]);
    for (uint32_t i = 0; !core && i < n_api_groups; i++)
        if (first_of_group(i))
            fill_aggregated(&a, api_groups[i].group, &list.items.v[list.items.n++]);
    api_write_json(out, &builtin, TY_APIDISCOVERY_API_GROUP_DISCOVERY_LIST, &list);
    buf_byte(out, '\n');
}
