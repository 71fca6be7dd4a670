/* Volumes of pods. See volume.h. */
#include "kubelet/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/types/core.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/vec.h"
#include "kubelet/atomic_writer.h"
#include "kubelet/safe_open.h"
#include "kubelet/tree.h"

#define MOUNTINFO_MAX (64u << 20)

static const struct volume_type *const types[] = {
    &volume_empty_dir,    &volume_host_path, &volume_config_map, &volume_secret,
    &volume_downward_api, &volume_projected, &volume_claim,
};

/* --- setting up --- */

static int setup_one(const struct volume_context *x, struct volume *ret) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i]->handles(x->volume))
            return types[i]->setup(x, ret);
    return err_set(x->err, ERR_UNSUPPORTED, "this node has no volumes of this type");
}

int volumes_setup(const struct volume_inputs *in, struct arena *a, struct volume_array *ret,
                  struct err *err) {
    struct err own = ERR_INIT;
    const struct core_volume_array *all = &in->pod->spec.volumes;
    struct volume_array out = {.v = arena_new_n(a, all->n, struct volume)};
    for (uint32_t i = 0; i < all->n; i++) {
        struct volume_context x = {.in = in, .volume = &all->v[i], .arena = a, .err = err ? err : &own};
        struct volume *v = &out.v[out.n++];
        v->name = all->v[i].name;
        int rc = setup_one(&x, v);
        if (rc) {
            err_wrap(x.err, "volume \"%.*s\"", STR_ARG(all->v[i].name));
            return rc;
        }
    }
    *ret = out;
    return 0;
}

const struct volume *volume_named(const struct volume_array *all, struct str name) {
    for (uint32_t i = 0; i < all->n; i++)
        if (str_eq(all->v[i].name, name))
            return &all->v[i];
    return NULL;
}

/* --- for the types --- */

int64_t volume_fs_group(const struct core_pod *pod) {
    const struct core_pod_security_context *c = pod->spec.security_context;
    return c && c->fs_group.set ? c->fs_group.v : -1;
}

int volume_dir(const struct volume_context *x, const char *plugin, unsigned mode, struct str *ret_path) {
    struct str uid = x->in->pod->metadata.uid, name = x->volume->name;
    if (!uid.n || !name.n || str_find_byte(uid, '/') >= 0 || str_find_byte(name, '/') >= 0)
        return err_set(x->err, ERR_INVALID, "names with a slash have no folder");
    struct str parent =
        arena_printf(x->arena, "%s/%.*s/volumes/%s", x->in->node->pods_dir, STR_ARG(uid), plugin);
    struct str path = arena_printf(x->arena, "%.*s/%.*s", STR_ARG(parent), STR_ARG(name));
    int rc = mode ? file_mkdir_p(parent.p, 0750, x->err) : 0;
    if (rc)
        return rc;
    if (mode && mkdir(path.p, mode) == 0) {
        if (chmod(path.p, mode) < 0) /* whatever the umask */
            return err_errno(x->err, errno, "set the mode of %s", path.p);
    } else if (mode && errno != EEXIST) {
        return err_errno(x->err, errno, "make %s", path.p);
    }
    *ret_path = path;
    return 0;
}

bool volume_is_mounted(const char *path) {
    struct statx st;
    return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &st) == 0 &&
           (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

int volume_memory_dir(const struct volume_context *x, const char *plugin, struct str *ret_path) {
    int rc = volume_dir(x, plugin, 0755, ret_path);
    if (rc || x->in->node->no_tmpfs || volume_is_mounted(ret_path->p))
        return rc;
    /* noswap is known since Linux 6.4 */
    if (mount("tmpfs", ret_path->p, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,noswap") < 0 &&
        mount("tmpfs", ret_path->p, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
        return err_errno(x->err, errno, "mount memory at %s", ret_path->p);
    return 0;
}

int volume_write_files(const struct volume_context *x, struct str dir, const struct volume_files *files) {
    struct atomic_options o = {
        .gid = volume_fs_group(x->in->pod), .clock = x->in->node->clock, .rand = x->in->node->rand};
    return atomic_write(dir.p, files->v, files->n, &o, NULL, x->err);
}

/* --- taking down --- */

/* Undoes the escapes of mountinfo: \040 for a space and so on. */
static struct str unescaped(struct str s, struct arena *a) {
    char *out = arena_bytes(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 3 < s.n) {
            out[n++] = (char)((s.p[i + 1] - '0') << 6 | (s.p[i + 2] - '0') << 3 | (s.p[i + 3] - '0'));
            i += 3;
        } else {
            out[n++] = s.p[i];
        }
    }
    out[n] = 0;
    return str_make(out, n);
}

struct paths {
    struct str *v;
    size_t n, cap;
};

/* Mount points below a folder, in the order in which they were made. */
static int mounts_below(struct str dir, struct arena *a, struct paths *ret, struct err *err) {
    _cleanup_buf struct buf text = BUF_INIT;
    int rc = file_read("/proc/self/mountinfo", MOUNTINFO_MAX, &text, err);
    struct str rest = buf_view(&text), line, word;
    while (rc == 0 && rest.n) {
        str_split(rest, '\n', &line, &rest);
        for (int i = 0; i < 5; i++)
            str_split(line, ' ', &word, &line);
        struct str path = unescaped(word, a);
        if (str_has_prefix(path, dir) && (path.n == dir.n || path.p[dir.n] == '/'))
            vec_push_in(a, ret, path);
    }
    return rc;
}

/* A mount that is busy is detached: it goes when its last user does, and nothing of it can be reached from
 * here. */
static int unmount_below(struct str dir, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct paths mounts = {0};
    int rc = mounts_below(dir, &a, &mounts, err);
    for (size_t i = mounts.n; rc == 0 && i-- > 0;) {
        const char *path = mounts.v[i].p;
        if (umount2(path, UMOUNT_NOFOLLOW) < 0 && errno == EBUSY)
            (void)umount2(path, UMOUNT_NOFOLLOW | MNT_DETACH);
        else if (errno != EINVAL && volume_is_mounted(path))
            rc = err_errno(err, errno, "unmount %s", path);
    }
    return rc;
}

/* The pod's folder without links, as mountinfo has it; none: there is nothing of any pod. */
static int real_dir(const struct volume_node *node, struct str pod_uid, struct arena *a, struct str *ret,
                    struct err *err) {
    char real[PATH_MAX];
    *ret = STR_NONE;
    if (!pod_uid.n || str_find_byte(pod_uid, '/') >= 0 || pod_uid.p[0] == '.')
        return err_set(err, ERR_INVALID, "\"%.*s\" is no pod's uid", STR_ARG(pod_uid));
    if (!realpath(node->pods_dir, real))
        return errno == ENOENT ? 0 : err_errno(err, errno, "find %s", node->pods_dir);
    *ret = arena_printf(a, "%s/%.*s", real, STR_ARG(pod_uid));
    return 0;
}

int volumes_teardown(const struct volume_node *node, struct str pod_uid, struct err *err) {
    static const char *const parts[] = {"volumes", "volume-subpaths"};
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str dir;
    int rc = real_dir(node, pod_uid, &a, &dir, err);
    if (rc == 0 && dir.n)
        rc = unmount_below(dir, err);
    for (size_t i = 0; rc == 0 && dir.n && i < sizeof parts / sizeof *parts; i++)
        rc = tree_remove(arena_printf(&a, "%.*s/%s", STR_ARG(dir), parts[i]).p, err);
    return rc;
}

int volumes_forget(const struct volume_node *node, struct str pod_uid, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str dir;
    int rc = real_dir(node, pod_uid, &a, &dir, err);
    if (rc == 0 && dir.n)
        rc = unmount_below(dir, err);
    return rc || !dir.n ? rc : tree_remove(dir.p, err);
}
