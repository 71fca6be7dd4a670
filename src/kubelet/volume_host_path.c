/* hostPath volumes: a path of the node itself. See volume.h, volume_host.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/types/core.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "kubelet/volume.h"
#include "kubelet/volume_host.h"

#define DIR_MODE 0755
#define FILE_MODE 0644

static int make_dir(const char *path, struct err *err) {
    if (file_exists(path))
        return 0;
    int rc = file_mkdir_p(path, DIR_MODE, err);
    return rc ? rc : chmod(path, DIR_MODE) < 0 ? err_errno(err, errno, "set the mode of %s", path) : 0;
}

static int make_file(const char *path, struct err *err) {
    _cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return errno == EEXIST ? 0 : err_errno(err, errno, "make %s", path);
    return fchmod(fd, FILE_MODE) < 0 ? err_errno(err, errno, "set the mode of %s", path) : 0;
}

static int check_type(const char *path, struct str type, struct err *err) {
    static const struct {
        struct str name;
        mode_t mode;
        const char *text;
    } types[] = {
        {STR_INIT("DirectoryOrCreate"), S_IFDIR, "a folder"},
        {STR_INIT("Directory"), S_IFDIR, "a folder"},
        {STR_INIT("FileOrCreate"), S_IFREG, "a file"},
        {STR_INIT("File"), S_IFREG, "a file"},
        {STR_INIT("Socket"), S_IFSOCK, "a socket"},
        {STR_INIT("CharDevice"), S_IFCHR, "a character device"},
        {STR_INIT("BlockDevice"), S_IFBLK, "a block device"},
    };
    struct stat st;
    if (stat(path, &st) < 0)
        return err_errno(err, errno, "path %s of the node", path);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_eq(type, types[i].name))
            return (st.st_mode & S_IFMT) == types[i].mode
                       ? 0
                       : err_set(err, ERR_INVALID, "path %s of the node is not %s", path, types[i].text);
    return err_set(err, ERR_INVALID, "\"%.*s\" is no type of a host path", STR_ARG(type));
}

int volume_host_prepare(struct str path, struct str type, struct arena *a, struct str *ret_path,
                        struct err *err) {
    struct str own = arena_str(a, path); /* with a NUL */
    int rc = 0;
    if (str_eq(type, S("DirectoryOrCreate")))
        rc = make_dir(own.p, err);
    else if (str_eq(type, S("FileOrCreate")))
        rc = make_file(own.p, err);
    if (rc == 0 && type.n)
        rc = check_type(own.p, type, err);
    if (rc == 0)
        *ret_path = own;
    return rc;
}

static bool handles(const struct core_volume *v) {
    return v->volume_source.host_path != NULL;
}

static int setup(const struct volume_context *x, struct volume *ret) {
    const struct core_host_path_volume_source *s = x->volume->volume_source.host_path;
    return volume_host_prepare(s->path, s->type, x->arena, &ret->path, x->err);
}

const struct volume_type volume_host_path = {
    .plugin = "kubernetes.io~host-path", .handles = handles, .setup = setup};
