/* Exec through the runtime, HTTP through libcurl, TCP by connecting, gRPC in probe_grpc.c. */
#include "kubelet/probe_run.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "api/types/core.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "kubelet/probe_priv.h"
#include "runtime/runtime.h"

uint16_t probe_port(const struct core_container *c, const struct int_or_string *port) {
    if (!port->is_str)
        return port->i > 0 && port->i < 65536 ? (uint16_t)port->i : 0;
    for (uint32_t i = 0; c && i < c->ports.n; i++)
        if (str_eq(c->ports.v[i].name, port->s))
            return (uint16_t)c->ports.v[i].container_port;
    int64_t number;
    return str_to_i64(port->s, &number) && number > 0 && number < 65536 ? (uint16_t)number : 0;
}

static int64_t timeout_ms(const struct core_probe *p) {
    return 1000 * (int64_t)(p->timeout_seconds > 0 ? p->timeout_seconds : 1);
}

/* -- exec -- */

static enum probe_result run_exec(const struct probe_target *t, const struct core_probe *p, struct arena *a,
                                  struct str *ret_output) {
    const struct cri_exec_sync_response *answer = NULL;
    struct cri_exec_sync_request request = {
        .container_id = t->container_id, .cmd = p->handler.exec->command, .timeout = timeout_ms(p) / 1000};
    struct runtime_call call = {.arena = a, .timeout_ms = timeout_ms(p) + 2000};
    struct err err = ERR_INIT;
    int rc = runtime_exec_sync(t->runtime, &call, &request, &answer, &err);
    if (rc == ERR_TIMEOUT || (rc < 0 && str_find(str_from(err.msg), S("timed out")) >= 0)) {
        *ret_output = arena_printf(a, "command timed out after %ds", p->timeout_seconds);
        return PROBE_FAILURE;
    }
    if (rc < 0) {
        *ret_output = arena_printf(a, "%s", err.msg);
        return PROBE_UNKNOWN;
    }
    struct str both[] = {answer->stdout, answer->stderr};
    *ret_output = str_cut(arena_join(a, both, 2, STR_NONE), PROBE_OUTPUT_MAX);
    return answer->exit_code == 0 ? PROBE_SUCCESS : PROBE_FAILURE;
}

/* -- HTTP -- */

/* libcurl wants to know how much was taken: all of it, though only the first part is kept. */
static size_t keep_body(char *p, size_t size, size_t n, void *arg) {
    buf_put(arg, p, size * n);
    return size * n;
}

static struct str url_of(const struct core_http_get_action *g, const struct probe_target *t,
                         struct arena *a) {
    struct str host = g->host.n ? g->host : t->pod_ip;
    bool v6 = str_find_byte(host, ':') >= 0;
    bool tls = str_eq(g->scheme, S("HTTPS"));
    struct str slash = g->path.n && g->path.p[0] == '/' ? S("") : S("/");
    return arena_printf(a, "%s://%s%.*s%s:%u%.*s%.*s", tls ? "https" : "http", v6 ? "[" : "", STR_ARG(host),
                        v6 ? "]" : "", probe_port(t->container, &g->port), STR_ARG(slash), STR_ARG(g->path));
}

/* An empty value is said with a semicolon; CONFORMS: but it takes Accept and User-Agent away. */
static const char *header_line(const struct core_http_header *h, struct arena *a) {
    if (h->value.n)
        return arena_printf(a, "%.*s: %.*s", STR_ARG(h->name), STR_ARG(h->value)).p;
    bool away = str_eq_nocase(h->name, S("Accept")) || str_eq_nocase(h->name, S("User-Agent"));
    return arena_printf(a, "%.*s%s", STR_ARG(h->name), away ? ":" : ";").p;
}

static struct curl_slist *headers_of(const struct core_http_get_action *g, struct arena *a) {
    struct curl_slist *list = NULL;
    bool agent = false, accept = false;
    for (uint32_t i = 0; i < g->http_headers.n; i++) {
        const struct core_http_header *h = &g->http_headers.v[i];
        agent |= str_eq_nocase(h->name, S("User-Agent"));
        accept |= str_eq_nocase(h->name, S("Accept"));
        list = curl_slist_append(list, header_line(h, a));
    }
    if (!agent)
        list = curl_slist_append(list, "User-Agent: kube-probe/1.36");
    return accept ? list : curl_slist_append(list, "Accept: */*");
}

static CURL *http_handle(const char *url, struct curl_slist *headers, int64_t ms, struct buf *body,
                         char *problem) {
    CURL *c = curl_easy_init();
    if (!c)
        panic("out of memory");
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)ms);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L); /* CONFORMS: probes do not verify certificates */
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, problem);
    return c;
}

static bool same_host(struct str url, const char *next) {
    struct str n = str_from(next);
    ptrdiff_t start = str_find(url, S("://"));
    if (start < 0)
        return false;
    ptrdiff_t end = str_find_byte(str_from_byte(url, (size_t)start + 3), '/');
    size_t origin = end < 0 ? url.n : (size_t)start + 3 + (size_t)end;
    return str_has_prefix(n, str_cut(url, origin)) &&
           (n.n == origin || n.p[origin] == '/' || n.p[origin] == '?');
}

#define REDIRECTS_MAX 10

/* Follows redirects to the same host. *ret_status: of the last answer; 0: none, with *ret_problem. */
static long http_get(struct str url, struct curl_slist *headers, int64_t ms, struct arena *a,
                     struct str *ret_body, struct str *ret_problem) {
    char problem[CURL_ERROR_SIZE] = "";
    _cleanup_buf struct buf body = {.limit = PROBE_OUTPUT_MAX};
    CURL *c = http_handle(url.p, headers, ms, &body, problem);
    long status = 0;
    for (int hops = 0; hops <= REDIRECTS_MAX; hops++) {
        buf_clear(&body);
        CURLcode rc = curl_easy_perform(c);
        status = 0;
        if (rc) {
            *ret_problem = arena_printf(a, "%s", problem[0] ? problem : curl_easy_strerror(rc));
            break;
        }
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
        char *next = NULL;
        curl_easy_getinfo(c, CURLINFO_REDIRECT_URL, &next);
        if (status < 300 || status >= 400 || !next || !same_host(url, next))
            break;
        curl_easy_setopt(c, CURLOPT_URL, next);
    }
    *ret_body = buf_to_arena(&body, a);
    curl_easy_cleanup(c);
    return status;
}

static enum probe_result run_http(const struct probe_target *t, const struct core_probe *p, struct arena *a,
                                  struct str *ret_output) {
    const struct core_http_get_action *g = p->handler.http_get;
    if (!probe_port(t->container, &g->port)) {
        *ret_output = S("the probe names a port that the container does not have");
        return PROBE_UNKNOWN;
    }
    struct str url = url_of(g, t, a), body, problem = STR_NONE;
    struct curl_slist *headers = headers_of(g, a);
    long status = http_get(url, headers, timeout_ms(p), a, &body, &problem);
    curl_slist_free_all(headers);
    if (!status) {
        *ret_output = arena_printf(a, "Get \"%.*s\": %.*s", STR_ARG(url), STR_ARG(problem));
        return PROBE_FAILURE;
    }
    *ret_output = body;
    if (status >= 200 && status < 400)
        return PROBE_SUCCESS;
    *ret_output = arena_printf(a, "HTTP probe failed with statuscode: %ld", status);
    return PROBE_FAILURE;
}

int probe_http_get(const struct core_http_get_action *action, const struct probe_target *target, int64_t ms,
                   struct arena *a, struct err *err) {
    if (!probe_port(target->container, &action->port))
        return err_set(err, ERR_INVALID, "the hook names a port that the container does not have");
    struct str body, problem = STR_NONE;
    struct curl_slist *headers = headers_of(action, a);
    long status = http_get(url_of(action, target, a), headers, ms, a, &body, &problem);
    curl_slist_free_all(headers);
    if (!status)
        return err_set(err, ERR_IO, "%.*s", STR_ARG(problem));
    return status < 400 ? 0 : err_set(err, ERR_IO, "HTTP status %ld", status);
}

/* -- TCP -- */

static enum probe_result run_tcp(const struct probe_target *t, const struct core_probe *p, struct arena *a,
                                 struct str *ret_output) {
    const struct core_tcp_socket_action *s = p->handler.tcp_socket;
    uint16_t port = probe_port(t->container, &s->port);
    struct err err = ERR_INIT;
    if (!port) {
        *ret_output = S("the probe names a port that the container does not have");
        return PROBE_UNKNOWN;
    }
    int rc = probe_connect(s->host.n ? s->host : t->pod_ip, port, timeout_ms(p), NULL, &err);
    if (rc < 0)
        *ret_output = arena_printf(a, "%s", err.msg);
    return rc < 0 ? PROBE_FAILURE : PROBE_SUCCESS;
}

/* -- gRPC -- */

static enum probe_result run_grpc(const struct probe_target *t, const struct core_probe *p, struct arena *a,
                                  struct str *ret_output) {
    struct err err = ERR_INIT;
    int rc = probe_grpc_check(t->pod_ip, (uint16_t)p->handler.grpc->port, p->handler.grpc->service,
                              timeout_ms(p), &err);
    if (rc < 0)
        *ret_output = arena_printf(a, "%s", err.msg);
    return rc < 0 ? PROBE_FAILURE : PROBE_SUCCESS;
}

enum probe_result probe_run(const struct probe_target *target, const struct core_probe *probe,
                            struct arena *a, struct str *ret_output) {
    *ret_output = STR_NONE;
    if (probe->handler.exec)
        return run_exec(target, probe, a, ret_output);
    if (probe->handler.http_get)
        return run_http(target, probe, a, ret_output);
    if (probe->handler.tcp_socket)
        return run_tcp(target, probe, a, ret_output);
    if (probe->handler.grpc)
        return run_grpc(target, probe, a, ret_output);
    *ret_output = S("the probe has no handler");
    return PROBE_UNKNOWN;
}
