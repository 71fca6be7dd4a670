/* logs: what containers wrote. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/thread.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "client/raw.h"
#include "codec/json.h"
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/flags_common.h"
#include "ctl/object.h"
#include "ctl/pods.h"

#define TAIL_OF_SELECTED                                                                                     \
    10 /* CONFORMS: lines of each container when a selector chooses and --tail is not given */

/* One container's log. */
struct source {
    struct ctl *c;
    struct str ns, pod, container;
    struct str prefix; /* "[pod/x/c] ", of every line; "": none */
    struct mutex *out; /* several sources write lines in turn */
    struct raw_stream *stream;
    struct buf line, refusal;
    int http_code;
    atomic_bool done;
    int code;
    struct err why;
};

struct logs {
    struct ctl *c;
    VEC(struct source) all;
    struct str query; /* what all have: "&follow=true&…" */
    struct mutex out;
};

static int usage(struct ctl *c, const char *text) {
    return ctl_error(c, "%s\nSee '%.*s -h' for help and examples", text, STR_ARG(c->path));
}

/* -- flags -- */

static int check_flags(struct ctl *c) {
    const struct opts *o = &c->opts;
    bool selected = opt_given(o, "selector");
    if (o->n_args == 0 && !selected && !opt_given(o, "filename"))
        return usage(c, "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a "
                        "required argument for the logs "
                        "command");
    if (o->n_args && selected)
        return usage(c, "only a selector (-l) or a POD name is allowed");
    if (opt_given(o, "since") && opt_given(o, "since-time"))
        return ctl_error(c, "at most one of `sinceTime` or `sinceSeconds` may be specified");
    if (opt_bool(o, "all-containers") && opt_given(o, "container"))
        return ctl_error(c, "--all-containers=true should not be specified with container name");
    if (opt_int(o, "limit-bytes") < 0)
        return ctl_error(c, "--limit-bytes must be greater than 0");
    if (opt_int(o, "tail") < -1)
        return ctl_error(c, "--tail must be greater than or equal to -1");
    if (opt_ns(o, "since") < 0)
        return ctl_error(c, "--since must be greater than 0");
    return 0;
}

static int make_query(struct logs *l, bool selected, struct problem *p) {
    struct ctl *c = l->c;
    const struct opts *o = &c->opts;
    _cleanup_buf struct buf q = BUF_INIT;
    int64_t tail = opt_int(o, "tail"), since = opt_ns(o, "since"), sec;
    int32_t nsec;
    if (selected && !opt_given(o, "tail"))
        tail = TAIL_OF_SELECTED;
    if (opt_bool(o, "follow"))
        buf_lit(&q, "&follow=true");
    if (opt_bool(o, "previous"))
        buf_lit(&q, "&previous=true");
    if (opt_bool(o, "timestamps"))
        buf_lit(&q, "&timestamps=true");
    if (tail >= 0)
        buf_printf(&q, "&tailLines=%lld", (long long)tail);
    if (opt_int(o, "limit-bytes") > 0)
        buf_printf(&q, "&limitBytes=%lld", (long long)opt_int(o, "limit-bytes"));
    if (since > 0)
        buf_printf(&q, "&sinceSeconds=%lld", (long long)((since + NS_PER_SEC - 1) / NS_PER_SEC));
    if (opt_given(o, "since-time")) {
        struct str time = opt_str(o, "since-time");
        if (!time_parse(time, TIME_NANO, &sec, &nsec))
            return problem_set(
                c, p,
                "parsing time \"%.*s\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"%.*s\" as \"2006\"",
                STR_ARG(time), STR_ARG(time));
        buf_lit(&q, "&sinceTime=");
        url_escape(&q, time);
    }
    if (opt_bool(o, "insecure-skip-tls-verify-backend"))
        buf_lit(&q, "&insecureSkipTLSVerifyBackend=true");
    l->query = buf_to_arena(&q, &c->arena);
    return 0;
}

/* -- which containers -- */

static void add(struct logs *l, const struct jval *pod, struct str ns, struct str container, bool prefixed) {
    struct ctl *c = l->c;
    struct source s = {.c = c, .ns = ns, .pod = object_name(pod), .container = container, .prefix = S("")};
    if (prefixed)
        s.prefix = arena_printf(&c->arena, "[pod/%.*s/%.*s] ", STR_ARG(s.pod), STR_ARG(container));
    vec_push_in(&c->arena, &l->all, s);
}

static int add_pod(struct logs *l, const struct jval *pod, struct str ns, struct problem *p) {
    static const char *const lists[] = {"spec.initContainers", "spec.containers", "spec.ephemeralContainers"};
    const struct opts *o = &l->c->opts;
    bool prefixed = opt_bool(o, "prefix");
    struct str container;
    if (opt_bool(o, "all-containers")) {
        for (size_t k = 0; k < 3; k++) {
            const struct jval *all = object_array(pod, lists[k]);
            for (uint32_t i = 0; all && i < all->n; i++)
                add(l, pod, ns, object_str(&all->items[i], "name"), prefixed);
        }
        return 0;
    }
    if (container_of_pod(l->c, pod, opt_str(o, "container"), false, &container, p)) {
        if (opt_given(o, "container")) /* CONFORMS: other words than exec's */
            return problem_set(l->c, p, "container %.*s is not valid for pod %.*s",
                               STR_ARG(opt_str(o, "container")), STR_ARG(object_name(pod)));
        return CTL_PROBLEM;
    }
    add(l, pod, ns, container, prefixed);
    return 0;
}

/* Pods of a selector, or of all pods that a workload has. */
static int add_all(struct logs *l, const struct jval *items, struct str ns, struct problem *p) {
    for (uint32_t i = 0; i < items->n; i++) {
        struct str its = object_namespace(&items->items[i]);
        if (add_pod(l, &items->items[i], its.n ? its : ns, p))
            return CTL_PROBLEM;
    }
    return 0;
}

static int add_selected(struct logs *l, struct problem *p) {
    struct ctl *c = l->c;
    struct jval items;
    struct list_options o = {.label_selector = opt_str(&c->opts, "selector"), .limit = 500};
    const struct resource *pods;
    if (resource_of_kind(c, S("v1"), S("Pod"), &pods, p) || object_list_all(c, pods, c->ns, &o, &items, p))
        return CTL_PROBLEM;
    if (items.n == 0)
        (void)fprintf(c->err, "No resources found in %.*s namespace.\n", STR_ARG(c->ns));
    return add_all(l, &items, c->ns, p);
}

/* CONFORMS: of a workload the first pod alone, unless --all-pods; which one is said. */
static int add_named(struct logs *l, struct problem *p) {
    struct ctl *c = l->c;
    const struct opts *o = &c->opts;
    struct target t;
    size_t found;
    struct str what = o->n_args ? o->args[0] : S("");
    if (opt_bool(o, "all-pods") && str_find_byte(what, '/') >= 0) {
        struct targets all = {0};
        struct jval items;
        struct select s = {.args = &what, .n_args = 1, .fetch = true};
        if (ctl_select(c, &s, &all, p))
            return CTL_PROBLEM;
        if (all.n == 0)
            return problem_say(c, p, "%s", "");
        return pods_of(c, &all.v[0], &items, p) || add_all(l, &items, all.v[0].ns, p) ? CTL_PROBLEM : 0;
    }
    if (pod_of(c, what, opt_ns(o, "pod-running-timeout"), &t, &found, p)) {
        if (problem_not_found(p) && str_find_byte(what, '/') < 0)
            return problem_set(c, p, "error from server (NotFound): %.*s in namespace \"%.*s\"",
                               STR_ARG(p->message), STR_ARG(c->ns));
        return CTL_PROBLEM;
    }
    if (found > 1)
        (void)fprintf(c->err, "Found %zu pods, using pod/%.*s\n", found, STR_ARG(t.name));
    return add_pod(l, &t.object, t.ns, p);
}

/* -- following -- */

static void write_line(struct source *s, struct str line) {
    FILE *out = s->c->out;
    (void)fwrite(s->prefix.p, 1, s->prefix.n, out);
    (void)fwrite(line.p, 1, line.n, out);
}

static int on_data(void *arg, struct str bytes) {
    struct source *s = arg;
    if (s->http_code >= 400) {
        buf_str(&s->refusal, bytes);
        return 0;
    }
    mutex_lock(s->out);
    if (!s->prefix.n) {
        (void)fwrite(bytes.p, 1, bytes.n, s->c->out);
    } else { /* whole lines only */
        ptrdiff_t at;
        buf_str(&s->line, bytes);
        while ((at = str_find_byte(buf_view(&s->line), '\n')) >= 0) {
            write_line(s, str_cut(buf_view(&s->line), (size_t)at + 1));
            s->line.n -= (size_t)at + 1;
            memmove(s->line.p, s->line.p + at + 1, s->line.n);
        }
    }
    (void)fflush(s->c->out);
    mutex_unlock(s->out);
    return 0;
}

static void on_head(void *arg, int http_code, struct str type) {
    struct source *s = arg;
    (void)type;
    s->http_code = http_code;
}

static void on_done(void *arg, int code, const struct err *err) {
    struct source *s = arg;
    mutex_lock(s->out);
    if (s->line.n)
        write_line(s, buf_view(&s->line));
    mutex_unlock(s->out);
    s->code = code;
    if (err)
        s->why = *err;
    atomic_store(&s->done, true);
}

static struct str path_of(struct logs *l, const struct source *s) {
    struct ctl *c = l->c;
    _cleanup_buf struct buf path = BUF_INIT;
    const struct resource *pods = resource_get(c, S(""), S(""), S("pods"));
    buf_str(&path, resource_path(c, pods, s->ns, s->pod, S("log")));
    buf_lit(&path, "?container=");
    url_escape(&path, s->container);
    buf_str(&path, l->query);
    return buf_to_arena(&path, &c->arena);
}

static struct raw_call call_of(struct logs *l, const struct source *s) {
    return (struct raw_call){.method = "GET", .path = path_of(l, s), .timeout_ms = RAW_FOREVER};
}

static struct raw_sink sink_of(struct source *s) {
    return (struct raw_sink){.on_head = on_head, .on_data = on_data, .on_done = on_done, .arg = s};
}

/* What went wrong with one of them. False: nothing did. */
static bool failed(struct source *s, struct problem *p) {
    struct ctl *c = s->c;
    struct jval status;
    if (s->http_code >= 400) {
        struct str text = buf_to_arena(&s->refusal, &c->arena);
        if (json_parse(&c->arena, text, NULL, NULL, &status, NULL) == 0 && status.kind == J_OBJECT)
            (void)problem_of_status(c, p, s->http_code, &status);
        else
            (void)problem_of_code(c, p, s->http_code, S("get pods"));
        return true;
    }
    if (s->code == 0)
        return false;
    (void)problem_of_connection(c, p, &s->why);
    return true;
}

/* One after the other. */
static int print_each(struct logs *l) {
    struct ctl *c = l->c;
    bool go_on = opt_bool(&c->opts, "ignore-errors");
    vec_foreach (s, &l->all) {
        struct problem p;
        struct raw_call call = call_of(l, s);
        struct raw_sink sink = sink_of(s);
        struct err err = ERR_INIT;
        int code = client_raw_stream(c->client, &call, &sink, &err);
        if (code && !s->code) {
            s->code = code;
            s->why = err;
        }
        if (!failed(s, &p))
            continue;
        if (!go_on)
            return ctl_fail(c, &p);
        (void)fprintf(c->err, "error: %.*s\n", STR_ARG(p.message));
    }
    return c->status;
}

/* All at once, each line with its prefix. */
static int follow_all(struct logs *l) {
    struct ctl *c = l->c;
    size_t most = (size_t)opt_int(&c->opts, "max-log-requests");
    struct problem p;
    if (l->all.n > most)
        return ctl_error(
            c,
            "you are attempting to follow %zu log streams, but maximum allowed concurrency is %zu, use "
            "--max-log-requests to increase the limit",
            l->all.n, most);
    vec_foreach (s, &l->all) {
        struct raw_call call = call_of(l, s);
        struct raw_sink sink = sink_of(s);
        struct err err = ERR_INIT;
        if (client_raw_start(c->client, &call, &sink, &s->stream, &err) < 0) {
            s->code = err.code;
            s->why = err;
            atomic_store(&s->done, true);
        }
    }
    vec_foreach (s, &l->all) {
        while (!atomic_load(&s->done))
            clock_sleep_ns(clock_system(), 20 * NS_PER_MS);
        raw_stream_free(s->stream);
        if (failed(s, &p))
            (void)ctl_fail(c, &p);
    }
    return c->status;
}

static int run(struct ctl *c) {
    struct logs l = {.c = c};
    struct problem p;
    bool selected = opt_given(&c->opts, "selector");
    if (check_flags(c))
        return 1;
    if (make_query(&l, selected, &p) || ctl_connect(c, &p) ||
        (selected ? add_selected(&l, &p) : add_named(&l, &p)))
        return ctl_fail(c, &p);
    mutex_init(&l.out);
    vec_foreach (s, &l.all) {
        s->out = &l.out;
        s->line = s->refusal = (struct buf)BUF_INIT;
        s->refusal.limit = (size_t)1 << 20;
    }
    int status = opt_bool(&c->opts, "follow") && l.all.n > 1 ? follow_all(&l) : print_each(&l);
    vec_foreach (s, &l.all) {
        buf_fini(&s->line);
        buf_fini(&s->refusal);
    }
    mutex_fini(&l.out);
    return status;
}

static const struct opt_row flags[] = {
    {"all-containers", 0, OPT_BOOL, .help = "All containers of the pod."},
    {"all-pods", 0, OPT_BOOL, .help = "All pods of the workload, with --prefix."},
    {"container", 'c', OPT_STRING, .help = "Which container; the pod's default one when it is not said."},
    {"follow", 'f', OPT_BOOL, .help = "Go on with what is written from now on."},
    {"ignore-errors", 0, OPT_BOOL, .help = "Go on with other containers when one fails."},
    {"insecure-skip-tls-verify-backend", 0, OPT_BOOL, .help = "Do not check the certificate of the kubelet."},
    {"limit-bytes", 0, OPT_INT, .help = "At most so many bytes; 0 is no limit."},
    {"max-log-requests", 0, OPT_INT, "5", .help = "How many containers may be followed at once."},
    {"pod-running-timeout", 0, OPT_DURATION, "20s", .help = "How long to wait for a pod."},
    {"prefix", 0, OPT_BOOL, .help = "Say of each line which pod and container wrote it."},
    {"previous", 'p', OPT_BOOL, .help = "Of the container's life before this one."},
    FLAG_SELECTOR,
    FLAGS_FILES("A file that says which pod."),
    {"since", 0, OPT_DURATION, "0s", .help = "Only what was written since then: 5s, 2m, 3h."},
    {"since-time", 0, OPT_STRING, .help = "Only what was written since a time (RFC 3339)."},
    {"tail", 0, OPT_INT, "-1",
     .help = "How many of the last lines; -1 is all, or 10 of each with a selector."},
    {"timestamps", 0, OPT_BOOL, .help = "Say of each line when it was written."},
    {0},
};

const struct command command_logs = {
    .name = "logs",
    .args = "[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]",
    .brief = "Print the logs for a container in a pod",
    .examples = "  # Follow a pod\n"
                "  kubectl logs -f web-0\n"
                "  \n"
                "  # Ten lines of each pod with a label\n"
                "  kubectl logs -l app=web --prefix\n",
    .flags = flags,
    .run = run,
};
