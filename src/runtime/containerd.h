/* runtime/containerd: a private containerd, started, watched over and stopped.
 *
 * Everything of it (configuration, socket, images, state, log) lies in one folder; no other containerd of the
 * machine is touched. A thread waits for its end and starts it again, with growing pauses when it does not
 * stay up. Containers run under shims of their own and survive that, as they survive us: a containerd that a
 * former life of this program left behind is taken over when its configuration is still right.
 *
 * Threads: starting and stopping by the owner; the getters from any. Blocking; mains and workers. Needs root.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;
struct containerd;
struct err;

#define CONTAINERD_START_MS 60000
#define CONTAINERD_LOG_BYTES_MAX (16u * 1024 * 1024)

struct containerd_options {
    const char *dir;           /* absolute, at most 80 characters: sockets have short paths */
    const char *program;       /* NULL: containerd */
    const char *cni_bin_dir;   /* NULL: /opt/cni/bin */
    const char *cni_conf_dir;  /* NULL: /etc/cni/net.d */
    const char *registry_dir;  /* hosts.toml files per registry; NULL: DIR/registries */
    const char *sandbox_image; /* NULL: PAUSE_IMAGE */
    const char *snapshotter;   /* NULL: overlayfs where the file system can do it, else native */
    const char *log_level;     /* NULL: warn */
    bool systemd_cgroup;       /* runc asks systemd for cgroups; else it makes them itself */
    bool restrict_oom_score;  /* containers get no lower score than containerd's own; containerd_start sets it
                                 where  CAP_SYS_RESOURCE is missing */
    int64_t start_timeout_ms; /* 0: CONTAINERD_START_MS */
};

/* The text of its configuration; options are complete but for their defaults, snapshotter is set. Pure. */
void containerd_write_config(const struct containerd_options *o, struct buf *out);

/* Writes the configuration, takes over or starts containerd, waits until it answers CRI calls. */
int containerd_start(const struct containerd_options *options, struct containerd **ret, struct err *err);

/* Stops containerd; containers go on running. NULL is fine. */
void containerd_stop(struct containerd *c);

/* Stops watching, leaves containerd running for the next life. NULL is fine. */
void containerd_release(struct containerd *c);

/* Path of the socket; lives as long as c. */
const char *containerd_socket(const struct containerd *c);

/* 0 while it is down. */
pid_t containerd_pid(const struct containerd *c);

/* How often it was started again. */
unsigned containerd_restarts(const struct containerd *c);
