/* Container logs over HTTP: a thread of its own reads (and follows) the file, the loop writes to the client.
 *
 * The thread hands over one piece at a time and waits until the client has taken it, so a slow reader costs
 * one piece of memory. CONFORMS: kubelet.tsv, log query.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/time.h"
#include "api/types/core.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "kubelet/container_config.h"
#include "kubelet/log_file.h"
#include "kubelet/server_priv.h"

#define PIECE_BYTES (32u * 1024)

struct log_job {
    struct kubelet *k;
    struct loop *loop;
    struct thread thread;
    struct arena arena; /* paths, names */
    const char *logs_dir;
    struct str path, uid, pod, container, waiting; /* waiting: the reason the API was told, "" it does not */
    bool previous, wants_follow;
    struct log_query query;
    struct loop_msg msg; /* there is a piece, or the end */

    struct mutex lock; /* all that follows */
    struct cond cond;
    struct http_request *r; /* NULL: the client is gone */
    struct buf piece;
    bool posted, ended, begun;
    int rc;
    struct err err;
    int stop_fd;
};

static void job_free(struct log_job *j) {
    thread_join(&j->thread);
    fd_close(&j->stop_fd);
    buf_fini(&j->piece);
    cond_fini(&j->cond);
    mutex_fini(&j->lock);
    arena_fini(&j->arena);
    free(j);
}

static void release(void *bytes) {
    free(bytes);
}

/* -- the loop's side -- */

static void end(struct log_job *j) {
    struct http_request *r = j->r;
    if (r && j->begun)
        http_stream_end(r);
    else if (r && j->rc < 0)
        http_respond_text(r, j->rc == ERR_NOT_FOUND || j->rc == ERR_INVALID ? 400 : 500,
                          S("text/plain; charset=utf-8"), str_from(j->err.msg));
    else if (r)
        http_respond_text(r, 200, S("text/plain"), S(""));
    job_free(j);
}

static void on_writable(void *user);

static int give(struct log_job *j) {
    char *copy = malloc(j->piece.n);
    if (!copy)
        panic("out of memory");
    memcpy(copy, j->piece.p, j->piece.n);
    struct http_chunk c = {.bytes = {copy, j->piece.n}, .release = release, .arg = copy};
    int rc = http_stream_write(j->r, &c, 1);
    if (rc < 0)
        free(copy);
    return rc;
}

/* Under the lock. True: the job has ended and may go. */
static bool pump(struct log_job *j) {
    if (j->r && j->piece.n) {
        if (!j->begun) {
            struct http_header type = {S("content-type"), S("text/plain")};
            http_stream_begin(j->r, 200, &type, 1, on_writable);
            j->begun = true;
        }
        if (give(j) == ERR_AGAIN)
            return false; /* on_writable comes */
    }
    buf_clear(&j->piece);
    cond_signal(&j->cond);
    return j->ended;
}

static void on_msg(struct loop_msg *m) {
    struct log_job *j = (struct log_job *)((char *)m - offsetof(struct log_job, msg));
    mutex_lock(&j->lock);
    j->posted = false;
    bool done = pump(j);
    mutex_unlock(&j->lock);
    if (done)
        end(j);
}

static void on_writable(void *user) {
    struct log_job *j = user;
    mutex_lock(&j->lock);
    bool done = pump(j) && !j->posted;
    mutex_unlock(&j->lock);
    if (done)
        end(j);
}

static void on_gone(void *user) {
    struct log_job *j = user;
    uint64_t one = 1;
    mutex_lock(&j->lock);
    j->r = NULL;
    buf_clear(&j->piece);
    cond_signal(&j->cond);
    bool done = j->ended && !j->posted;
    mutex_unlock(&j->lock);
    if (write(j->stop_fd, &one, sizeof one) < 0)
        check(errno == EAGAIN);
    if (done)
        end(j);
}

/* -- the thread's side -- */

static void post(struct log_job *j) {
    if (j->posted)
        return;
    j->posted = true;
    if (loop_post(j->loop, &j->msg) < 0)
        j->r = NULL; /* the server ends */
}

static int on_text(void *arg, enum log_stream stream, struct str text) {
    struct log_job *j = arg;
    (void)stream;
    _cleanup_unlock struct mutex *held = mutex_hold(&j->lock);
    while (j->r && j->piece.n >= PIECE_BYTES)
        cond_wait(&j->cond, &j->lock);
    if (!j->r)
        return ERR_CANCELLED;
    buf_str(&j->piece, text);
    post(j);
    return 0;
}

/* As long as the container runs, or will run again under this log. */
static bool goes_on(void *arg) {
    struct log_job *j = arg;
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct pod_view *v = NULL;
    if (pod_cache_view(j->k->cache, j->uid, &a, &v, NULL) < 0)
        return true;
    const struct container_view *c = pod_view_container(v, j->container);
    return c && (c->state == CONTAINER_RUNNING || c->state == CONTAINER_CREATED);
}

/* There is no run of the container to read of: why. */
static int no_run(struct log_job *j) {
    struct str c = j->container, p = j->pod;
    if (j->previous)
        return err_set(&j->err, ERR_INVALID,
                       "previous terminated container \"%.*s\" in pod \"%.*s\" not found", STR_ARG(c),
                       STR_ARG(p));
    if (!j->waiting.n)
        return err_set(&j->err, ERR_INVALID, "container \"%.*s\" in pod \"%.*s\" has no log", STR_ARG(c),
                       STR_ARG(p));
    return err_set(&j->err, ERR_INVALID, "container \"%.*s\" in pod \"%.*s\" is waiting to start: %.*s",
                   STR_ARG(c), STR_ARG(p), STR_ARG(j->waiting));
}

/* The log of the container's present or previous run. */
static int find_log(struct log_job *j) {
    const struct pod_view *v = NULL;
    int rc = pod_cache_view(j->k->cache, j->uid, &j->arena, &v, &j->err);
    if (rc < 0)
        return rc;
    const struct container_view *c = pod_view_container(v, j->container);
    if (c && j->previous)
        c = pod_view_previous(v, c);
    if (!c)
        return no_run(j);
    j->path =
        arena_printf(&j->arena, "%.*s/%.*s/%u.log", STR_ARG(j->path), STR_ARG(j->container), c->attempt);
    return 0;
}

static void run(void *arg) {
    struct log_job *j = arg;
    int rc = find_log(j);
    j->query.write = on_text;
    j->query.arg = j;
    j->query.follow = j->wants_follow ? goes_on : NULL;
    j->query.stop_fd = j->stop_fd;
    if (rc == 0)
        rc = log_file_read(j->logs_dir, j->path, &j->query, &j->err);
    mutex_lock(&j->lock);
    j->rc = rc;
    j->ended = true;
    post(j);
    mutex_unlock(&j->lock);
}

/* -- the request -- */

static int64_t number(struct kreq *q, const char *name, int64_t absent) {
    struct str v = http_query(q->r, str_from(name));
    int64_t n;
    return v.n && str_to_i64(v, &n) ? n : absent;
}

static bool is_true(struct kreq *q, const char *name) {
    struct str v = http_query(q->r, str_from(name));
    return str_eq(v, S("true")) || str_eq(v, S("1"));
}

static struct log_query query_of(struct kreq *q) {
    struct log_query l = LOG_QUERY_ALL;
    struct str since = http_query(q->r, S("sinceTime")), stream = http_query(q->r, S("stream"));
    struct timestamp t;
    l.tail_lines = number(q, "tailLines", -1);
    l.limit_bytes = number(q, "limitBytes", -1);
    l.timestamps = is_true(q, "timestamps");
    int64_t seconds = number(q, "sinceSeconds", -1);
    if (seconds >= 0)
        l.since_ns = clock_wall_ns(q->s->k->clock) - seconds * 1000000000ll;
    else if (since.n && timestamp_parse(since, &t, NULL) == 0)
        l.since_ns = timestamp_to_ns(t);
    if (str_eq(stream, S("Stdout")))
        l.streams = LOG_STDOUT;
    else if (str_eq(stream, S("Stderr")))
        l.streams = LOG_STDERR;
    return l;
}

static struct str waiting_reason(const struct core_pod *p, struct str container) {
    const struct core_container_status_array *lists[] = {&p->status.container_statuses,
                                                         &p->status.init_container_statuses,
                                                         &p->status.ephemeral_container_statuses};
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (uint32_t i = 0; i < lists[l]->n; i++)
            if (str_eq(lists[l]->v[i].name, container))
                return lists[l]->v[i].state.waiting ? lists[l]->v[i].state.waiting->reason : STR_NONE;
    return S("ContainerCreating");
}

void serve_logs(struct kreq *q) {
    const struct object *pod = server_pod(q, q->path[1], q->path[2]);
    if (!pod)
        return;
    struct log_job *j = calloc(1, sizeof *j);
    if (!j)
        panic("out of memory");
    j->k = q->s->k;
    j->loop = http_request_loop(q->r);
    j->r = q->r;
    arena_init(&j->arena);
    j->logs_dir = arena_strz(&j->arena, j->k->o.pod_logs_dir);
    j->path = pod_log_dir(pod->body, &j->arena);
    j->path = arena_str(&j->arena, j->path);
    j->uid = arena_str(&j->arena, pod->meta->uid);
    j->pod = arena_str(&j->arena, pod->meta->name);
    j->container = arena_str(&j->arena, q->path[3]);
    j->waiting = arena_str(&j->arena, waiting_reason(pod->body, j->container));
    j->previous = is_true(q, "previous");
    j->wants_follow = is_true(q, "follow");
    j->query = query_of(q);
    j->msg.run = on_msg;
    mutex_init(&j->lock);
    cond_init(&j->cond);
    j->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    object_unref(pod);
    struct err err = ERR_INIT;
    http_set_user(q->r, j, on_gone);
    if (thread_start(&j->thread, &(struct thread_options){.name = "log"}, run, j, &err) == 0)
        return;
    job_free(j);
    server_text(q, 500, "%s\n", err.msg);
}
