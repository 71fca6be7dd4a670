/* Programs that this one starts. See process.h. */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"

#define COMMAND_BYTES_MAX 65536
#define READ_STEP 4096
#define ERROR_LINE_MAX 300
#define NS_PER_MS 1000000

extern char **environ;

struct process {
    pid_t pid;
    int fd;
    bool child;
    bool ended;
    struct process_end end;
};

const char *process_end_text(const struct process_end *e, char out[PROCESS_END_TEXT_SIZE]) {
    if (!e->known)
        snprintf(out, PROCESS_END_TEXT_SIZE, "ended");
    else if (e->signal)
        snprintf(out, PROCESS_END_TEXT_SIZE, "signal: %s", strsignal(e->signal));
    else
        snprintf(out, PROCESS_END_TEXT_SIZE, "exit status %d", e->code);
    return out;
}

/* --- starting --- */

struct spawn {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int moved[3]; /* copies of streams whose number is one of the standard streams; -1: none */
};

/* The descriptor to put at `to`. Numbers below 3 would be overwritten before they are read, so they move up.
 */
static int set_stream(struct spawn *s, int fd, int to) {
    if (fd == PROCESS_INHERIT)
        fd = to;
    else if (fd == 0)
        return posix_spawn_file_actions_addopen(&s->actions, to, "/dev/null", to ? O_WRONLY : O_RDONLY, 0);
    if (fd < 3) {
        fd = s->moved[to] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
            return errno;
    }
    return posix_spawn_file_actions_adddup2(&s->actions, fd, to);
}

static int set_attributes(struct spawn *s, bool session) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (session ? POSIX_SPAWN_SETSID : 0);
    int e = posix_spawnattr_setflags(&s->attr, (short)flags);
    e = e ? e : posix_spawnattr_setsigmask(&s->attr, &none);
    return e ? e : posix_spawnattr_setsigdefault(&s->attr, &all);
}

static int fill_spawn(struct spawn *s, const struct process_options *o) {
    const int streams[3] = {o->in, o->out, o->err};
    int e = set_attributes(s, o->session);
    for (int i = 0; !e && i < 3; i++)
        e = set_stream(s, streams[i], i);
    if (!e && o->dir)
        e = posix_spawn_file_actions_addchdir_np(&s->actions, o->dir);
    return e ? e : posix_spawn_file_actions_addclosefrom_np(&s->actions, 3);
}

static int spawn(const struct process_options *o, pid_t *ret_pid) {
    struct spawn s = {.moved = {-1, -1, -1}};
    int e = posix_spawn_file_actions_init(&s.actions);
    if (e)
        return e;
    e = posix_spawnattr_init(&s.attr);
    check(e == 0); /* cannot fail on Linux */
    e = fill_spawn(&s, o);
    char *const *env = o->env ? (char *const *)(uintptr_t)o->env : environ;
    if (!e)
        e = posix_spawnp(ret_pid, o->argv[0], &s.actions, &s.attr, (char *const *)(uintptr_t)o->argv, env);
    for (int i = 0; i < 3; i++)
        fd_close(&s.moved[i]);
    (void)posix_spawnattr_destroy(&s.attr);
    (void)posix_spawn_file_actions_destroy(&s.actions);
    return e;
}

static int hold(pid_t pid, bool child, struct process **ret) {
    int fd = pidfd_open(pid, 0);
    if (fd < 0)
        return errno;
    struct process *p = calloc(1, sizeof *p);
    if (!p)
        panic("out of memory");
    *p = (struct process){.pid = pid, .fd = fd, .child = child};
    *ret = p;
    return 0;
}

int process_start(const struct process_options *options, struct process **ret, struct err *err) {
    check(options->argv && options->argv[0]);
    pid_t pid;
    int e = spawn(options, &pid);
    if (e)
        return err_errno(err, e, "start %s", options->argv[0]);
    e = hold(pid, true, ret);
    if (!e)
        return 0;
    (void)kill(pid, SIGKILL); /* still our child: nobody has awaited it */
    (void)waitpid(pid, NULL, 0);
    return err_errno(err, e, "hold %s", options->argv[0]);
}

int process_adopt(pid_t pid, struct process **ret, struct err *err) {
    if (pid <= 0)
        return err_set(err, ERR_INVALID, "%d is no process", (int)pid);
    int e = hold(pid, false, ret);
    if (e == ESRCH)
        return err_set(err, ERR_NOT_FOUND, "no process %d", (int)pid);
    return e ? err_errno(err, e, "hold process %d", (int)pid) : 0;
}

void process_release(struct process *p) {
    if (!p)
        return;
    fd_close(&p->fd);
    free(p);
}

void process_free(struct process *p) {
    if (p && p->child && !p->ended) {
        (void)process_kill(p, SIGKILL, NULL);
        (void)process_wait(p, PROCESS_FOREVER, NULL, NULL);
    }
    process_release(p);
}

pid_t process_pid(const struct process *p) {
    return p->pid;
}

int process_fd(const struct process *p) {
    return p->fd;
}

/* --- waiting --- */

static int64_t deadline_after(int64_t timeout_ms) {
    int64_t now = clock_mono_ns(clock_system());
    return timeout_ms >= (INT64_MAX - now) / NS_PER_MS ? INT64_MAX : now + timeout_ms * NS_PER_MS;
}

/* For poll(2): rounded up, so that nobody spins through the last millisecond. */
static int poll_ms(int64_t deadline) {
    if (deadline == INT64_MAX)
        return -1;
    int64_t ms = (deadline - clock_mono_ns(clock_system()) + NS_PER_MS - 1) / NS_PER_MS;
    return ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
}

static void note_end(struct process *p, const siginfo_t *info) {
    p->ended = true;
    p->end = (struct process_end){.known = true};
    if (info->si_code == CLD_EXITED)
        p->end.code = info->si_status;
    else
        p->end.signal = info->si_status;
}

/* After the pidfd became readable. */
static int reap(struct process *p, struct err *err) {
    siginfo_t info = {0};
    if (!p->child) {
        p->ended = true;
        return 0;
    }
    while (waitid(P_PIDFD, (id_t)p->fd, &info, WEXITED) < 0)
        if (errno != EINTR)
            return err_errno(err, errno, "wait for process %d", (int)p->pid);
    note_end(p, &info);
    return 0;
}

static int wait_until(struct process *p, int64_t deadline, struct err *err) {
    while (!p->ended) {
        struct pollfd fd = {.fd = p->fd, .events = POLLIN};
        int n = poll(&fd, 1, poll_ms(deadline));
        if (n < 0 && errno != EINTR)
            return err_errno(err, errno, "wait for process %d", (int)p->pid);
        if (n == 0)
            return err_set(err, ERR_TIMEOUT, "process %d still runs", (int)p->pid);
        if (n > 0)
            return reap(p, err);
    }
    return 0;
}

int process_wait(struct process *p, int64_t timeout_ms, struct process_end *ret_end, struct err *err) {
    int rc = wait_until(p, deadline_after(timeout_ms), err);
    if (rc == 0 && ret_end)
        *ret_end = p->end;
    return rc;
}

int process_kill(struct process *p, int signal, struct err *err) {
    if (pidfd_send_signal(p->fd, signal, NULL, 0) == 0 || errno == ESRCH)
        return 0;
    return err_errno(err, errno, "signal process %d", (int)p->pid);
}

int process_stop(struct process *p, int64_t grace_ms, struct process_end *ret_end, struct err *err) {
    int rc = process_kill(p, SIGTERM, err);
    if (rc == 0)
        rc = process_wait(p, grace_ms, ret_end, err);
    if (rc != ERR_TIMEOUT)
        return rc;
    rc = process_kill(p, SIGKILL, err);
    return rc ? rc : process_wait(p, PROCESS_FOREVER, ret_end, err);
}

/* --- running to the end --- */

struct run {
    struct process *process;
    int fds[2];          /* our ends of its standard output and error; -1: none or at its end */
    struct buf *into[2]; /* where each goes */
    int64_t deadline;
};

/* What it reads lies in memory as a file: nobody has to feed it, and a reader that ends early is no SIGPIPE.
 */
static int open_input(struct str in, int *ret_fd, struct err *err) {
    int fd = memfd_create("stdin", MFD_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "memory for standard input");
    int rc = fd_write_all(fd, in, err);
    if (rc == 0 && lseek(fd, 0, SEEK_SET) < 0)
        rc = err_errno(err, errno, "rewind standard input");
    if (rc)
        fd_close(&fd);
    else
        *ret_fd = fd;
    return rc;
}

static int open_pipe(int *ret_ours, int *ret_theirs, struct err *err) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_errno(err, errno, "pipe");
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    *ret_ours = fds[0];
    *ret_theirs = fds[1];
    return 0;
}

static int start_run(struct run *r, const struct process_options *options, const struct process_io *io,
                     struct err *err) {
    _cleanup_fd int in = -1;
    _cleanup_fd int out = -1;
    _cleanup_fd int error = -1;
    struct process_options o = *options;
    int rc = 0;
    if (io->in.n && (rc = open_input(io->in, &in, err)) == 0)
        o.in = in;
    if (rc == 0 && io->out && (rc = open_pipe(&r->fds[0], &out, err)) == 0)
        o.out = out;
    if (rc == 0 && io->err && io->err == io->out)
        o.err = out;
    else if (rc == 0 && io->err && (rc = open_pipe(&r->fds[1], &error, err)) == 0)
        o.err = error;
    return rc ? rc : process_start(&o, &r->process, err);
}

/* Takes what is there now; false when nothing more will come. */
static bool drain(int fd, struct buf *into) {
    char step[READ_STEP];
    for (;;) {
        ssize_t n = read(fd, step, sizeof step);
        if (n > 0)
            buf_put(into, step, (size_t)n);
        else if (n == 0 || (errno != EINTR && errno != EAGAIN))
            return false;
        else if (errno == EAGAIN)
            return true;
    }
}

static void drain_all(struct run *r) {
    for (int i = 0; i < 2; i++)
        if (r->fds[i] >= 0 && !drain(r->fds[i], r->into[i]))
            fd_close(&r->fds[i]);
}

static int pump(struct run *r, struct err *err) {
    for (;;) {
        struct pollfd fds[3] = {{.fd = process_fd(r->process), .events = POLLIN},
                                {.fd = r->fds[0], .events = POLLIN},
                                {.fd = r->fds[1], .events = POLLIN}};
        int n = poll(fds, 3, poll_ms(r->deadline));
        if (n < 0 && errno != EINTR)
            return err_errno(err, errno, "wait for output");
        if (n == 0)
            return err_set(err, ERR_TIMEOUT, "it still runs");
        drain_all(r);
        if (n > 0 && fds[0].revents)
            return reap(r->process, err);
    }
}

int process_run(const struct process_options *options, const struct process_io *io,
                struct process_end *ret_end, struct err *err) {
    struct run r = {.fds = {-1, -1},
                    .into = {io->out, io->err},
                    .deadline = deadline_after(io->timeout_ms ? io->timeout_ms : PROCESS_FOREVER)};
    int rc = start_run(&r, options, io, err);
    if (rc == 0 && (rc = pump(&r, err)) < 0)
        err_wrap(err, "%s", options->argv[0]);
    if (rc == 0 && ret_end)
        *ret_end = r.process->end;
    process_free(r.process);
    fd_close(&r.fds[0]);
    fd_close(&r.fds[1]);
    return rc;
}

static struct str last_line(struct str s) {
    s = str_trim(s);
    ptrdiff_t at = str_rfind_byte(s, '\n');
    return str_cut(str_from_byte(s, (size_t)(at + 1)), ERROR_LINE_MAX);
}

int process_run_ok(const struct process_options *options, const struct process_io *io, struct err *err) {
    _cleanup_buf struct buf own = {.limit = COMMAND_BYTES_MAX};
    struct process_io with = *io;
    if (!with.err)
        with.err = &own;
    struct process_end end;
    int rc = process_run(options, &with, &end, err);
    if (rc || process_end_ok(&end))
        return rc;
    char text[PROCESS_END_TEXT_SIZE];
    struct str line = last_line(buf_view(with.err));
    return err_set(err, ERR_IO, "%s: %s%s%.*s", options->argv[0], process_end_text(&end, text),
                   line.n ? ": " : "", STR_ARG(line));
}

int process_command(pid_t pid, struct buf *ret, struct err *err) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    return file_read(path, COMMAND_BYTES_MAX, ret, err);
}
