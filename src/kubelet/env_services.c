/* Environment variables of services. See env.h. CONFORMS: upstream's and Docker's link variables. */
#include "api/types/core.h"
#include "api/types/cri.h"
#include "base/arena.h"
#include "base/err.h"
#include "kubelet/env.h"

#define VARS_PER_SERVICE 2 /* besides those of its ports */
#define VARS_PER_PORT 6

static char upper(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c == '-' || c == '.' ? '_' : c;
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static struct str mapped(struct str s, char (*map)(char), struct arena *a) {
    char *p = arena_bytes(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        p[i] = map(s.p[i]);
    p[s.n] = 0;
    return str_make(p, s.n);
}

static void put(struct cri_key_value_array *out, struct str key, struct str value) {
    out->v[out->n++] = (struct cri_key_value){key, value};
}

#define NAME(...) arena_printf(a, __VA_ARGS__)

static void put_port(struct cri_key_value_array *out, struct str name, struct str ip,
                     const struct core_service_port *p, bool is_first, struct arena *a) {
    struct str protocol = p->protocol.n ? p->protocol : S("TCP");
    struct str proto_up = mapped(protocol, upper, a), proto = mapped(protocol, lower, a);
    bool v6 = str_find_byte(ip, ':') >= 0;
    struct str url =
        NAME("%.*s://%s%.*s%s:%d", STR_ARG(proto), v6 ? "[" : "", STR_ARG(ip), v6 ? "]" : "", p->port);
    struct str prefix = NAME("%.*s_PORT_%d_%.*s", STR_ARG(name), p->port, STR_ARG(proto_up));
    if (p->name.n)
        put(out, NAME("%.*s_SERVICE_PORT_%.*s", STR_ARG(name), STR_ARG(mapped(p->name, upper, a))),
            NAME("%d", p->port));
    if (is_first)
        put(out, NAME("%.*s_PORT", STR_ARG(name)), url);
    put(out, prefix, url);
    put(out, NAME("%.*s_PROTO", STR_ARG(prefix)), proto);
    put(out, NAME("%.*s_PORT", STR_ARG(prefix)), NAME("%d", p->port));
    put(out, NAME("%.*s_ADDR", STR_ARG(prefix)), ip);
}

static bool has_address(const struct core_service *s) {
    return s->spec.cluster_ip.n && !str_eq(s->spec.cluster_ip, S("None")) && s->spec.ports.n;
}

void env_services(const struct core_service *const *services, uint32_t n, struct arena *a,
                  struct cri_key_value_array *ret) {
    size_t most = 0;
    for (uint32_t i = 0; i < n; i++)
        most += VARS_PER_SERVICE + VARS_PER_PORT * (size_t)services[i]->spec.ports.n;
    *ret = (struct cri_key_value_array){.v = arena_new_n(a, most, struct cri_key_value)};
    for (uint32_t i = 0; i < n; i++) {
        const struct core_service *s = services[i];
        if (!has_address(s))
            continue;
        struct str name = mapped(s->metadata.name, upper, a), ip = s->spec.cluster_ip;
        put(ret, NAME("%.*s_SERVICE_HOST", STR_ARG(name)), ip);
        put(ret, NAME("%.*s_SERVICE_PORT", STR_ARG(name)), NAME("%d", s->spec.ports.v[0].port));
        for (uint32_t p = 0; p < s->spec.ports.n; p++)
            put_port(ret, name, ip, &s->spec.ports.v[p], p == 0, a);
    }
    check(ret->n <= most);
}
