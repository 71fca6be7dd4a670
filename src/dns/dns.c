/* See dns.h. */
#include "dns/dns.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "api/object.h"
#include "api/types/ids.h"
#include "api/types/meta.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/workers.h"
#include "client/client.h"
#include "client/informer.h"
#include "dns/server.h"
#include "dns/zone.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_BYTES_MAX 65536u
#define RESOLV_CHECK_MS 5000u

enum { SERVICES, SLICES, NAMESPACES, FOLLOWED };

struct follower {
    struct informer_listener listener;
    struct informer *informer;
    struct dns *dns;
    int what;
};

struct dns {
    struct loop *loop;
    struct dns_zone *zone;
    struct dns_server *server;
    struct dns_server_options options;
    struct ip addresses[DNS_ADDRESSES_MAX];
    struct follower followers[FOLLOWED];
    unsigned synced;
    atomic_bool ready;
    char *resolv_conf;
    uv_fs_poll_t resolv_poll;
    bool polling;
    struct waiter started; /* and what came of it */
    int rc;
    struct err err;
};

/* -- what the API tells -- */

static void on_event(struct informer_listener *l, const struct informer_event *e) {
    struct follower *f = (struct follower *)l;
    struct dns_zone *z = f->dns->zone;
    const struct meta_object_meta *m = e->object->meta;
    bool gone = e->type == INFORMER_DELETED;
    if (f->what == SERVICES && gone)
        dns_zone_remove_service(z, m->namespace, m->name);
    else if (f->what == SERVICES)
        dns_zone_put_service(z, e->object);
    else if (f->what == SLICES && gone)
        dns_zone_remove_slice(z, m->namespace, m->name);
    else if (f->what == SLICES)
        dns_zone_put_slice(z, e->object);
    else if (gone)
        dns_zone_remove_namespace(z, m->name);
    else
        dns_zone_put_namespace(z, m->name);
}

static void on_synced(struct informer_listener *l) {
    struct follower *f = (struct follower *)l;
    struct dns *d = f->dns;
    if (f->what == NAMESPACES) { // of use, but nothing waits for it
        dns_zone_set_namespaces_known(d->zone);
        return;
    }
    if (++d->synced < NAMESPACES)
        return;
    dns_server_set_synced(d->server);
    atomic_store(&d->ready, true);
    log_info("DNS knows the cluster", kv("services", dns_zone_services(d->zone)));
}

static int follow(struct dns *d, struct client *c, struct err *err) {
    static const uint16_t kind[FOLLOWED] = {KIND_CORE_SERVICE, KIND_DISCOVERY_ENDPOINT_SLICE,
                                            KIND_CORE_NAMESPACE};
    for (int i = 0; i < FOLLOWED; i++) {
        struct follower *f = &d->followers[i];
        struct informer_options o = {.kind = &kinds[kind[i]]};
        int rc = informer_get(c, &o, &f->informer, err);
        if (rc)
            return rc;
        f->dns = d;
        f->what = i;
        f->listener =
            (struct informer_listener){.loop = d->loop, .on_event = on_event, .on_synced = on_synced};
    }
    return 0;
}

/* -- the host's servers -- */

/* A small file that is read when the loop's poll saw it change. */
static void read_resolv(const struct dns *d, struct resolv *ret) {
    _cleanup_buf struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    ret->n = 0;
    if (file_read(d->resolv_conf, RESOLV_BYTES_MAX, &text, &err))
        log_warn("cannot read the host's DNS servers: names outside of the cluster are not found",
                 kv("file", d->resolv_conf), kv("err", &err));
    else
        resolv_parse(buf_view(&text), d->addresses, d->options.n_addresses, ret);
}

static void on_resolv_change(uv_fs_poll_t *poll, int status, const uv_stat_t *before, const uv_stat_t *now) {
    (void)before;
    (void)now;
    struct dns *d = poll->data;
    struct resolv r;
    if (status < 0)
        return; // it is being replaced
    read_resolv(d, &r);
    dns_server_set_upstream(d->server, &r);
}

/* -- life -- */

static void start_on_loop(void *arg) {
    struct dns *d = arg;
    read_resolv(d, &d->options.upstream);
    d->options.loop = d->loop;
    d->options.zone = d->zone;
    d->options.addresses = d->addresses;
    d->rc = dns_server_start(&d->options, &d->server, &d->err);
    if (!d->rc) {
        check(uv_fs_poll_init(loop_uv(d->loop), &d->resolv_poll) == 0);
        d->resolv_poll.data = d;
        d->polling = true;
        (void)uv_fs_poll_start(&d->resolv_poll, on_resolv_change, d->resolv_conf, RESOLV_CHECK_MS);
        for (int i = 0; i < FOLLOWED; i++)
            informer_listen(d->followers[i].informer, &d->followers[i].listener);
    }
    waiter_signal(&d->started);
}

static void on_quit(struct loop *l, void *arg) {
    (void)l;
    struct dns *d = arg;
    if (!d->server)
        return;
    for (int i = 0; i < FOLLOWED; i++)
        informer_unlisten(d->followers[i].informer, &d->followers[i].listener);
    if (d->polling)
        uv_close((uv_handle_t *)&d->resolv_poll, NULL);
    dns_server_close(d->server);
}

void dns_stop(struct dns *d) {
    if (!d)
        return;
    loop_stop(d->loop);
    for (int i = 0; i < FOLLOWED; i++)
        if (d->followers[i].informer)
            informer_unref(d->followers[i].informer);
    dns_zone_free(d->zone);
    waiter_fini(&d->started);
    free(d->resolv_conf);
    free(d);
}

static int run(struct dns *d, const struct dns_options *o, struct err *err) {
    struct loop_options lo = {.name = "dns", .on_quit = on_quit, .on_quit_arg = d};
    int rc = loop_start(&lo, &d->loop, err);
    if (!rc)
        rc = follow(d, o->client, err);
    if (!rc)
        rc = loop_call(d->loop, start_on_loop, d);
    if (rc)
        return rc;
    waiter_wait(&d->started);
    return d->rc ? err_set(err, d->rc, "%s", d->err.msg) : 0;
}

int dns_start(const struct dns_options *o, struct dns **ret, struct err *err) {
    if (o->n_addresses > DNS_ADDRESSES_MAX)
        return err_set(err, ERR_INVALID, "DNS can listen on at most %u addresses", DNS_ADDRESSES_MAX);
    struct dns_zone_options zo = {.domain = str_empty(o->domain) ? S(DNS_DOMAIN) : o->domain};
    struct dns_zone *zone = dns_zone_new(&zo);
    if (!zone)
        return err_set(err, ERR_INVALID, "\"%.*s\" is no domain for a cluster", STR_ARG(zo.domain));
    struct dns *d = calloc(1, sizeof *d);
    check(d != NULL);
    d->zone = zone;
    d->resolv_conf = strdup(o->resolv_conf ? o->resolv_conf : RESOLV_CONF);
    check(d->resolv_conf != NULL);
    if (o->n_addresses)
        memcpy(d->addresses, o->addresses, o->n_addresses * sizeof *o->addresses);
    d->options = (struct dns_server_options){
        .n_addresses = o->n_addresses, .port = o->port ? o->port : DNS_PORT, .metrics = o->metrics};
    waiter_init(&d->started, NULL);
    int rc = run(d, o, err);
    if (rc) {
        dns_stop(d);
        return rc;
    }
    *ret = d;
    return 0;
}

bool dns_ready(const struct dns *d) {
    return atomic_load(&d->ready);
}

uint16_t dns_port(const struct dns *d) {
    return dns_server_port(d->server);
}
