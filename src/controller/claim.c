/* controller/claim: which objects belong to a controller. */
#include "controller/claim.h"

#include "api/meta.h"
#include "base/vec.h"
#include "client/expect.h"
#include "controller/orphans.h"

static int patch_object(const struct claim *c, const struct object *o, struct str patch, struct err *err) {
    int rc = client_patch(c->controller->client, o->kind, o->meta->namespace, o->meta->name, STR_NONE,
                          CLIENT_PATCH_STRATEGIC, patch, NULL, err);
    return unless_gone(rc);
}

static int release(const struct claim *c, const struct object *o, struct err *err) {
    struct arena *a = c->r->arena;
    struct str finalizers = S("");
    if (c->finalizer.n && meta_has_finalizer(o->meta, c->finalizer))
        finalizers =
            arena_printf(a, ",\"$deleteFromPrimitiveList/finalizers\":[\"%.*s\"]", STR_ARG(c->finalizer));
    struct str patch = arena_printf(a,
                                    "{\"metadata\":{\"uid\":\"%.*s\",\"ownerReferences\":[{\"$patch\":"
                                    "\"delete\",\"uid\":\"%.*s\"}]%.*s}}",
                                    STR_ARG(o->meta->uid), STR_ARG(c->owner->meta->uid), STR_ARG(finalizers));
    int rc = patch_object(c, o, patch, err);
    return rc == ERR_INVALID ? 0 : rc; /* without references: nothing of ours is left */
}

/* Whether the server still has the owner that we are about to write into another object. */
static int check_owner(const struct claim *c, struct err *err) {
    struct object *fresh = NULL;
    const struct object *o = c->owner;
    int rc = client_get(c->controller->client, o->kind, o->meta->namespace, o->meta->name, &fresh, err);
    if (rc)
        return rc;
    bool same = str_eq(fresh->meta->uid, o->meta->uid);
    bool deleting = meta_is_deleting(fresh->meta);
    object_unref(fresh);
    if (!same)
        return err_set(err, ERR_CONFLICT, "%.*s %.*s was replaced by another one", STR_ARG(o->kind->name),
                       STR_ARG(o->meta->name));
    if (deleting)
        return err_set(err, ERR_CONFLICT, "%.*s %.*s is being deleted", STR_ARG(o->kind->name),
                       STR_ARG(o->meta->name));
    return 0;
}

static int adopt(const struct claim *c, const struct object *o, struct err *err) {
    const struct object *owner = c->owner;
    struct str patch = arena_printf(
        c->r->arena,
        "{\"metadata\":{\"uid\":\"%.*s\",\"ownerReferences\":[{\"apiVersion\":\"%.*s\",\"kind\":\"%.*s\","
        "\"name\":\"%.*s\",\"uid\":\"%.*s\",\"controller\":true,\"blockOwnerDeletion\":true}]%s%.*s%s}}",
        STR_ARG(o->meta->uid), STR_ARG(kind_api_version(owner->kind)), STR_ARG(owner->kind->name),
        STR_ARG(owner->meta->name), STR_ARG(owner->meta->uid), c->finalizer.n ? ",\"finalizers\":[\"" : "",
        STR_ARG(c->finalizer), c->finalizer.n ? "\"]" : "");
    return patch_object(c, o, patch, err);
}

static bool may_adopt(const struct claim *c, const struct object *o) {
    return !meta_controller(o->meta) && !meta_is_deleting(o->meta) &&
           label_selector_matches(c->selector, o->meta->labels) && (!c->wants || c->wants(c, o));
}

static int consider_orphan(const struct claim *c, const struct object *o, bool *checked, struct objects *ret,
                           struct err *err) {
    if (!may_adopt(c, o))
        return 0;
    int rc = *checked ? 0 : check_owner(c, err);
    if (rc)
        return rc;
    *checked = true;
    rc = adopt(c, o, err);
    if (!rc)
        vec_push_in(c->r->arena, ret, o);
    return rc;
}

static int claim_orphan_pods(const struct claim *c, struct objects *ret, struct err *err) {
    struct cow orphans;
    orphans_snapshot(c->controller->orphan_pods, &orphans);
    struct cow_iter it;
    struct str prefix = arena_printf(c->r->arena, "%.*s/", STR_ARG(c->owner->meta->namespace));
    bool checked = false;
    int rc = 0;
    cow_foreach (item, &it, cow_prefix(&it, &orphans, prefix)) {
        /* only what this run's world knows as well: later ones come with an event of their own */
        const struct object *o = world_get_key(&c->r->world, c->kind, item->key);
        if (o && !rc)
            rc = consider_orphan(c, o, &checked, ret, err);
    }
    cow_fini(&orphans);
    return rc;
}

static int claim_orphans(const struct claim *c, struct objects *ret, struct err *err) {
    struct cow_iter it;
    bool checked = false;
    cow_foreach (item, &it, world_in(&c->r->world, &it, c->kind, c->owner->meta->namespace)) {
        int rc = consider_orphan(c, item->value, &checked, ret, err);
        if (rc)
            return rc;
    }
    return 0;
}

int claim_objects(const struct claim *c, struct objects *ret, struct err *err) {
    struct cow_iter it;
    bool deleting = meta_is_deleting(c->owner->meta);
    *ret = (struct objects){.n = 0};
    cow_foreach (item, &it, world_owned(&c->r->world, &it, c->kind, c->owner->meta->uid)) {
        const struct object *o = item->value;
        int rc = 0;
        if (label_selector_matches(c->selector, o->meta->labels))
            vec_push_in(c->r->arena, ret, o);
        else if (!deleting)
            rc = release(c, o, err);
        if (rc)
            return rc;
    }
    if (deleting)
        return 0;
    return c->kind == KIND(CORE_POD) ? claim_orphan_pods(c, ret, err) : claim_orphans(c, ret, err);
}

/* -- events -- */

static const struct meta_owner_reference *owner_of(const struct claim_map *m, const struct object *o) {
    const struct meta_owner_reference *ref = o ? meta_controller(o->meta) : NULL;
    return ref && str_eq(ref->kind, m->owner_kind->name) &&
                   str_eq(ref->api_version, kind_api_version(m->owner_kind))
               ? ref
               : NULL;
}

static void enqueue_owner(struct reconciler *rc, struct str ns, const struct meta_owner_reference *ref) {
    _cleanup_arena struct arena a = ARENA_INIT;
    reconciler_enqueue(rc, key_of(&a, ns, ref->name));
}

static void note_seen(const struct claim_map *m, const struct informer_event *e, struct str key) {
    const struct meta_object_meta *meta = e->object->meta;
    if (!m->expectations)
        return;
    if (e->type == INFORMER_DELETED || meta_is_deleting(meta))
        expect_deletion_seen(m->expectations, key, meta->uid);
    else if (e->type == INFORMER_ADDED)
        expect_creation_seen(m->expectations, key);
}

static void enqueue_takers(struct reconciler *rc, const struct object *o, struct claim_map *m) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct informer_snapshot s;
    informer_snapshot(m->owners, &s);
    struct cow_iter it;
    struct str prefix = arena_printf(&a, "%.*s/", STR_ARG(o->meta->namespace));
    cow_foreach (item, &it, cow_prefix(&it, &s.tree, prefix))
        if (m->selects(item->value, o->meta->labels))
            reconciler_enqueue(rc, item->key);
    informer_snapshot_fini(&s);
}

static bool orphan_news(const struct informer_event *e) {
    if (e->type == INFORMER_DELETED || meta_controller(e->object->meta) || meta_is_deleting(e->object->meta))
        return false;
    return !e->previous || meta_controller(e->previous->meta) ||
           !str_map_equal(e->previous->meta->labels, e->object->meta->labels);
}

/* How much later a change is looked at. */
static int64_t delay_of(const struct claim_map *m, struct str key) {
    struct informer_snapshot s;
    if (!m->delay)
        return m->delay_ns;
    informer_snapshot(m->owners, &s);
    const struct object *owner = cow_get(&s.tree, key);
    int64_t ns = owner ? m->delay(owner, m) : 0;
    informer_snapshot_fini(&s);
    return ns;
}

void claim_map_event(struct reconciler *rc, const struct informer_event *e, struct claim_map *m) {
    const struct meta_owner_reference *now = owner_of(m, e->object), *before = owner_of(m, e->previous);
    struct str ns = e->object->meta->namespace;
    if (now) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct str key = key_of(&a, ns, now->name);
        note_seen(m, e, key);
        reconciler_enqueue_after(rc, key, e->type == INFORMER_MODIFIED ? delay_of(m, key) : 0);
    }
    if (before && (!now || !str_eq(before->uid, now->uid)))
        enqueue_owner(rc, ns, before);
    if (orphan_news(e))
        enqueue_takers(rc, e->object, m);
}
