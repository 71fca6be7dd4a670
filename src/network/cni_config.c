/* See cni_priv.h: the configuration the runtime passes on standard input. */
#include <netinet/in.h>

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"
#include "network/cni_priv.h"

static const struct str versions[] = {STR_INIT("0.3.0"), STR_INIT("0.3.1"), STR_INIT("0.4.0"),
                                      STR_INIT("1.0.0"), STR_INIT("1.1.0")};

bool cni_version_known(struct str version) {
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if (str_eq(version, versions[i]))
            return true;
    return false;
}

bool cni_version_old(struct str version) {
    return str_has_prefix(version, S("0."));
}

bool cni_id_ok(struct str id) {
    if (id.n == 0 || id.n > CNI_ID_MAX)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && (i == 0 || (c != '_' && c != '.' && c != '-')))
            return false;
    }
    return true;
}

/* A string member; ERR_INVALID when it is there and no string. Absent stays absent. */
static int get_text(const struct jval *v, struct str key, struct str *ret, struct err *err) {
    const struct jval *m = jval_get(v, key);
    *ret = STR_NONE;
    if (!m || m->kind == J_NULL)
        return 0;
    if (m->kind != J_STRING)
        return err_set(err, ERR_INVALID, "%.*s is not a string", STR_ARG(key));
    *ret = jval_as_str(m);
    return 0;
}

static int get_number(const struct jval *v, struct str key, int64_t max, int64_t *ret, struct err *err) {
    const struct jval *m = jval_get(v, key);
    *ret = 0;
    if (!m || m->kind == J_NULL)
        return 0;
    if (m->kind != J_INT || m->i < 0 || m->i > max)
        return err_set(err, ERR_INVALID, "%.*s is not a number from 0 to %lld", STR_ARG(key), (long long)max);
    *ret = m->i;
    return 0;
}

static int read_subnet(const struct jval *item, struct cni_config *c, struct err *err) {
    struct cidr subnet;
    if (item->kind != J_STRING || !cidr_parse(jval_as_str(item), IP_STRICT, &subnet))
        return err_set(err, ERR_INVALID, "a subnet is not a network like 10.244.0.0/24");
    unsigned host_bits = (subnet.ip.family == 4 ? 32u : 128u) - subnet.bits;
    if (host_bits < 2)
        return err_set(err, ERR_INVALID, "the subnet %.*s has no room for pods", STR_ARG(jval_as_str(item)));
    if (c->n_subnets && c->subnets[0].ip.family == subnet.ip.family)
        return err_set(err, ERR_INVALID, "there are two subnets of one IP family");
    c->subnets[c->n_subnets++] = subnet;
    return 0;
}

static int read_subnets(const struct jval *v, struct cni_config *c, struct err *err) {
    const struct jval *list = jval_get(v, S("subnets"));
    if (!list || list->kind != J_ARRAY || list->n == 0 || list->n > CNI_SUBNETS_MAX)
        return err_set(err, ERR_INVALID, "subnets must list one network, or one of each IP family");
    for (uint32_t i = 0; i < list->n; i++)
        if (read_subnet(&list->items[i], c, err))
            return ERR_INVALID;
    return 0;
}

static bool protocol_of(struct str text, uint8_t *ret) {
    if (str_empty(text) || str_eq_nocase(text, S("tcp")))
        *ret = IPPROTO_TCP;
    else if (str_eq_nocase(text, S("udp")))
        *ret = IPPROTO_UDP;
    else if (str_eq_nocase(text, S("sctp")))
        *ret = IPPROTO_SCTP;
    else
        return false;
    return true;
}

static int read_port(const struct jval *v, struct hostport *ret, struct err *err) {
    int64_t host = 0, pod = 0;
    struct str protocol, ip;
    if (get_number(v, S("hostPort"), 65535, &host, err) ||
        get_number(v, S("containerPort"), 65535, &pod, err) || get_text(v, S("protocol"), &protocol, err) ||
        get_text(v, S("hostIP"), &ip, err))
        return ERR_INVALID;
    *ret = (struct hostport){.host_port = (uint16_t)host, .pod_port = (uint16_t)pod};
    if (!protocol_of(protocol, &ret->protocol))
        return err_set(err, ERR_INVALID, "unknown protocol \"%.*s\" in a port mapping", STR_ARG(protocol));
    if (!str_empty(ip) && !ip_parse(ip, IP_LEGACY, &ret->host))
        return err_set(err, ERR_INVALID, "hostIP \"%.*s\" is no IP address", STR_ARG(ip));
    if (host && !pod)
        return err_set(err, ERR_INVALID, "a port mapping without containerPort");
    return 0;
}

static int read_ports(struct arena *a, const struct jval *v, struct cni_config *c, struct err *err) {
    const struct jval *list = jval_path(v, "runtimeConfig.portMappings");
    if (!list || list->kind == J_NULL)
        return 0;
    if (list->kind != J_ARRAY || list->n > CNI_PORTS_MAX)
        return err_set(err, ERR_INVALID, "portMappings is not a list of at most %u", CNI_PORTS_MAX);
    c->ports = arena_new_n(a, list->n, struct hostport);
    for (uint32_t i = 0; i < list->n; i++) {
        struct hostport p;
        if (read_port(&list->items[i], &p, err))
            return ERR_INVALID;
        if (p.host_port) // without one nothing is mapped
            c->ports[c->n_ports++] = p;
    }
    return 0;
}

static int read_bridge(struct arena *a, const struct jval *v, struct cni_config *c, struct err *err) {
    struct str bridge, dir;
    int64_t mtu;
    if (get_text(v, S("bridge"), &bridge, err) || get_text(v, S("stateDir"), &dir, err) ||
        get_number(v, S("mtu"), 65535, &mtu, err))
        return ERR_INVALID;
    if (str_empty(bridge))
        bridge = S(CNI_DEFAULT_BRIDGE);
    if (!link_name_ok(bridge))
        return err_set(err, ERR_INVALID, "bridge is no name of an interface");
    if (mtu && mtu < 576)
        return err_set(err, ERR_INVALID, "an MTU of %lld is too small, at least 576", (long long)mtu);
    memcpy(c->bridge, bridge.p, bridge.n);
    c->mtu = (uint32_t)mtu;
    c->state_dir = str_empty(dir) ? CNI_DEFAULT_STATE_DIR : arena_strz(a, dir);
    if (c->state_dir[0] != '/' || memchr(dir.p ? dir.p : "", '\0', dir.n))
        return err_set(err, ERR_INVALID, "stateDir is not an absolute path");
    return read_subnets(v, c, err) || read_ports(a, v, c, err) ? ERR_INVALID : 0;
}

static int read_head(struct arena *a, struct str text, struct jval *ret, struct cni_config *c,
                     enum cni_code *ret_code, struct err *err) {
    struct json_limits limits = {.depth = 64, .size_bytes = CNI_CONFIG_BYTES_MAX};
    *ret_code = CNI_UNDECODABLE;
    if (json_parse(a, arena_str(a, text), &limits, NULL, ret, err))
        return err_wrap(err, "cannot read the network configuration"), ERR_INVALID;
    if (ret->kind != J_OBJECT)
        return err_set(err, ERR_INVALID, "the network configuration is not a JSON object");
    if (get_text(ret, S("cniVersion"), &c->version, err) || get_text(ret, S("name"), &c->name, err) ||
        get_text(ret, S("type"), &c->type, err))
        return ERR_INVALID;
    *ret_code = CNI_INCOMPATIBLE_VERSION;
    if (!cni_version_known(c->version))
        return err_set(err, ERR_UNSUPPORTED, "CNI version \"%.*s\" is not supported, 0.3.0 to 1.1.0 are",
                       STR_ARG(c->version));
    return 0;
}

int cni_config_read(struct arena *a, struct str text, struct cni_config *ret, enum cni_code *ret_code,
                    struct err *err) {
    struct jval *v = arena_new(a, struct jval);
    *ret = (struct cni_config){.state_dir = CNI_DEFAULT_STATE_DIR};
    if (read_head(a, text, v, ret, ret_code, err))
        return ERR_INVALID;
    *ret_code = CNI_INVALID_CONFIG;
    if (str_empty(ret->name))
        return err_set(err, ERR_INVALID, "the network configuration has no name");
    ret->valid = jval_get(v, S("cni.dev/valid-attachments"));
    if (str_eq(ret->type, S("loopback")))
        return 0;
    return read_bridge(a, v, ret, err);
}
