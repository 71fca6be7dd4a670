/* controller/namespace: empties namespaces that are being deleted, then lets them go.
 *
 * Pods first; once they are gone all other kinds at the same time, each by one deletecollection. What remains
 * (finalizers, pods that end slowly) is told in conditions; events of pods and a growing delay bring the key
 * back.
 */
#include "api/equal.h"
#include "api/meta.h"
#include "base/timefmt.h"
#include "controller/calls.h"
#include "controller/controller_priv.h"
#include "controller/namespace_plan.h"
#include "controller/rows.h"

#define LEFT_LOOKED_AT_MAX 500 /* objects of a kind whose finalizers are told */

struct namespaces {
    struct informer *informer;
};

struct emptying {
    struct controller *c;
    struct reconcile *r;
    struct str ns;
    struct leftovers left;
};

static bool is_content(const struct kind *k) {
    return k->namespaced && k->served && k->hub == k && !k->virtual_ && (k->verbs & VERB_LIST) &&
           (k->verbs & VERB_DELETECOLLECTION);
}

static const struct kind **content_kinds(struct arena *a, uint32_t *ret_n) {
    const struct kind **v = arena_new_n(a, n_kinds, const struct kind *);
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_kinds; i++)
        if (is_content(&kinds[i]))
            v[n++] = &kinds[i];
    *ret_n = n;
    return v;
}

/* Whether there is anything of the kind; looks at most LEFT_LOOKED_AT_MAX of it. */
static int look(struct emptying *e, const struct kind *k, bool *ret_any, struct err *err) {
    _cleanup_client_answer struct client_answer answer = CLIENT_ANSWER_INIT;
    struct client_call call = {.verb = CLIENT_LIST, .kind = k, .ns = e->ns, .limit = LEFT_LOOKED_AT_MAX};
    int rc = client_do(e->c->client, &call, &answer, err);
    if (rc)
        return unless_gone(rc);
    *ret_any = answer.n_items > 0;
    for (uint32_t i = 0; i < answer.n_items; i++)
        leftovers_add(&e->left, answer.items[i]);
    if (answer.remaining > 0)
        leftovers_add_more(&e->left, k, (uint64_t)answer.remaining);
    return 0;
}

static int is_there(struct emptying *e, const struct kind *k, bool *ret_any, struct err *err) {
    _cleanup_client_answer struct client_answer answer = CLIENT_ANSWER_INIT;
    struct client_call call = {.verb = CLIENT_LIST, .kind = k, .ns = e->ns, .limit = 1};
    int rc = client_do(e->c->client, &call, &answer, err);
    *ret_any = !rc && answer.n_items > 0;
    return unless_gone(rc);
}

static void note_failure(struct emptying *e, const struct err *err) {
    leftovers_fail(&e->left, str_from(err->msg));
}

/* Deletes all of these kinds at once. */
static void delete_kinds(struct emptying *e, const struct kind **v, uint32_t n) {
    struct arena *a = e->r->arena;
    struct client_call *calls = arena_new_n(a, n, struct client_call);
    struct meta_delete_options *background = arena_new(a, struct meta_delete_options);
    background->propagation_policy = S("Background");
    for (uint32_t i = 0; i < n; i++)
        calls[i] = (struct client_call){
            .verb = CLIENT_DELETE_COLLECTION, .kind = v[i], .ns = e->ns, .delete_options = background};
    struct err first = ERR_INIT;
    if (calls_all(e->c->client, calls, n, NULL, &first) && first.code != ERR_NOT_FOUND)
        note_failure(e, &first);
}

/* Deletes what there is of these kinds and looks what is left. */
static void empty(struct emptying *e, const struct kind **v, uint32_t n) {
    const struct kind **there = arena_new_n(e->r->arena, n, const struct kind *);
    struct err err = ERR_INIT;
    uint32_t n_there = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool any = false;
        if (is_there(e, v[i], &any, &err))
            note_failure(e, &err);
        if (any)
            there[n_there++] = v[i];
    }
    if (n_there)
        delete_kinds(e, there, n_there);
    for (uint32_t i = 0; i < n_there; i++) {
        bool any;
        if (look(e, there[i], &any, &err))
            note_failure(e, &err);
    }
}

static void empty_all(struct emptying *e) {
    const struct kind *pods = KIND(CORE_POD);
    empty(e, &pods, 1);
    if (e->left.total || e->left.failures.n)
        return;
    uint32_t n;
    const struct kind **v = content_kinds(e->r->arena, &n);
    empty(e, v, n);
}

/* Writes the conditions when they changed; *ns is then what the server has. */
static int write_conditions(struct emptying *e, struct core_namespace *ns, struct err *err) {
    struct core_namespace_condition_array now =
        namespace_conditions(&ns->status.conditions, &e->left, now_stamp(e->r));
    struct core_namespace changed = *ns;
    changed.status.conditions = now;
    changed.status.phase = S("Terminating");
    if (api_equal(&builtin, TY_CORE_NAMESPACE_STATUS, &changed.status, &ns->status))
        return 0;
    struct object *written = NULL;
    int rc = client_update_status(e->c->client, KIND(CORE_NAMESPACE), &changed, &written, err);
    if (rc || !written)
        return rc;
    arena_hold(e->r->arena, object_release_any, written);
    *ns = *(const struct core_namespace *)written->body;
    return 0;
}

static int let_go(struct emptying *e, const struct core_namespace *from, struct err *err) {
    struct core_namespace ns = *from;
    struct str_array keep = {arena_new_n(e->r->arena, ns.spec.finalizers.n + 1, struct str), 0};
    for (uint32_t i = 0; i < ns.spec.finalizers.n; i++)
        if (!str_eq(ns.spec.finalizers.v[i], S("kubernetes")))
            keep.v[keep.n++] = ns.spec.finalizers.v[i];
    if (keep.n == ns.spec.finalizers.n)
        return 0;
    ns.spec.finalizers = keep;
    struct client_call call = {.verb = CLIENT_UPDATE,
                               .kind = KIND(CORE_NAMESPACE),
                               .name = ns.metadata.name,
                               .subresource = S("finalize"),
                               .body = &ns};
    return unless_gone(client_do(e->c->client, &call, NULL, err));
}

static int finish(struct emptying *e, struct core_namespace *ns, struct err *err) {
    bool empty = !e->left.total && !e->left.failures.n;
    /* a namespace that goes at once needs no story */
    int rc = empty && !ns->status.conditions.n ? 0 : write_conditions(e, ns, err);
    if (rc)
        return unless_gone(rc);
    if (empty)
        return let_go(e, ns, err);
    if (e->left.failures.n || !e->left.grace_seconds)
        return err_set(err, ERR_AGAIN, "the namespace still has content");
    e->r->requeue_after_ns = (e->left.grace_seconds / 2 + 1) * NS_PER_SEC;
    return 0;
}

static bool holds(const struct core_namespace *ns) {
    for (uint32_t i = 0; i < ns->spec.finalizers.n; i++)
        if (str_eq(ns->spec.finalizers.v[i], S("kubernetes")))
            return true;
    return false;
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    const struct object *o = world_get_key(&r->world, KIND(CORE_NAMESPACE), key);
    if (!o || !meta_is_deleting(o->meta) || !holds(o->body))
        return 0;
    struct emptying e = {.c = r->arg, .r = r, .ns = key};
    struct core_namespace ns = *(const struct core_namespace *)o->body;
    leftovers_init(&e.left, r->arena);
    empty_all(&e);
    int rc = finish(&e, &ns, err);
    leftovers_fini(&e.left);
    return rc;
}

static void map_namespace(struct reconciler *rc, const struct informer_event *e, void *arg) {
    (void)arg;
    if (e->type != INFORMER_DELETED && meta_is_deleting(e->object->meta))
        reconciler_enqueue(rc, e->object->meta->name);
}

/* A pod that went may have been the last; the reconcile sees whether its namespace is ending. */
static void map_pod(struct reconciler *rc, const struct informer_event *e, void *arg) {
    struct informer *namespaces = ((struct namespaces *)arg)->informer;
    if (e->type != INFORMER_DELETED)
        return;
    struct object *ns = informer_find(namespaces, S(""), e->object->meta->namespace);
    if (ns && meta_is_deleting(ns->meta))
        reconciler_enqueue_after(rc, ns->meta->name, 20 * NS_PER_MS);
    object_unref(ns);
}

int namespace_start(struct controller *c, struct err *err) {
    struct informer *namespaces = NULL;
    int rc =
        informer_get(c->watcher, &(struct informer_options){.kind = KIND(CORE_NAMESPACE)}, &namespaces, err);
    if (rc)
        return rc;
    struct namespaces *state = controller_state(c, sizeof *state);
    state->informer = namespaces;
    const struct reconciler_watch watches[] = {
        WATCH_ALL(CORE_NAMESPACE, map_namespace, NULL),
        WATCH_ALL(CORE_POD, map_pod, state),
    };
    return controller_add(c,
                          &(struct reconciler_options){.watches = watches,
                                                       .n_watches = 2,
                                                       .reconcile = reconcile,
                                                       .concurrency = 4,
                                                       .retry_max_ns = NS_PER_MIN},
                          NULL, err);
}

void namespace_stop(struct controller *c) {
    informer_unref(((struct namespaces *)c->state)->informer);
}
