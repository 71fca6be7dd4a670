/* Keys, certificates and kubeconfigs. See server_files.h. */
#include "apiserver/server_files.h"

#include <stdlib.h>
#include <unistd.h>

#include "api/ip.h"
#include "apiserver/kubeconfig_file.h"
#include "apiserver/server.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/vec.h"
#include "codec/base64.h"

#define CA_NAME S("kubernetes")
#define MODE_SECRET 0600
#define MODE_PUBLIC 0644
#define ADMINS S("system:masters")

/* Whose certificates are kept, and in which file. */
static const struct account {
    const char *file; /* kubeconfig, or NULL: pki/apiserver-kubelet-client */
    struct str user, group;
} accounts[] = {
    {"admin.conf", STR_INIT("kubernetes-admin"), STR_INIT("system:masters")},
    {"controller-manager.conf", STR_INIT("system:kube-controller-manager"), STR_INIT("")},
    {"scheduler.conf", STR_INIT("system:kube-scheduler"), STR_INIT("")},
};

static const char *path_of(struct server_files *f, const char *name) {
    return arena_printf(&f->arena, "%s/%s", f->dir, name).p;
}

static int read_text(const char *path, struct arena *a, struct str *ret, struct err *err) {
    _cleanup_buf struct buf text = BUF_INIT;
    int r = file_read(path, PKI_PEM_BYTES_MAX, &text, err);
    if (r == 0)
        *ret = buf_to_arena(&text, a);
    return r;
}

static int write_pair(const char *cert, const char *key, const struct pki_pair *pair, struct err *err) {
    int r = file_write_atomic(key, pair->key_pem, MODE_SECRET, err);
    return r < 0 ? r : file_write_atomic(cert, pair->cert_pem, MODE_PUBLIC, err);
}

/* -- the authority and the tokens' key -- */

static int make_ca(struct server_files *f, struct pki_pair *ret, struct err *err) {
    int r = pki_ca_new(CA_NAME, STR_NONE, PKI_CA_LIFETIME_SEC, f->clock, &f->arena, ret, err);
    if (r == 0 && f->dir)
        r = write_pair(path_of(f, "pki/ca.crt"), path_of(f, "pki/ca.key"), ret, err);
    return r;
}

static int open_ca(struct server_files *f, struct err *err) {
    struct pki_pair pair;
    int r;
    if (f->dir && file_exists(path_of(f, "pki/ca.crt"))) {
        r = read_text(path_of(f, "pki/ca.crt"), &f->arena, &pair.cert_pem, err);
        if (r == 0)
            r = read_text(path_of(f, "pki/ca.key"), &f->arena, &pair.key_pem, err);
    } else {
        r = make_ca(f, &pair, err);
    }
    if (r == 0)
        r = pki_ca_load(pair.cert_pem, pair.key_pem, &f->ca, err);
    if (r < 0)
        return err_wrap(err, "the cluster's authority (pki/ca.crt, pki/ca.key)");
    f->ca_pem = pair.cert_pem;
    f->ca_key_pem = pair.key_pem;
    return 0;
}

static int open_token_key(struct server_files *f, struct err *err) {
    if (f->dir) {
        f->sa_key = path_of(f, "pki/sa.key");
        if (file_exists(f->sa_key))
            return read_text(f->sa_key, &f->arena, &f->sa_key_pem, err);
    }
    struct pki_pair pair; /* only its key is wanted */
    int r = pki_ca_new(S("service-accounts"), STR_NONE, PKI_CA_LIFETIME_SEC, f->clock, &f->arena, &pair, err);
    f->sa_key_pem = pair.key_pem;
    return r == 0 && f->dir ? file_write_atomic(f->sa_key, pair.key_pem, MODE_SECRET, err) : r;
}

/* -- what the authority issues -- */

static bool has_all(struct str_array have, struct str_array want) {
    for (uint32_t i = 0; i < want.n; i++) {
        bool found = false;
        for (uint32_t k = 0; k < have.n && !found; k++)
            found = str_eq(have.v[k], want.v[i]);
        if (!found)
            return false;
    }
    return true;
}

/* Whether a certificate can stay: ours, not yet due, with all names. */
static bool still_good(const struct server_files *f, struct str cert_pem, const struct pki_names *names) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct pki_info info;
    return pki_cert_parse(cert_pem, &a, &info, NULL) == 0 && pki_issued_by(f->ca, cert_pem) &&
           !pki_renew_due(&info, f->clock) && has_all(info.names.dns, names->dns) &&
           has_all(info.names.ips, names->ips) && str_eq(info.names.cn, names->cn);
}

/* Makes or replaces a pair of files. *ret_changed: another one is there now. */
static int keep_pair(const struct server_files *f, const char *cert, const char *key,
                     const struct pki_names *names, unsigned usages, bool *ret_changed, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct pki_pair pair;
    *ret_changed = false;
    if (file_exists(cert) && file_exists(key) && read_text(cert, &a, &pair.cert_pem, NULL) == 0 &&
        still_good(f, pair.cert_pem, names))
        return 0;
    int r = pki_issue(f->ca, names, usages, PKI_LEAF_LIFETIME_SEC, f->clock, &a, &pair, err);
    if (r == 0)
        r = write_pair(cert, key, &pair, err);
    *ret_changed = r == 0;
    return r;
}

static int keep_serving(struct server_files *f, bool *ret_changed, struct err *err) {
    *ret_changed = false;
    if (!f->own_cert)
        return 0;
    return keep_pair(f, f->cert, f->key, &f->serving,
                     PKI_SERVER_AUTH | PKI_DIGITAL_SIGNATURE | PKI_KEY_ENCIPHERMENT, ret_changed, err);
}

static int keep_kubelet_client(struct server_files *f, struct err *err) {
    struct str group = ADMINS;
    struct pki_names names = {.cn = S("kube-apiserver-kubelet-client"), .orgs = {&group, 1}};
    bool changed;
    return keep_pair(f, f->kubelet_cert, f->kubelet_key, &names, PKI_CLIENT_AUTH | PKI_DIGITAL_SIGNATURE,
                     &changed, err);
}

/* -- names of the serving certificate -- */

struct names {
    VEC(struct str) dns, ips;
};

static void add_name(struct arena *a, struct names *n, struct str name) {
    struct ip ip;
    char text[IP_TEXT_MAX];
    if (name.n == 0)
        return;
    if (ip_parse(name, IP_STRICT, &ip)) {
        struct str canonical = arena_str(a, str_make(text, ip_format(ip, text)));
        vec_push_in(a, &n->ips, canonical);
    } else {
        vec_push_in(a, &n->dns, arena_str(a, name));
    }
}

static void fill_serving(struct server_files *f, const struct server_files_options *o) {
    struct names n = {.dns.n = 0};
    struct arena *a = &f->arena;
    char host[256] = "";
    static const char *const fixed[] = {"kubernetes", "kubernetes.default", "kubernetes.default.svc",
                                        "localhost",  "127.0.0.1",          "::1"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        add_name(a, &n, str_from(fixed[i]));
    add_name(a, &n, arena_join(a, (struct str[]){S("kubernetes.default.svc"), o->cluster_domain}, 2, S(".")));
    if (gethostname(host, sizeof host - 1) == 0)
        add_name(a, &n, str_from(host));
    add_name(a, &n, o->advertise_address);
    add_name(a, &n, o->service_address);
    const char *bind = o->server->bind_address;
    if (bind && strcmp(bind, "0.0.0.0") != 0 && strcmp(bind, "::") != 0)
        add_name(a, &n, str_from(bind));
    for (const char *const *name = o->server->tls_names; name && *name; name++)
        add_name(a, &n, str_from(*name));
    f->serving = (struct pki_names){
        .cn = S("kube-apiserver"),
        .dns = {n.dns.v, (uint32_t)n.dns.n},
        .ips = {n.ips.v, (uint32_t)n.ips.n},
    };
}

/* Clients may have certificates of the operator's authority or of ours. */
static int write_client_ca(struct server_files *f, const char *theirs, struct err *err) {
    struct str pem;
    int r = read_text(theirs, &f->arena, &pem, err);
    if (r < 0)
        return err_wrap(err, "--client-ca-file");
    f->client_ca = path_of(f, "pki/client-ca-bundle.crt");
    struct str both = arena_join(&f->arena, (struct str[]){pem, f->ca_pem}, 2, S("\n"));
    return file_write_atomic(f->client_ca, both, MODE_PUBLIC, err);
}

static int open_leaves(struct server_files *f, const struct server_files_options *o, struct err *err) {
    const struct apiserver_options *s = o->server;
    bool changed;
    f->own_cert = !s->tls_cert_file;
    f->cert = f->own_cert ? path_of(f, "pki/apiserver.crt") : s->tls_cert_file;
    f->key = f->own_cert ? path_of(f, "pki/apiserver.key") : s->tls_private_key_file;
    f->kubelet_cert = path_of(f, "pki/apiserver-kubelet-client.crt");
    f->kubelet_key = path_of(f, "pki/apiserver-kubelet-client.key");
    f->kubelet_ca = s->kubelet_certificate_authority;
    if (!f->kubelet_ca && s->own_kubelets)
        f->kubelet_ca = path_of(f, "pki/ca.crt");
    f->admin_conf = path_of(f, accounts[0].file);
    f->client_ca = path_of(f, "pki/ca.crt");
    fill_serving(f, o);
    int r = s->client_ca_file ? write_client_ca(f, s->client_ca_file, err) : 0;
    if (r == 0)
        r = keep_serving(f, &changed, err);
    return r < 0 ? r : keep_kubelet_client(f, err);
}

int server_files_open(const struct server_files_options *o, struct server_files **ret, struct err *err) {
    struct server_files *f = calloc(1, sizeof *f);
    int r = 0;
    if (!f)
        panic("out of memory");
    arena_init(&f->arena);
    f->clock = o->clock;
    if (o->server->data_dir) {
        f->dir = arena_strz(&f->arena, str_from(o->server->data_dir));
        r = file_mkdir_p(path_of(f, "pki"), 0700, err);
    }
    if (r == 0)
        r = open_ca(f, err);
    if (r == 0)
        r = open_token_key(f, err);
    if (r == 0 && f->dir)
        r = open_leaves(f, o, err);
    if (r < 0) {
        server_files_free(f);
        return r;
    }
    *ret = f;
    return 0;
}

void server_files_free(struct server_files *f) {
    if (!f)
        return;
    pki_ca_free(f->ca);
    arena_fini(&f->arena);
    free(f);
}

/* -- kubeconfigs -- */

/* The certificate within a kubeconfig, which is where it is kept. */
static struct str cert_of_kubeconfig(struct arena *a, const char *path, struct str url) {
    struct str text, rest, line;
    if (read_text(path, a, &text, NULL) < 0 || str_find(text, url) < 0)
        return STR_NONE;
    const struct str key = S("client-certificate-data: ");
    for (rest = text; rest.n;) {
        str_split(rest, '\n', &line, &rest);
        line = str_trim(line);
        if (!str_has_prefix(line, key))
            continue;
        struct str data = str_from_byte(line, key.n);
        char *to = arena_bytes(a, base64_decoded_max(data.n));
        size_t n;
        return base64_decode(BASE64_STD, data, to, &n, NULL) == 0 ? str_make(to, n) : STR_NONE;
    }
    return STR_NONE;
}

static int keep_kubeconfig(struct server_files *f, const struct account *account, struct str url,
                           struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const char *path = arena_printf(&a, "%s/%s", f->dir, account->file).p;
    struct str group = account->group;
    struct pki_names names = {.cn = account->user, .orgs = {&group, group.n ? 1 : 0}};
    struct str cert = file_exists(path) ? cert_of_kubeconfig(&a, path, url) : STR_NONE;
    if (cert.p && still_good(f, cert, &names))
        return 0;
    struct pki_pair pair;
    int r = pki_issue(f->ca, &names, PKI_CLIENT_AUTH | PKI_DIGITAL_SIGNATURE, PKI_LEAF_LIFETIME_SEC, f->clock,
                      &a, &pair, err);
    if (r < 0)
        return r;
    struct kubeconfig_file k = {
        .server = url,
        .cluster = S("kubernetes"),
        .user = account->user,
        .ca_pem = f->ca_pem,
        .cert_pem = pair.cert_pem,
        .key_pem = pair.key_pem,
    };
    return kubeconfig_file_write(&k, path, err);
}

int server_files_kubeconfigs(struct server_files *f, struct str url, struct err *err) {
    for (size_t i = 0; f->dir && i < sizeof accounts / sizeof *accounts; i++) {
        int r = keep_kubeconfig(f, &accounts[i], url, err);
        if (r < 0)
            return err_wrap(err, "%s/%s", f->dir, accounts[i].file);
    }
    return 0;
}

bool server_files_renew(struct server_files *f, struct str url) {
    struct err err = ERR_INIT;
    bool changed = false;
    if (!f->dir)
        return false;
    int r = keep_serving(f, &changed, &err);
    if (r == 0)
        r = keep_kubelet_client(f, &err);
    if (r == 0)
        r = server_files_kubeconfigs(f, url, &err);
    if (r < 0)
        log_error("certificates could not be renewed, trying again in an hour", kv("err", &err));
    return changed;
}
