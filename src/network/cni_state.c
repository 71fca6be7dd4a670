/* See cni_priv.h: a text file, one line per attachment:
 *
 *     coxswain-cni 1
 *     last 10.244.0.7
 *     pod <container> <interface> <address>[,<address>] [<protocol>:<host address or *>:<host port>:<pod
 * port>]…
 *
 * It lies on a file system that a restart of the machine empties, as it does the namespaces it tells of.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/vec.h"
#include "network/cni_priv.h"

#define HEAD "coxswain-cni 1"

/* -- text -- */

/* The next word of the line; STR_NONE at its end. */
static struct str word(struct str *line) {
    struct str head;
    if (str_empty(*line))
        return STR_NONE;
    (void)str_split(*line, ' ', &head, line);
    return head;
}

static bool parse_number(struct str s, uint64_t max, uint64_t *ret) {
    return str_to_u64(s, ret) && *ret > 0 && *ret <= max;
}

static bool parse_port(struct str text, struct hostport *ret) {
    struct str protocol, rest, host, ports = STR_NONE, host_port, pod_port;
    uint64_t n[3];
    if (!str_split(text, ':', &protocol, &rest))
        return false;
    ptrdiff_t last = str_rfind_byte(rest, ':');
    ptrdiff_t before = last < 0 ? -1 : str_rfind_byte(str_cut(rest, (size_t)last), ':');
    if (before < 0)
        return false;
    host = str_cut(rest, (size_t)before); // may be IPv6
    ports = str_from_byte(rest, (size_t)before + 1);
    (void)str_split(ports, ':', &host_port, &pod_port);
    if (!parse_number(protocol, 255, &n[0]) || !parse_number(host_port, 65535, &n[1]) ||
        !parse_number(pod_port, 65535, &n[2]))
        return false;
    *ret =
        (struct hostport){.protocol = (uint8_t)n[0], .host_port = (uint16_t)n[1], .pod_port = (uint16_t)n[2]};
    return str_eq(host, S("*")) || ip_parse(host, IP_STRICT, &ret->host);
}

static bool parse_ips(struct str text, struct cni_attachment *ret) {
    struct str one;
    while (ret->n_ips < CNI_SUBNETS_MAX && !str_empty(text)) {
        (void)str_split(text, ',', &one, &text);
        if (!ip_parse(one, IP_STRICT, &ret->ips[ret->n_ips++]))
            return false;
    }
    return ret->n_ips > 0 && str_empty(text);
}

static bool parse_pod(struct cni_state *s, struct str line) {
    struct cni_attachment a = {.container = word(&line), .ifname = word(&line)};
    if (!cni_id_ok(a.container) || !link_name_ok(a.ifname) || !parse_ips(word(&line), &a))
        return false;
    a.ports = arena_new_n(s->arena, str_empty(line) ? 0 : CNI_PORTS_MAX, struct hostport);
    while (!str_empty(line)) {
        if (a.n_ports == CNI_PORTS_MAX || !parse_port(word(&line), &a.ports[a.n_ports++]))
            return false;
    }
    vec_push_in(s->arena, &s->attachments, a);
    return true;
}

static bool parse_line(struct cni_state *s, struct str line) {
    struct str kind = word(&line);
    struct ip ip;
    if (str_eq(kind, S("pod")))
        return parse_pod(s, line);
    if (!str_eq(kind, S("last")) || !ip_parse(line, IP_STRICT, &ip))
        return false;
    s->last[ip.family == 6] = ip;
    return true;
}

int cni_state_parse(struct cni_state *s, struct str text, struct err *err) {
    struct str line;
    (void)str_split(text, '\n', &line, &text);
    bool ok = str_eq(line, S(HEAD));
    while (ok && !str_empty(text)) {
        (void)str_split(text, '\n', &line, &text);
        ok = parse_line(s, line);
    }
    if (ok)
        return 0;
    return err_set(err, ERR_CORRUPT,
                   "%s is damaged at \"%.*s\"; stop all pods of this node and remove the file to start over",
                   s->path, STR_ARG(str_cut(line, 80)));
}

static void print_ip(struct buf *out, struct ip ip) {
    char text[IP_TEXT_MAX];
    buf_put(out, text, ip_format(ip, text));
}

static void print_attachment(const struct cni_attachment *a, struct buf *out) {
    buf_printf(out, "pod %.*s %.*s ", STR_ARG(a->container), STR_ARG(a->ifname));
    for (unsigned i = 0; i < a->n_ips; i++) {
        if (i)
            buf_byte(out, ',');
        print_ip(out, a->ips[i]);
    }
    for (size_t i = 0; i < a->n_ports; i++) {
        const struct hostport *p = &a->ports[i];
        buf_printf(out, " %u:", p->protocol);
        if (p->host.family)
            print_ip(out, p->host);
        else
            buf_byte(out, '*');
        buf_printf(out, ":%u:%u", p->host_port, p->pod_port);
    }
    buf_byte(out, '\n');
}

void cni_state_print(const struct cni_state *s, struct buf *out) {
    buf_lit(out, HEAD "\n");
    for (unsigned i = 0; i < CNI_SUBNETS_MAX; i++)
        if (s->last[i].family) {
            buf_lit(out, "last ");
            print_ip(out, s->last[i]);
            buf_byte(out, '\n');
        }
    vec_foreach (a, &s->attachments)
        print_attachment(a, out);
}

/* -- the file -- */

static int lock_file(const char *path, int *ret, struct err *err) {
    *ret = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*ret < 0)
        return err_errno(err, errno, "cannot open %s", path);
    while (flock(*ret, LOCK_EX) < 0)
        if (errno != EINTR)
            return err_errno(err, errno, "cannot lock %s", path);
    return 0;
}

int cni_state_open(struct arena *a, const char *dir, struct cni_state *ret, struct err *err) {
    *ret = (struct cni_state){.arena = a, .lock = -1};
    int rc = file_mkdir_p(dir, 0700, err);
    if (!rc)
        rc = lock_file(arena_printf(a, "%s/lock", dir).p, &ret->lock, err);
    if (rc)
        return rc;
    ret->path = arena_printf(a, "%s/attachments", dir).p;
    _cleanup_buf struct buf text = BUF_INIT;
    rc = file_read(ret->path, CNI_STATE_BYTES_MAX, &text, err);
    if (rc == ERR_NOT_FOUND)
        return 0;
    return rc ? rc : cni_state_parse(ret, buf_to_arena(&text, a), err);
}

int cni_state_save(struct cni_state *s, struct err *err) {
    _cleanup_buf struct buf text = BUF_INIT;
    cni_state_print(s, &text);
    return file_write_atomic(s->path, buf_view(&text), 0600, err);
}

void cni_state_close(struct cni_state *s) {
    fd_close(&s->lock); // gives up the lock
    s->lock = -1;
}

/* -- addresses -- */

struct cni_attachment *cni_state_find(struct cni_state *s, struct str container, struct str ifname) {
    vec_foreach (a, &s->attachments)
        if (str_eq(a->container, container) && str_eq(a->ifname, ifname))
            return a;
    return NULL;
}

void cni_state_remove(struct cni_state *s, struct cni_attachment *a) {
    vec_remove(&s->attachments, (size_t)(a - s->attachments.v));
}

/* The addresses of pods: not the network's own, not the node's, not the broadcast address. */
static struct ip_range range_of(struct cidr subnet) {
    struct ip_range r = cidr_range(subnet);
    (void)ip_add(r.first, 2, &r.first);
    if (r.last.family == 4)
        r.last.lo--;
    return r;
}

/* A node has some hundred pods at most: looking through them is quicker than an index would be made. */
static bool is_taken(const struct cni_state *s, struct ip ip) {
    vec_foreach (a, &s->attachments)
        for (unsigned i = 0; i < a->n_ips; i++)
            if (ip_equal(a->ips[i], ip))
                return true;
    return false;
}

/* The first free one behind the last that was given out, around the end. */
static bool pick(const struct cni_state *s, struct cidr subnet, struct ip *ret) {
    struct ip_range range = range_of(subnet);
    struct ip ip = s->last[subnet.ip.family == 6];
    uint64_t size = ip_range_size(range);
    for (uint64_t tries = 0; tries < size && tries <= s->attachments.n; tries++) {
        if (!ip_range_contains(range, ip) || !ip_add(ip, 1, &ip) || !ip_range_contains(range, ip))
            ip = range.first;
        if (!is_taken(s, ip)) {
            *ret = ip;
            return true;
        }
    }
    return false;
}

static bool same_host(const struct hostport *a, const struct hostport *b) {
    bool any = !a->host.family || !b->host.family || ip_is_unspecified(a->host) || ip_is_unspecified(b->host);
    return a->protocol == b->protocol && a->host_port == b->host_port && (any || ip_equal(a->host, b->host));
}

static const struct cni_attachment *port_holder(const struct cni_state *s, const struct hostport *p) {
    vec_foreach (a, &s->attachments)
        for (size_t i = 0; i < a->n_ports; i++)
            if (same_host(&a->ports[i], p))
                return a;
    return NULL;
}

int cni_state_add(struct cni_state *s, const struct cni_config *c, struct str container, struct str ifname,
                  struct cni_attachment **ret, struct err *err) {
    struct cni_attachment a = {
        .container = container, .ifname = ifname, .ports = c->ports, .n_ports = c->n_ports};
    for (size_t i = 0; i < c->n_ports; i++) {
        const struct cni_attachment *holder = port_holder(s, &c->ports[i]);
        if (holder)
            return err_set(err, ERR_CONFLICT, "host port %u is taken by container %.*s",
                           c->ports[i].host_port, STR_ARG(holder->container));
    }
    for (unsigned i = 0; i < c->n_subnets; i++) {
        char text[CIDR_TEXT_MAX];
        (void)cidr_format(c->subnets[i], text);
        if (!pick(s, c->subnets[i], &a.ips[i]))
            return err_set(err, ERR_NO_SPACE, "no address is free in %s: the node has as many pods as fit",
                           text);
        s->last[a.ips[i].family == 6] = a.ips[i];
        a.n_ips++;
    }
    vec_push_in(s->arena, &s->attachments, a);
    *ret = &s->attachments.v[s->attachments.n - 1];
    return 0;
}

int cni_state_apply_ports(struct cni_state *s, struct err *err) {
    VEC(struct hostport) all = {0};
    vec_foreach (a, &s->attachments)
        for (size_t i = 0; i < a->n_ports; i++)
            for (unsigned k = 0; k < a->n_ips; k++) {
                struct hostport p = a->ports[i];
                p.pod = a->ips[k];
                vec_push_in(s->arena, &all, p);
            }
    return hostport_apply(all.v, all.n, err);
}
