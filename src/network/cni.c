/* See cni.h: the commands, and answers as JSON. */
#include "network/cni.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "codec/json.h"
#include "network/cni_priv.h"

#define NETNS_PATH_MAX 4096u

struct call {
    const struct cni_request *request;
    struct arena arena;
    struct cni_config config;
    struct str container, ifname;
    enum cni_code code; /* of what is being done, in case that it fails */
    struct buf *out;
};

/* -- answers -- */

static void answer_error(struct buf *out, struct str version, enum cni_code code, const struct err *err) {
    buf_clear(out);
    buf_lit(out, "{\"cniVersion\":");
    json_write_string(out, cni_version_known(version) ? version : S("1.0.0"));
    buf_printf(out, ",\"code\":%d,\"msg\":", code);
    json_write_string(out, str_from(err->msg));
    buf_lit(out, "}\n");
}

static void put_interface(struct buf *out, struct str name, const uint8_t *mac, const char *sandbox) {
    buf_lit(out, "{\"name\":");
    json_write_string(out, name);
    if (mac) {
        char text[LINK_MAC_TEXT];
        link_mac_format(mac, text);
        buf_printf(out, ",\"mac\":\"%s\"", text);
    }
    if (sandbox) {
        buf_lit(out, ",\"sandbox\":");
        json_write_string(out, str_from(sandbox));
    }
    buf_byte(out, '}');
}

static void put_address(struct buf *out, bool old, struct ip ip, struct ip gateway, unsigned interface) {
    char text[CIDR_TEXT_MAX], via[IP_TEXT_MAX];
    (void)cidr_format((struct cidr){ip, ip.family == 4 ? 32 : 128}, text);
    (void)ip_format(gateway, via);
    buf_byte(out, '{');
    if (old)
        buf_printf(out, "\"version\":\"%u\",", ip.family);
    buf_printf(out, "\"interface\":%u,\"address\":\"%s\",\"gateway\":\"%s\"}", interface, text, via);
}

static void put_routes(struct buf *out, const struct cni_config *c) {
    for (unsigned i = 0; i < c->n_subnets; i++) {
        char via[IP_TEXT_MAX];
        (void)ip_format(cni_gateway(c->subnets[i]), via);
        buf_printf(out, "%s{\"dst\":\"%s\",\"gw\":\"%s\"}", i ? "," : "",
                   c->subnets[i].ip.family == 4 ? "0.0.0.0/0" : "::/0", via);
    }
}

static void answer_result(struct call *c, const struct cni_plug *p) {
    struct buf *out = c->out;
    bool old = cni_version_old(c->config.version);
    buf_lit(out, "{\"cniVersion\":");
    json_write_string(out, c->config.version);
    buf_lit(out, ",\"interfaces\":[");
    put_interface(out, str_from(c->config.bridge), p->bridge_mac, NULL);
    buf_byte(out, ',');
    put_interface(out, str_from(p->host_name), p->host_mac, NULL);
    buf_byte(out, ',');
    put_interface(out, c->ifname, p->pod_mac, c->request->netns);
    buf_lit(out, "],\"ips\":[");
    for (unsigned i = 0; i < p->attachment->n_ips; i++) {
        if (i)
            buf_byte(out, ',');
        put_address(out, old, p->attachment->ips[i], cni_gateway(c->config.subnets[i]), 2);
    }
    buf_lit(out, "],\"routes\":[");
    put_routes(out, &c->config);
    buf_lit(out, "],\"dns\":{}}\n");
}

/* -- what all commands check -- */

static int fail(struct call *c, enum cni_code code, struct err *err, const char *text) {
    c->code = code;
    return err_set(err, ERR_INVALID, "%s", text);
}

static int read_environment(struct call *c, bool needs_netns, struct err *err) {
    const struct cni_request *r = c->request;
    c->container = str_from(r->container);
    c->ifname = str_from(r->ifname);
    if (!cni_id_ok(c->container))
        return fail(c, CNI_INVALID_ENVIRONMENT, err, "CNI_CONTAINERID is missing or not an id");
    if (!link_name_ok(c->ifname))
        return fail(c, CNI_INVALID_ENVIRONMENT, err, "CNI_IFNAME is missing or no name of an interface");
    if (needs_netns && (!r->netns || r->netns[0] != '/' || strlen(r->netns) > NETNS_PATH_MAX))
        return fail(c, CNI_INVALID_ENVIRONMENT, err, "CNI_NETNS is missing or not an absolute path");
    return 0;
}

static bool is_loopback(const struct call *c) {
    return str_eq(c->config.type, S("loopback"));
}

static int open_netns(struct call *c, int *ret_fd, struct err *err) {
    int rc = cni_netns_open(c->request->netns, ret_fd, err);
    if (rc)
        c->code = rc == ERR_NOT_FOUND ? CNI_UNKNOWN_CONTAINER : CNI_IO_FAILURE;
    return rc;
}

/* -- ADD -- */

static int release(struct call *c, struct err *err) {
    struct cni_state s;
    char host_name[LINK_NAME_MAX + 1];
    cni_host_name(c->container, c->ifname, host_name);
    int rc = cni_plug_out(host_name, err);
    if (rc)
        return rc;
    rc = cni_state_open(&c->arena, c->config.state_dir, &s, err);
    struct cni_attachment *a = rc ? NULL : cni_state_find(&s, c->container, c->ifname);
    if (a) {
        bool had_ports = a->n_ports > 0;
        cni_state_remove(&s, a);
        if (had_ports)
            rc = cni_state_apply_ports(&s, err);
        if (!rc)
            rc = cni_state_save(&s, err); // last: what is not undone is not forgotten
    }
    cni_state_close(&s);
    return rc;
}

/* Takes an address, in place of what an ADD that never finished may have left behind. */
static int reserve(struct call *c, struct cni_attachment *ret, struct err *err) {
    struct cni_state s;
    int rc = cni_state_open(&c->arena, c->config.state_dir, &s, err);
    struct cni_attachment *a = rc ? NULL : cni_state_find(&s, c->container, c->ifname);
    if (a)
        cni_state_remove(&s, a);
    if (!rc) {
        c->code = CNI_NO_ADDRESS;
        rc = cni_state_add(&s, &c->config, c->container, c->ifname, &a, err);
    }
    if (!rc) {
        c->code = CNI_IO_FAILURE;
        rc = cni_state_save(&s, err);
    }
    if (!rc && a->n_ports)
        rc = cni_state_apply_ports(&s, err);
    if (!rc)
        *ret = *a;
    cni_state_close(&s);
    return rc;
}

static int refuse_second(struct call *c, int netns, struct err *err) {
    bool exists = false;
    int rc = cni_plug_exists(netns, c->ifname, &exists, err);
    if (rc || !exists)
        return rc;
    c->code = CNI_INVALID_ENVIRONMENT;
    return err_set(err, ERR_EXISTS, "the container has an interface %.*s already", STR_ARG(c->ifname));
}

static int plug(struct call *c, int netns, struct err *err) {
    struct cni_attachment a;
    struct cni_plug p = {.config = &c->config, .attachment = &a, .netns = netns};
    cni_host_name(c->container, c->ifname, p.host_name);
    struct err ignored = ERR_INIT;
    (void)cni_plug_out(p.host_name, &ignored); // of an ADD that never finished
    int rc = reserve(c, &a, err);
    if (!rc) {
        c->code = CNI_NETWORK;
        rc = cni_plug_in(&p, err);
    }
    if (rc) {
        (void)release(c, &ignored);
        return rc;
    }
    answer_result(c, &p);
    return 0;
}

static void answer_loopback(struct call *c) {
    buf_lit(c->out, "{\"cniVersion\":");
    json_write_string(c->out, c->config.version);
    buf_lit(c->out, ",\"interfaces\":[");
    put_interface(c->out, S("lo"), (const uint8_t[LINK_MAC_BYTES]){0}, c->request->netns);
    buf_printf(c->out, "],\"ips\":[{%s\"interface\":0,\"address\":\"127.0.0.1/8\"}]}\n",
               cni_version_old(c->config.version) ? "\"version\":\"4\"," : "");
}

static int do_add(struct call *c, struct err *err) {
    _cleanup_fd int netns = -1;
    int rc = read_environment(c, true, err);
    if (!rc)
        rc = open_netns(c, &netns, err);
    if (rc)
        return rc;
    c->code = CNI_NETWORK;
    if (is_loopback(c)) {
        rc = cni_loopback_up(netns, false, err);
        if (!rc)
            answer_loopback(c);
        return rc;
    }
    rc = refuse_second(c, netns, err);
    return rc ? rc : plug(c, netns, err);
}

/* -- the others -- */

static int do_del(struct call *c, struct err *err) {
    int rc = read_environment(c, false, err);
    if (rc || is_loopback(c))
        return rc;
    c->code = CNI_IO_FAILURE;
    return release(c, err);
}

static int check_plug(struct call *c, int netns, struct err *err) {
    struct cni_state s;
    int rc = cni_state_open(&c->arena, c->config.state_dir, &s, err);
    const struct cni_attachment *a = rc ? NULL : cni_state_find(&s, c->container, c->ifname);
    cni_state_close(&s);
    if (rc)
        return rc;
    if (!a || a->n_ips != c->config.n_subnets) {
        c->code = a ? CNI_BROKEN : CNI_UNKNOWN_CONTAINER;
        return err_set(err, ERR_NOT_FOUND, "container %.*s has no addresses of this network",
                       STR_ARG(c->container));
    }
    struct cni_plug p = {.config = &c->config, .attachment = a, .netns = netns};
    cni_host_name(c->container, c->ifname, p.host_name);
    c->code = CNI_BROKEN;
    return cni_plug_check(&p, err);
}

static int do_check(struct call *c, struct err *err) {
    _cleanup_fd int netns = -1;
    int rc = read_environment(c, true, err);
    if (!rc)
        rc = open_netns(c, &netns, err);
    if (rc)
        return rc;
    c->code = CNI_BROKEN;
    return is_loopback(c) ? cni_loopback_up(netns, true, err) : check_plug(c, netns, err);
}

static int do_status(struct call *c, struct err *err) {
    struct cni_state s;
    if (is_loopback(c))
        return 0;
    c->code = CNI_IO_FAILURE;
    int rc = cni_state_open(&c->arena, c->config.state_dir, &s, err);
    cni_state_close(&s);
    return rc;
}

static bool is_valid(const struct jval *list, const struct cni_attachment *a) {
    for (uint32_t i = 0; i < list->n; i++)
        if (str_eq(jval_get_str(&list->items[i], S("containerID")), a->container) &&
            str_eq(jval_get_str(&list->items[i], S("ifname")), a->ifname))
            return true;
    return false;
}

/* Everything that is not on the list of the runtime goes. */
static int do_gc(struct call *c, struct err *err) {
    if (is_loopback(c))
        return 0;
    if (!c->config.valid || c->config.valid->kind != J_ARRAY)
        return fail(c, CNI_INVALID_CONFIG, err, "cni.dev/valid-attachments is missing");
    struct cni_state s;
    c->code = CNI_IO_FAILURE;
    int rc = cni_state_open(&c->arena, c->config.state_dir, &s, err);
    for (size_t i = s.attachments.n; !rc && i-- > 0;) {
        struct cni_attachment *a = &s.attachments.v[i];
        char host_name[LINK_NAME_MAX + 1];
        if (is_valid(c->config.valid, a))
            continue;
        cni_host_name(a->container, a->ifname, host_name);
        rc = cni_plug_out(host_name, err);
        if (!rc)
            cni_state_remove(&s, a);
    }
    if (!rc)
        rc = cni_state_apply_ports(&s, err);
    if (!rc)
        rc = cni_state_save(&s, err);
    cni_state_close(&s);
    return rc;
}

static int do_version(struct call *c) {
    struct jval v;
    struct err ignored = ERR_INIT;
    struct str version = STR_NONE;
    struct json_limits limits = {.depth = 64, .size_bytes = CNI_CONFIG_BYTES_MAX};
    if (json_parse(&c->arena, c->request->config, &limits, NULL, &v, &ignored) == 0)
        version = jval_get_str(&v, S("cniVersion"));
    buf_lit(c->out, "{\"cniVersion\":");
    json_write_string(c->out, cni_version_known(version) ? version : S("1.0.0"));
    buf_lit(c->out, ",\"supportedVersions\":[\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]}\n");
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct call *c, struct err *err);
} commands[] = {{"ADD", do_add}, {"DEL", do_del}, {"CHECK", do_check}, {"STATUS", do_status}, {"GC", do_gc}};

static int run(struct call *c, struct err *err) {
    const char *command = c->request->command ? c->request->command : "";
    if (strcmp(command, "VERSION") == 0)
        return do_version(c);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(command, commands[i].name) != 0)
            continue;
        int rc = cni_config_read(&c->arena, c->request->config, &c->config, &c->code, err);
        return rc ? rc : commands[i].run(c, err);
    }
    c->code = CNI_INVALID_ENVIRONMENT;
    return err_set(err, ERR_INVALID, "unknown CNI_COMMAND \"%.32s\"", command);
}

int cni_handle(const struct cni_request *r, struct buf *out) {
    struct call c = {.request = r, .arena = ARENA_INIT, .code = CNI_IO_FAILURE, .out = out};
    struct err err = ERR_INIT;
    int rc = run(&c, &err);
    if (rc)
        answer_error(out, c.config.version, rc == ERR_AGAIN ? CNI_TRY_LATER : c.code, &err);
    arena_fini(&c.arena);
    return rc ? 1 : 0;
}

int cni_main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    _cleanup_buf struct buf config = BUF_INIT, out = BUF_INIT;
    struct err err = ERR_INIT;
    int status = 1;
    if (fd_read_all(STDIN_FILENO, CNI_CONFIG_BYTES_MAX, &config, &err)) {
        answer_error(&out, STR_NONE, CNI_IO_FAILURE, &err);
    } else {
        struct cni_request r = {.command = getenv("CNI_COMMAND"),
                                .container = getenv("CNI_CONTAINERID"),
                                .netns = getenv("CNI_NETNS"),
                                .ifname = getenv("CNI_IFNAME"),
                                .config = buf_view(&config)};
        status = cni_handle(&r, &out);
    }
    if (fd_write_all(STDOUT_FILENO, buf_view(&out), &err))
        return 1;
    return status;
}
