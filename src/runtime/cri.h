/* runtime/cri: a container runtime behind a socket, spoken to in CRI v1 over gRPC. See runtime.h.
 *
 * The connection is made when it is needed and again after the runtime has restarted.
 */
#pragma once

struct err;
struct loop;
struct runtime;

struct cri_options {
    const char *endpoint;       /* "unix:///run/containerd/containerd.sock" or a path */
    const char *image_endpoint; /* NULL: the same */
    struct loop *loop;          /* for its sockets, must outlive it; NULL: one of its own */
};

/* Does not connect yet. ERR_INVALID for an endpoint that is no Unix socket. */
int cri_new(const struct cri_options *options, struct runtime **ret, struct err *err);
