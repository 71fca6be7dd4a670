/* A private containerd for tests. See node.h. */
#include "e2e/runtime/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "runtime/cri.h"
#include "runtime/pause_image.h"

#define AWAIT_STEPS 2000
#define AWAIT_STEP_NS 10000000

#define must(n, call)                                                                                        \
    do {                                                                                                     \
        if ((call) != 0)                                                                                     \
            panic("%s:%d: %s: %s", __FILE__, __LINE__, #call, (n)->err.msg);                                 \
    } while (0)

static const char *env(const char *name) {
    const char *value = getenv(name);
    if (!value)
        panic("%s is not set: run this inside test/e2e/private.sh", name);
    return value;
}

struct runtime_call node_call(struct node *n) {
    return (struct runtime_call){.arena = &n->arena, .timeout_ms = 30000};
}

void node_start(struct node *n, const char *name) {
    *n = (struct node){.arena = ARENA_INIT};
    snprintf(n->dir, sizeof n->dir, "%s/%s", env("E2E_DIR"), name);
    snprintf(n->logs, sizeof n->logs, "%s/logs", n->dir);
    must(n, file_mkdir_p(n->logs, 0755, &n->err));
    must(n, containerd_start(
                &(struct containerd_options){.dir = n->dir, .cni_conf_dir = n->dir, .cni_bin_dir = n->dir},
                &n->containerd, &n->err));
    must(n,
         cri_new(&(struct cri_options){.endpoint = containerd_socket(n->containerd)}, &n->runtime, &n->err));
    n->loader = (struct image_loader){.socket = containerd_socket(n->containerd), .runtime = n->runtime};
    must(n, pause_image_ensure(&n->loader, &n->err));
    must(n, image_load_file(&n->loader, env("E2E_BUSYBOX"), &n->err));
    must(n, image_load_await(&n->loader, S(BUSYBOX), &n->err));
}

void node_remove_sandbox(struct node *n, struct str id) {
    struct runtime_call call = node_call(n);
    must(n, runtime_stop_pod_sandbox(n->runtime, &call,
                                     &(struct cri_stop_pod_sandbox_request){.pod_sandbox_id = id}, NULL,
                                     &n->err));
    must(n, runtime_remove_pod_sandbox(n->runtime, &call,
                                       &(struct cri_remove_pod_sandbox_request){.pod_sandbox_id = id}, NULL,
                                       &n->err));
}

void node_stop(struct node *n) {
    struct runtime_call call = node_call(n);
    const struct cri_list_pod_sandbox_response *pods = NULL;
    must(n, runtime_list_pod_sandbox(n->runtime, &call, &(struct cri_list_pod_sandbox_request){0}, &pods,
                                     &n->err));
    for (uint32_t i = 0; i < pods->items.n; i++)
        node_remove_sandbox(n, pods->items.v[i].id);
    runtime_free(n->runtime);
    containerd_stop(n->containerd);
    arena_fini(&n->arena);
}

struct str node_run_sandbox(struct node *n, const char *name, struct cri_pod_sandbox_config **ret_config) {
    struct arena *a = &n->arena;
    struct cri_pod_sandbox_config *c = arena_new(a, struct cri_pod_sandbox_config);
    c->metadata = arena_new(a, struct cri_pod_sandbox_metadata);
    c->metadata->name = c->metadata->uid = str_from(name);
    c->metadata->namespace = S("default");
    c->log_directory = str_from(n->logs);
    c->linux_ = arena_new(a, struct cri_linux_pod_sandbox_config);
    c->linux_->cgroup_parent = arena_printf(a, "/%s", env("E2E_CGROUP"));
    c->linux_->security_context = arena_new(a, struct cri_linux_sandbox_security_context);
    c->linux_->security_context->namespace_options = arena_new(a, struct cri_namespace_option);
    c->linux_->security_context->namespace_options->network = 2; /* the node's */
    struct runtime_call call = node_call(n);
    const struct cri_run_pod_sandbox_response *made = NULL;
    must(n, runtime_run_pod_sandbox(n->runtime, &call, &(struct cri_run_pod_sandbox_request){.config = c},
                                    &made, &n->err));
    if (ret_config)
        *ret_config = c;
    return made->pod_sandbox_id;
}

struct str node_run_container(struct node *n, struct str sandbox, const struct cri_pod_sandbox_config *pod,
                              const char *name, const char *script) {
    struct arena *a = &n->arena;
    struct cri_image_spec image = {.image = S(BUSYBOX)};
    struct cri_container_metadata metadata = {.name = str_from(name)};
    struct str command[] = {S("sh"), S("-c"), str_from(script)};
    struct cri_namespace_option namespaces = {.network = 2, .pid = 1};
    struct cri_linux_container_security_context security = {.namespace_options = &namespaces};
    struct cri_linux_container_config host = {.security_context = &security};
    struct cri_container_config c = {.metadata = &metadata,
                                     .image = &image,
                                     .command = {command, 3},
                                     .log_path = arena_printf(a, "%s.log", name),
                                     .linux_ = &host};
    struct cri_create_container_request in = {.pod_sandbox_id = sandbox,
                                              .config = &c,
                                              .sandbox_config =
                                                  (struct cri_pod_sandbox_config *)(uintptr_t)pod};
    struct runtime_call call = node_call(n);
    const struct cri_create_container_response *made = NULL;
    must(n, runtime_create_container(n->runtime, &call, &in, &made, &n->err));
    must(n, runtime_start_container(n->runtime, &call,
                                    &(struct cri_start_container_request){.container_id = made->container_id},
                                    NULL, &n->err));
    return made->container_id;
}

const struct cri_container_status *node_container(struct node *n, struct str id) {
    struct runtime_call call = node_call(n);
    const struct cri_container_status_response *out = NULL;
    must(n,
         runtime_container_status(n->runtime, &call,
                                  &(struct cri_container_status_request){.container_id = id}, &out, &n->err));
    return out->status;
}

const struct cri_container_status *node_await(struct node *n, struct str id, int state) {
    for (int i = 0; i < AWAIT_STEPS; i++) {
        const struct cri_container_status *s = node_container(n, id);
        if (s->state == state)
            return s;
        clock_sleep_ns(clock_system(), AWAIT_STEP_NS);
    }
    panic("container %.*s does not come to state %d", STR_ARG(id), state);
}
