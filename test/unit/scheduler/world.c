/* See world.h. */
#include "unit/scheduler/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/object.h"
#include "base/buf.h"

#define START_SEC 1800000000ll

void world_restart(struct world *w) {
    struct err err = ERR_INIT;
    scheduler_stop(w->scheduler);
    w->scheduler = NULL;
    assert_ok(scheduler_start(&(struct scheduler_options){.client = w->client}, &w->scheduler, &err), &err);
    world_settle(w);
}

void world_open(struct world *w) {
    *w = (struct world){.sim = sim_new(unit_seed(), START_SEC * NS_PER_SEC), .arena = ARENA_INIT};
    w->fake = fake_new(w->sim);
    w->client = fake_client(w->fake);
    fake_put(w->fake, KIND(CORE_NAMESPACE), "{\"metadata\":{\"name\":\"default\"}}");
    world_restart(w);
}

void world_close(struct world *w) {
    scheduler_stop(w->scheduler);
    vec_foreach (o, &w->held)
        object_unref(*o);
    vec_fini(&w->held);
    arena_fini(&w->arena);
    fake_free(w->fake);
    sim_free(w->sim);
}

void world_settle(struct world *w) {
    sim_settle(w->sim);
}

void world_pass(struct world *w, double seconds) {
    sim_run_ns(w->sim, (int64_t)(seconds * 1e9));
    sim_settle(w->sim);
}

void world_node(struct world *w, const char *name, const char *cpu, const char *memory, const char *labels,
                const char *spec) {
    _cleanup_buf struct buf b = BUF_INIT;
    buf_printf(
        &b,
        "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"kubernetes.io/hostname\":\"%s\"%s%s}},"
        "\"spec\":{%s},\"status\":{\"allocatable\":{\"cpu\":\"%s\",\"memory\":\"%s\",\"pods\":\"110\"}}}",
        name, name, *labels ? "," : "", labels, spec, cpu, memory);
    buf_byte(&b, 0);
    fake_put(w->fake, KIND(CORE_NODE), b.p);
    world_settle(w);
}

void world_pod(struct world *w, const char *name, const char *labels, const char *requests,
               const char *spec) {
    _cleanup_buf struct buf b = BUF_INIT;
    buf_printf(
        &b,
        "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\",\"labels\":{%s}},"
        "\"spec\":{\"schedulerName\":\"default-scheduler\",\"containers\":[{\"name\":\"c\",\"image\":\"i\","
        "\"resources\":{\"requests\":{%s}}}]%s%s},\"status\":{\"phase\":\"Pending\"}}",
        name, labels, requests, *spec ? "," : "", spec);
    buf_byte(&b, 0);
    fake_put(w->fake, KIND(CORE_POD), b.p);
    world_settle(w);
}

const struct core_pod *world_get(struct world *w, const char *name) {
    struct object *o = fake_get(w->fake, KIND(CORE_POD), "default", name);
    assert_non_null(o);
    vec_push(&w->held, o);
    return o->body;
}

static const char *text(struct world *w, struct str s) {
    return s.n ? arena_strz(&w->arena, s) : "";
}

const char *world_where(struct world *w, const char *name) {
    return text(w, world_get(w, name)->spec.node_name);
}

const char *world_why(struct world *w, const char *name) {
    const struct core_pod *p = world_get(w, name);
    for (uint32_t i = 0; i < p->status.conditions.n; i++)
        if (str_eq(p->status.conditions.v[i].type, S("PodScheduled")) &&
            str_eq(p->status.conditions.v[i].status, S("False")))
            return text(w, p->status.conditions.v[i].message);
    return "";
}

size_t world_events(struct world *w, const char *reason) {
    struct object **all;
    size_t n = fake_all(w->fake, KIND(CORE_EVENT), &all), found = 0;
    for (size_t i = 0; i < n; i++) {
        found += str_eq(((const struct core_event *)all[i]->body)->reason, str_from(reason));
        object_unref(all[i]);
    }
    free(all);
    return found;
}
