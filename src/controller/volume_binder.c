/* controller/volume_binder: brings claims and volumes together, and says what becomes of volumes whose claim
 * is gone.
 *
 * Keys: "c/<ns>/<name>" and "v/<name>". One runs at a time, and every write has the version it is based on,
 * so that a volume is never given twice. Volumes are made and deleted by external provisioners.
 */
#include "api/equal.h"
#include "api/meta.h"
#include "api/time.h"
#include "api/types/storage.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "controller/controller_priv.h"
#include "controller/pods.h"
#include "controller/rows.h"
#include "controller/volume_plan.h"

#define BOUND S("pv.kubernetes.io/bind-completed")
#define BY_US S("pv.kubernetes.io/bound-by-controller")
#define PROVISIONED_BY S("pv.kubernetes.io/provisioned-by")
#define SELECTED_NODE S("volume.kubernetes.io/selected-node")

struct binder {
    struct informer *claims;
};

struct binding {
    struct controller *c;
    struct reconcile *r;
    struct arena *a;
    const struct object *claim_object, *volume_object;
    struct core_persistent_volume_claim claim;
    struct core_persistent_volume volume;
};

/* -- writing -- */

static int write_claim(struct binding *x, bool status, struct err *err) {
    struct object *o = NULL;
    int rc = status
                 ? client_update_status(x->c->client, KIND(CORE_PERSISTENT_VOLUME_CLAIM), &x->claim, &o, err)
                 : client_update(x->c->client, KIND(CORE_PERSISTENT_VOLUME_CLAIM), &x->claim, &o, err);
    if (rc)
        return rc;
    arena_hold(x->a, object_release_any, o);
    x->claim = *(const struct core_persistent_volume_claim *)o->body;
    return 0;
}

static int write_volume(struct binding *x, bool status, struct err *err) {
    struct object *o = NULL;
    int rc = status ? client_update_status(x->c->client, KIND(CORE_PERSISTENT_VOLUME), &x->volume, &o, err)
                    : client_update(x->c->client, KIND(CORE_PERSISTENT_VOLUME), &x->volume, &o, err);
    if (rc)
        return rc;
    arena_hold(x->a, object_release_any, o);
    x->volume = *(const struct core_persistent_volume *)o->body;
    return 0;
}

static int set_volume_phase(struct binding *x, const char *phase, struct str message, struct err *err) {
    if (str_eq(x->volume.status.phase, str_from(phase)))
        return 0;
    x->volume.status.phase = str_from(phase);
    x->volume.status.message = message;
    return write_volume(x, true, err);
}

static int set_claim_phase(struct binding *x, const char *phase, struct err *err) {
    if (str_eq(x->claim.status.phase, str_from(phase)))
        return 0;
    x->claim.status.phase = str_from(phase);
    return write_claim(x, true, err);
}

/* -- binding -- */

static int bind_volume(struct binding *x, struct err *err) {
    struct core_object_reference *ref = arena_new(x->a, struct core_object_reference);
    bool kept = x->volume.spec.claim_ref != NULL;
    if (kept && str_eq(x->volume.spec.claim_ref->uid, x->claim.metadata.uid))
        return set_volume_phase(x, "Bound", S(""), err);
    *ref = (struct core_object_reference){.kind = S("PersistentVolumeClaim"),
                                          .api_version = S("v1"),
                                          .namespace = x->claim.metadata.namespace,
                                          .name = x->claim.metadata.name,
                                          .uid = x->claim.metadata.uid,
                                          .resource_version = x->claim.metadata.resource_version};
    x->volume.spec.claim_ref = ref;
    if (!kept)
        x->volume.metadata.annotations = str_map_with(x->a, x->volume.metadata.annotations, BY_US, S("yes"));
    int rc = write_volume(x, false, err);
    return rc ? rc : set_volume_phase(x, "Bound", S(""), err);
}

static int bind_claim(struct binding *x, struct err *err) {
    struct str_map annotations = str_map_with(x->a, x->claim.metadata.annotations, BOUND, S("yes"));
    if (!x->claim.spec.volume_name.n)
        annotations = str_map_with(x->a, annotations, BY_US, S("yes"));
    if (!str_eq(x->claim.spec.volume_name, x->volume.metadata.name) ||
        !str_map_equal(annotations, x->claim.metadata.annotations)) {
        x->claim.spec.volume_name = x->volume.metadata.name;
        x->claim.metadata.annotations = annotations;
        int rc = write_claim(x, false, err);
        if (rc)
            return rc;
    }
    struct core_persistent_volume_claim_status s = x->claim.status;
    s.phase = S("Bound");
    s.access_modes = x->volume.spec.access_modes;
    s.capacity =
        s.capacity.n && str_eq(x->claim.status.phase, S("Bound")) ? s.capacity : x->volume.spec.capacity;
    s.current_volume_attributes_class_name = x->volume.spec.volume_attributes_class_name;
    if (api_equal(&builtin, TY_CORE_PERSISTENT_VOLUME_CLAIM_STATUS, &s, &x->claim.status))
        return 0;
    x->claim.status = s;
    return write_claim(x, true, err);
}

static int bind(struct binding *x, const struct object *volume, struct err *err) {
    x->volume_object = volume;
    x->volume = *(const struct core_persistent_volume *)volume->body;
    int rc = bind_volume(x, err);
    return rc ? rc : bind_claim(x, err);
}

/* -- classes -- */

static bool is_default_class(const struct object *o) {
    return str_eq(str_map_get(o->meta->annotations, S("storageclass.kubernetes.io/is-default-class")),
                  S("true")) ||
           str_eq(str_map_get(o->meta->annotations, S("storageclass.beta.kubernetes.io/is-default-class")),
                  S("true"));
}

static const struct object *default_class(struct binding *x) {
    const struct object *best = NULL;
    struct cow_iter it;
    cow_foreach (item, &it, world_in(&x->r->world, &it, KIND(STORAGE_STORAGE_CLASS), S(""))) {
        const struct object *o = item->value;
        if (is_default_class(o) &&
            (!best || timestamp_cmp(o->meta->creation_timestamp, best->meta->creation_timestamp) > 0))
            best = o;
    }
    return best;
}

/* A claim that says nothing of a class gets the default one, also when that came later. */
static int give_class(struct binding *x, bool *ret_gave, struct err *err) {
    const struct object *o = NULL;
    *ret_gave = false;
    if (!x->claim.spec.storage_class_name.p && !claim_class(&x->claim).n)
        o = default_class(x);
    if (!o)
        return 0;
    x->claim.spec.storage_class_name = o->meta->name;
    *ret_gave = true;
    return write_claim(x, false, err);
}

static const struct storage_storage_class *class_of(struct binding *x) {
    struct str name = claim_class(&x->claim);
    const struct object *o =
        name.n ? world_get(&x->r->world, KIND(STORAGE_STORAGE_CLASS), S(""), name) : NULL;
    return o ? o->body : NULL;
}

/* -- claims without a volume -- */

/* Asks an external provisioner: it looks for claims with its name on them. */
static int ask_provisioner(struct binding *x, const struct storage_storage_class *class, struct err *err) {
    struct str_map m = x->claim.metadata.annotations;
    if (str_eq(class->provisioner, S("kubernetes.io/no-provisioner"))) {
        event_record(x->c->events, x->claim_object, "Normal", "FailedBinding",
                     "no persistent volume fits this claim, and its storage class makes none");
        return 0;
    }
    m = str_map_with(x->a, m, S("volume.beta.kubernetes.io/storage-provisioner"), class->provisioner);
    m = str_map_with(x->a, m, S("volume.kubernetes.io/storage-provisioner"), class->provisioner);
    event_record(
        x->c->events, x->claim_object, "Normal", "ExternalProvisioning",
        "Waiting for a volume to be created by the external provisioner '%.*s' or by hand. If this takes "
        "long, check that the provisioner runs and is registered.",
        STR_ARG(class->provisioner));
    if (str_map_equal(m, x->claim.metadata.annotations))
        return 0;
    x->claim.metadata.annotations = m;
    return write_claim(x, false, err);
}

static int wait_for_volume(struct binding *x, bool delayed, struct err *err) {
    const struct storage_storage_class *class = class_of(x);
    int rc = 0;
    if (delayed)
        event_record(x->c->events, x->claim_object, "Normal", "WaitForFirstConsumer",
                     "waiting for first consumer to be created before binding");
    else if (class)
        rc = ask_provisioner(x, class, err);
    else if (claim_class(&x->claim).n)
        event_record(x->c->events, x->claim_object, "Warning", "ProvisioningFailed",
                     "storageclass.storage.k8s.io \"%.*s\" not found", STR_ARG(claim_class(&x->claim)));
    else
        event_record(x->c->events, x->claim_object, "Normal", "FailedBinding",
                     "no persistent volumes available for this claim and no storage class is set");
    return rc ? rc : set_claim_phase(x, "Pending", err);
}

static int find_volume(struct binding *x, struct err *err) {
    struct objects volumes = {.n = 0};
    struct cow_iter it;
    const struct storage_storage_class *class = class_of(x);
    struct str node_name = str_map_get(x->claim.metadata.annotations, SELECTED_NODE);
    const struct object *node = node_name.n ? world_get_key(&x->r->world, KIND(CORE_NODE), node_name) : NULL;
    bool delayed = class && str_eq(class->volume_binding_mode, S("WaitForFirstConsumer")) && !node_name.n;
    cow_foreach (item, &it, world_in(&x->r->world, &it, KIND(CORE_PERSISTENT_VOLUME), S("")))
        vec_push_in(x->a, &volumes, (const struct object *)item->value);
    const struct object *best =
        volume_best(x->a, volumes.v, volumes.n, &x->claim, delayed, node ? node->body : NULL);
    return best ? bind(x, best, err) : wait_for_volume(x, delayed, err);
}

/* The claim names its volume. */
static int take_named(struct binding *x, struct err *err) {
    const struct object *o =
        world_get(&x->r->world, KIND(CORE_PERSISTENT_VOLUME), S(""), x->claim.spec.volume_name);
    if (!o)
        return set_claim_phase(x, "Pending", err);
    const struct core_persistent_volume *v = o->body;
    if (volume_is_for(v, &x->claim))
        return bind(x, o, err);
    if (v->spec.claim_ref) {
        event_record(x->c->events, x->claim_object, "Warning", "FailedBinding",
                     "volume \"%.*s\" already bound to a different claim.", STR_ARG(o->meta->name));
        return set_claim_phase(x, "Pending", err);
    }
    struct str why = volume_mismatch(x->a, v, &x->claim);
    if (!why.p)
        return bind(x, o, err);
    event_record(x->c->events, x->claim_object, "Warning", "VolumeMismatch",
                 "Cannot bind to requested volume \"%.*s\": %.*s", STR_ARG(o->meta->name), STR_ARG(why));
    return set_claim_phase(x, "Pending", err);
}

/* -- claims that have been bound -- */

static int lose(struct binding *x, const char *reason, const char *message, struct err *err) {
    if (!str_eq(x->claim.status.phase, S("Lost")))
        event_record(x->c->events, x->claim_object, "Warning", reason, "%s", message);
    return set_claim_phase(x, "Lost", err);
}

static int keep_bound(struct binding *x, struct err *err) {
    if (!x->claim.spec.volume_name.n)
        return lose(x, "ClaimLost",
                    "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!", err);
    const struct object *o =
        world_get(&x->r->world, KIND(CORE_PERSISTENT_VOLUME), S(""), x->claim.spec.volume_name);
    if (!o)
        return lose(x, "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!",
                    err);
    const struct core_persistent_volume *v = o->body;
    if (!v->spec.claim_ref || volume_is_for(v, &x->claim))
        return bind(x, o, err);
    return lose(x, "ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly",
                err);
}

static int sync_claim(struct binding *x, struct str key, struct err *err) {
    bool gave = false;
    x->claim_object = world_get_key(&x->r->world, KIND(CORE_PERSISTENT_VOLUME_CLAIM), key);
    if (!x->claim_object)
        return 0;
    x->claim = *(const struct core_persistent_volume_claim *)x->claim_object->body;
    if (str_map_get(x->claim.metadata.annotations, BOUND).p)
        return keep_bound(x, err);
    if (meta_is_deleting(x->claim_object->meta))
        return 0;
    int rc = x->claim.spec.volume_name.n ? 0 : give_class(x, &gave, err);
    if (rc || gave)
        return rc; /* the change brings the key back */
    return x->claim.spec.volume_name.n ? take_named(x, err) : find_volume(x, err);
}

/* -- volumes -- */

static int release(struct binding *x, struct err *err) {
    struct str policy = x->volume.spec.persistent_volume_reclaim_policy;
    if (str_eq(x->volume.status.phase, S("Failed")))
        return 0;
    int rc = set_volume_phase(x, "Released", S(""), err);
    bool external = str_map_get(x->volume.metadata.annotations, PROVISIONED_BY).n ||
                    x->volume.spec.persistent_volume_source.csi;
    if (rc || !policy.n || str_eq(policy, S("Retain")) || external)
        return rc;
    struct str message =
        arena_printf(x->a,
                     "reclaiming by \"%.*s\" is done by the one who made the volume, and nobody "
                     "is named; delete it by hand or set the policy to Retain",
                     STR_ARG(policy));
    event_record(x->c->events, x->volume_object, "Warning",
                 str_eq(policy, S("Delete")) ? "VolumeFailedDelete" : "VolumeFailedRecycle", "%.*s",
                 STR_ARG(message));
    return set_volume_phase(x, "Failed", message, err);
}

/* The claim has another volume by now. */
static int unbind(struct binding *x, struct err *err) {
    if (str_map_get(x->volume.metadata.annotations, BY_US).p) {
        x->volume.spec.claim_ref = NULL;
        x->volume.metadata.annotations = str_map_without(x->a, x->volume.metadata.annotations, BY_US);
    } else {
        struct core_object_reference *ref = arena_new(x->a, struct core_object_reference);
        *ref = *x->volume.spec.claim_ref;
        ref->uid = STR_NONE;
        ref->resource_version = STR_NONE;
        x->volume.spec.claim_ref = ref;
    }
    int rc = write_volume(x, false, err);
    return rc ? rc : set_volume_phase(x, "Available", S(""), err);
}

/* The claim that a volume names, from the cache or, when that has none, the server; NULL: it is gone. */
static int claim_of(struct binding *x, const struct object **ret, struct err *err) {
    const struct core_object_reference *ref = x->volume.spec.claim_ref;
    const struct object *o =
        world_get(&x->r->world, KIND(CORE_PERSISTENT_VOLUME_CLAIM), ref->namespace, ref->name);
    struct object *fresh = NULL;
    if (!o || !str_eq(o->meta->uid, ref->uid)) {
        int rc = client_get(x->c->client, KIND(CORE_PERSISTENT_VOLUME_CLAIM), ref->namespace, ref->name,
                            &fresh, err);
        if (rc && rc != ERR_NOT_FOUND)
            return rc;
        if (fresh)
            arena_hold(x->a, object_release_any, fresh);
        o = fresh;
    }
    *ret = o && str_eq(o->meta->uid, ref->uid) ? o : NULL;
    return 0;
}

static int sync_volume(struct binding *x, struct str name, struct err *err) {
    const struct object *o = NULL;
    x->volume_object = world_get_key(&x->r->world, KIND(CORE_PERSISTENT_VOLUME), name);
    if (!x->volume_object)
        return 0;
    x->volume = *(const struct core_persistent_volume *)x->volume_object->body;
    if (!x->volume.spec.claim_ref || !x->volume.spec.claim_ref->uid.n)
        return set_volume_phase(x, "Available", S(""), err);
    int rc = claim_of(x, &o, err);
    if (rc)
        return rc;
    if (!o)
        return release(x, err);
    const struct core_persistent_volume_claim *c = o->body;
    if (str_eq(c->spec.volume_name, name))
        return set_volume_phase(x, "Bound", S(""), err);
    return c->spec.volume_name.n ? unbind(x, err) : 0; /* its claim is on the way */
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct binding x = {.c = r->arg, .r = r, .a = r->arena};
    struct str rest = str_from_byte(key, 2);
    return unless_gone(key.p[0] == 'c' ? sync_claim(&x, rest, err) : sync_volume(&x, rest, err));
}

/* -- events -- */

static void look_at(struct reconciler *rc, const char *prefix, struct str key) {
    _cleanup_arena struct arena a = ARENA_INIT;
    reconciler_enqueue(rc, arena_printf(&a, "%s%.*s", prefix, STR_ARG(key)));
}

static void look_at_pending(struct reconciler *rc, const struct binder *s) {
    struct informer_snapshot snap;
    struct cow_iter it;
    informer_snapshot(s->claims, &snap);
    cow_foreach (item, &it, cow_all(&it, &snap.tree)) {
        const struct object *o = item->value;
        if (!str_map_get(o->meta->annotations, BOUND).p)
            look_at(rc, "c/", item->key);
    }
    informer_snapshot_fini(&snap);
}

static void map_claim(struct reconciler *rc, const struct informer_event *e, void *arg) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct core_persistent_volume_claim *c = e->object->body;
    (void)arg;
    look_at(rc, "c/", object_key_of(&a, e->object));
    if (c->spec.volume_name.n)
        look_at(rc, "v/", c->spec.volume_name);
}

static void map_volume(struct reconciler *rc, const struct informer_event *e, void *arg) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct core_object_reference *ref =
        ((const struct core_persistent_volume *)e->object->body)->spec.claim_ref;
    look_at(rc, "v/", e->object->meta->name);
    if (ref)
        look_at(rc, "c/", key_of(&a, ref->namespace, ref->name));
    else if (e->type != INFORMER_DELETED)
        look_at_pending(rc, arg);
}

static void map_class(struct reconciler *rc, const struct informer_event *e, void *arg) {
    if (e->type != INFORMER_DELETED)
        look_at_pending(rc, arg);
}

int volume_binder_start(struct controller *c, struct err *err) {
    struct binder *s = controller_state(c, sizeof *s);
    int rc = informer_get(c->watcher, &(struct informer_options){.kind = KIND(CORE_PERSISTENT_VOLUME_CLAIM)},
                          &s->claims, err);
    if (rc)
        return rc;
    const struct reconciler_watch watches[] = {
        WATCH_ALL(CORE_PERSISTENT_VOLUME_CLAIM, map_claim, s),
        WATCH_ALL(CORE_PERSISTENT_VOLUME, map_volume, s),
        WATCH_ALL(STORAGE_STORAGE_CLASS, map_class, s),
        WATCH_ALL(CORE_NODE, NULL, NULL),
    };
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 4, .reconcile = reconcile}, NULL,
        err);
}

void volume_binder_stop(struct controller *c) {
    informer_unref(((struct binder *)c->state)->claims);
}
