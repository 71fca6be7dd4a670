/* test/e2e/runtime/node: a private containerd with a pod or two, for tests and benchmarks inside private.sh.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "runtime/containerd.h"
#include "runtime/image_load.h"
#include "runtime/runtime.h"

#define BUSYBOX "coxswain.local/busybox:1"

struct node {
    char dir[100], logs[128];
    struct containerd *containerd;
    struct runtime *runtime;
    struct image_loader loader;
    struct arena arena;
    struct err err;
};

/* Starts containerd in E2E_DIR/name, with the pause image and busybox. Aborts when it cannot. */
void node_start(struct node *n, const char *name);

/* Removes every pod, stops containerd. */
void node_stop(struct node *n);

struct runtime_call node_call(struct node *n);

/* A sandbox on the host's network (that of private.sh). The configuration lives in the arena. */
struct str node_run_sandbox(struct node *n, const char *name, struct cri_pod_sandbox_config **ret_config);

/* A container of it that runs sh -c script. */
struct str node_run_container(struct node *n, struct str sandbox, const struct cri_pod_sandbox_config *pod,
                              const char *name, const char *script);

const struct cri_container_status *node_container(struct node *n, struct str id);

/* Until the container has this state; aborts after a while. */
const struct cri_container_status *node_await(struct node *n, struct str id, int state);

void node_remove_sandbox(struct node *n, struct str id);
