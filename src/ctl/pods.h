/* ctl/pods: which pod and container a command means. First thread. */
#pragma once

#include "ctl/target.h"

struct pod_wish {
    int64_t timeout_ns; /* how long to wait for one */
    bool for_logs;      /* the pod that has most to tell, not the one that most likely works */
};

/* The object that "NAME" (a pod's), "TYPE/NAME" or a file ("") says. */
int object_of(struct ctl *c, struct str what, struct target *ret, struct problem *p);

/* The pod of such an object: itself, or a workload's or service's best one. ret_found: how many there were to
 * choose from; may be NULL. */
int pod_of(struct ctl *c, struct str what, const struct pod_wish *wish, struct target *ret, size_t *ret_found,
           struct problem *p);

/* All pods that an object's selector finds, the best first. A problem for objects without pods. */
int pods_of(struct ctl *c, const struct target *t, bool for_logs, struct jval *ret_items, struct problem *p);

/* Whether the pod has a container of this name, of any sort. */
bool has_container(const struct jval *pod, struct str name);

/* The container by name, or the default one: that of the annotation, or the first. quiet: does not say which
 * was chosen among several. */
int container_of_pod(struct ctl *c, const struct jval *pod, struct str name, bool quiet, struct str *ret,
                     struct problem *p);

/* exec and attach: runs it with our streams and gives the exit status. path: with its query. */
struct pod_streams {
    struct str path;
    bool in, tty;
};
int pod_streams_run(struct ctl *c, const struct pod_streams *s);

/* Follows a new pod as kubectl run -i does: until it ends, then its exit status. */
int run_attached(struct ctl *c, const struct jval *pod);
