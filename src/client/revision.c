/* ControllerRevisions. See revision.h. */
#include "client/revision.h"

#include <stdlib.h>

#include "api/json.h"
#include "api/meta.h"
#include "api/name_generate.h"
#include "api/strategic.h"
#include "api/time.h"
#include "api/types/ids.h"
#include "base/buf.h"
#include "base/err.h"
#include "client/client.h"
#include "client/reconciler.h"

#define COLLISIONS_MAX 100

struct str pod_template_hash(struct arena *a, const struct core_pod_template_spec *t,
                             struct opt_i32 collision_count) {
    _cleanup_buf struct buf text = BUF_INIT;
    api_write_json(&text, &builtin, TY_CORE_POD_TEMPLATE_SPEC, t);
    return name_template_hash(a, buf_view(&text), collision_count);
}

struct str revision_data_of(struct arena *a, const struct object *parent) {
    const struct kind *k = parent->kind;
    struct jval tree = api_to_tree(a, k->set, k->type, parent->body);
    const struct jval *template = jval_path(&tree, "spec.template");
    struct jval null = jval_null();
    struct jval replaced = jval_with(a, template ? template : &null, S("$patch"), jval_str(S("replace")));
    struct jval spec = jval_with(a, &null, S("template"), replaced);
    struct jval patch = jval_with(a, &null, S("spec"), spec);
    _cleanup_buf struct buf text = BUF_INIT;
    json_write(&text, &patch);
    return buf_to_arena(&text, a);
}

int revision_apply(struct arena *a, const struct object *parent, struct str data, void **ret_body,
                   struct err *err) {
    const struct kind *k = parent->kind;
    struct jval patch, result, tree = api_to_tree(a, k->set, k->type, parent->body);
    int rc = json_parse(a, data, NULL, NULL, &patch, err);
    if (rc == 0)
        rc = strategic_apply(a, pos_type(k->set, k->type), &tree, &patch, &result, err);
    return rc ? rc : api_from_tree(a, k->set, k->type, &result, NULL, ret_body, err);
}

static void name_it(struct arena *a, const struct object *parent, struct apps_controller_revision *r,
                    struct opt_i32 collision_count) {
    struct str hash = name_revision_hash(a, r->data, collision_count);
    r->metadata.name = name_controller_revision(a, parent->meta->name, hash);
    r->metadata.labels = str_map_with(a, r->metadata.labels, S(REVISION_HASH_LABEL), hash);
}

void revision_make(struct arena *a, const struct object *parent, struct str_map labels, struct str data,
                   int64_t number, struct opt_i32 collision_count, struct apps_controller_revision *ret) {
    struct meta_owner_reference *owner = arena_new(a, struct meta_owner_reference);
    *owner = meta_controller_ref(parent->kind, parent->meta);
    *ret = (struct apps_controller_revision){
        .metadata = {.namespace = parent->meta->namespace,
                     .labels = labels,
                     .annotations = parent->meta->annotations,
                     .owner_references = {owner, 1}},
        .data = data,
        .revision = number,
    };
    name_it(a, parent, ret, collision_count);
}

/* CONFORMS: the hash counts only where both have one. */
bool revision_equal(const struct apps_controller_revision *a, const struct apps_controller_revision *b) {
    struct str x = str_map_get(a->metadata.labels, S(REVISION_HASH_LABEL));
    struct str y = str_map_get(b->metadata.labels, S(REVISION_HASH_LABEL));
    return (!x.n || !y.n || str_eq(x, y)) && str_eq(a->data, b->data);
}

static int by_age(const void *x, const void *y) {
    const struct object *a = *(const struct object *const *)x, *b = *(const struct object *const *)y;
    int64_t n = revision_of(a)->revision, m = revision_of(b)->revision;
    if (n != m)
        return n < m ? -1 : 1;
    int c = timestamp_cmp(a->meta->creation_timestamp, b->meta->creation_timestamp);
    return c ? c : str_cmp(a->meta->name, b->meta->name);
}

void revisions_sort(const struct object **v, size_t n) {
    if (n)
        qsort(v, n, sizeof *v, by_age);
}

size_t revisions_owned(struct arena *a, struct world *w, const struct object *parent,
                       const struct object ***ret) {
    const struct kind *k = &kinds[KIND_APPS_CONTROLLER_REVISION];
    struct cow_iter it;
    size_t n = 0, cap = 0;
    cow_foreach (item, &it, world_owned(w, &it, k, parent->meta->uid))
        cap++;
    const struct object **v = arena_new_n(a, cap + 1, const struct object *);
    cow_foreach (item, &it, world_owned(w, &it, k, parent->meta->uid))
        v[n++] = item->value;
    revisions_sort(v, n);
    *ret = v;
    return n;
}

int64_t revisions_next(const struct object *const *v, size_t n) {
    return n ? revision_of(v[n - 1])->revision + 1 : 1;
}

const struct object *revisions_find(const struct object *const *v, size_t n,
                                    const struct apps_controller_revision *like) {
    while (n-- > 0)
        if (revision_equal(revision_of(v[n]), like))
            return v[n];
    return NULL;
}

/* The one that has the name already. *ret stays NULL when it holds something else. */
static int existing(struct client *c, const struct apps_controller_revision *r, struct object **ret,
                    struct err *err) {
    struct object *there;
    int rc = client_get(c, &kinds[KIND_APPS_CONTROLLER_REVISION], r->metadata.namespace, r->metadata.name,
                        &there, err);
    if (rc)
        return rc;
    if (str_eq(revision_of(there)->data, r->data))
        *ret = there;
    else
        object_unref(there);
    return 0;
}

int revision_create(struct client *c, struct arena *a, const struct object *parent,
                    struct apps_controller_revision *revision, struct opt_i32 *collision_count,
                    struct object **ret, struct err *err) {
    for (int i = 0; i < COLLISIONS_MAX; i++) {
        name_it(a, parent, revision, *collision_count);
        int rc = client_create(c, &kinds[KIND_APPS_CONTROLLER_REVISION], revision->metadata.namespace,
                               revision, ret, err);
        if (rc != ERR_EXISTS)
            return rc;
        struct object *there = NULL;
        rc = existing(c, revision, &there, err);
        if (rc == 0 && there)
            *ret = there;
        if (rc || there)
            return rc;
        *collision_count = (struct opt_i32){collision_count->set ? collision_count->v + 1 : 1, true};
    }
    return err_set(err, ERR_CONFLICT, "every name for a revision of %.*s is taken",
                   STR_ARG(parent->meta->name));
}

int revision_renumber(struct client *c, struct arena *a, const struct object *revision, int64_t number,
                      struct object **ret, struct err *err) {
    if (revision_of(revision)->revision == number) {
        *ret = object_ref(revision);
        return 0;
    }
    struct str patch = arena_printf(a, "{\"revision\":%lld}", (long long)number);
    return client_patch(c, revision->kind, revision->meta->namespace, revision->meta->name, S(""),
                        CLIENT_PATCH_MERGE, patch, ret, err);
}

static bool is_in_use(const struct object *o, const struct str *in_use, size_t n) {
    struct str hash = str_map_get(o->meta->labels, S(REVISION_HASH_LABEL));
    for (size_t i = 0; i < n; i++)
        if (str_eq(in_use[i], o->meta->name) || (hash.n && str_eq(in_use[i], hash)))
            return true;
    return false;
}

int revisions_truncate(struct client *c, const struct object *const *v, size_t n, const struct str *in_use,
                       size_t n_in_use, int32_t limit, struct err *err) {
    size_t n_unused = 0, keep = limit > 0 ? (size_t)limit : 0;
    for (size_t i = 0; i < n; i++)
        n_unused += !is_in_use(v[i], in_use, n_in_use);
    for (size_t i = 0; i < n && n_unused > keep; i++) {
        if (is_in_use(v[i], in_use, n_in_use))
            continue;
        n_unused--;
        int rc = client_delete(c, v[i]->kind, v[i]->meta->namespace, v[i]->meta->name,
                               &(struct client_delete){.uid = v[i]->meta->uid, .grace_seconds = -1}, err);
        if (rc && rc != ERR_NOT_FOUND)
            return rc;
    }
    return 0;
}
