/* controller/slices: packs the endpoints of a service into EndpointSlices. */
#include "controller/slices.h"

#include <stdlib.h>

#include "api/equal.h"
#include "api/meta.h"
#include "api/time.h"
#include "api/types/ids.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "client/expect.h"
#include "client/reconciler.h"
#include "controller/calls.h"

#define TRIGGER_TIME S("endpoints.kubernetes.io/last-change-trigger-time")

/* -- groups -- */

static struct str port_text(struct arena *a, const struct discovery_endpoint_port *p) {
    return arena_printf(a, "%.*s|%.*s|%d|%.*s;", STR_ARG(p->name), STR_ARG(p->protocol),
                        p->port.set ? p->port.v : -1, STR_ARG(p->app_protocol));
}

struct str slice_port_key(struct arena *a, const struct discovery_endpoint_port_array *ports) {
    struct str *texts = arena_new_n(a, ports->n + 1, struct str);
    for (uint32_t i = 0; i < ports->n; i++)
        texts[i] = port_text(a, &ports->v[i]);
    if (ports->n)
        qsort(texts, ports->n, sizeof *texts, str_cmp_qsort);
    return arena_join(a, texts, ports->n, S(""));
}

struct wanted_group *slice_group(struct arena *a, struct wanted_groups *groups,
                                 struct discovery_endpoint_port_array ports) {
    struct str key = slice_port_key(a, &ports);
    for (size_t i = 0; i < groups->n; i++)
        if (str_eq(groups->v[i].port_key, key))
            return &groups->v[i];
    struct wanted_group g = {.port_key = key, .ports = ports};
    vec_push_in(a, groups, g);
    return &groups->v[groups->n - 1];
}

/* -- the plan -- */

struct planned {
    const struct object *object;
    const struct discovery_endpoint_slice *before;
    struct discovery_endpoint_port_array ports;
    struct str port_key;
    struct discovery_endpoint *v; /* kept and added */
    uint32_t n;
    bool changed;
    struct timestamp trigger; /* earliest change that is in it */
};

struct plan {
    struct arena *a;
    const struct slice_options *o;
    struct planned *slices;
    size_t n;
    struct slice_plan out;
    struct planned *fresh; /* to be made */
    size_t n_fresh, cap_fresh;
};

static struct str endpoint_key(struct arena *a, const struct discovery_endpoint *e) {
    struct str uid = e->target_ref ? e->target_ref->uid : S("");
    struct str name = e->target_ref ? e->target_ref->name : S("");
    return arena_printf(a, "%.*s|%.*s|%.*s", STR_ARG(e->addresses.n ? e->addresses.v[0] : S("")),
                        STR_ARG(uid), STR_ARG(name));
}

static void note_trigger(struct planned *p, struct timestamp t) {
    p->changed = true;
    if (t.set && (!p->trigger.set || timestamp_cmp(t, p->trigger) < 0))
        p->trigger = t;
}

static void add_endpoint(struct planned *p, struct wanted_endpoint *w) {
    p->v[p->n++] = w->endpoint;
    w->placed = true;
    note_trigger(p, w->changed);
}

/* Keeps what of a slice is still wanted, as it should be now. */
static void keep_wanted(struct plan *x, struct planned *p, struct map *wanted) {
    for (uint32_t i = 0; i < p->before->endpoints.n; i++) {
        const struct discovery_endpoint *e = &p->before->endpoints.v[i];
        struct wanted_endpoint *w = map_get(wanted, endpoint_key(x->a, e));
        if (!w || w->placed || p->n >= x->o->max) {
            p->changed = true;
            continue;
        }
        w->placed = true;
        p->v[p->n++] = w->endpoint;
        if (!api_equal(&builtin, TY_DISCOVERY_ENDPOINT, e, &w->endpoint))
            note_trigger(p, w->changed);
    }
}

static void match_group(struct plan *x, struct wanted_group *g) {
    _cleanup_map struct map wanted = MAP_INIT;
    for (size_t i = 0; i < g->n; i++)
        map_put(&wanted, endpoint_key(x->a, &g->v[i].endpoint), &g->v[i]);
    for (size_t i = 0; i < x->n; i++)
        if (str_eq(x->slices[i].port_key, g->port_key))
            keep_wanted(x, &x->slices[i], &wanted);
}

/* A slice of the group with room: one that is written anyway, or else the fullest that takes all the rest. */
static struct planned *with_room(struct plan *x, const struct wanted_group *g, size_t left) {
    struct planned *best = NULL;
    for (size_t i = 0; i < x->n; i++) {
        struct planned *p = &x->slices[i];
        if (!str_eq(p->port_key, g->port_key) || p->n >= x->o->max || !p->n)
            continue;
        if (p->changed)
            return p;
        if (p->n + left <= x->o->max && (!best || p->n > best->n))
            best = p;
    }
    return best;
}

static struct planned *make_slice(struct plan *x, const struct wanted_group *g) {
    struct planned p = {.ports = g->ports,
                        .port_key = g->port_key,
                        .v = arena_new_n(x->a, x->o->max, struct discovery_endpoint)};
    if (x->n_fresh == x->cap_fresh)
        vec_grow_in(x->a, (void **)&x->fresh, &x->cap_fresh, x->n_fresh, x->n_fresh + 1, sizeof *x->fresh);
    x->fresh[x->n_fresh++] = p;
    return &x->fresh[x->n_fresh - 1];
}

static void place_rest(struct plan *x, struct wanted_group *g) {
    size_t left = 0;
    for (size_t i = 0; i < g->n; i++)
        left += !g->v[i].placed;
    struct planned *p = NULL;
    for (size_t i = 0; i < g->n; i++) {
        if (g->v[i].placed)
            continue;
        if (!p || p->n >= x->o->max)
            p = with_room(x, g, left);
        if (!p)
            p = make_slice(x, g);
        add_endpoint(p, &g->v[i]);
        left--;
    }
}

/* -- what is written -- */

static struct str_map annotations_of(const struct plan *x, const struct planned *p) {
    if (!x->o->trigger_time || !p->trigger.set)
        return x->o->annotations;
    char text[TIME_TEXT_SIZE];
    size_t n = time_format(text, p->trigger.sec, p->trigger.nsec, TIME_NANO);
    return str_map_with(x->a, x->o->annotations, TRIGGER_TIME, arena_str(x->a, str_make(text, n)));
}

static bool face_differs(const struct plan *x, const struct planned *p) {
    const struct meta_object_meta *m = p->object->meta;
    struct str_map annotations =
        x->o->trigger_time ? str_map_without(x->a, m->annotations, TRIGGER_TIME) : m->annotations;
    return !str_map_equal(m->labels, x->o->labels) || !str_map_equal(annotations, x->o->annotations) ||
           !meta_owner(m, x->o->owner.uid) || !str_eq(slice_port_key(x->a, &p->before->ports), p->port_key);
}

static struct discovery_endpoint_slice *slice_of(struct plan *x, const struct planned *p) {
    struct discovery_endpoint_slice *s = arena_new(x->a, struct discovery_endpoint_slice);
    if (p->object)
        *s = *p->before;
    s->metadata.namespace = x->o->ns;
    if (!p->object)
        s->metadata.generate_name = x->o->generate_name;
    s->metadata.labels = x->o->labels;
    s->metadata.annotations = annotations_of(x, p);
    meta_set_owner(x->a, &s->metadata, &x->o->owner);
    s->address_type = x->o->address_type;
    s->ports = p->ports;
    s->endpoints = (struct discovery_endpoint_array){p->v, p->n};
    return s;
}

/* An emptied slice takes over what a new one would hold. */
static struct planned *recycle(struct plan *x, struct planned *fresh) {
    for (size_t i = 0; i < x->n; i++) {
        struct planned *p = &x->slices[i];
        if (p->n || !p->before || (p->changed && p->v == fresh->v))
            continue;
        p->ports = fresh->ports;
        p->port_key = fresh->port_key;
        p->v = fresh->v;
        p->n = fresh->n;
        p->trigger = fresh->trigger;
        p->changed = true;
        return p;
    }
    return NULL;
}

static void place_fresh(struct plan *x) {
    for (size_t i = 0; i < x->n_fresh; i++)
        if (!recycle(x, &x->fresh[i]))
            x->out.create[x->out.n_create++] = slice_of(x, &x->fresh[i]);
}

/* The first empty one stays as the placeholder when nothing else is left. */
static void write_existing(struct plan *x) {
    bool needed = x->o->placeholder && !x->out.n_create;
    for (size_t i = 0; i < x->n; i++)
        needed = needed && !x->slices[i].n;
    for (size_t i = 0; i < x->n; i++) {
        struct planned *p = &x->slices[i];
        if (!p->n && !needed) {
            x->out.remove[x->out.n_remove++] = p->object;
            continue;
        }
        if (!p->n) {
            needed = false;
            p->ports = (struct discovery_endpoint_port_array){.n = 0};
            p->port_key = S("");
        }
        if (p->changed || face_differs(x, p))
            x->out.update[x->out.n_update++] = slice_of(x, p);
    }
    if (needed) {
        struct planned empty = {.port_key = S("")};
        x->out.create[x->out.n_create++] = slice_of(x, &empty);
    }
}

struct slice_plan slices_plan(struct arena *a, const struct slice_options *o, struct wanted_groups *groups,
                              const struct objects *existing) {
    struct plan x = {.a = a, .o = o, .n = existing->n};
    x.slices = arena_new_n(a, existing->n + 1, struct planned);
    for (size_t i = 0; i < existing->n; i++) {
        const struct discovery_endpoint_slice *s = existing->v[i]->body;
        x.slices[i] = (struct planned){.object = existing->v[i],
                                       .before = s,
                                       .ports = s->ports,
                                       .port_key = slice_port_key(a, &s->ports),
                                       .v = arena_new_n(a, o->max, struct discovery_endpoint)};
    }
    for (size_t i = 0; i < groups->n; i++)
        match_group(&x, &groups->v[i]);
    for (size_t i = 0; i < groups->n; i++)
        place_rest(&x, &groups->v[i]);
    x.out.create = arena_new_n(a, x.n_fresh + 1, struct discovery_endpoint_slice *);
    x.out.update = arena_new_n(a, x.n + 1, struct discovery_endpoint_slice *);
    x.out.remove = arena_new_n(a, x.n + 1, const struct object *);
    place_fresh(&x);
    write_existing(&x);
    return x.out;
}

/* -- acting -- */

static size_t put_removals(struct arena *a, const struct slice_plan *plan, struct client_call *calls) {
    for (size_t i = 0; i < plan->n_remove; i++) {
        struct meta_delete_options *d = arena_new(a, struct meta_delete_options);
        d->preconditions = arena_new(a, struct meta_preconditions);
        d->preconditions->uid = plan->remove[i]->meta->uid;
        calls[i] = (struct client_call){.verb = CLIENT_DELETE,
                                        .kind = KIND(DISCOVERY_ENDPOINT_SLICE),
                                        .ns = plan->remove[i]->meta->namespace,
                                        .name = plan->remove[i]->meta->name,
                                        .delete_options = d};
    }
    return plan->n_remove;
}

int slices_act(struct client *c, const struct slice_plan *plan, struct str ns, struct expectations *x,
               struct str key, struct arena *a, struct err *err) {
    size_t n = plan->n_create + plan->n_update + plan->n_remove, at = 0;
    if (!n)
        return 0;
    struct client_call *calls = arena_new_n(a, n, struct client_call);
    struct call_result *results = arena_new_n(a, n, struct call_result);
    for (size_t i = 0; i < plan->n_create; i++)
        calls[at++] = (struct client_call){
            .verb = CLIENT_CREATE, .kind = KIND(DISCOVERY_ENDPOINT_SLICE), .ns = ns, .body = plan->create[i]};
    for (size_t i = 0; i < plan->n_update; i++)
        calls[at++] = (struct client_call){.verb = CLIENT_UPDATE,
                                           .kind = KIND(DISCOVERY_ENDPOINT_SLICE),
                                           .ns = ns,
                                           .name = plan->update[i]->metadata.name,
                                           .body = plan->update[i]};
    at += put_removals(a, plan, calls + at);
    struct err first = ERR_INIT;
    if (plan->n_create)
        expect_creations(x, key, (uint32_t)plan->n_create);
    (void)calls_all(c, calls, (uint32_t)n, results, &first);
    int rc = 0;
    for (size_t i = 0; i < n; i++) {
        if (results[i].code && i < plan->n_create)
            expect_creation_seen(x, key);
        bool removal = i >= plan->n_create + plan->n_update;
        if (results[i].code &&
            !(removal && (results[i].code == ERR_NOT_FOUND || results[i].code == ERR_CONFLICT)))
            rc = results[i].code;
    }
    call_results_release(results, (uint32_t)n);
    if (rc)
        *err = first;
    return rc;
}
