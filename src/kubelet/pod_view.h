/* kubelet/pod_view: what the runtime says of one pod: its sandboxes and containers, newest first.
 *
 * A plain value made from the runtime's answers (pod_cache.c); everything that decides reads it and nothing
 * else of the runtime. Lives in one arena; nobody changes it. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"
#include "base/str.h"

struct sandbox_view {
    struct str id, runtime_handler;
    uint32_t attempt;
    bool ready, host_network;
    int64_t created_ns; /* wall */
    struct str_array ips;
};

enum container_state { CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_EXITED, CONTAINER_UNKNOWN };

struct container_view {
    struct str id, name, sandbox_id;
    uint32_t attempt; /* how often it was restarted before */
    enum container_state state;
    int64_t created_ns, started_ns, finished_ns; /* wall; 0: did not happen */
    int32_t exit_code;
    struct str reason, message;
    struct str image, image_id; /* as asked for; as the runtime knows it */
    struct str log_path;
    struct str hash;        /* of the specification it was made from */
    struct str stop_signal; /* "" unknown */
};

struct pod_view {
    struct str uid, ns, name;
    struct sandbox_view *sandboxes;
    uint32_t n_sandboxes;
    struct container_view *containers;
    uint32_t n_containers;
};

/* The newest sandbox, or NULL. */
const struct sandbox_view *pod_view_sandbox(const struct pod_view *v);

/* The newest container of that name; the newest in that sandbox; the newest that ended and is older than
 * `than`. NULL: there is none. */
const struct container_view *pod_view_container(const struct pod_view *v, struct str name);
const struct container_view *pod_view_container_in(const struct pod_view *v, struct str sandbox_id,
                                                   struct str name);
const struct container_view *pod_view_previous(const struct pod_view *v, const struct container_view *than);

/* Whether any container runs, or any sandbox is ready. */
bool pod_view_running(const struct pod_view *v);
