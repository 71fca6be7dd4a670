/* Paths, and the lock that a running supervisor holds. */
#include "main/layout.h"

#include <fcntl.h>
#include <sys/file.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

static const char *in(struct arena *a, const char *dir, const char *name) {
    return arena_printf(a, "%s/%s", dir, name).p;
}

void layout_make(const char *dir, struct arena *a, struct layout *ret) {
    *ret = (struct layout){
        .dir = dir,
        .server_dir = in(a, dir, "server"),
        .node_dir = in(a, dir, "agent"),
        .run_dir = in(a, dir, "run"),
        .log_dir = in(a, dir, "logs"),
        .lock = in(a, dir, "run/lock"),
        .pid = in(a, dir, "run/pid"),
        .kubeconfig = in(a, dir, "server/admin.conf"),
        .node_token = in(a, dir, "server/node-token"),
    };
}

int layout_create(const struct layout *l, struct err *err) {
    /* The control plane's user has to get through to its own folder. */
    int rc = file_mkdir_p(l->dir, 0711, err);
    if (rc == 0)
        rc = file_mkdir_p(l->server_dir, 0700, err);
    if (rc == 0)
        rc = file_mkdir_p(l->node_dir, 0711, err);
    if (rc == 0)
        rc = file_mkdir_p(l->run_dir, 0700, err);
    return rc == 0 ? file_mkdir_p(l->log_dir, 0700, err) : rc;
}

pid_t layout_running(const struct layout *l) {
    _cleanup_fd int fd = open(l->lock, O_RDWR | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    _cleanup_buf struct buf b = BUF_INIT;
    int64_t pid;
    if (file_read(l->pid, 32, &b, NULL) < 0 || !str_to_i64(str_trim(buf_view(&b)), &pid))
        return 0;
    return (pid_t)pid;
}
