/* runtime: the container runtime as CRI v1 means it, whoever it is.
 *
 *     const struct cri_run_pod_sandbox_response *made;
 *     int rc = runtime_run_pod_sandbox(r, &(struct runtime_call){.arena = a}, &request, &made, &err);
 *
 * Implementations: runtime/cri.h (gRPC to containerd, CRI-O and any other), runtime/fake.h (in memory, for
 * tests and simulations); one that is embedded in this program can stand beside them. Messages are the
 * generated structs of schema/cri (api/types/cri.h).
 *
 * Calls block: workers and mains only, never a loop's thread. Any thread, any number at once. Answers live in
 * the call's arena. Errors carry the runtime's own message, and codes so that callers can tell:
 *   ERR_NOT_FOUND    no such sandbox, container or image
 *   ERR_UNSUPPORTED  the runtime does not have this call
 *   ERR_TIMEOUT      no answer in time; the runtime may still do what was asked
 *   ERR_CLOSED, ERR_AGAIN  the runtime cannot be reached at present
 *   ERR_INTERNAL     any other failure the runtime tells of
 */
#pragma once

#include <stdint.h>

#include "api/types/cri.h"

struct arena;
struct err;
struct runtime;

/* The kubelet's own default for calls that are not known to take long. */
#define RUNTIME_TIMEOUT_MS (120 * 1000)

/* Every call with one answer: X(function and message name, type id, service, name on the wire). */
#define RUNTIME_METHODS(X)                                                                                   \
    X(version, VERSION, "RuntimeService", "Version")                                                         \
    X(run_pod_sandbox, RUN_POD_SANDBOX, "RuntimeService", "RunPodSandbox")                                   \
    X(stop_pod_sandbox, STOP_POD_SANDBOX, "RuntimeService", "StopPodSandbox")                                \
    X(remove_pod_sandbox, REMOVE_POD_SANDBOX, "RuntimeService", "RemovePodSandbox")                          \
    X(pod_sandbox_status, POD_SANDBOX_STATUS, "RuntimeService", "PodSandboxStatus")                          \
    X(list_pod_sandbox, LIST_POD_SANDBOX, "RuntimeService", "ListPodSandbox")                                \
    X(create_container, CREATE_CONTAINER, "RuntimeService", "CreateContainer")                               \
    X(start_container, START_CONTAINER, "RuntimeService", "StartContainer")                                  \
    X(stop_container, STOP_CONTAINER, "RuntimeService", "StopContainer")                                     \
    X(remove_container, REMOVE_CONTAINER, "RuntimeService", "RemoveContainer")                               \
    X(list_containers, LIST_CONTAINERS, "RuntimeService", "ListContainers")                                  \
    X(container_status, CONTAINER_STATUS, "RuntimeService", "ContainerStatus")                               \
    X(update_container_resources, UPDATE_CONTAINER_RESOURCES, "RuntimeService", "UpdateContainerResources")  \
    X(reopen_container_log, REOPEN_CONTAINER_LOG, "RuntimeService", "ReopenContainerLog")                    \
    X(exec_sync, EXEC_SYNC, "RuntimeService", "ExecSync")                                                    \
    X(exec, EXEC, "RuntimeService", "Exec")                                                                  \
    X(attach, ATTACH, "RuntimeService", "Attach")                                                            \
    X(port_forward, PORT_FORWARD, "RuntimeService", "PortForward")                                           \
    X(container_stats, CONTAINER_STATS, "RuntimeService", "ContainerStats")                                  \
    X(list_container_stats, LIST_CONTAINER_STATS, "RuntimeService", "ListContainerStats")                    \
    X(pod_sandbox_stats, POD_SANDBOX_STATS, "RuntimeService", "PodSandboxStats")                             \
    X(list_pod_sandbox_stats, LIST_POD_SANDBOX_STATS, "RuntimeService", "ListPodSandboxStats")               \
    X(update_runtime_config, UPDATE_RUNTIME_CONFIG, "RuntimeService", "UpdateRuntimeConfig")                 \
    X(status, STATUS, "RuntimeService", "Status")                                                            \
    X(list_metric_descriptors, LIST_METRIC_DESCRIPTORS, "RuntimeService", "ListMetricDescriptors")           \
    X(list_pod_sandbox_metrics, LIST_POD_SANDBOX_METRICS, "RuntimeService", "ListPodSandboxMetrics")         \
    X(runtime_config, RUNTIME_CONFIG, "RuntimeService", "RuntimeConfig")                                     \
    X(update_pod_sandbox_resources, UPDATE_POD_SANDBOX_RESOURCES, "RuntimeService",                          \
      "UpdatePodSandboxResources")                                                                           \
    X(list_images, LIST_IMAGES, "ImageService", "ListImages")                                                \
    X(image_status, IMAGE_STATUS, "ImageService", "ImageStatus")                                             \
    X(pull_image, PULL_IMAGE, "ImageService", "PullImage")                                                   \
    X(remove_image, REMOVE_IMAGE, "ImageService", "RemoveImage")                                             \
    X(image_fs_info, IMAGE_FS_INFO, "ImageService", "ImageFsInfo")

enum runtime_method {
#define X(name, TYPE, service, wire) RUNTIME_##TYPE,
    RUNTIME_METHODS(X)
#undef X
        RUNTIME_METHOD_COUNT
};

/* What there is to know about a method: for implementations, logs and metrics. */
struct runtime_method_info {
    const char *service;        /* "RuntimeService" */
    const char *name;           /* "RunPodSandbox" */
    uint16_t in_type, out_type; /* TY_CRI_…, in the set `builtin` */
};
extern const struct runtime_method_info runtime_methods[RUNTIME_METHOD_COUNT];

struct runtime_call {
    struct arena *arena; /* where the answer goes */
    int64_t timeout_ms;  /* 0: RUNTIME_TIMEOUT_MS */
};

/* Events of containers, as they happen (GetContainerEvents). */
struct runtime_watch;
struct runtime_watch_options {
    /* An event; borrowed for the call. It may have no more than an id (of a container or a sandbox) and a
     * type: then ask for the rest; where the events are not CRI's own, what a list says of an end can come
     * some milliseconds later than the event. Called on a thread of the runtime, one at a time, and must not
     * block or stop the watch. */
    void (*on_event)(void *arg, const struct cri_container_event_response *event);
    /* Called once, on the same thread, when nothing more will come: code ERR_UNSUPPORTED, ERR_CLOSED, …, or
     * ERR_CANCELLED after runtime_watch_stop. Events may have been missed: list. */
    void (*on_end)(void *arg, int code, const struct err *err);
    void *arg;
};

struct runtime_ops {
    /* One call: in and *ret_out are the method's structs. *ret_out is untouched on failure. */
    int (*call)(struct runtime *r, enum runtime_method method, const struct runtime_call *call,
                const void *in, const void **ret_out, struct err *err);
    /* Does not block: what fails later is told through on_end. */
    int (*watch_start)(struct runtime *r, const struct runtime_watch_options *options,
                       struct runtime_watch **ret, struct err *err);
    /* Blocks until on_end has returned; frees the watch. */
    void (*watch_stop)(struct runtime *r, struct runtime_watch *w);
    /* No calls may be under way and no watch may be left. */
    void (*free)(struct runtime *r);
};

struct runtime {
    const struct runtime_ops *ops;
};

#define X(name, TYPE, service, wire)                                                                         \
    static inline int runtime_##name(struct runtime *r, const struct runtime_call *call,                     \
                                     const struct cri_##name##_request *in,                                  \
                                     const struct cri_##name##_response **ret_out, struct err *err) {        \
        const void *out;                                                                                     \
        int rc = r->ops->call(r, RUNTIME_##TYPE, call, in, &out, err);                                       \
        if (rc == 0 && ret_out)                                                                              \
            *ret_out = (const struct cri_##name##_response *)out;                                            \
        return rc;                                                                                           \
    }
RUNTIME_METHODS(X)
#undef X

static inline int runtime_watch_start(struct runtime *r, const struct runtime_watch_options *options,
                                      struct runtime_watch **ret, struct err *err) {
    return r->ops->watch_start(r, options, ret, err);
}

/* Needed after on_end too. w may be NULL. */
static inline void runtime_watch_stop(struct runtime *r, struct runtime_watch *w) {
    if (w)
        r->ops->watch_stop(r, w);
}

/* NULL is fine. */
static inline void runtime_free(struct runtime *r) {
    if (r)
        r->ops->free(r);
}
