/* base/process: programs that this one starts, and how they end.
 *
 *     struct process_options o = {.argv = (const char *const[]){"runc", "--version", NULL}};
 *     struct process_end end;
 *     process_run(&o, &(struct process_io){.out = &text, .timeout_ms = 5000}, &end, &err);
 *
 * A process is started by posix_spawn (a threaded program never forks bare), with no descriptors but the
 * three of its standard streams, all signals at their defaults and none blocked. It is held by a pidfd, so
 * that a signal never meets a stranger who got the number later, and no SIGCHLD is involved: whoever owns a
 * struct process waits for it, alone.
 *
 * Threads: process_kill from any thread; the rest from one thread at a time. Waiting blocks: workers, mains
 * and threads of one's own; a loop polls process_fd instead. Memory: options are read during the call only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

struct buf;
struct err;
struct process;

#define PROCESS_FOREVER INT64_MAX

struct process_options {
    const char *const *argv; /* argv[0] without a slash is looked for in PATH */
    const char *const *env;  /* "NAME=value" and a NULL; NULL: this process's own */
    const char *dir;         /* to start in; NULL: where this process is */
    /* Descriptors for the standard streams, still the caller's. 0: /dev/null, which is also what is meant
     * where a caller's own stream would be 0; PROCESS_INHERIT: this process's own. */
    int in, out, err;
    bool session; /* a session of its own: no terminal, and signals to our group do not reach it */
};

#define PROCESS_INHERIT (-1)

/* How it ended. Of a process that is not our child nobody tells. */
struct process_end {
    bool known;
    int code;   /* of exit, when signal is 0 */
    int signal; /* that killed it */
};

/* Ended by itself, with code 0. */
static inline bool process_end_ok(const struct process_end *e) {
    return e->known && e->signal == 0 && e->code == 0;
}

/* "exit status 3", "signal: killed". Returns out. */
#define PROCESS_END_TEXT_SIZE 64
const char *process_end_text(const struct process_end *e, char out[PROCESS_END_TEXT_SIZE]);

/* Starts it. ERR_NOT_FOUND when there is no such program, ERR_IO otherwise. */
int process_start(const struct process_options *options, struct process **ret, struct err *err);

/* A process that runs already and need not be a child. ERR_NOT_FOUND when there is none of this number. Look
 * at it (process_command) after this call, not before: then it is the one that is held. */
int process_adopt(pid_t pid, struct process **ret, struct err *err);

/* Kills (SIGKILL) and awaits one of our children that still runs; lets go of one that is not. NULL is fine.
 */
void process_free(struct process *p);

/* Lets go without killing; a child that ends later stays a zombie until this process ends. NULL is fine. */
void process_release(struct process *p);

pid_t process_pid(const struct process *p);

/* The pidfd: readable when the process has ended. */
int process_fd(const struct process *p);

/* ERR_TIMEOUT when it still runs after so long. Once it has ended this answers at once, as often as it is
 * asked. ret_end may be NULL. */
int process_wait(struct process *p, int64_t timeout_ms, struct process_end *ret_end, struct err *err);

/* Fine when it has ended. */
int process_kill(struct process *p, int signal, struct err *err);

/* SIGTERM, so much time, SIGKILL; awaits its end. */
int process_stop(struct process *p, int64_t grace_ms, struct process_end *ret_end, struct err *err);

/* What one run reads and writes. */
struct process_io {
    struct str in;   /* its standard input; empty: /dev/null */
    struct buf *out; /* standard output is appended, as far as the buffer's limit goes (the rest is read and
                        dropped, overflow is set). NULL: the options' */
    struct buf *err; /* standard error, likewise; may be the same as out */
    int64_t timeout_ms; /* 0: PROCESS_FOREVER. Then it is killed */
};

/* Starts a process and awaits its end. 0 also when it failed: see *ret_end. ERR_TIMEOUT when it had to be
 * killed. Children it leaves behind with our pipes open are not waited for. */
int process_run(const struct process_options *options, const struct process_io *io,
                struct process_end *ret_end, struct err *err);

/* The same for a program that must succeed: any other end is ERR_IO with the last line of its standard error.
 */
int process_run_ok(const struct process_options *options, const struct process_io *io, struct err *err);

/* The arguments of a running process as the system knows them, each followed by a NUL byte, appended to *ret.
 */
int process_command(pid_t pid, struct buf *ret, struct err *err);
