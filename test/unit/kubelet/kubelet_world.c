/* A whole kubelet in memory. See kubelet_world.h. */
#include "kubelet_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "unit/unit.h"

const char *kubelet_world_path(struct kubelet_world *w, const char *name) {
    return arena_printf(&w->a, "%s/%s", unit_tmpdir(), name).p;
}

static void add_images(struct kubelet_world *w) {
    const struct fake_image images[] = {
        {.name = S("r.io/run:1"), .size = 1000, .uid = -1, .runs_for_ever = true},
        {.name = S("r.io/done:1"), .size = 1000, .uid = -1},
        {.name = S("r.io/fail:1"), .size = 1000, .uid = -1, .exit_code = 1},
    };
    for (size_t i = 0; i < sizeof images / sizeof *images; i++)
        fake_image(w->runtime, &images[i]);
}

void kubelet_world_init(struct kubelet_world *w) {
    struct err err = ERR_INIT;
    *w = (struct kubelet_world){.a = ARENA_INIT};
    w->api = fake_new(NULL);
    w->runtime = fake_runtime_new(clock_system());
    add_images(w);
    const char *cgroups = kubelet_world_path(w, "cgroup");
    assert_ok(file_mkdir_p(cgroups, 0755, &err), &err);
    assert_ok(file_write_atomic(kubelet_world_path(w, "cgroup/cgroup.controllers"),
                                S("cpuset cpu io memory pids\n"), 0644, &err),
              &err);
    w->o = (struct kubelet_options){.client = fake_client(w->api),
                                    .runtime = fake_runtime(w->runtime),
                                    .node_name = S("n1"),
                                    .root_dir = str_from(kubelet_world_path(w, "root")),
                                    .pod_logs_dir = str_from(kubelet_world_path(w, "logs")),
                                    .cgroup_mount = cgroups,
                                    .register_node = true};
    /* How full the machine is, is not the tests' affair. */
    static struct str_entry no_eviction = {STR_INIT("pid.available"), STR_INIT("0")};
    kubelet_config_init(&w->o.config);
    w->o.config.eviction_hard = (struct str_map){&no_eviction, 1};
    fake_put(w->api, KIND(CORE_NAMESPACE), "{\"metadata\":{\"name\":\"default\"}}");
}

void kubelet_world_start(struct kubelet_world *w) {
    struct err err = ERR_INIT;
    assert_ok(kubelet_start(&w->o, &w->k, &err), &err);
}

void kubelet_world_fini(struct kubelet_world *w) {
    kubelet_stop(w->k);
    fake_free(w->api);
    runtime_free(fake_runtime(w->runtime));
    arena_fini(&w->a);
}

void kubelet_world_pod(struct kubelet_world *w, const char *name, const char *spec) {
    fake_put(w->api, KIND(CORE_POD),
             arena_printf(&w->a,
                          "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\",\"uid\":\"uid-%s\"},"
                          "\"spec\":{\"nodeName\":\"n1\",%s}}",
                          name, name, spec)
                 .p);
}

const struct core_pod *kubelet_world_get(struct kubelet_world *w, const char *name) {
    struct object *o = fake_get(w->api, KIND(CORE_POD), "default", name);
    if (!o)
        return NULL;
    arena_hold(&w->a, object_release_any, o);
    return o->body;
}

const char *kubelet_world_phase(struct kubelet_world *w, const char *name) {
    const struct core_pod *p = kubelet_world_get(w, name);
    return p ? arena_strz(&w->a, p->status.phase) : "gone";
}

const char *kubelet_world_reason(struct kubelet_world *w, const char *name) {
    const struct core_pod *p = kubelet_world_get(w, name);
    for (uint32_t i = 0; p && i < p->status.container_statuses.n; i++) {
        const struct core_container_state *s = &p->status.container_statuses.v[i].state;
        if (s->waiting)
            return arena_strz(&w->a, s->waiting->reason);
        if (s->terminated)
            return arena_strz(&w->a, s->terminated->reason);
    }
    return "";
}

bool kubelet_world_event(struct kubelet_world *w, const char *reason) {
    struct object **all;
    size_t n = fake_all(w->api, KIND(CORE_EVENT), &all);
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        found |= str_eq(((const struct core_event *)all[i]->body)->reason, str_from(reason));
        object_unref(all[i]);
    }
    free(all);
    return found;
}
