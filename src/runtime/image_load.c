/* Images from files. See image_load.h. */
#include "runtime/image_load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/process.h"
#include "base/vec.h"
#include "runtime/runtime.h"

#define NAMESPACE "k8s.io" /* the one CRI looks at */
#define AWAIT_MS 10000
#define AWAIT_STEP_NS (5 * 1000000)
#define NS_PER_MS 1000000

/* in: its standard input as bytes, or fd as a descriptor (0: none). */
static int run_ctr(const struct image_loader *l, const char *const *args, size_t n, struct str in, int fd,
                   struct err *err) {
    const char *argv[16] = {
        l->program ? l->program : "ctr", "--address", l->socket, "--namespace", NAMESPACE, "images"};
    check(6 + n < sizeof argv / sizeof *argv);
    memcpy(argv + 6, args, n * sizeof *args);
    struct process_options o = {.argv = argv, .in = fd, .session = true};
    return process_run_ok(&o, &(struct process_io){.in = in, .timeout_ms = IMAGE_LOAD_TIMEOUT_MS}, err);
}

int image_load_bytes(const struct image_loader *l, struct str archive, struct err *err) {
    return run_ctr(l, (const char *const[]){"import", "-"}, 2, archive, 0, err);
}

/* The program that unpacks such a file, NULL for one that is not compressed. ctr of containerd 1.6 reads
 * plain archives only. */
static const char *unpacker_of(const char *path) {
    unsigned char magic[4] = {0};
    _cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, magic, sizeof magic) != sizeof magic)
        return NULL;
    if (magic[0] == 0x1f && magic[1] == 0x8b)
        return "gzip";
    return memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0 ? "zstd" : NULL;
}

static int load_packed(const struct image_loader *l, const char *unpacker, const char *path,
                       struct err *err) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_errno(err, errno, "pipe");
    struct process_options o = {
        .argv = (const char *const[]){unpacker, "-dc", path, NULL}, .out = fds[1], .session = true};
    struct process *p = NULL;
    int rc = process_start(&o, &p, err);
    fd_close(&fds[1]);
    if (rc == 0)
        rc = run_ctr(l, (const char *const[]){"import", "-"}, 2, S(""), fds[0], err);
    fd_close(&fds[0]); /* which ends an unpacker that is still writing */
    struct process_end end;
    if (rc == 0 && process_wait(p, PROCESS_FOREVER, &end, err) == 0 && !process_end_ok(&end))
        rc = err_set(err, ERR_INVALID, "%s finds it damaged", unpacker);
    process_free(p);
    return rc;
}

int image_load_file(const struct image_loader *l, const char *path, struct err *err) {
    const char *unpacker = unpacker_of(path);
    int rc = unpacker ? load_packed(l, unpacker, path, err)
                      : run_ctr(l, (const char *const[]){"import", path}, 2, S(""), 0, err);
    return rc ? err_wrap(err, "load images from %s", path) : 0;
}

int image_load_pin(const struct image_loader *l, struct str name, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const char *const args[] = {"label", arena_strz(&a, name), "io.cri-containerd.pinned=pinned"};
    return run_ctr(l, args, 3, S(""), 0, err);
}

/* --- what CRI knows --- */

int image_load_has(const struct image_loader *l, struct str name, bool *ret_there, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct cri_image_spec image = {.image = name};
    const struct cri_image_status_response *out;
    int rc = runtime_image_status(l->runtime, &(struct runtime_call){.arena = &a},
                                  &(struct cri_image_status_request){.image = &image}, &out, err);
    if (rc == 0)
        *ret_there = out->image != NULL;
    return rc;
}

int image_load_await(const struct image_loader *l, struct str name, struct err *err) {
    struct clock *clock = clock_system();
    int64_t deadline = clock_mono_ns(clock) + (int64_t)AWAIT_MS * NS_PER_MS;
    for (;;) {
        bool there = false;
        int rc = image_load_has(l, name, &there, err);
        if (rc || there)
            return rc;
        if (clock_mono_ns(clock) > deadline)
            return err_set(err, ERR_TIMEOUT, "the runtime does not see the image %.*s", STR_ARG(name));
        clock_sleep_ns(clock, AWAIT_STEP_NS);
    }
}

/* --- folders --- */

static bool is_archive(struct str name) {
    static const struct str suffixes[] = {STR_INIT(".tar"), STR_INIT(".tar.gz"), STR_INIT(".tgz"),
                                          STR_INIT(".tar.zst"), STR_INIT(".tzst")};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (name.p[0] != '.' && str_has_suffix(name, suffixes[i]))
            return true;
    return false;
}

struct names {
    struct str *v;
    size_t n, cap;
};

static int list_archives(const char *path, struct arena *a, struct names *ret, struct err *err) {
    DIR *d = opendir(path);
    if (!d)
        return errno == ENOENT ? 0 : err_errno(err, errno, "open %s", path);
    for (const struct dirent *e; (e = readdir(d));)
        if (is_archive(str_from(e->d_name)))
            vec_push_in(a, ret, arena_printf(a, "%s/%s", path, e->d_name));
    closedir(d);
    if (ret->n)
        qsort(ret->v, ret->n, sizeof *ret->v, str_cmp_qsort);
    return 0;
}

int image_load_dir(const struct image_loader *l, const char *path,
                   void (*on_failure)(void *arg, const char *file, const struct err *err), void *arg,
                   unsigned *ret_loaded, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct names files = {0};
    unsigned loaded = 0;
    int rc = list_archives(path, &a, &files, err);
    if (rc)
        return rc;
    vec_foreach (file, &files) {
        struct err why = ERR_INIT;
        if (image_load_file(l, file->p, &why) == 0)
            loaded++;
        else if (on_failure)
            on_failure(arg, file->p, &why);
    }
    if (ret_loaded)
        *ret_loaded = loaded;
    return 0;
}
