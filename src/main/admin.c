/* The administrator's client. */
#include "main/admin.h"

#include "base/arena.h"
#include "base/err.h"
#include "client/kubeconfig.h"
#include "client/remote.h"
#include "main/layout.h"

static int load(const struct layout *l, struct client_config *ret, struct err *err) {
    struct kubeconfig *k = NULL;
    int rc = kubeconfig_load(l->kubeconfig, &k, err);
    if (rc == 0)
        rc = kubeconfig_client_config(k, NULL, ret, err);
    kubeconfig_free(k);
    return rc;
}

int admin_client(const struct layout *l, struct client **ret, struct err *err) {
    struct client_config config = CLIENT_CONFIG_INIT;
    int rc = load(l, &config, err);
    return rc < 0 ? rc : client_remote_new(&config, S("coxswain"), ret, err);
}

int admin_ca(const struct layout *l, struct arena *a, struct str *ret_pem, struct err *err) {
    _cleanup_client_config struct client_config config = CLIENT_CONFIG_INIT;
    int rc = load(l, &config, err);
    if (rc == 0)
        *ret_pem = arena_str(a, config.ca_pem);
    return rc;
}
