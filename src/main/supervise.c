/* coxswain supervise: starts the two processes of a cluster on this machine, and starts them again when they
 * end.
 *
 *     control plane  (coxswain server, as a user of its own)
 *     node           (coxswain agent, as root)
 *
 * A crash of one leaves the other running. SIGTERM ends both and leaves pods running; SIGUSR1 has the node
 * remove all it has on the machine first. One thread: it waits for signals, for the processes' ends, and for
 * the time to try again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/vec.h"
#include "main/applet.h"
#include "main/layout.h"

#define MS 1000000ll
#define RETRY_MIN_NS (200 * MS)
#define RETRY_MAX_NS (10000 * MS)
#define STEADY_NS (30000 * MS)
#define STOP_MS 40000
#define LOG_BYTES_MAX (16 << 20)

struct role {
    const char *name;
    VEC(const char *) argv;
    const char *log_path;
    struct process *process; /* NULL: waits for its next start */
    int64_t started_ns, next_ns, delay_ns;
    unsigned restarts;
};

struct supervisor {
    struct layout l;
    struct arena arena;
    struct role roles[2];
    size_t n;
    int signal_fd;
};

/* -- one process -- */

/* A log that has grown too large is put aside, once. */
static int open_log(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0 && lseek(fd, 0, SEEK_END) > LOG_BYTES_MAX) {
        char old[4096];
        snprintf(old, sizeof old, "%s.1", path);
        (void)rename(path, old);
        close(fd);
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    return fd;
}

static void start_role(struct role *r) {
    _cleanup_fd int log = open_log(r->log_path);
    struct process_options o = {.argv = r->argv.v, .out = log > 0 ? log : 0, .err = log > 0 ? log : 0};
    struct err err = ERR_INIT;
    r->started_ns = clock_mono_ns(clock_system());
    if (process_start(&o, &r->process, &err) < 0) {
        log_error("a process cannot be started", kv_text("process", r->name), kv_err("err", &err));
        r->process = NULL;
        r->next_ns = r->started_ns + RETRY_MAX_NS;
        return;
    }
    log_info("process started", kv_text("process", r->name), kv_i64("pid", process_pid(r->process)));
}

static void role_ended(struct role *r) {
    struct process_end end = {0};
    char text[PROCESS_END_TEXT_SIZE];
    (void)process_wait(r->process, 0, &end, NULL);
    int64_t now = clock_mono_ns(clock_system());
    bool steady = now - r->started_ns > STEADY_NS;
    r->delay_ns = steady || !r->delay_ns           ? RETRY_MIN_NS
                  : r->delay_ns * 2 < RETRY_MAX_NS ? r->delay_ns * 2
                                                   : RETRY_MAX_NS;
    r->next_ns = now + r->delay_ns;
    r->restarts++;
    log_warn("process ended; it is started again", kv_text("process", r->name),
             kv_text("end", process_end_text(&end, text)), kv_duration("after", r->delay_ns));
    process_free(r->process);
    r->process = NULL;
}

static void stop_role(struct role *r, int first_signal) {
    if (!r->process)
        return;
    struct err err = ERR_INIT;
    if (first_signal != SIGTERM) {
        (void)process_kill(r->process, first_signal, &err);
        (void)process_wait(r->process, 4 * STOP_MS, NULL, &err);
    }
    (void)process_stop(r->process, STOP_MS, NULL, &err);
    process_free(r->process);
    r->process = NULL;
    log_info("process stopped", kv_text("process", r->name));
}

/* -- all -- */

static int64_t next_start(struct supervisor *s) {
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < s->n; i++)
        if (!s->roles[i].process && s->roles[i].next_ns < next)
            next = s->roles[i].next_ns;
    return next;
}

static void start_due(struct supervisor *s) {
    int64_t now = clock_mono_ns(clock_system());
    for (size_t i = 0; i < s->n; i++)
        if (!s->roles[i].process && s->roles[i].next_ns <= now)
            start_role(&s->roles[i]);
}

static int timeout_until(int64_t next_ns) {
    if (next_ns == INT64_MAX)
        return -1;
    int64_t left = (next_ns - clock_mono_ns(clock_system())) / MS + 1;
    return left > 0 ? (int)left : 0;
}

/* The number of the signal that ends it. */
static int watch(struct supervisor *s) {
    for (;;) {
        start_due(s);
        struct pollfd p[3] = {{.fd = s->signal_fd, .events = POLLIN}};
        for (size_t i = 0; i < s->n; i++)
            p[1 + i] = (struct pollfd){.fd = s->roles[i].process ? process_fd(s->roles[i].process) : -1,
                                       .events = POLLIN};
        if (poll(p, 1 + s->n, timeout_until(next_start(s))) < 0 && errno != EINTR)
            return SIGTERM;
        struct signalfd_siginfo info;
        if (p[0].revents && read(s->signal_fd, &info, sizeof info) == sizeof info)
            return (int)info.ssi_signo;
        for (size_t i = 0; i < s->n; i++)
            if (p[1 + i].revents)
                role_ended(&s->roles[i]);
    }
}

static int take_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static int take_lock(const struct supervisor *s) {
    int fd = open(s->l.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
        fd_close(&fd);
    return fd;
}

/* argv: DIR, then the arguments of the control plane, "--", those of the node. */
static void split_arguments(struct supervisor *s, int argc, char **argv) {
    static const char *const names[] = {"server", "agent"};
    int at = 2;
    for (size_t i = 0; i < 2; i++) {
        struct role *r = &s->roles[s->n];
        r->name = names[i];
        r->log_path = arena_printf(&s->arena, "%s/%s.log", s->l.log_dir, names[i]).p;
        vec_push(&r->argv, "/proc/self/exe");
        vec_push(&r->argv, names[i]);
        bool any = false;
        for (; at < argc && strcmp(argv[at], "--") != 0; at++, any = true)
            vec_push(&r->argv, argv[at]);
        at++;
        vec_push(&r->argv, NULL);
        if (any)
            s->n++;
        else
            vec_fini(&r->argv);
    }
}

int applet_supervise(int argc, char **argv) {
    if (argc < 2) {
        fputs("coxswain supervise: is started by coxswain up\n", stderr);
        return 2;
    }
    struct supervisor s = {.arena = ARENA_INIT};
    layout_make(argv[1], &s.arena, &s.l);
    split_arguments(&s, argc, argv);
    s.signal_fd = take_signals();
    _cleanup_fd int lock = take_lock(&s);
    struct err err = ERR_INIT;
    if (lock < 0) {
        log_error("another supervisor runs here", kv_text("folder", s.l.dir));
        return 1;
    }
    struct str pid = arena_printf(&s.arena, "%d\n", (int)getpid());
    if (file_write_atomic(s.l.pid, pid, 0600, &err) < 0) {
        log_error("the supervisor cannot start", kv_err("err", &err));
        return 1;
    }
    int number = watch(&s);
    log_info("the supervisor ends", kv_i64("signal", number));
    for (size_t i = s.n; i-- > 0;) /* the node needs the control plane while it ends */
        stop_role(&s.roles[i],
                  number == SIGUSR1 && strcmp(s.roles[i].name, "agent") == 0 ? SIGUSR1 : SIGTERM);
    (void)file_remove(s.l.pid, NULL);
    return 0;
}
