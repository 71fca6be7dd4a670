/* A pod and what the runtime has of it, for tests of the kubelet's decisions. */
#pragma once

#include "api/types/core.h"
#include "base/arena.h"
#include "kubelet/pod_actions.h"
#include "kubelet/pod_status.h"

struct pod_world {
    struct arena a;
    struct core_pod pod;
    struct sandbox_view sandboxes[4];
    struct container_view containers[16];
    struct pod_view view;
    struct probe_entry probes[16];
    struct probe_results results;
    struct waiting_reason waiting[8];
    struct pod_status_inputs in;
};

/* A pod of that JSON (spec and status), nothing of it in the runtime. */
void pod_world_init(struct pod_world *w, const char *json);
void pod_world_fini(struct pod_world *w);

/* A new sandbox, the newest; id "s<attempt>". */
struct sandbox_view *world_sandbox(struct pod_world *w, bool ready);

/* A new container in the newest sandbox, the newest; id "<name>-<attempt>". */
struct container_view *world_container(struct pod_world *w, const char *name, enum container_state state,
                                       int exit_code);

void world_probe(struct pod_world *w, const char *id, enum probe_kind kind, enum probe_result result);
void world_waits(struct pod_world *w, const char *name, const char *reason);

struct pod_actions world_actions(struct pod_world *w);
struct core_pod_status world_status(struct pod_world *w);

/* "make-sandbox(1) stop start:a kill:b" */
struct str world_plan(struct pod_world *w);
