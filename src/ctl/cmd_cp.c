/* cp: files and folders to and from containers, by tar on both sides. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/thread.h"
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/object.h"
#include "ctl/pods.h"
#include "ctl/session.h"
#include "ctl/untar.h"

#define BLOCK_BYTES 10240

/* [[namespace/]pod:]path */
struct place {
    struct str ns, pod; /* pod "": here */
    struct str path;
};

/* A tar that is made or unpacked on a thread of its own, while the session moves its bytes. */
struct moving {
    struct ctl *c;
    int fd; /* our end of the pipe */
    struct str from, to;
    struct str why;   /* what went wrong here */
    struct str again; /* what the warning of untar.h says */
    struct target pod;
    struct str container;
};

/* -- arguments -- */

static int parse_place(struct ctl *c, struct str text, struct place *ret, struct problem *p) {
    struct str where, ns, pod;
    *ret = (struct place){.ns = c->ns, .path = text};
    ptrdiff_t colon = str_find_byte(text, ':');
    if (colon < 0 || str_has_prefix(text, S("/")) || str_has_prefix(text, S(".")))
        return 0;
    if (colon == 0)
        return problem_set(c, p, "filespec must match the canonical format: [[namespace/]pod:]file/path");
    where = str_cut(text, (size_t)colon);
    ret->path = str_from_byte(text, (size_t)colon + 1);
    ret->pod = where;
    if (str_split(where, '/', &ns, &pod)) {
        if (!ns.n || !pod.n || str_find_byte(pod, '/') >= 0)
            return problem_set(c, p, "filespec must match the canonical format: [[namespace/]pod:]file/path");
        ret->ns = ns;
        ret->pod = pod;
    }
    return 0;
}

static struct str without_slashes(struct str path) {
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

static struct str base_of(struct str path) {
    path = without_slashes(path);
    ptrdiff_t at = str_rfind_byte(path, '/');
    return at < 0 ? path : str_from_byte(path, (size_t)at + 1);
}

static struct str folder_of(struct str path) {
    path = without_slashes(path);
    ptrdiff_t at = str_rfind_byte(path, '/');
    return at < 0 ? S(".") : at == 0 ? S("/") : str_cut(path, (size_t)at);
}

/* -- running tar over there -- */

static int run_there(struct moving *m, const struct str *command, size_t n, int in_fd, FILE *out, FILE *err,
                     int *ret_code, struct problem *p) {
    struct ctl *c = m->c;
    _cleanup_buf struct buf path = BUF_INIT;
    buf_str(&path, resource_path(c, m->pod.resource, m->pod.ns, m->pod.name, S("exec")));
    buf_lit(&path, "?container=");
    url_escape(&path, m->container);
    for (size_t i = 0; i < n; i++) {
        buf_lit(&path, "&command=");
        url_escape(&path, command[i]);
    }
    buf_printf(&path, "&stdout=true&stderr=true%s", in_fd >= 0 ? "&stdin=true" : "");
    struct session s = {
        .c = c, .path = buf_to_arena(&path, &c->arena), .in_fd = in_fd, .out = out, .err = err};
    int rc = session_run(&s, p);
    *ret_code = s.code;
    return rc;
}

/* -- up -- */

static void note(struct moving *m, const char *what, const char *why) {
    if (!m->why.n)
        m->why = arena_printf(&m->c->arena, "%s: %s", what, why ? why : "unknown error");
}

static void copy_content(struct moving *m, struct archive *a, const char *path) {
    char block[BLOCK_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        note(m, path, strerror(errno));
        return;
    }
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0)
            note(m, path, strerror(errno));
        if (n <= 0 || archive_write_data(a, block, (size_t)n) < 0)
            break;
    }
    (void)close(fd);
}

/* Everything below m->from, under the name m->to. */
static void write_entries(struct moving *m, struct archive *a) {
    struct archive *disk = archive_read_disk_new();
    const char *from = arena_strz(&m->c->arena, m->from);
    size_t cut = strlen(from);
    struct archive_entry *e;
    (void)archive_read_disk_set_symlink_physical(disk);
    (void)archive_read_disk_set_behavior(disk, ARCHIVE_READDISK_NO_XATTR | ARCHIVE_READDISK_NO_ACL |
                                                   ARCHIVE_READDISK_NO_FFLAGS);
    if (archive_read_disk_open(disk, from) != ARCHIVE_OK)
        note(m, from, archive_error_string(disk));
    while (archive_read_next_header(disk, &e) == ARCHIVE_OK) {
        const char *path = archive_entry_pathname(e);
        (void)archive_read_disk_descend(disk);
        struct str rest = str_from(path + (strlen(path) < cut ? strlen(path) : cut));
        struct str name = arena_printf(&m->c->arena, "%.*s%.*s", STR_ARG(m->to), STR_ARG(rest));
        struct str source = arena_str(&m->c->arena, str_from(path));
        archive_entry_copy_pathname(e, name.p);
        if (archive_write_header(a, e) < ARCHIVE_WARN) {
            note(m, source.p, archive_error_string(a));
            break;
        }
        if (archive_entry_filetype(e) == AE_IFREG && archive_entry_size(e) > 0)
            copy_content(m, a, source.p);
    }
    (void)archive_read_free(disk);
}

static void pack(void *arg) {
    struct moving *m = arg;
    struct archive *a = archive_write_new();
    (void)archive_write_set_format_pax_restricted(a);
    (void)archive_write_set_bytes_per_block(a, BLOCK_BYTES);
    if (archive_write_open_fd(a, m->fd) == ARCHIVE_OK)
        write_entries(m, a);
    if (archive_write_close(a) != ARCHIVE_OK)
        note(m, "tar", archive_error_string(a));
    (void)archive_write_free(a);
    (void)close(m->fd);
}

/* CONFORMS: into a folder that is there, else under the name that is given. */
static int is_folder_there(struct moving *m, struct str path, bool *ret, struct problem *p) {
    const struct str command[] = {S("test"), S("-d"), path};
    int code;
    if (run_there(m, command, 3, -1, NULL, NULL, &code, p))
        return CTL_PROBLEM;
    *ret = code == 0;
    return 0;
}

static int copy_up(struct moving *m, struct str to, struct problem *p) {
    struct ctl *c = m->c;
    struct stat st;
    struct thread t;
    struct err err = ERR_INIT;
    int pipe_fds[2], code = 0;
    bool folder;
    if (stat(arena_strz(&c->arena, m->from), &st) < 0)
        return problem_set(c, p, "%.*s doesn't exist in local filesystem", STR_ARG(m->from));
    if (is_folder_there(m, to, &folder, p))
        return CTL_PROBLEM;
    struct str target =
        folder ? arena_printf(&c->arena, "%.*s/%.*s", STR_ARG(to), STR_ARG(base_of(m->from))) : to;
    m->to = base_of(target);
    m->from = without_slashes(m->from);
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return problem_set(c, p, "pipe: %s", strerror(errno));
    m->fd = pipe_fds[1];
    if (thread_start(&t, &(struct thread_options){.name = "tar"}, pack, m, &err) < 0)
        return problem_of_err(c, p, &err);
    struct str command[8] = {S("tar"), S("-xmf"), S("-"), S("-C"), folder_of(target)};
    size_t n = 5;
    if (opt_bool(&c->opts, "no-preserve")) {
        command[n++] = S("--no-same-permissions");
        command[n++] = S("--no-same-owner");
    }
    int rc = run_there(m, command, n, pipe_fds[0], c->out, c->err, &code, p);
    (void)close(pipe_fds[0]); /* the packer ends, whatever it is at */
    thread_join(&t);
    if (rc == 0 && code)
        return problem_say(c, p, "command terminated with exit code %d", code);
    if (rc == 0 && m->why.n)
        return problem_set(c, p, "%.*s", STR_ARG(m->why));
    return rc;
}

/* -- down -- */

static void unpack(void *arg) {
    struct moving *m = arg;
    struct ctl *c = m->c;
    struct untar u = {.arena = &c->arena, .fd = m->fd, .from = m->from, .to = m->to, .err = c->err};
    u.keep_modes = !opt_bool(&c->opts, "no-preserve");
    u.again = m->again;
    untar(&u);
    m->why = u.why;
    (void)close(m->fd);
}

static int copy_down(struct moving *m, struct str to, struct problem *p) {
    struct ctl *c = m->c;
    struct stat st;
    struct thread t;
    struct err err = ERR_INIT;
    int pipe_fds[2], code = 0;
    m->to = without_slashes(to);
    if (stat(arena_strz(&c->arena, to), &st) == 0 && S_ISDIR(st.st_mode))
        m->to = arena_printf(&c->arena, "%.*s/%.*s", STR_ARG(m->to), STR_ARG(base_of(m->from)));
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return problem_set(c, p, "pipe: %s", strerror(errno));
    m->fd = pipe_fds[0];
    m->again = arena_printf(&c->arena, "kubectl exec -n \"%.*s\" \"%.*s\" -- tar cf - \"%.*s\" | tar xf -",
                            STR_ARG(m->pod.ns), STR_ARG(m->pod.name), STR_ARG(m->from));
    FILE *out = fdopen(pipe_fds[1], "w");
    if (!out)
        panic("out of memory");
    if (thread_start(&t, &(struct thread_options){.name = "tar"}, unpack, m, &err) < 0) {
        (void)close(m->fd);
        (void)fclose(out);
        return problem_of_err(c, p, &err);
    }
    const struct str command[] = {S("tar"), S("cf"), S("-"), m->from};
    int rc = run_there(m, command, 4, -1, out, c->err, &code, p);
    (void)fclose(out);
    thread_join(&t);
    if (rc == 0 && code)
        return problem_say(c, p, "command terminated with exit code %d", code);
    if (rc == 0 && m->why.n)
        return problem_set(c, p, "%.*s", STR_ARG(m->why));
    return rc;
}

/* -- the command -- */

static int run(struct ctl *c) {
    const struct opts *o = &c->opts;
    struct place from, to;
    struct problem p;
    struct moving m = {.c = c};
    if (o->n_args != 2)
        return ctl_error(c, "source and destination are required");
    if (ctl_connect(c, &p) || parse_place(c, o->args[0], &from, &p) || parse_place(c, o->args[1], &to, &p))
        return ctl_fail(c, &p);
    if (from.pod.n && to.pod.n)
        return ctl_error(c, "one of src or dest must be a local file specification");
    if (!from.pod.n && !to.pod.n)
        return ctl_error(c, "one of src or dest must be a remote file specification");
    if (!from.path.n || !to.path.n)
        return ctl_error(c, "filepath can not be empty");
    const struct place *there = from.pod.n ? &from : &to;
    m.pod = (struct target){.ns = there->ns, .name = there->pod};
    m.from = from.path;
    if (resource_of_kind(c, S("v1"), S("Pod"), &m.pod.resource, &p) || target_fetch(c, &m.pod, &p) ||
        container_of_pod(c, &m.pod.object, opt_str(o, "container"), false, &m.container, &p))
        return ctl_fail(c, &p);
    if (from.pod.n ? copy_down(&m, to.path, &p) : copy_up(&m, to.path, &p))
        return ctl_fail(c, &p);
    return 0;
}

static const struct opt_row flags[] = {
    {"container", 'c', OPT_STRING, .help = "Which container; the pod's default one when it is not said."},
    {"no-preserve", 0, OPT_BOOL, .help = "Owners and modes are not kept."},
    {"retries", 0, OPT_INT, .help = "Accepted and not used."},
    {0},
};

const struct command command_cp = {
    .name = "cp",
    .args = "<file-spec-src> <file-spec-dest>",
    .brief = "Copy files and directories to and from containers",
    .about =
        "Copies by tar, which the container's image must have. A place in a pod is [namespace/]pod:path.",
    .examples = "  # A folder into a pod\n"
                "  kubectl cp ./site web-0:/srv\n"
                "  \n"
                "  # A file out of one\n"
                "  kubectl cp web-0:/var/log/app.log ./app.log\n",
    .flags = flags,
    .run = run,
};
