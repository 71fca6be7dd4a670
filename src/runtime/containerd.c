/* A private containerd under supervision. See containerd.h.
 *
 * The supervisor is one thread that waits for one of two things: the end of the process and the order to
 * stop. Only it touches `process` after containerd_start; what others ask for is in the atomics.
 */
#include "runtime/containerd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/thread.h"
#include "runtime/cri.h"
#include "runtime/runtime.h"

#define NS_PER_MS INT64_C(1000000)
#define DIR_MAX 80
#define PATH_SIZE 128
#define STOP_GRACE_MS 10000
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 10000
#define STEADY_NS (60 * 1000 * NS_PER_MS) /* up so long, the next fall is a first one */
#define LOG_LOOK_MS (10 * 60 * 1000)
#define ASK_STEP_MS 10
#define ASK_TIMEOUT_MS 1000
#define CAP_SYS_RESOURCE_BIT 24

struct containerd {
    struct containerd_options o;
    struct arena arena; /* texts of the options and paths */
    char *config_path, *socket_path, *log_path, *pid_path;
    struct process *process; /* NULL: down */
    struct thread thread;
    int stop; /* eventfd */
    bool leave_running;
    atomic_int pid;
    atomic_uint restarts;
};

/* --- what the host can do --- */

static bool has_sys_resource(void) {
    _cleanup_buf struct buf b = BUF_INIT;
    if (file_read("/proc/self/status", 65536, &b, NULL))
        return false;
    const char *at = strstr(buf_cstr(&b), "CapEff:");
    return at && (strtoull(at + 7, NULL, 16) >> CAP_SYS_RESOURCE_BIT & 1);
}

/* Mounts one for a moment: nothing else tells what the file system below can do. */
static bool overlay_works(const char *dir) {
    char base[PATH_SIZE], path[PATH_SIZE + 16], data[3 * PATH_SIZE];
    static const char *const parts[] = {"lower", "upper", "work", "merged"};
    snprintf(base, sizeof base, "%s/overlay-XXXXXX", dir);
    if (!mkdtemp(base))
        return false;
    bool ok = true;
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", base, parts[i]);
        ok = ok && mkdir(path, 0700) == 0;
    }
    snprintf(data, sizeof data, "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", base, base, base);
    ok = ok && mount("overlay", path, "overlay", 0, data) == 0;
    if (ok)
        (void)umount2(path, MNT_DETACH);
    snprintf(path, sizeof path, "%s/work/work", base);
    (void)rmdir(path);
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", base, parts[i]);
        (void)rmdir(path);
    }
    (void)rmdir(base);
    return ok;
}

/* --- files --- */

static char *path_in(struct containerd *c, const char *name) {
    return arena_strz(&c->arena, arena_printf(&c->arena, "%s/%s", c->o.dir, name));
}

static const char *keep(struct containerd *c, const char *text, const char *otherwise) {
    return text ? arena_strz(&c->arena, str_from(text)) : otherwise;
}

static void keep_options(struct containerd *c, const struct containerd_options *o) {
    c->o = *o;
    c->o.dir = keep(c, o->dir, NULL);
    c->o.program = keep(c, o->program, "containerd");
    c->o.cni_bin_dir = keep(c, o->cni_bin_dir, NULL);
    c->o.cni_conf_dir = keep(c, o->cni_conf_dir, NULL);
    c->o.registry_dir = keep(c, o->registry_dir, NULL);
    c->o.sandbox_image = keep(c, o->sandbox_image, NULL);
    c->o.log_level = keep(c, o->log_level, NULL);
    c->o.snapshotter = keep(c, o->snapshotter, NULL);
    if (!c->o.start_timeout_ms)
        c->o.start_timeout_ms = CONTAINERD_START_MS;
    c->config_path = path_in(c, "config.toml");
    c->socket_path = path_in(c, "containerd.sock");
    c->log_path = path_in(c, "containerd.log");
    c->pid_path = path_in(c, "containerd.pid");
}

/* *ret_same: it was there already, byte for byte. */
static int write_config(struct containerd *c, bool *ret_same, struct err *err) {
    _cleanup_buf struct buf now = BUF_INIT, before = BUF_INIT;
    containerd_write_config(&c->o, &now);
    *ret_same =
        file_read(c->config_path, 1 << 20, &before, NULL) == 0 && str_eq(buf_view(&now), buf_view(&before));
    return *ret_same ? 0 : file_write_atomic(c->config_path, buf_view(&now), 0600, err);
}

/* Its output goes straight to a file, not through us, so that it can outlive us. */
static int open_log(struct containerd *c, struct err *err) {
    struct stat st;
    _cleanup_buf struct buf old = BUF_INIT;
    if (stat(c->log_path, &st) == 0 && st.st_size > (off_t)CONTAINERD_LOG_BYTES_MAX / 2) {
        buf_printf(&old, "%s.1", c->log_path);
        (void)rename(c->log_path, buf_cstr(&old));
    }
    int fd = open(c->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return fd < 0 ? err_errno(err, errno, "open %s", c->log_path) : fd;
}

static void limit_log(struct containerd *c) {
    struct stat st;
    if (stat(c->log_path, &st) == 0 && st.st_size > (off_t)CONTAINERD_LOG_BYTES_MAX)
        if (truncate(c->log_path, 0) < 0) /* it is written by appending */
            log_warn("the log of containerd has grown large and cannot be emptied",
                     kv_text("log", c->log_path));
}

static void note_process(struct containerd *c, struct process *p) {
    char text[32];
    c->process = p;
    c->pid = p ? process_pid(p) : 0;
    int n = snprintf(text, sizeof text, "%d\n", c->pid);
    if (p)
        (void)file_write_atomic(c->pid_path, str_make(text, (size_t)n), 0600, NULL);
}

/* --- starting --- */

static int spawn(struct containerd *c, struct err *err) {
    _cleanup_fd int log = open_log(c, err);
    if (log < 0)
        return log;
    const char *const argv[] = {c->o.program, "--config", c->config_path, NULL};
    struct process_options o = {.argv = argv, .out = log, .err = log, .session = true, .dir = "/"};
    struct process *p;
    (void)unlink(c->socket_path);
    int rc = process_start(&o, &p, err);
    if (rc == 0)
        note_process(c, p);
    return rc;
}

static int ask(struct runtime *r, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct runtime_call call = {.arena = &a, .timeout_ms = ASK_TIMEOUT_MS};
    return runtime_version(r, &call, &(struct cri_version_request){.version = S("v1")}, NULL, err);
}

/* Waits for one of the descriptors; true when it was the stop order or the process's end. */
static bool wait_step(struct containerd *c, int watch, int timeout_ms) {
    struct pollfd fds[3] = {{.fd = watch, .events = POLLIN},
                            {.fd = process_fd(c->process), .events = POLLIN},
                            {.fd = c->stop, .events = POLLIN}};
    (void)poll(fds, 3, timeout_ms);
    return fds[1].revents || fds[2].revents;
}

/* First for its socket to appear, which the file system tells, then by asking. */
static int await_with(struct containerd *c, struct runtime *r, int watch, struct err *err) {
    struct clock *clock = clock_system();
    int64_t deadline = clock_mono_ns(clock) + c->o.start_timeout_ms * NS_PER_MS;
    for (;;) {
        char drop[4096];
        bool there = file_exists(c->socket_path);
        int rc = there ? ask(r, err) : ERR_CLOSED;
        if (rc == 0)
            return 0;
        if (rc == ERR_UNSUPPORTED)
            return err_wrap(err, "containerd runs without its CRI plugin; see %s", c->log_path);
        int64_t left = (deadline - clock_mono_ns(clock)) / NS_PER_MS;
        if (left <= 0)
            return err_set(err, ERR_TIMEOUT, "containerd does not answer; see %s", c->log_path);
        if (wait_step(c, there ? -1 : watch, there ? ASK_STEP_MS : (int)left))
            return err_set(err, ERR_CLOSED, "containerd ended while it started; see %s", c->log_path);
        while (read(watch, drop, sizeof drop) > 0)
            continue;
    }
}

static int await_answer(struct containerd *c, struct err *err) {
    struct runtime *r;
    int rc = cri_new(&(struct cri_options){.endpoint = c->socket_path}, &r, err);
    if (rc)
        return rc;
    _cleanup_fd int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch < 0 || inotify_add_watch(watch, c->o.dir, IN_CREATE) < 0)
        rc = err_errno(err, errno, "watch %s", c->o.dir);
    else
        rc = await_with(c, r, watch, err);
    runtime_free(r);
    return rc;
}

/* The process of the file, if it is the one we would start. */
static struct process *find_former(struct containerd *c) {
    _cleanup_buf struct buf text = BUF_INIT, command = BUF_INIT;
    int64_t pid;
    struct process *p;
    if (file_read(c->pid_path, 64, &text, NULL) || !str_to_i64(str_trim(buf_view(&text)), &pid) || pid <= 0 ||
        pid > INT32_MAX || process_adopt((pid_t)pid, &p, NULL))
        return NULL;
    _cleanup_buf struct buf want = BUF_INIT;
    buf_printf(&want, "--config%c%s%c", 0, c->config_path, 0);
    if (process_command((pid_t)pid, &command, NULL) == 0 &&
        str_has_suffix(buf_view(&command), buf_view(&want)))
        return p;
    process_release(p);
    return NULL;
}

static int start_or_adopt(struct containerd *c, bool same_config, struct err *err) {
    struct process *former = find_former(c);
    if (former && same_config) {
        note_process(c, former);
        if (await_answer(c, err) == 0) {
            log_info("took over a running containerd", kv("pid", process_pid(former)),
                     kv("socket", c->socket_path));
            return 0;
        }
    }
    if (former) {
        (void)process_stop(former, STOP_GRACE_MS, NULL, NULL);
        process_free(former);
        note_process(c, NULL);
    }
    int rc = spawn(c, err);
    return rc ? rc : await_answer(c, err);
}

/* --- supervision --- */

static bool told_to_stop(struct containerd *c, int timeout_ms) {
    struct pollfd fd = {.fd = c->stop, .events = POLLIN};
    return poll(&fd, 1, timeout_ms) > 0;
}

/* False when it was told to stop meanwhile. */
static bool start_again(struct containerd *c, int *backoff_ms) {
    for (;;) {
        struct err err = ERR_INIT;
        if (told_to_stop(c, *backoff_ms))
            return false;
        *backoff_ms = *backoff_ms ? *backoff_ms * 2 : BACKOFF_FIRST_MS;
        *backoff_ms = *backoff_ms < BACKOFF_MAX_MS ? *backoff_ms : BACKOFF_MAX_MS;
        c->restarts++;
        if (spawn(c, &err) == 0)
            return true;
        log_error("cannot start containerd", kv("err", &err));
    }
}

static void supervise(void *arg) {
    struct containerd *c = arg;
    struct clock *clock = clock_system();
    int backoff_ms = 0;
    int64_t since = clock_mono_ns(clock);
    for (;;) {
        bool event = wait_step(c, -1, LOG_LOOK_MS);
        if (told_to_stop(c, 0))
            return;
        struct process_end end;
        if (!event || process_wait(c->process, 0, &end, NULL)) {
            limit_log(c);
            continue;
        }
        char text[PROCESS_END_TEXT_SIZE];
        log_warn("containerd ended, starting it again", kv("how", process_end_text(&end, text)),
                 kv("log", c->log_path), kv("afterMs", backoff_ms));
        process_free(c->process);
        note_process(c, NULL);
        if (clock_mono_ns(clock) - since > STEADY_NS)
            backoff_ms = 0;
        if (!start_again(c, &backoff_ms))
            return;
        since = clock_mono_ns(clock);
    }
}

/* --- beginning and end --- */

static void free_containerd(struct containerd *c) {
    fd_close(&c->stop);
    arena_fini(&c->arena);
    free(c);
}

static int prepare(struct containerd *c, bool *ret_same, struct err *err) {
    int rc = file_mkdir_p(c->o.dir, 0711, err);
    if (rc)
        return rc;
    if (!has_sys_resource())
        c->o.restrict_oom_score = true;
    if (!c->o.snapshotter)
        c->o.snapshotter = overlay_works(c->o.dir) ? "overlayfs" : "native";
    c->stop = eventfd(0, EFD_CLOEXEC);
    if (c->stop < 0)
        return err_errno(err, errno, "eventfd");
    return write_config(c, ret_same, err);
}

static void end_process(struct containerd *c) {
    if (c->process && !c->leave_running) {
        (void)process_stop(c->process, STOP_GRACE_MS, NULL, NULL);
        (void)file_remove(c->pid_path, NULL);
        process_free(c->process);
    } else {
        process_release(c->process);
    }
}

int containerd_start(const struct containerd_options *options, struct containerd **ret, struct err *err) {
    if (!options->dir || options->dir[0] != '/' || strlen(options->dir) > DIR_MAX)
        return err_set(err, ERR_INVALID,
                       "the folder of containerd must be an absolute path of at most %d characters", DIR_MAX);
    struct containerd *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    arena_init(&c->arena);
    c->stop = -1;
    keep_options(c, options);
    bool same = false;
    int rc = prepare(c, &same, err);
    if (rc == 0)
        rc = start_or_adopt(c, same, err);
    if (rc == 0)
        rc = thread_start(&c->thread, &(struct thread_options){.name = "containerd"}, supervise, c, err);
    if (rc) {
        end_process(c);
        free_containerd(c);
        return rc;
    }
    *ret = c;
    return 0;
}

void containerd_stop(struct containerd *c) {
    if (!c)
        return;
    uint64_t one = 1;
    check(write(c->stop, &one, sizeof one) == sizeof one);
    thread_join(&c->thread);
    end_process(c);
    free_containerd(c);
}

void containerd_release(struct containerd *c) {
    if (!c)
        return;
    c->leave_running = true;
    containerd_stop(c);
}

const char *containerd_socket(const struct containerd *c) {
    return c->socket_path;
}

pid_t containerd_pid(const struct containerd *c) {
    return c->pid;
}

unsigned containerd_restarts(const struct containerd *c) {
    return c->restarts;
}
