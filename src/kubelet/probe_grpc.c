/* gRPC health checks and plain connections.
 *
 * CONFORMS: grpc.health.v1: Check with {service = 1}, answer {status = 1}, SERVING is 1. libcurl speaks
 * HTTP/2 without TLS; the message is five bytes of prefix and one short field, so no more of gRPC is needed.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "kubelet/probe_priv.h"

static int connect_one(const struct addrinfo *ai, int64_t timeout_ms, struct err *err) {
    _cleanup_fd int fd =
        socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, ai->ai_protocol);
    if (fd < 0)
        return err_errno(err, errno, "socket");
    if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
        return fd_take(&fd);
    if (errno != EINPROGRESS)
        return err_errno(err, errno, "connect");
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int n = poll(&p, 1, (int)timeout_ms);
    if (n == 0)
        return err_set(err, ERR_TIMEOUT, "connect: no answer within %lld ms", (long long)timeout_ms);
    int problem = 0;
    socklen_t size = sizeof problem;
    if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size) < 0)
        return err_errno(err, errno, "connect");
    return problem ? err_errno(err, problem, "connect") : fd_take(&fd);
}

int probe_connect(struct str host, uint16_t port, int64_t timeout_ms, int *ret_fd, struct err *err) {
    char name[256], service[8];
    if (host.n >= sizeof name)
        return err_set(err, ERR_INVALID, "the host name is too long");
    memcpy(name, host.p, host.n);
    name[host.n] = 0;
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int rc = getaddrinfo(name, service, &hints, &found);
    if (rc)
        return err_set(err, ERR_IO, "lookup of %s: %s", name, gai_strerror(rc));
    int fd = connect_one(found, timeout_ms, err);
    freeaddrinfo(found);
    if (fd < 0)
        return err_wrap(err, "dial tcp %s:%u", name, port);
    if (ret_fd)
        *ret_fd = fd;
    else
        close(fd);
    return 0;
}

static size_t keep(char *p, size_t size, size_t n, void *arg) {
    buf_put(arg, p, size * n);
    return size * n;
}

struct trailers {
    int status; /* of gRPC; -1: none came */
};

static size_t on_header(char *p, size_t size, size_t n, void *arg) {
    struct trailers *t = arg;
    struct str line = str_trim(str_make(p, size * n)), name, value;
    int64_t status;
    if (str_split(line, ':', &name, &value) && str_eq_nocase(name, S("grpc-status")) &&
        str_to_i64(str_trim(value), &status))
        t->status = (int)status;
    return size * n;
}

/* Five bytes of prefix, then field 1 as bytes. */
static void request_body(struct str service, struct buf *out) {
    _cleanup_buf struct buf m = BUF_INIT;
    if (service.n) {
        buf_byte(&m, 0x0a);
        for (size_t v = service.n; v >= 0x80 || (buf_byte(&m, (char)v), false); v >>= 7)
            buf_byte(&m, (char)(v | 0x80));
        buf_str(&m, service);
    }
    buf_byte(out, 0);
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_byte(out, (char)(m.n >> shift));
    buf_str(out, buf_view(&m));
}

static struct curl_slist *grpc_headers(void) {
    struct curl_slist *h = curl_slist_append(NULL, "Content-Type: application/grpc");
    h = curl_slist_append(h, "TE: trailers");
    return curl_slist_append(h, "User-Agent: kube-probe/1.36");
}

static int grpc_verdict(CURLcode rc, const struct trailers *t, struct str answer, const char *problem,
                        struct err *err) {
    if (rc == CURLE_OPERATION_TIMEDOUT)
        return err_set(err, ERR_TIMEOUT, "timeout: health rpc did not complete in time");
    if (rc)
        return err_set(err, ERR_IO, "%s", problem[0] ? problem : curl_easy_strerror(rc));
    if (t->status == 12)
        return err_set(err, ERR_UNSUPPORTED, "this server does not implement the grpc health protocol");
    if (t->status != 0)
        return err_set(err, ERR_IO, "health rpc failed with gRPC status %d", t->status);
    bool serving = answer.n == 7 && answer.p[5] == 0x08 && answer.p[6] == 1;
    return serving ? 0 : err_set(err, ERR_IO, "service unhealthy (responded with other than \"SERVING\")");
}

int probe_grpc_check(struct str host, uint16_t port, struct str service, int64_t timeout_ms,
                     struct err *err) {
    char url[320], problem[CURL_ERROR_SIZE] = "";
    bool v6 = str_find_byte(host, ':') >= 0;
    snprintf(url, sizeof url, "http://%s%.*s%s:%u/grpc.health.v1.Health/Check", v6 ? "[" : "", STR_ARG(host),
             v6 ? "]" : "", port);
    _cleanup_buf struct buf body = BUF_INIT, answer = {.limit = 64};
    request_body(service, &body);
    struct curl_slist *headers = grpc_headers();
    struct trailers t = {.status = -1};
    CURL *c = curl_easy_init();
    if (!c)
        panic("out of memory");
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)body.n);
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.p);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, problem);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &t);
    CURLcode rc = curl_easy_perform(c);
    curl_easy_cleanup(c);
    curl_slist_free_all(headers);
    return grpc_verdict(rc, &t, buf_view(&answer), problem, err);
}
