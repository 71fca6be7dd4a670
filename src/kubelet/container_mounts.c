/* Volumes in containers. See container_mounts.h. */
#include "kubelet/container_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/types/core.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "kubelet/env.h"
#include "kubelet/safe_open.h"
#include "kubelet/volume.h"

enum { PROPAGATION_PRIVATE, PROPAGATION_HOST_TO_CONTAINER, PROPAGATION_BIDIRECTIONAL };

/* --- subPath --- */

/* What the pod means, opened: missing folders are made with the mode of the volume's own. */
static int open_subpath(const struct subpath *s, struct arena *a, int *ret_fd, struct err *err) {
    struct stat st;
    _cleanup_fd int root = open(arena_strz(a, s->volume_path), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || fstat(root, &st) < 0)
        return err_errno(err, errno, "open volume \"%.*s\"", STR_ARG(s->volume));
    int rc = safe_open_in(root, s->path, O_PATH, 0, SAFE_LINKS_INSIDE, ret_fd, err);
    if (rc == ERR_NOT_FOUND)
        rc = safe_mkdir_in(root, s->path, st.st_mode & 0777, ret_fd, err);
    return rc;
}

/* The place to bind to: a folder or an empty file. */
static int make_target(const char *path, bool dir, struct err *err) {
    if (dir)
        return file_mkdir_p(path, 0750, err);
    _cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    return fd < 0 ? err_errno(err, errno, "make %s", path) : 0;
}

static bool same_thing(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* What an earlier start of the container bound there, or its leavings. */
static void clear_target(const char *path) {
    while (volume_is_mounted(path) && umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        continue;
    if (unlink(path) < 0)
        (void)rmdir(path);
}

static int bind_at(int fd, const char *target, struct err *err) {
    struct stat st, now;
    char source[64];
    if (fstat(fd, &st) < 0)
        return err_errno(err, errno, "look at a subPath");
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !S_ISSOCK(st.st_mode))
        return err_set(err, ERR_INVALID, "a subPath must be a folder, a file or a socket");
    if (volume_is_mounted(target) && lstat(target, &now) == 0 && same_thing(&st, &now))
        return 0;
    clear_target(target);
    int rc = make_target(target, S_ISDIR(st.st_mode), err);
    if (rc)
        return rc;
    snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
    if (mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0)
        return err_errno(err, errno, "bind a subPath at %s", target);
    if (lstat(target, &now) < 0 || !same_thing(&st, &now)) {
        clear_target(target);
        return err_set(err, ERR_CONFLICT, "the subPath changed while it was mounted");
    }
    return 0;
}

int subpath_bind(const struct subpath *s, struct arena *a, struct str *ret_path, struct err *err) {
    _cleanup_fd int fd = -1;
    struct str dir = arena_printf(a, "%s/volume-subpaths/%.*s/%.*s", s->pod_dir, STR_ARG(s->volume),
                                  STR_ARG(s->container));
    struct str target = arena_printf(a, "%.*s/%u", STR_ARG(dir), s->index);
    int rc = open_subpath(s, a, &fd, err);
    if (rc == 0)
        rc = file_mkdir_p(dir.p, 0750, err);
    if (rc == 0)
        rc = bind_at(fd, target.p, err);
    if (rc == 0)
        *ret_path = target;
    return rc;
}

/* --- mounts --- */

static int32_t propagation_of(struct str text) {
    return str_eq(text, S("Bidirectional"))     ? PROPAGATION_BIDIRECTIONAL
           : str_eq(text, S("HostToContainer")) ? PROPAGATION_HOST_TO_CONTAINER
                                                : PROPAGATION_PRIVATE;
}

static int subpath_text(const struct container_mounts_inputs *in, const struct core_volume_mount *m,
                        struct arena *a, struct str *ret, struct err *err) {
    struct str missing;
    *ret = m->sub_path;
    if (!m->sub_path_expr.n)
        return 0;
    *ret = env_expand_with(m->sub_path_expr, in->env, a, &missing);
    return missing.p ? err_set(err, ERR_INVALID,
                               "subPathExpr of volume \"%.*s\" needs the variable %.*s, which is not "
                               "defined",
                               STR_ARG(m->name), STR_ARG(missing))
                     : 0;
}

static int host_path_of(const struct container_mounts_inputs *in, unsigned index, const struct volume *v,
                        struct arena *a, struct str *ret, struct err *err) {
    struct str sub;
    int rc = subpath_text(in, &in->container->volume_mounts.v[index], a, &sub, err);
    *ret = v->path;
    if (rc || !sub.n)
        return rc;
    struct subpath s = {.pod_dir = in->pod_dir,
                        .volume = v->name,
                        .volume_path = v->path,
                        .path = sub,
                        .container = in->container->name,
                        .index = index};
    rc = subpath_bind(&s, a, ret, err);
    if (rc)
        err_wrap(err, "subPath \"%.*s\" of volume \"%.*s\"", STR_ARG(sub), STR_ARG(v->name));
    return rc;
}

static int read_only_of(const struct container_mounts_inputs *in, const struct core_volume_mount *m,
                        const struct volume *v, struct cri_mount *out, struct err *err) {
    out->readonly = m->read_only || v->read_only;
    bool enabled = str_eq(m->recursive_read_only, S("Enabled"));
    if (enabled && !in->recursive_read_only)
        return err_set(err, ERR_UNSUPPORTED,
                       "volume mount \"%.*s\": this runtime cannot mount read-only recursively",
                       STR_ARG(m->name));
    out->recursive_read_only = out->readonly && in->recursive_read_only &&
                               (enabled || str_eq(m->recursive_read_only, S("IfPossible")));
    return 0;
}

static int add_mount(const struct container_mounts_inputs *in, unsigned index, struct arena *a,
                     struct cri_mount_array *out, struct err *err) {
    const struct core_volume_mount *m = &in->container->volume_mounts.v[index];
    const struct volume *v = volume_named(in->volumes, m->name);
    struct cri_mount mount = {.propagation = propagation_of(m->mount_propagation)};
    if (!v)
        return err_set(err, ERR_NOT_FOUND, "volume \"%.*s\" is not there", STR_ARG(m->name));
    if (v->is_block)
        return err_set(err, ERR_INVALID, "volume \"%.*s\" is a block device: it goes into volumeDevices",
                       STR_ARG(m->name));
    int rc = read_only_of(in, m, v, &mount, err);
    if (rc == 0)
        rc = host_path_of(in, index, v, a, &mount.host_path, err);
    bool absolute = m->mount_path.n && m->mount_path.p[0] == '/';
    mount.container_path = absolute ? m->mount_path : arena_printf(a, "/%.*s", STR_ARG(m->mount_path));
    if (rc == 0)
        out->v[out->n++] = mount;
    return rc;
}

static bool mounts_at(const struct core_container *c, struct str path) {
    for (uint32_t i = 0; i < c->volume_mounts.n; i++)
        if (str_eq(c->volume_mounts.v[i].mount_path, path))
            return true;
    return false;
}

static void add_files(const struct container_mounts_inputs *in, struct cri_mount_array *out) {
    const struct core_container *c = in->container;
    if (in->hosts_file.n && !mounts_at(c, S("/etc/hosts")))
        out->v[out->n++] = (struct cri_mount){.container_path = S("/etc/hosts"), .host_path = in->hosts_file};
    if (in->message_file.n && c->termination_message_path.n)
        out->v[out->n++] =
            (struct cri_mount){.container_path = c->termination_message_path, .host_path = in->message_file};
}

static int add_device(const struct container_mounts_inputs *in, const struct core_volume_device *d,
                      struct cri_device_array *out, struct err *err) {
    const struct volume *v = volume_named(in->volumes, d->name);
    if (!v || !v->is_block)
        return err_set(err, v ? ERR_INVALID : ERR_NOT_FOUND, "volume \"%.*s\" is no block device",
                       STR_ARG(d->name));
    out->v[out->n++] = (struct cri_device){.container_path = d->device_path,
                                           .host_path = v->path,
                                           .permissions = v->read_only ? S("r") : S("mrw")};
    return 0;
}

int container_mounts_make(const struct container_mounts_inputs *in, struct arena *a,
                          struct cri_mount_array *ret_mounts, struct cri_device_array *ret_devices,
                          struct err *err) {
    struct err own = ERR_INIT;
    const struct core_container *c = in->container;
    struct cri_mount_array mounts = {.v = arena_new_n(a, c->volume_mounts.n + 2, struct cri_mount)};
    struct cri_device_array devices = {.v = arena_new_n(a, c->volume_devices.n, struct cri_device)};
    int rc = 0;
    err = err ? err : &own;
    for (uint32_t i = 0; rc == 0 && i < c->volume_mounts.n; i++)
        rc = add_mount(in, i, a, &mounts, err);
    for (uint32_t i = 0; rc == 0 && i < c->volume_devices.n; i++)
        rc = add_device(in, &c->volume_devices.v[i], &devices, err);
    if (rc)
        return rc;
    add_files(in, &mounts);
    *ret_mounts = mounts;
    *ret_devices = devices;
    return 0;
}
