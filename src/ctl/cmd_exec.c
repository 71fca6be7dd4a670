/* exec and attach: in a container, with our streams. */
#include "base/clock.h"
#include "base/timefmt.h"
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/delete.h"
#include "ctl/flags_common.h"
#include "ctl/object.h"
#include "ctl/pods.h"
#include "ctl/session.h"

static bool is_over(const struct jval *pod) {
    struct str phase = object_str(pod, "status.phase");
    return str_eq(phase, S("Succeeded")) || str_eq(phase, S("Failed"));
}

/* -t where we have no terminal is dropped. CONFORMS: so it is without -i, when nobody could type. */
static bool wants_tty(struct ctl *c) {
    if (!opt_bool(&c->opts, "tty") || !opt_bool(&c->opts, "stdin"))
        return false;
    if (stream_is_terminal(c->in))
        return true;
    if (!opt_bool(&c->opts, "quiet"))
        (void)fprintf(c->err, "Unable to use a TTY - input is not a terminal or the right kind of file\n");
    return false;
}

static void add_streams(struct buf *path, bool in, bool tty) {
    query_add(path, "stdin", in ? S("true") : S(""));
    query_add(path, "stdout", S("true"));
    query_add(path, "stderr", tty ? S("") : S("true"));
    query_add(path, "tty", tty ? S("true") : S(""));
}

/* -- exec -- */

static int exec_in(struct ctl *c, const struct target *t, struct str container, const struct str *command,
                   size_t n) {
    _cleanup_buf struct buf path = BUF_INIT;
    struct pod_streams s = {.in = opt_bool(&c->opts, "stdin")};
    s.tty = wants_tty(c);
    buf_str(&path, resource_path(c, t->resource, t->ns, t->name, S("exec")));
    query_add(&path, "container", container);
    for (size_t i = 0; i < n; i++) {
        buf_str(&path, str_find_byte(buf_view(&path), '?') < 0 ? S("?command=") : S("&command="));
        url_escape(&path, command[i]);
    }
    add_streams(&path, s.in, s.tty);
    s.path = buf_to_arena(&path, &c->arena);
    return pod_streams_run(c, &s);
}

static int run_exec(struct ctl *c) {
    const struct opts *o = &c->opts;
    struct target t;
    struct problem p;
    struct str container;
    bool file = opt_given(o, "filename");
    size_t first = file ? 0 : 1;
    if (!file && (o->n_args == 0 || o->n_before_dash == 0))
        return ctl_error(c, "pod, type/name or --filename must be specified");
    if (o->n_before_dash > first && o->n_args > 1 && !o->dash)
        return ctl_error(
            c,
            "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\n"
            "See '%.*s -h' for help and examples",
            STR_ARG(c->path));
    if (o->n_args <= first)
        return ctl_error(c, "you must specify at least one command for the container");
    if (ctl_connect(c, &p) ||
        pod_of(c, file ? S("") : o->args[0],
               &(struct pod_wish){.timeout_ns = opt_ns(&c->opts, "pod-running-timeout")}, &t, NULL, &p))
        return ctl_fail(c, &p);
    if (is_over(&t.object))
        return ctl_error(c, "cannot exec into a container in a completed pod; current phase is %.*s",
                         STR_ARG(object_str(&t.object, "status.phase")));
    if (container_of_pod(c, &t.object, opt_str(o, "container"), opt_bool(o, "quiet"), &container, &p)) {
        if (opt_given(o, "container")) /* as the server says it */
            (void)problem_say(c, &p,
                              "Error from server (BadRequest): container %.*s is not valid for pod %.*s",
                              STR_ARG(opt_str(o, "container")), STR_ARG(t.name));
        return ctl_fail(c, &p);
    }
    return exec_in(c, &t, container, o->args + first, o->n_args - first);
}

/* -- attach -- */

static const struct jval *container_named(const struct jval *pod, struct str name) {
    const struct jval *all = object_array(pod, "spec.containers");
    for (uint32_t i = 0; all && i < all->n; i++)
        if (str_eq(object_str(&all->items[i], "name"), name))
            return &all->items[i];
    return NULL;
}

static int attach_to(struct ctl *c, const struct target *t, struct str container) {
    _cleanup_buf struct buf path = BUF_INIT;
    struct pod_streams s = {.in = opt_bool(&c->opts, "stdin")};
    const struct jval *k = container_named(&t->object, container);
    s.tty = wants_tty(c);
    if (s.tty && k && !object_bool(k, "tty")) {
        s.tty = false;
        if (!opt_bool(&c->opts, "quiet"))
            (void)fprintf(c->err, "error: Unable to use a TTY - container %.*s did not allocate one\n",
                          STR_ARG(container));
    } else if (!s.tty && k && object_bool(k, "tty")) {
        s.tty = stream_is_terminal(c->in) && s.in;
    }
    if (s.in && !opt_bool(&c->opts, "quiet"))
        (void)fprintf(
            c->err, "All commands and output from this session will be recorded in container logs, including "
                    "credentials and sensitive information passed through the command prompt.\n"
                    "If you don't see a command prompt, try pressing enter.\n");
    buf_str(&path, resource_path(c, t->resource, t->ns, t->name, S("attach")));
    query_add(&path, "container", container);
    add_streams(&path, s.in, k && object_bool(k, "tty"));
    s.path = buf_to_arena(&path, &c->arena);
    return pod_streams_run(c, &s);
}

static int run_attach(struct ctl *c) {
    const struct opts *o = &c->opts;
    struct target t;
    struct problem p;
    struct str container;
    if (o->n_args == 0 && !opt_given(o, "filename"))
        return ctl_error(c, "at least 1 argument is required for attach");
    if (o->n_args > 2)
        return ctl_error(c, "expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw %zu: [%.*s]",
                         o->n_args, STR_ARG(arena_join(&c->arena, o->args, o->n_args, S(" "))));
    struct str what = o->n_args == 2
                          ? arena_printf(&c->arena, "%.*s/%.*s", STR_ARG(o->args[0]), STR_ARG(o->args[1]))
                      : o->n_args ? o->args[0]
                                  : S("");
    if (ctl_connect(c, &p) ||
        pod_of(c, what, &(struct pod_wish){.timeout_ns = opt_ns(&c->opts, "pod-running-timeout")}, &t, NULL,
               &p))
        return ctl_fail(c, &p);
    if (is_over(&t.object))
        return ctl_error(c, "cannot attach a container in a completed pod; current phase is %.*s",
                         STR_ARG(object_str(&t.object, "status.phase")));
    if (container_of_pod(c, &t.object, opt_str(o, "container"), opt_bool(o, "quiet"), &container, &p))
        return ctl_error(c, "cannot attach to the container: %.*s", STR_ARG(p.message));
    return attach_to(c, &t, container);
}

/* -- run -i -- */

static int runs_or_is_over(void *arg, const struct jval *pod, struct problem *p) {
    struct ctl *c = arg;
    if (!pod)
        return problem_set(c, p, "the pod has been deleted");
    const struct jval *all = object_array(pod, "status.containerStatuses");
    for (uint32_t i = 0; all && i < all->n; i++)
        if (jval_path(&all->items[i], "state.running") || jval_path(&all->items[i], "state.terminated"))
            return 1;
    return is_over(pod);
}

struct ending {
    struct ctl *c;
    int64_t code;
};

static int is_ended(void *arg, const struct jval *pod, struct problem *p) {
    struct ending *e = arg;
    if (!pod)
        return problem_set(e->c, p, "the pod has been deleted");
    const struct jval *all = object_array(pod, "status.containerStatuses");
    if (all && all->n)
        e->code = object_int(&all->items[0], "state.terminated.exitCode", 0);
    return is_over(pod);
}

static void print_log(struct ctl *c, const struct target *t) {
    struct problem p;
    struct answer a;
    struct request r = {.path = resource_path(c, t->resource, t->ns, t->name, S("log"))};
    if (ctl_call(c, &r, &a, &p) == 0)
        ctl_put(c, a.body);
}

static int follow(struct ctl *c, struct target *t) {
    struct problem p;
    struct str container;
    struct ending e = {.c = c};
    bool met;
    if (wait_until(c, t->resource, t->ns, t->name, opt_ns(&c->opts, "pod-running-timeout"), runs_or_is_over,
                   c, &met, &p))
        return ctl_fail(c, &p);
    if (!met)
        return ctl_error(c, "timed out waiting for the condition");
    if (target_fetch(c, t, &p) || container_of_pod(c, &t->object, S(""), true, &container, &p))
        return ctl_fail(c, &p);
    if (is_over(&t->object)) /* too late to attach: what it wrote is in its log */
        print_log(c, t);
    else if (attach_to(c, t, container))
        return c->status ? c->status : 1;
    if (!str_eq(opt_str(&c->opts, "restart"), S("Never")) || opt_bool(&c->opts, "leave-stdin-open"))
        return c->status;
    if (wait_until(c, t->resource, t->ns, t->name, -1, is_ended, &e, &met, &p))
        return ctl_fail(c, &p);
    if (e.code)
        (void)fprintf(c->err, "pod %.*s/%.*s terminated (Error)\n", STR_ARG(t->ns), STR_ARG(t->name));
    return (int)e.code;
}

int run_attached(struct ctl *c, const struct jval *pod) {
    struct problem p;
    struct target t = {.ns = object_namespace(pod), .name = object_name(pod), .object = *pod};
    if (resource_of_kind(c, S("v1"), S("Pod"), &t.resource, &p))
        return ctl_fail(c, &p);
    int status = follow(c, &t);
    if (!opt_bool(&c->opts, "rm"))
        return status;
    struct delete_options o = {.grace_seconds = -1};
    if (object_delete(c, t.resource, t.ns, t.name, &o, NULL, &p) && !problem_not_found(&p))
        return ctl_fail(c, &p);
    if (!opt_bool(&c->opts, "quiet"))
        ctl_say(c, "pod \"%.*s\" deleted from %.*s namespace\n", STR_ARG(t.name), STR_ARG(t.ns));
    return status;
}

/* -- rows -- */

#define FLAGS_STREAMS                                                                                        \
    {"container", 'c', OPT_STRING, .help = "Which container; the pod's default one when it is not said."},   \
        {"pod-running-timeout", 0, OPT_DURATION, "1m0s", .help = "How long to wait for a pod."},             \
        {"quiet", 'q', OPT_BOOL, .help = "Say nothing of our own."},                                         \
        {"stdin", 'i', OPT_BOOL, .help = "Send our standard input."}, {                                      \
        "tty", 't', OPT_BOOL, .help = "Standard input is a terminal."                                        \
    }

static const struct opt_row exec_flags[] = {FLAGS_STREAMS, FLAGS_FILES("A file that says which pod."), {0}};
const struct command command_exec = {
    .name = "exec",
    .args = "(POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]",
    .brief = "Execute a command in a container",
    .examples = "  # The date, as the container sees it\n"
                "  kubectl exec web-0 -- date\n"
                "  \n"
                "  # A shell in the first pod of a deployment\n"
                "  kubectl exec -it deploy/web -- sh\n",
    .flags = exec_flags,
    .run = run_exec,
};

static const struct opt_row attach_flags[] = {FLAGS_STREAMS, FLAGS_FILES("A file that says which pod."), {0}};
const struct command command_attach = {
    .name = "attach",
    .args = "(POD | TYPE/NAME) -c CONTAINER",
    .brief = "Attach to a running container",
    .about = "Shows what a container writes from now on and, with -i, sends it our standard input.",
    .examples = "  # What web-0 writes\n"
                "  kubectl attach web-0\n",
    .flags = attach_flags,
    .run = run_attach,
};
