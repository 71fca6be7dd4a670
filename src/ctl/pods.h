/* ctl/pods: which pod and container a command means. First thread. */
#pragma once

#include "ctl/target.h"

/* The pod of "NAME", "TYPE/NAME" or a file (a workload's first pod, the one that is readiest first). Waits up
 * to timeout_ns for one. */
int pod_of(struct ctl *c, struct str what, int64_t timeout_ns, struct target *ret, size_t *ret_found,
           struct problem *p);

/* All pods that a workload's selector finds, readiest first. ERR: an object without pods. */
int pods_of(struct ctl *c, const struct target *t, struct jval *ret_items, struct problem *p);

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
