/* Paths that are no resources. See path.h. */
#include "apiserver/path.h"

#include <stdlib.h>
#include <sys/utsname.h>

#include "api/json.h"
#include "api/kind.h"
#include "api/status.h"
#include "apiserver/authn.h"
#include "apiserver/documents.h"
#include "apiserver/front_priv.h"
#include "apiserver/health.h"
#include "apiserver/respond_priv.h"
#include "apiserver/server_priv.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/metrics.h"
#include "codec/json.h"
#include "net/jwt.h"

#define TEXT S("text/plain; charset=utf-8")
#define ISSUER_MAX_AGE S("public, max-age=3600")

static void serve_version(struct front_call *f, struct str rest) {
    struct buf out = BUF_INIT;
    (void)rest;
#if defined(__x86_64__)
    static const char platform[] = "linux/amd64";
#elif defined(__aarch64__)
    static const char platform[] = "linux/arm64";
#else
    static const char platform[] = "linux/other";
#endif
    buf_printf(
        &out,
        "{\n  \"major\": \"" KUBERNETES_MAJOR "\",\n  \"minor\": \"" KUBERNETES_MINOR "\",\n"
        "  \"emulationMajor\": \"" KUBERNETES_MAJOR "\",\n  \"emulationMinor\": \"" KUBERNETES_MINOR "\",\n"
        "  \"minCompatibilityMajor\": \"" KUBERNETES_MAJOR "\",\n  \"minCompatibilityMinor\": \"35\",\n"
        "  \"gitVersion\": \"" KUBERNETES_GIT_VERSION
        "\",\n  \"gitCommit\": \"\",\n  \"gitTreeState\": \"clean\",\n"
        "  \"buildDate\": \"1970-01-01T00:00:00Z\",\n  \"goVersion\": \"\",\n  \"compiler\": \"gcc\",\n"
        "  \"platform\": \"%s\"\n}",
        platform);
    respond_buf(f, 200, S("application/json"), NULL, 0, &out);
}

static void serve_metrics(struct front_call *f, struct str rest) {
    struct buf out = BUF_INIT;
    (void)rest;
    metrics_write(f->front->server->metrics, &out);
    respond_buf(f, 200, S(METRICS_CONTENT_TYPE), NULL, 0, &out);
}

static void respond_tree(struct front_call *f, struct str type, const struct jval *v) {
    struct buf out = BUF_INIT;
    struct http_header h = {S("cache-control"), ISSUER_MAX_AGE};
    json_write(&out, v);
    respond_buf(f, 200, type, &h, 1, &out);
}

static void serve_issuer(struct front_call *f, struct str rest) {
    struct apiserver *s = f->front->server;
    (void)rest;
    struct str jwks = arena_join(&f->arena, (struct str[]){s->external_url, S("/openid/v1/jwks")}, 2, S(""));
    struct jval v = jwt_discovery(authn_keys(s->authn), s->token_issuer, jwks, &f->arena);
    respond_tree(f, S("application/json"), &v);
}

static void serve_keys(struct front_call *f, struct str rest) {
    (void)rest;
    struct jval v = jwt_key_set(authn_keys(f->front->server->authn), &f->arena);
    respond_tree(f, S("application/jwk-set+json"), &v);
}

static void serve_openapi_v2(struct front_call *f, struct str rest) {
    (void)rest;
    documents_openapi_v2(f);
}

static void serve_openapi_v3(struct front_call *f, struct str rest) {
    if (rest.n)
        documents_openapi_v3(f, rest);
    else
        documents_openapi_v3_index(f);
}

static void serve_index(struct front_call *f, struct str rest);

static const struct route {
    struct str path; /* without slashes around it */
    void (*serve)(struct front_call *f, struct str rest);
    bool below; /* paths below it too */
} routes[] = {
    {STR_INIT(""), serve_index, false},
    {STR_INIT(".well-known/openid-configuration"), serve_issuer, false},
    {STR_INIT("metrics"), serve_metrics, false},
    {STR_INIT("openapi/v2"), serve_openapi_v2, false},
    {STR_INIT("openapi/v3"), serve_openapi_v3, true},
    {STR_INIT("openid/v1/jwks"), serve_keys, false},
    {STR_INIT("version"), serve_version, false},
};

/* Paths of discovery stand in the index, too. */
static void write_groups(struct buf *out) {
    buf_lit(out, "\"/api\",\"/api/v1\",\"/apis\"");
    for (uint32_t i = 0; i < n_api_groups; i++) {
        const struct api_group_row *g = &api_groups[i];
        if (!g->served || !g->group.n)
            continue;
        if (i == 0 || !str_eq(g->group, api_groups[i - 1].group))
            buf_printf(out, ",\"/apis/%.*s\"", STR_ARG(g->group));
        buf_printf(out, ",\"/apis/%.*s/%.*s\"", STR_ARG(g->group), STR_ARG(g->version));
    }
    buf_lit(out, ",\"/healthz\",\"/livez\",\"/readyz\"");
}

static void serve_index(struct front_call *f, struct str rest) {
    struct buf out = BUF_INIT;
    (void)rest;
    buf_lit(&out, "{\"paths\":[");
    write_groups(&out);
    for (size_t i = 1; i < sizeof routes / sizeof *routes; i++)
        buf_printf(&out, ",\"/%.*s\"", STR_ARG(routes[i].path));
    buf_lit(&out, "]}");
    struct buf indented = BUF_INIT;
    json_indent(&indented, buf_view(&out), "  ");
    buf_fini(&out);
    respond_buf(f, 200, S("application/json"), NULL, 0, &indented);
}

static struct str without_slashes(struct str path) {
    while (path.n && path.p[0] == '/')
        path = str_from_byte(path, 1);
    while (path.n && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

static bool serve_route(struct front_call *f, struct str path) {
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const struct route *r = &routes[i];
        bool exact = str_eq(path, r->path);
        bool below =
            r->below && path.n > r->path.n && str_has_prefix(path, r->path) && path.p[r->path.n] == '/';
        if (!exact && !below)
            continue;
        r->serve(f, exact ? S("") : str_from_byte(path, r->path.n + 1));
        return true;
    }
    return false;
}

void path_serve(struct front_call *f) {
    struct str path = without_slashes(f->call.info.access.path);
    if (f->method != HTTP_VERB_GET && f->method != HTTP_VERB_HEAD) {
        respond_text(f, 405, TEXT, S("405 method not allowed\n"));
        return;
    }
    if (!serve_route(f, path) && !health_serve(f, path) && !discovery_serve(f, path))
        respond_text(f, 404, TEXT, S("404 page not found\n"));
}
