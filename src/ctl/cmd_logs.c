/* logs: what containers wrote.
 *
 * One stream after the other, or with --follow all at once: then they come on the client's thread, which
 * prints whole lines, and the first that fails ends all. */
#include "base/chan.h"
#include "base/timefmt.h"
#include "client/client.h"
#include "client/raw.h"
#include "codec/json.h"
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/flags_common.h"
#include "ctl/object.h"
#include "ctl/pods.h"

#define REFUSAL_MAX ((size_t)64 << 10)
#define LINE_MAX_BYTES ((size_t)1 << 20) /* a longer one is printed in pieces */
#define USAGE                                                                                                \
    "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\n"                                          \
    "POD or TYPE/NAME is a required argument for the logs command"

struct log_stream {
    struct logs *logs;
    struct str pod, container, path;
    struct str prefix; /* of lines; "": none */
    struct raw_stream *raw;
    struct buf rest; /* of the transport's thread: an unfinished line, or a refusal */
    int http_code;
    bool broken; /* standard output takes no more */
    int code;
    struct err err;
};

struct logs {
    struct ctl *c;
    struct str container; /* "": the default one */
    bool all_containers, all_pods, prefix, follow, ignore_errors;
    int64_t tail; /* < 0: all */
    struct log_stream **v;
    size_t n, cap;
    struct chan done; /* struct log_stream * */
};

/* -- a stream -- */

static int put_out(struct log_stream *s, struct str text) {
    FILE *out = s->logs->c->out;
    if (fwrite(text.p, 1, text.n, out) != text.n || fflush(out))
        s->broken = true;
    return s->broken ? -1 : 0;
}

static int put_line(struct log_stream *s) {
    int rc = s->rest.n ? put_out(s, buf_view(&s->rest)) : 0;
    buf_clear(&s->rest);
    return rc;
}

/* Whole lines, each with its prefix, in one piece. */
static int put_lines(struct log_stream *s, struct str bytes) {
    struct str line;
    while (bytes.n) {
        ptrdiff_t at = str_find_byte(bytes, '\n');
        size_t n = at < 0 ? bytes.n : (size_t)at + 1;
        line = str_cut(bytes, n);
        bytes = str_from_byte(bytes, n);
        if (s->rest.n == 0)
            buf_str(&s->rest, s->prefix);
        buf_str(&s->rest, line);
        if ((at >= 0 || s->rest.n > LINE_MAX_BYTES) && put_line(s))
            return -1;
    }
    return 0;
}

static void on_head(void *arg, int http_code, struct str content_type) {
    (void)content_type;
    ((struct log_stream *)arg)->http_code = http_code;
}

static int on_data(void *arg, struct str bytes) {
    struct log_stream *s = arg;
    if (s->http_code >= 400) {
        buf_str(&s->rest, str_cut(bytes, REFUSAL_MAX - s->rest.n));
        return 0;
    }
    return s->prefix.n || s->logs->n > 1 ? put_lines(s, bytes) : put_out(s, bytes);
}

static void on_done(void *arg, int code, const struct err *err) {
    struct log_stream *s = arg;
    s->code = code;
    if (code && err)
        s->err = *err;
    if (s->http_code < 400)
        (void)put_line(s);
    (void)chan_send(&s->logs->done, &s);
}

static int start(struct log_stream *s, struct problem *p) {
    struct ctl *c = s->logs->c;
    struct err err = ERR_INIT;
    struct str accept = S("Accept: */*");
    struct raw_call call = {.path = s->path, .headers = &accept, .n_headers = 1, .timeout_ms = RAW_FOREVER};
    struct raw_sink sink = {on_head, on_data, on_done, s};
    if (client_raw_start(c->client, &call, &sink, &s->raw, &err))
        return problem_of_err(c, p, &err);
    return 0;
}

/* Why it did not end well; 0 when it did. */
static int outcome(struct log_stream *s, struct problem *p) {
    struct ctl *c = s->logs->c;
    struct jval status;
    struct err err = ERR_INIT;
    if (s->http_code >= 400) {
        struct str text = buf_to_arena(&s->rest, &c->arena);
        if (json_parse(&c->arena, text, NULL, NULL, &status, &err) == 0 &&
            str_eq(object_kind(&status), S("Status")))
            return problem_of_status(c, p, s->http_code, &status);
        return problem_of_code(c, p, s->http_code, S(""));
    }
    if (s->broken)
        return problem_set(c, p, "write /dev/stdout: broken pipe");
    return s->code ? problem_of_connection(c, p, &s->err) : 0;
}

static int finished(struct logs *l, struct log_stream *s, struct problem *p) {
    if (outcome(s, p) == 0)
        return 0;
    if (!l->ignore_errors || s->broken)
        return CTL_PROBLEM;
    struct str text = p->text, prefix = S("error: ");
    if (str_has_prefix(text, prefix))
        text = str_from_byte(text, prefix.n);
    else if (p->http_code)
        text = p->message;
    ctl_say(l->c, "error: %.*s\n", STR_ARG(text));
    return 0;
}

static int all_at_once(struct logs *l, struct problem *p) {
    int rc = 0;
    size_t open = 0;
    struct log_stream *s;
    for (; rc == 0 && open < l->n; open++)
        rc = start(l->v[open], p);
    for (size_t i = 0; rc == 0 && i < open; i++) {
        check(chan_recv(&l->done, &s) == 0);
        rc = finished(l, s, p);
    }
    return rc;
}

static int one_by_one(struct logs *l, struct problem *p) {
    struct log_stream *s;
    for (size_t i = 0; i < l->n; i++) {
        if (start(l->v[i], p))
            return CTL_PROBLEM;
        check(chan_recv(&l->done, &s) == 0);
        if (finished(l, s, p))
            return CTL_PROBLEM;
    }
    return 0;
}

/* -- which streams -- */

static void add_number(struct ctl *c, struct buf *path, const char *name, int64_t v) {
    query_add(path, name, arena_printf(&c->arena, "%lld", (long long)v));
}

static struct str log_path(struct logs *l, struct str ns, struct str pod, struct str container) {
    struct ctl *c = l->c;
    const struct opts *o = &c->opts;
    const struct resource *pods = resource_get(c, S(""), S("v1"), S("pods"));
    check(pods != NULL);
    _cleanup_buf struct buf path = BUF_INIT;
    buf_str(&path, resource_path(c, pods, ns, pod, S("log")));
    query_add(&path, "container", container);
    query_add(&path, "follow", l->follow ? S("true") : S(""));
    query_add(&path, "previous", opt_bool(o, "previous") ? S("true") : S(""));
    query_add(&path, "timestamps", opt_bool(o, "timestamps") ? S("true") : S(""));
    query_add(&path, "insecureSkipTLSVerifyBackend",
              opt_bool(o, "insecure-skip-tls-verify-backend") ? S("true") : S(""));
    query_add(&path, "sinceTime", opt_str(o, "since-time"));
    if (opt_ns(o, "since"))
        add_number(c, &path, "sinceSeconds", (opt_ns(o, "since") + NS_PER_SEC / 2) / NS_PER_SEC);
    if (l->tail >= 0)
        add_number(c, &path, "tailLines", l->tail);
    if (opt_int(o, "limit-bytes"))
        add_number(c, &path, "limitBytes", opt_int(o, "limit-bytes"));
    return buf_to_arena(&path, &c->arena);
}

static void add_stream(struct logs *l, const struct jval *pod, struct str container) {
    struct ctl *c = l->c;
    struct log_stream *s = arena_new(&c->arena, struct log_stream);
    *s = (struct log_stream){.logs = l, .pod = object_name(pod), .container = container};
    s->path = log_path(l, object_namespace(pod), s->pod, container);
    if (l->prefix)
        s->prefix = arena_printf(&c->arena, "[pod/%.*s/%.*s] ", STR_ARG(s->pod), STR_ARG(container));
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 8;
        struct log_stream **v = arena_new_n(&c->arena, cap, struct log_stream *);
        for (size_t i = 0; i < l->n; i++)
            v[i] = l->v[i];
        l->v = v;
        l->cap = cap;
    }
    l->v[l->n++] = s;
}

/* CONFORMS: in other words than exec's. */
static int choose_container(struct logs *l, const struct jval *pod, struct str *ret, struct problem *p) {
    struct str marked = object_annotation(pod, S("kubectl.kubernetes.io/default-container"));
    if (l->container.n && !has_container(pod, l->container))
        return problem_set(l->c, p, "container %.*s is not valid for pod %.*s", STR_ARG(l->container),
                           STR_ARG(object_name(pod)));
    if (!l->container.n && marked.n && !has_container(pod, marked))
        (void)fprintf(l->c->err, "Default container name \"%.*s\" not found in pod %.*s\n", STR_ARG(marked),
                      STR_ARG(object_name(pod)));
    return container_of_pod(l->c, pod, l->container, l->all_pods, ret, p);
}

static int add_pod(struct logs *l, const struct jval *pod, struct problem *p) {
    static const char *const paths[] = {"spec.initContainers", "spec.containers", "spec.ephemeralContainers"};
    struct str container;
    if (!l->all_containers) {
        if (choose_container(l, pod, &container, p))
            return CTL_PROBLEM;
        add_stream(l, pod, container);
        return 0;
    }
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const struct jval *all = object_array(pod, paths[i]);
        for (uint32_t k = 0; all && k < all->n; k++)
            add_stream(l, pod, jval_get_str(&all->items[k], S("name")));
    }
    return 0;
}

static int add_pods(struct logs *l, const struct jval *items, struct problem *p) {
    for (uint32_t i = 0; i < items->n; i++)
        if (add_pod(l, &items->items[i], p))
            return CTL_PROBLEM;
    return 0;
}

static int add_selected(struct logs *l, struct str selector, struct problem *p) {
    struct ctl *c = l->c;
    struct jval items;
    struct list_options o = {.label_selector = selector, .limit = 500};
    const struct resource *pods;
    if (resource_of_kind(c, S("v1"), S("Pod"), &pods, p) || object_list_all(c, pods, c->ns, &o, &items, p))
        return CTL_PROBLEM;
    if (items.n == 0)
        (void)fprintf(c->err, "No resources found in %.*s namespace.\n", STR_ARG(c->ns));
    return add_pods(l, &items, p);
}

/* CONFORMS: of a workload the best pod alone, unless --all-pods; which one is said. */
static int find_named(struct logs *l, struct str name, struct jval *ret_pods, struct problem *p) {
    struct ctl *c = l->c;
    struct target t;
    size_t found;
    if (l->all_pods) {
        if (object_of(c, name, &t, p))
            return CTL_PROBLEM;
        if (!str_eq(object_kind(&t.object), S("Pod")))
            return pods_of(c, &t, true, ret_pods, p);
    } else {
        struct pod_wish wish = {.timeout_ns = opt_ns(&c->opts, "pod-running-timeout"), .for_logs = true};
        if (pod_of(c, name, &wish, &t, &found, p))
            return CTL_PROBLEM;
        if (found > 1)
            (void)fprintf(c->err, "Found %zu pods, using pod/%.*s\n", found, STR_ARG(t.name));
    }
    struct jval *one = arena_new(&c->arena, struct jval);
    *one = t.object;
    *ret_pods = jval_array(one, 1);
    return 0;
}

static int add_named(struct logs *l, struct str name, struct problem *p) {
    struct jval pods;
    if (find_named(l, name, &pods, p)) {
        struct str message = p->message;
        return problem_not_found(p)
                   ? problem_set(l->c, p, "error from server (NotFound): %.*s in namespace \"%.*s\"",
                                 STR_ARG(message), STR_ARG(l->c->ns))
                   : CTL_PROBLEM;
    }
    return add_pods(l, &pods, p);
}

/* -- the command -- */

static int check_flags(struct logs *l, struct problem *p) {
    struct ctl *c = l->c;
    const struct opts *o = &c->opts;
    struct str time = opt_str(o, "since-time");
    int64_t sec;
    int32_t nsec;
    if (time.n && !time_parse(time, TIME_SECONDS, &sec, &nsec))
        return problem_set(c, p,
                           "parsing time \"%.*s\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"%.*s\" as "
                           "\"2006\"",
                           STR_ARG(time), STR_ARG(time));
    if (time.n && opt_ns(o, "since"))
        return problem_set(c, p, "at most one of `sinceTime` or `sinceSeconds` may be specified");
    if (l->all_containers && l->container.n)
        return problem_set(c, p, "--all-containers=true should not be specified with container name %.*s",
                           STR_ARG(l->container));
    if (opt_given(o, "container") && o->n_args == 2)
        return problem_set(c, p, "only one of -c or an inline [CONTAINER] arg is allowed");
    if (opt_int(o, "limit-bytes") < 0)
        return problem_set(c, p, "--limit-bytes must be greater than 0");
    if (opt_ns(o, "since") < 0)
        return problem_set(c, p, "--since must be greater than 0");
    if (opt_int(o, "tail") < -1)
        return problem_set(c, p, "--tail must be greater than or equal to -1");
    return 0;
}

static int follow_or_read(struct logs *l, struct problem *p) {
    int64_t most = opt_int(&l->c->opts, "max-log-requests");
    if (!l->follow || l->n <= 1)
        return one_by_one(l, p);
    if ((int64_t)l->n > most)
        return problem_set(l->c, p,
                           "you are attempting to follow %zu log streams, but maximum allowed concurrency is "
                           "%lld, use --max-log-requests to increase the limit",
                           l->n, (long long)most);
    return all_at_once(l, p);
}

static int print_logs(struct logs *l, struct problem *p) {
    chan_init(&l->done, sizeof(struct log_stream *), l->n + 1);
    int rc = follow_or_read(l, p);
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i]->raw)
            raw_stream_free(l->v[i]->raw);
    for (size_t i = 0; i < l->n; i++)
        buf_fini(&l->v[i]->rest);
    chan_fini(&l->done);
    return rc;
}

static int run(struct ctl *c) {
    const struct opts *o = &c->opts;
    struct problem p;
    struct str selector = opt_str(o, "selector");
    if ((o->n_args == 0 && !selector.n) || o->n_args > 2)
        return ctl_usage_error(c, "%s", USAGE);
    if (o->n_args == 1 && selector.n)
        return ctl_usage_error(c, "only a selector (-l) or a POD name is allowed");
    struct logs l = {
        .c = c,
        .container = o->n_args == 2 ? o->args[1] : opt_str(o, "container"),
        .all_containers = opt_bool(o, "all-containers"),
        .all_pods = opt_bool(o, "all-pods"),
        .prefix = opt_bool(o, "prefix") || opt_bool(o, "all-pods"),
        .follow = opt_bool(o, "follow"),
        .ignore_errors = opt_bool(o, "ignore-errors"),
        .tail = selector.n && !opt_given(o, "tail") ? 10 : opt_int(o, "tail"),
    };
    if (ctl_connect(c, &p) || (selector.n ? add_selected(&l, selector, &p) : 0) ||
        (o->n_args && add_named(&l, o->args[0], &p)) || check_flags(&l, &p) || print_logs(&l, &p))
        return ctl_fail(c, &p);
    return c->status;
}

static const struct opt_row flags[] = {
    {"all-containers", 0, OPT_BOOL, .help = "Of all containers of the pod."},
    {"all-pods", 0, OPT_BOOL, .help = "Of all pods of the object, with --prefix."},
    {"container", 'c', OPT_STRING, .help = "Which container."},
    {"follow", 'f', OPT_BOOL, .help = "Go on printing what comes."},
    {"ignore-errors", 0, OPT_BOOL, .help = "Go on with the other streams when one fails."},
    {"insecure-skip-tls-verify-backend", 0, OPT_BOOL,
     .help = "Do not check the certificate of the node's kubelet. Logs may then come from someone else."},
    {"limit-bytes", 0, OPT_INT, .help = "How many bytes at most; 0: all."},
    {"max-log-requests", 0, OPT_INT, "5", .help = "How many streams may be followed at once."},
    {"pod-running-timeout", 0, OPT_DURATION, "20s", .help = "How long to wait for a pod."},
    {"prefix", 0, OPT_BOOL, .help = "Say before each line which pod and container it is from."},
    {"previous", 'p', OPT_BOOL, .help = "Of the container's life before the present one."},
    FLAG_SELECTOR,
    {"since", 0, OPT_DURATION, "0s", .help = "Only what is newer than 5s, 2m, 3h; 0: all."},
    {"since-time", 0, OPT_STRING, .help = "Only what is newer than this time (RFC3339)."},
    {"tail", 0, OPT_INT, "-1", .help = "How many lines from the end; -1: all, but 10 with a selector."},
    {"timestamps", 0, OPT_BOOL, .help = "Say before each line when it was written."},
    {0},
};

const struct command command_logs = {
    .name = "logs",
    .args = "[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]",
    .brief = "Print the logs for a container in a pod",
    .about = "Prints what a container wrote. A pod with several containers has one that counts when none is "
             "named.",
    .examples = "  # The last 20 lines of a pod, and what follows\n"
                "  kubectl logs web-0 --tail=20 -f\n"
                "\n"
                "  # Of all pods of an application, with their names\n"
                "  kubectl logs -l app=web --prefix\n"
                "\n"
                "  # Of the container's life before it crashed\n"
                "  kubectl logs web-0 -c app --previous\n",
    .flags = flags,
    .run = run,
};
