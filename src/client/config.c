/* How to reach an API server. See config.h. */
#include "client/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#define ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"
#define NAMESPACE_MAX 4096u

void client_config_fini(struct client_config *c) {
    arena_fini(&c->arena);
    *c = (struct client_config)CLIENT_CONFIG_INIT;
}

static struct str read_namespace(struct arena *a, const char *dir) {
    _cleanup_buf struct buf text = BUF_INIT;
    if (file_read(arena_printf(a, "%s/namespace", dir).p, NAMESPACE_MAX, &text, NULL))
        return S("");
    return arena_str(a, str_trim(buf_view(&text)));
}

int client_config_in_cluster(struct client_config *ret, const char *dir, struct err *err) {
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
    if (!host || !*host || !port || !*port)
        return err_set(err, ERR_NOT_FOUND,
                       "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: "
                       "this is no pod of a cluster");
    struct client_config c = CLIENT_CONFIG_INIT;
    struct arena *a = &c.arena;
    if (!dir)
        dir = ACCOUNT_DIR;
    c.token_path = arena_printf(a, "%s/token", dir);
    if (!file_exists(c.token_path.p)) {
        int rc = err_set(err, ERR_NOT_FOUND, "there is no service account token at %s", c.token_path.p);
        client_config_fini(&c);
        return rc;
    }
    struct str ca = arena_printf(a, "%s/ca.crt", dir);
    if (file_exists(ca.p))
        c.ca_path = ca;
    bool v6 = strchr(host, ':') != NULL;
    c.servers.v = arena_new(a, struct str);
    c.servers.v[0] = arena_printf(a, v6 ? "https://[%s]:%s" : "https://%s:%s", host, port);
    c.servers.n = 1;
    c.ns = read_namespace(a, dir);
    *ret = c;
    return 0;
}
