/* See conflist.h. */
#include "network/conflist.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "codec/json.h"
#include "network/cni_priv.h"

#define PATH_BYTES 4096

void conflist_print(const struct conflist *c, struct buf *out) {
    buf_lit(out, "{\"cniVersion\":\"1.0.0\",\"name\":\"coxswain\",\"plugins\":[{\"type\":\"coxswain-cni\"");
    buf_lit(out, ",\"bridge\":");
    json_write_string(out, str_from(c->bridge ? c->bridge : CNI_DEFAULT_BRIDGE));
    buf_lit(out, ",\"stateDir\":");
    json_write_string(out, str_from(c->state_dir ? c->state_dir : CNI_DEFAULT_STATE_DIR));
    if (c->mtu)
        buf_printf(out, ",\"mtu\":%u", c->mtu);
    buf_lit(out, ",\"subnets\":[");
    for (unsigned i = 0; i < c->n_subnets; i++) {
        char text[CIDR_TEXT_MAX];
        (void)cidr_format(c->subnets[i], text);
        buf_printf(out, "%s\"%s\"", i ? "," : "", text);
    }
    buf_lit(out, "],\"capabilities\":{\"portMappings\":true}}]}\n");
}

static bool is_config(struct str name) {
    return str_has_suffix(name, S(".conf")) || str_has_suffix(name, S(".conflist")) ||
           str_has_suffix(name, S(".json"));
}

static int find_foreign(const char *dir, bool *ret, struct err *err) {
    DIR *d = opendir(dir);
    if (!d)
        return err_errno(err, errno, "cannot read %s", dir);
    *ret = false;
    for (const struct dirent *e; (e = readdir(d));) {
        struct str name = str_from(e->d_name);
        if (is_config(name) && !str_has_prefix(name, S(".")) && !str_eq(name, S(CONFLIST_NAME)))
            *ret = true;
    }
    (void)closedir(d);
    return 0;
}

int conflist_write(const struct conflist *c, bool *ret_foreign, struct err *err) {
    char path[PATH_BYTES];
    int rc = file_mkdir_p(c->dir, 0755, err);
    if (!rc)
        rc = find_foreign(c->dir, ret_foreign, err);
    if (rc)
        return rc;
    if ((size_t)snprintf(path, sizeof path, "%s/" CONFLIST_NAME, c->dir) >= sizeof path)
        return err_set(err, ERR_INVALID, "the path of the CNI folder is too long");
    if (*ret_foreign)
        return file_remove(path, err);
    _cleanup_buf struct buf text = BUF_INIT, now = BUF_INIT;
    struct err ignored = ERR_INIT;
    conflist_print(c, &text);
    if (file_read(path, CNI_CONFIG_BYTES_MAX, &now, &ignored) == 0 && str_eq(buf_view(&now), buf_view(&text)))
        return 0;
    return file_write_atomic(path, buf_view(&text), 0644, err);
}

static int link_one(const char *dir, const char *name, const char *program, struct err *err) {
    char path[PATH_BYTES], to[PATH_BYTES];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path)
        return err_set(err, ERR_INVALID, "the path of the folder of CNI plugins is too long");
    ssize_t n = readlink(path, to, sizeof to - 1);
    if (n >= 0 && str_eq(str_make(to, (size_t)n), str_from(program)))
        return 0;
    struct stat st;
    if (n < 0 && lstat(path, &st) == 0)
        return 0; // a program of its own
    if (n >= 0 && unlink(path) < 0)
        return err_errno(err, errno, "cannot replace %s", path);
    if (symlink(program, path) < 0 && errno != EEXIST)
        return err_errno(err, errno, "cannot link %s", path);
    return 0;
}

int conflist_link_plugins(const char *bin_dir, const char *program, struct err *err) {
    int rc = file_mkdir_p(bin_dir, 0755, err);
    if (!rc)
        rc = link_one(bin_dir, "coxswain-cni", program, err);
    return rc ? rc : link_one(bin_dir, "loopback", program, err);
}
