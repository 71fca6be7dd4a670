/* The node's name, address and certificates. */
#include "main/node_identity.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "client/client.h"
#include "client/remote.h"
#include "main/join.h"
#include "main/node.h"
#include "net/pki.h"

#define PEM_MAX (256u * 1024)
#define MODE_SECRET 0600
#define SIGNER_CLIENT S("kubernetes.io/kube-apiserver-client-kubelet")
#define SIGNER_SERVING S("kubernetes.io/kubelet-serving")
#define LOOK_NS (3600ll * 1000000000)

/* -- name and address -- */

static struct str host_name(struct arena *a) {
    struct utsname u;
    if (uname(&u) < 0)
        return S("localhost");
    struct str s = arena_str(a, str_from(u.nodename));
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= 'A' && s.p[i] <= 'Z')
            ((char *)s.p)[i] = (char)(s.p[i] + 32);
    return s;
}

/* The address of this machine from which packets to the server leave. */
static struct str route_address(const char *host, const char *port, struct arena *a) {
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *ai = NULL;
    if (getaddrinfo(host, port, &hints, &ai))
        return STR_NONE;
    struct sockaddr_storage own = {0};
    socklen_t size = sizeof own;
    char text[INET6_ADDRSTRLEN] = "";
    _cleanup_fd int fd = socket(ai->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
              getsockname(fd, (struct sockaddr *)&own, &size) == 0 &&
              getnameinfo((struct sockaddr *)&own, size, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0;
    freeaddrinfo(ai);
    return ok ? arena_str(a, str_from(text)) : STR_NONE;
}

/* A server on the loopback address says nothing of how others reach this machine: the default route does. */
static struct str own_address(const char *server, struct arena *a) {
    struct str rest = str_from_byte(str_from(server), 8), host, port;
    if (!str_split(rest, ':', &host, &port)) {
        host = rest;
        port = S("6443");
    }
    struct str ip = route_address(arena_strz(a, host), arena_strz(a, port), a);
    if (!ip.n || str_has_prefix(ip, S("127.")) || str_eq(ip, S("::1"))) {
        struct str routed = route_address("192.0.2.1", "9", a); /* TEST-NET-1: nothing is sent to it */
        ip = routed.n ? routed : ip;
    }
    return ip.n ? ip : S("127.0.0.1");
}

struct str node_identity_name(const char *asked, struct arena *a) {
    return asked ? arena_str(a, str_from(asked)) : host_name(a);
}

struct str node_identity_address(const char *server, struct arena *a) {
    return own_address(server, a);
}

struct str_map node_identity_labels(const char *const *labels, struct arena *a) {
    struct str_map m = {0};
    size_t count = 0;
    while (labels && labels[count])
        count++;
    m.v = arena_new_n(a, count, struct str_entry);
    for (size_t i = 0; i < count; i++) {
        struct str key, value;
        if (!str_split(str_from(labels[i]), '=', &key, &value)) {
            key = str_from(labels[i]);
            value = S("");
        }
        m.v[m.n++] = (struct str_entry){key, value};
    }
    return m;
}

static const char *in_dir(struct arena *a, const char *dir, const char *name) {
    return arena_printf(a, "%s/%s", dir, name).p;
}

/* -- joining -- */

/* Whether the certificate is there, belongs to this node, and is good for a while. */
static bool usable(const char *cert_path, struct str name, struct arena *a) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct pki_info info;
    if (file_read(cert_path, PEM_MAX, &b, NULL) < 0 || pki_cert_parse(buf_view(&b), a, &info, NULL) < 0)
        return false;
    struct str cn = arena_printf(a, "system:node:%.*s", STR_ARG(name));
    return str_eq(info.names.cn, cn) && info.not_after_sec - clock_wall_sec(clock_system()) > 3600;
}

static int write_pair(const char *cert_path, const char *key_path, struct str cert, struct str key,
                      struct err *err) {
    int rc = file_write_atomic(key_path, key, MODE_SECRET, err);
    return rc < 0 ? rc : file_write_atomic(cert_path, cert, MODE_SECRET, err);
}

static int take_ca(const struct node_options *o, const struct join_token *token,
                   const struct node_identity *id, struct arena *a, struct err *err) {
    struct str pem = STR_NONE;
    if (token->pin.n) {
        int rc = join_fetch_ca(str_from(o->server), token->pin, a, &pem, err);
        return rc < 0 ? rc : file_write_atomic(id->ca, pem, 0644, err);
    }
    _cleanup_buf struct buf b = BUF_INIT;
    if (!o->ca_file)
        return err_set(err, ERR_INVALID,
                       "the token does not say which authority to trust; give its file with --ca-file");
    int rc = file_read(o->ca_file, PEM_MAX, &b, err);
    return rc < 0 ? rc : file_write_atomic(id->ca, buf_view(&b), 0644, err);
}

static int client_with(const struct node_options *o, const struct node_identity *id, struct str token,
                       bool cert, struct client **ret, struct err *err) {
    struct client_config config = CLIENT_CONFIG_INIT;
    struct str *server = arena_new(&config.arena, struct str);
    *server = arena_str(&config.arena, str_from(o->server));
    config.servers = (struct str_array){server, 1};
    config.ca_path = arena_str(&config.arena, str_from(id->ca));
    config.token = arena_str(&config.arena, token);
    if (cert) {
        config.cert_path = arena_str(&config.arena, str_from(id->client_cert));
        config.key_path = arena_str(&config.arena, str_from(id->client_key));
    }
    return client_remote_new(&config, S("kubelet"), ret, err);
}

static int join(const struct node_options *o, const struct node_identity *id, struct arena *a,
                struct err *err) {
    struct join_token token;
    if (!o->token)
        return err_set(err, ERR_INVALID, "this machine has not joined yet; give a token with --token");
    int rc = join_token_read(str_from(o->token), &token, err);
    if (rc == 0)
        rc = take_ca(o, &token, id, a, err);
    struct client *c = NULL;
    if (rc == 0)
        rc = client_with(o, id, token.bearer, false, &c, err);
    struct str cert, key;
    struct join_request r = {.signer = SIGNER_CLIENT, .node_name = id->name};
    if (rc == 0)
        rc = join_certificate(c, &r, a, &cert, &key, err);
    client_free(c);
    return rc < 0 ? rc : write_pair(id->client_cert, id->client_key, cert, key, err);
}

int node_identity_make(const struct node_options *o, struct arena *a, struct node_identity *ret,
                       struct err *err) {
    const char *dir = in_dir(a, o->data_dir, "node");
    struct node_identity id = {
        .dir = dir,
        .name = node_identity_name(o->node_name, a),
        .ip = o->node_ip ? arena_str(a, str_from(o->node_ip)) : own_address(o->server, a),
        .ca = in_dir(a, dir, "ca.crt"),
        .client_cert = in_dir(a, dir, "client.crt"),
        .client_key = in_dir(a, dir, "client.key"),
        .serving_cert = in_dir(a, dir, "serving.crt"),
        .serving_key = in_dir(a, dir, "serving.key"),
    };
    int rc = file_mkdir_p(dir, 0700, err);
    if (rc == 0 && !(usable(id.client_cert, id.name, a) && file_exists(id.client_key) && file_exists(id.ca)))
        rc = join(o, &id, a, err);
    if (rc < 0)
        return err_wrap(err, "joining as node %.*s", STR_ARG(id.name));
    *ret = id;
    return 0;
}

int node_identity_client(const struct node_options *o, const struct node_identity *id, struct client **ret,
                         struct err *err) {
    return client_with(o, id, STR_NONE, true, ret, err);
}

/* -- renewing -- */

static int get_serving(struct client *c, const struct node_identity *id, struct arena *a, struct err *err) {
    struct str ip = id->ip, dns = id->name, cert, key;
    struct join_request r = {
        .signer = SIGNER_SERVING, .node_name = id->name, .serving = true, .ips = {&ip, 1}, .dns = {&dns, 1}};
    int rc = join_certificate(c, &r, a, &cert, &key, err);
    return rc < 0 ? rc : write_pair(id->serving_cert, id->serving_key, cert, key, err);
}

int node_identity_serving(struct client *c, const struct node_identity *id, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    return usable(id->serving_cert, id->name, &a) ? 0 : get_serving(c, id, &a, err);
}

struct identity_renewal {
    struct client *c;
    struct node_identity id;
    struct thread thread;
    struct mutex lock;
    struct cond cond;
    bool stop;
};

static bool due(const char *cert_path, struct arena *a) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct pki_info info;
    return file_read(cert_path, PEM_MAX, &b, NULL) == 0 &&
           pki_cert_parse(buf_view(&b), a, &info, NULL) == 0 && pki_renew_due(&info, clock_system());
}

static void renew(struct identity_renewal *r) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct str cert, key;
    struct join_request q = {.signer = SIGNER_CLIENT, .node_name = r->id.name};
    int rc = 0;
    if (due(r->id.client_cert, &a)) {
        rc = join_certificate(r->c, &q, &a, &cert, &key, &err);
        if (rc == 0)
            rc = write_pair(r->id.client_cert, r->id.client_key, cert, key, &err);
    }
    if (rc == 0 && due(r->id.serving_cert, &a))
        rc = get_serving(r->c, &r->id, &a, &err);
    if (rc < 0)
        log_warn("a certificate of the node could not be renewed; it is tried again", kv_err("err", &err));
}

static void run(void *arg) {
    struct identity_renewal *r = arg;
    mutex_lock(&r->lock);
    while (!r->stop) {
        (void)cond_wait_until(&r->cond, &r->lock, clock_mono_ns(clock_system()) + LOOK_NS);
        if (r->stop)
            break;
        mutex_unlock(&r->lock);
        renew(r);
        mutex_lock(&r->lock);
    }
    mutex_unlock(&r->lock);
}

int identity_renewal_start(struct client *c, const struct node_identity *id, struct identity_renewal **ret,
                           struct err *err) {
    struct identity_renewal *r = calloc(1, sizeof *r);
    if (!r)
        panic("out of memory");
    r->c = c;
    r->id = *id;
    mutex_init(&r->lock);
    cond_init(&r->cond);
    int rc = thread_start(&r->thread, &(struct thread_options){.name = "renewal"}, run, r, err);
    if (rc < 0)
        identity_renewal_stop(r);
    else
        *ret = r;
    return rc;
}

void identity_renewal_stop(struct identity_renewal *r) {
    if (!r)
        return;
    mutex_lock(&r->lock);
    r->stop = true;
    cond_signal(&r->cond);
    mutex_unlock(&r->lock);
    thread_join(&r->thread);
    cond_fini(&r->cond);
    mutex_fini(&r->lock);
    free(r);
}
