/* controller/deployment_sets: the replica sets of a deployment: finding, making, scaling and dropping them.
 */
#include <stdlib.h>

#include "api/equal.h"
#include "api/json.h"
#include "api/meta.h"
#include "api/name_generate.h"
#include "api/time.h"
#include "base/buf.h"
#include "base/vec.h"
#include "controller/deployment_priv.h"

#define REVISION_HISTORY_MAX 2000u /* characters */

static int64_t number_in(struct str_map annotations, struct str key, int64_t otherwise) {
    int64_t v = 0;
    struct str text = str_map_get(annotations, key);
    return text.p && str_to_i64(text, &v) ? v : otherwise;
}

int64_t replica_set_revision(const struct object *o) {
    return number_in(o->meta->annotations, DEPLOYMENT_REVISION, 0);
}

/* -- which is the new one -- */

bool templates_equal(const struct core_pod_template_spec *one, const struct core_pod_template_spec *other,
                     struct arena *a) {
    struct core_pod_template_spec x = *one, y = *other;
    x.metadata.labels = str_map_without(a, x.metadata.labels, DEPLOYMENT_TEMPLATE_HASH);
    y.metadata.labels = str_map_without(a, y.metadata.labels, DEPLOYMENT_TEMPLATE_HASH);
    return api_equal(&builtin, TY_CORE_POD_TEMPLATE_SPEC, &x, &y);
}

static int cmp_created(const void *pa, const void *pb) {
    const struct object *a = *(const struct object *const *)pa, *b = *(const struct object *const *)pb;
    int c = timestamp_cmp(a->meta->creation_timestamp, b->meta->creation_timestamp);
    return c ? c : str_cmp(a->meta->name, b->meta->name);
}

static struct set_state state_of(const struct object *o) {
    const struct apps_replica_set *rs = o->body;
    int32_t replicas = rs->spec.replicas.set ? rs->spec.replicas.v : 1;
    return (struct set_state){
        .replicas = replicas,
        .target = replicas,
        .actual = rs->status.replicas,
        .available = rs->status.available_replicas,
        .desired_mark = (int32_t)number_in(o->meta->annotations, DEPLOYMENT_DESIRED_REPLICAS, -1),
        .max_mark = (int32_t)number_in(o->meta->annotations, DEPLOYMENT_MAX_REPLICAS, -1),
        .created_sec = o->meta->creation_timestamp.sec,
        .name = o->meta->name};
}

void rollout_look(struct rollout *x) {
    if (x->sets.n)
        qsort(x->sets.v, x->sets.n, sizeof *x->sets.v, cmp_created);
    x->states = arena_new_n(x->a, x->sets.n + 1, struct set_state); /* room for one to be made */
    x->fresh = -1;
    for (size_t i = 0; i < x->sets.n; i++) {
        x->states[i] = state_of(x->sets.v[i]);
        if (x->fresh < 0 &&
            templates_equal(&replica_set_of(x->sets.v[i])->spec.template, &x->d.spec.template, x->a))
            x->fresh = (int32_t)i;
    }
    if (x->fresh >= 0)
        x->states[x->fresh].is_new = true;
}

/* -- annotations -- */

static struct str number_text(struct arena *a, int64_t v) {
    return arena_printf(a, "%lld", (long long)v);
}

static struct str_map with_marks(const struct rollout *x, struct str_map annotations) {
    annotations =
        str_map_with(x->a, annotations, DEPLOYMENT_DESIRED_REPLICAS, number_text(x->a, x->limits.replicas));
    return str_map_with(x->a, annotations, DEPLOYMENT_MAX_REPLICAS,
                        number_text(x->a, (int64_t)x->limits.replicas + x->limits.surge));
}

static bool stays_behind(struct str key) {
    return str_eq(key, S("kubectl.kubernetes.io/last-applied-configuration")) ||
           str_eq(key, DEPLOYMENT_REVISION) || str_eq(key, DEPLOYMENT_REVISION_HISTORY) ||
           str_eq(key, DEPLOYMENT_DESIRED_REPLICAS) || str_eq(key, DEPLOYMENT_MAX_REPLICAS) ||
           str_eq(key, S("deprecated.deployment.rollback.to"));
}

static struct str_map with_deployment_annotations(const struct rollout *x, struct str_map annotations) {
    for (uint32_t i = 0; i < x->d.metadata.annotations.n; i++) {
        const struct str_entry *e = &x->d.metadata.annotations.v[i];
        if (!stays_behind(e->key))
            annotations = str_map_with(x->a, annotations, e->key, e->value);
    }
    return annotations;
}

/* The revisions that a set had before, oldest first, as long as there is room. */
static struct str history_with(struct arena *a, struct str history, struct str revision) {
    if (!history.n)
        return revision;
    while (history.n && history.n + 1 + revision.n > REVISION_HISTORY_MAX) {
        struct str head, tail;
        history = str_split(history, ',', &head, &tail) ? tail : S("");
    }
    return history.n ? arena_printf(a, "%.*s,%.*s", STR_ARG(history), STR_ARG(revision)) : revision;
}

static struct str_map with_revision(struct arena *a, struct str_map annotations, int64_t revision) {
    struct str old = str_map_get(annotations, DEPLOYMENT_REVISION);
    int64_t old_number = 0;
    bool had = old.p && str_to_i64(old, &old_number);
    if (had && old_number >= revision)
        return annotations;
    annotations = str_map_with(a, annotations, DEPLOYMENT_REVISION, number_text(a, revision));
    if (had)
        annotations =
            str_map_with(a, annotations, DEPLOYMENT_REVISION_HISTORY,
                         history_with(a, str_map_get(annotations, DEPLOYMENT_REVISION_HISTORY), old));
    return annotations;
}

static int64_t next_revision(const struct rollout *x) {
    int64_t max = 0;
    for (size_t i = 0; i < x->sets.n; i++) {
        int64_t v = (int32_t)i == x->fresh ? 0 : replica_set_revision(x->sets.v[i]);
        if (v > max)
            max = v;
    }
    return max + 1;
}

/* -- the deployment's own note of it -- */

/* Writes the deployment when its revision or its condition Progressing changes by this. */
static int note_on_deployment(struct rollout *x, struct str revision, struct str reason, struct str message,
                              bool only_when_missing, struct err *err) {
    struct apps_deployment_status s = x->d.status;
    bool wants = rollout_has_deadline(x) && reason.n &&
                 !(only_when_missing && deployment_condition(&s, S("Progressing")));
    if (wants)
        deployment_set_condition(x, &s, S("Progressing"), S("True"), reason, message);
    struct str_map annotations = x->d.metadata.annotations;
    if (revision.n)
        annotations = str_map_with(x->a, annotations, DEPLOYMENT_REVISION, revision);
    if (str_map_equal(annotations, x->d.metadata.annotations) && !wants)
        return 0;
    x->d.metadata.annotations = annotations;
    x->d.status = s;
    return rollout_write(x, err);
}

/* -- keeping the new one -- */

static void replace_set(struct rollout *x, size_t i, struct object *o) {
    arena_hold(x->a, object_release_any, o);
    x->sets.v[i] = o;
    int32_t target = x->states[i].target;
    bool is_new = x->states[i].is_new;
    x->states[i] = state_of(o);
    x->states[i].target = target;
    x->states[i].is_new = is_new;
}

static int keep_new(struct rollout *x, struct err *err) {
    const struct object *o = x->sets.v[x->fresh];
    struct apps_replica_set rs = *replica_set_of(o);
    struct str_map annotations = with_deployment_annotations(x, rs.metadata.annotations);
    annotations = with_revision(x->a, annotations, next_revision(x));
    if (!str_map_equal(annotations, rs.metadata.annotations) ||
        rs.spec.min_ready_seconds != x->d.spec.min_ready_seconds) {
        rs.metadata.annotations = annotations;
        rs.spec.min_ready_seconds = x->d.spec.min_ready_seconds;
        struct object *written = NULL;
        int rc = client_update(x->c->client, o->kind, &rs, &written, err);
        if (rc)
            return rc;
        replace_set(x, (size_t)x->fresh, written);
    }
    return note_on_deployment(
        x, str_map_get(x->sets.v[x->fresh]->meta->annotations, DEPLOYMENT_REVISION), S("FoundNewReplicaSet"),
        arena_printf(x->a, "Found new replica set \"%.*s\"", STR_ARG(o->meta->name)), true, err);
}

/* -- making it -- */

static struct str template_hash(const struct rollout *x) {
    _cleanup_buf struct buf text = BUF_INIT;
    api_write_json(&text, &builtin, TY_CORE_POD_TEMPLATE_SPEC, &x->d.spec.template);
    return name_template_hash(x->a, buf_view(&text), x->d.status.collision_count);
}

static struct apps_replica_set *new_set(const struct rollout *x, struct str hash, int64_t revision) {
    struct apps_replica_set *rs = arena_new(x->a, struct apps_replica_set);
    struct meta_label_selector *selector = arena_new(x->a, struct meta_label_selector);
    rs->metadata.name = arena_printf(x->a, "%.*s-%.*s", STR_ARG(x->d.metadata.name), STR_ARG(hash));
    rs->metadata.namespace = x->d.metadata.namespace;
    struct meta_owner_reference ref = meta_controller_ref(KIND(APPS_DEPLOYMENT), &x->d.metadata);
    meta_set_owner(x->a, &rs->metadata, &ref);
    rs->spec.template = x->d.spec.template;
    rs->spec.template.metadata.labels =
        str_map_with(x->a, x->d.spec.template.metadata.labels, DEPLOYMENT_TEMPLATE_HASH, hash);
    rs->metadata.labels = rs->spec.template.metadata.labels;
    *selector = *x->d.spec.selector;
    selector->match_labels = str_map_with(x->a, selector->match_labels, DEPLOYMENT_TEMPLATE_HASH, hash);
    rs->spec.selector = selector;
    rs->spec.min_ready_seconds = x->d.spec.min_ready_seconds;
    rs->spec.replicas =
        (struct opt_i32){deployment_plan_new_size(&x->limits, x->states, (uint32_t)x->sets.n, 0), true};
    struct str_map annotations = with_deployment_annotations(x, (struct str_map){.n = 0});
    annotations = with_revision(x->a, annotations, revision);
    rs->metadata.annotations = with_marks(x, annotations);
    return rs;
}

static void add_new(struct rollout *x, struct object *o) {
    arena_hold(x->a, object_release_any, o);
    vec_push_in(x->a, &x->sets, (const struct object *)o);
    x->fresh = (int32_t)x->sets.n - 1;
    x->states[x->fresh] = state_of(o);
    x->states[x->fresh].is_new = true;
}

/* A set of that name is there: ours (our cache is behind), or another template has the same hash. */
static int settle_collision(struct rollout *x, const struct apps_replica_set *wanted, struct err *err) {
    struct object *o = NULL;
    int rc = client_get(x->c->client, KIND(APPS_REPLICA_SET), wanted->metadata.namespace,
                        wanted->metadata.name, &o, err);
    if (rc)
        return rc;
    if (meta_is_controlled_by(o->meta, x->d.metadata.uid) &&
        templates_equal(&replica_set_of(o)->spec.template, &x->d.spec.template, x->a)) {
        add_new(x, o);
        return 0;
    }
    object_unref(o);
    int32_t count = x->d.status.collision_count.set ? x->d.status.collision_count.v : 0;
    x->d.status.collision_count = (struct opt_i32){count + 1, true};
    rc = rollout_write(x, err);
    return rc ? rc
              : err_set(err, ERR_CONFLICT, "the name %.*s is taken; trying another one",
                        STR_ARG(wanted->metadata.name));
}

static int note_create_failure(struct rollout *x, const struct apps_replica_set *rs, struct err *err) {
    struct err reason = *err, second = ERR_INIT;
    struct str message = arena_printf(x->a, "Failed to create new replica set \"%.*s\": %s",
                                      STR_ARG(rs->metadata.name), reason.msg);
    if (rollout_has_deadline(x)) {
        struct apps_deployment_status s = x->d.status;
        deployment_set_condition(x, &s, S("Progressing"), S("False"), S("ReplicaSetCreateError"), message);
        (void)rollout_write_status(x, &s, &second);
    }
    event_record(x->c->events, x->object, "Warning", "ReplicaSetCreateError", "%.*s", STR_ARG(message));
    return reason.code;
}

static int make_new(struct rollout *x, struct err *err) {
    int64_t revision = next_revision(x);
    struct apps_replica_set *rs = new_set(x, template_hash(x), revision);
    struct object *made = NULL;
    int rc = client_create(x->c->client, KIND(APPS_REPLICA_SET), x->d.metadata.namespace, rs, &made, err);
    if (rc == ERR_EXISTS) {
        rc = settle_collision(x, rs, err);
        return rc ? rc : note_on_deployment(x, number_text(x->a, revision), S(""), S(""), false, err);
    }
    if (rc)
        return note_create_failure(x, rs, err);
    add_new(x, made);
    if (rs->spec.replicas.v > 0)
        event_record(x->c->events, x->object, "Normal", "ScalingReplicaSet",
                     "Scaled up replica set %.*s from 0 to %d", STR_ARG(made->meta->name),
                     rs->spec.replicas.v);
    return note_on_deployment(
        x, number_text(x->a, revision), S("NewReplicaSetCreated"),
        arena_printf(x->a, "Created new replica set \"%.*s\"", STR_ARG(made->meta->name)), false, err);
}

int rollout_sync_new(struct rollout *x, bool create, struct err *err) {
    if (x->fresh >= 0)
        return keep_new(x, err);
    return create ? make_new(x, err) : 0;
}

/* -- scaling -- */

static int apply_one(struct rollout *x, size_t i, bool *ret_scaled, struct err *err) {
    const struct object *o = x->sets.v[i];
    struct apps_replica_set rs = *replica_set_of(o);
    int32_t from = x->states[i].replicas, to = x->states[i].target;
    rs.metadata.annotations = with_marks(x, rs.metadata.annotations);
    if (from == to && str_map_equal(rs.metadata.annotations, o->meta->annotations))
        return 0;
    rs.spec.replicas = (struct opt_i32){to, true};
    struct object *written = NULL;
    int rc = client_update(x->c->client, o->kind, &rs, &written, err);
    if (rc)
        return rc;
    replace_set(x, i, written);
    if (from == to)
        return 0;
    *ret_scaled = true;
    event_record(x->c->events, x->object, "Normal", "ScalingReplicaSet",
                 "Scaled %s replica set %.*s from %d to %d", to > from ? "up" : "down",
                 STR_ARG(o->meta->name), from, to);
    return 0;
}

int rollout_apply(struct rollout *x, bool *ret_scaled, struct err *err) {
    *ret_scaled = false;
    for (size_t i = 0; i < x->sets.n; i++) {
        bool marks = x->states[i].target > 0 || (int32_t)i == x->fresh;
        if (x->states[i].target == x->states[i].replicas && !marks)
            continue;
        int rc = apply_one(x, i, ret_scaled, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* -- history -- */

static int cmp_revision(const void *pa, const void *pb) {
    const struct object *a = *(const struct object *const *)pa, *b = *(const struct object *const *)pb;
    int64_t x = replica_set_revision(a), y = replica_set_revision(b);
    return x != y ? (x < y ? -1 : 1) : cmp_created(pa, pb);
}

static bool may_go(const struct object *o) {
    const struct apps_replica_set *rs = o->body;
    return rs->status.replicas == 0 && rs->spec.replicas.set && rs->spec.replicas.v == 0 &&
           rs->metadata.generation <= rs->status.observed_generation && !meta_is_deleting(o->meta);
}

int rollout_cleanup(struct rollout *x, struct err *err) {
    if (!x->d.spec.revision_history_limit.set || x->d.spec.revision_history_limit.v == INT32_MAX)
        return 0;
    struct objects old = {.n = 0};
    for (size_t i = 0; i < x->sets.n; i++)
        if ((int32_t)i != x->fresh && !meta_is_deleting(x->sets.v[i]->meta))
            vec_push_in(x->a, &old, x->sets.v[i]);
    int64_t excess = (int64_t)old.n - x->d.spec.revision_history_limit.v;
    if (excess <= 0)
        return 0;
    qsort(old.v, old.n, sizeof *old.v, cmp_revision);
    for (int64_t i = 0; i < excess; i++) {
        int rc = may_go(old.v[i]) ? delete_object(x->c->client, old.v[i], STR_NONE, err) : 0;
        if (rc)
            return rc;
    }
    return 0;
}
