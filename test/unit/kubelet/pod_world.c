/* A pod and what the runtime has of it: see the header. */
#include "pod_world.h"

#include "api/json.h"
#include "api/types/ids.h"
#include "base/buf.h"
#include "unit/unit.h"

void pod_world_init(struct pod_world *w, const char *json) {
    *w = (struct pod_world){.a = ARENA_INIT};
    struct err err = ERR_INIT;
    void *pod = NULL;
    assert_ok(api_read_json(&w->a, &builtin, TY_CORE_POD, str_from(json), NULL, &pod, &err), &err);
    w->pod = *(struct core_pod *)pod;
    w->pod.metadata.uid = S("uid-1");
    if (!w->pod.spec.restart_policy.n)
        w->pod.spec.restart_policy = S("Always");
    w->view = (struct pod_view){.uid = S("uid-1"), .sandboxes = w->sandboxes, .containers = w->containers};
    w->results.v = w->probes;
    w->in = (struct pod_status_inputs){
        .pod = &w->pod, .view = &w->view, .probes = &w->results, .waiting = w->waiting, .now_sec = 1000};
}

void pod_world_fini(struct pod_world *w) {
    arena_fini(&w->a);
}

struct sandbox_view *world_sandbox(struct pod_world *w, bool ready) {
    uint32_t attempt = w->view.n_sandboxes++;
    memmove(w->sandboxes + 1, w->sandboxes, attempt * sizeof *w->sandboxes);
    static struct str ip = STR_INIT("10.0.0.5");
    w->sandboxes[0] = (struct sandbox_view){
        .id = arena_printf(&w->a, "s%u", attempt), .attempt = attempt, .ready = ready, .ips = {&ip, 1}};
    return &w->sandboxes[0];
}

struct container_view *world_container(struct pod_world *w, const char *name, enum container_state state,
                                       int exit_code) {
    const struct container_view *last = pod_view_container(&w->view, str_from(name));
    uint32_t attempt = last ? last->attempt + 1 : 0;
    memmove(w->containers + 1, w->containers, w->view.n_containers++ * sizeof *w->containers);
    int64_t second = 1000000000ll * (100 + w->view.n_containers);
    w->containers[0] = (struct container_view){.id = arena_printf(&w->a, "%s-%u", name, attempt),
                                               .name = str_from(name),
                                               .sandbox_id = w->sandboxes[0].id,
                                               .attempt = attempt,
                                               .state = state,
                                               .created_ns = second,
                                               .started_ns = state == CONTAINER_CREATED ? 0 : second,
                                               .finished_ns = state == CONTAINER_EXITED ? second + 1 : 0,
                                               .exit_code = exit_code};
    return &w->containers[0];
}

void world_probe(struct pod_world *w, const char *id, enum probe_kind kind, enum probe_result result) {
    w->probes[w->results.n++] =
        (struct probe_entry){.container_id = str_from(id), .kind = kind, .result = result};
}

void world_waits(struct pod_world *w, const char *name, const char *reason) {
    w->waiting[w->in.n_waiting++] =
        (struct waiting_reason){.container = str_from(name), .reason = str_from(reason), .message = S("why")};
}

struct pod_actions world_actions(struct pod_world *w) {
    struct pod_actions p;
    pod_actions_compute(&w->pod, &w->view, &w->results, &w->a, &p);
    return p;
}

struct core_pod_status world_status(struct pod_world *w) {
    struct core_pod_status st;
    pod_status_make(&w->in, &w->a, &st);
    return st;
}

struct str world_plan(struct pod_world *w) {
    struct pod_actions p = world_actions(w);
    _cleanup_buf struct buf b = BUF_INIT;
    if (p.stop_pod)
        buf_lit(&b, "stop ");
    if (p.make_sandbox)
        buf_printf(&b, "sandbox(%u) ", p.attempt);
    if (p.restart_all)
        buf_lit(&b, "restart-all ");
    for (uint32_t i = 0; i < p.n_kills; i++)
        buf_printf(&b, "kill:%.*s ", STR_ARG(p.kills[i].container->id));
    for (uint32_t i = 0; i < p.n_starts; i++)
        buf_printf(&b, "start:%.*s ", STR_ARG(p.starts[i].spec->name));
    return str_trim(buf_to_arena(&b, &w->a));
}
