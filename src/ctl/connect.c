/* From flags and kubeconfig files to a connection. See ctl.h. */
#include <sys/stat.h>

#include "base/file.h"
#include "base/timefmt.h"
#include "client/client.h"
#include "client/kubeconfig.h"
#include "client/remote.h"
#include "ctl/connect.h"
#include "ctl/ctl.h"

#define REQUEST_TIMEOUT_NONE_MS 3600000u /* where the user wants none */

int ctl_request_timeout(struct ctl *c, unsigned *ret_ms, struct problem *p) {
    struct str s = opt_str(&c->opts, "request-timeout");
    int64_t ns = 0, seconds;
    if (str_to_i64(s, &seconds) && seconds >= 0 && seconds < INT32_MAX / 1000)
        ns = seconds * NS_PER_SEC;
    else if (s.n && (!duration_parse(s, &ns) || ns < 0))
        return problem_set(
            c, p,
            "Invalid timeout value. Timeout must be a single integer in seconds, or an integer "
            "followed by a corresponding time unit (e.g. 1s | 2m | 3h)");
    int64_t ms = (ns + NS_PER_MS - 1) / NS_PER_MS;
    *ret_ms = ms > 0 && ms < REQUEST_TIMEOUT_NONE_MS ? (unsigned)ms : REQUEST_TIMEOUT_NONE_MS;
    return 0;
}

/* A flag that all commands have; a command's own of that name ("--user") means something else. */
static struct str global_str(const struct opts *o, const char *name) {
    const struct opt_value *v = opts_find(o, str_from(name));
    for (const struct opt_row *r = global_flags; r->name; r++)
        if (v && v->row == r)
            return v->text;
    return S("");
}

static struct kubeconfig_flags flags_of(struct ctl *c) {
    const struct opts *o = &c->opts;
    struct kubeconfig_flags f = {
        .context = global_str(o, "context"),
        .cluster = global_str(o, "cluster"),
        .user = global_str(o, "user"),
        .ns = global_str(o, "namespace"),
        .server = global_str(o, "server"),
        .tls_server_name = global_str(o, "tls-server-name"),
        .ca_path = global_str(o, "certificate-authority"),
        .cert_path = global_str(o, "client-certificate"),
        .key_path = global_str(o, "client-key"),
        .token = global_str(o, "token"),
        .username = global_str(o, "username"),
        .password = global_str(o, "password"),
        .as_user = global_str(o, "as"),
        .as_uid = global_str(o, "as-uid"),
        .insecure = opt_bool(o, "insecure-skip-tls-verify"),
    };
    f.as_groups = opt_list(o, "as-group", &f.n_as_groups);
    return f;
}

/* --as-user-extra key=value, again for more values. */
static void add_extras(struct ctl *c, struct client_config *config) {
    size_t n;
    const struct str *list = opt_list(&c->opts, "as-user-extra", &n);
    if (!n)
        return;
    config->as_extra = arena_new_n(&config->arena, n, struct config_extra);
    config->n_as_extra = 0;
    for (size_t i = 0; i < n; i++) {
        struct str key, value;
        (void)str_split(list[i], '=', &key, &value);
        struct config_extra *x = NULL;
        for (uint32_t k = 0; k < config->n_as_extra; k++)
            if (str_eq(config->as_extra[k].key, key))
                x = &config->as_extra[k];
        if (!x) {
            x = &config->as_extra[config->n_as_extra++];
            x->key = arena_str(&config->arena, key);
            x->values.v = arena_new_n(&config->arena, n, struct str);
        }
        x->values.v[x->values.n++] = arena_str(&config->arena, value);
    }
}

/* The file of --kubeconfig; else NULL for the usual ones; else our own cluster's, where users have none. */
int ctl_kubeconfig_path(struct ctl *c, const char **ret, struct problem *p) {
    struct str said = opt_str(&c->opts, "kubeconfig");
    *ret = NULL;
    if (said.n) {
        struct stat st;
        *ret = arena_strz(&c->arena, said);
        if (stat(*ret, &st))
            return problem_set(c, p, "stat %s: no such file or directory", *ret);
        return 0;
    }
    struct kubeconfig *k;
    struct err err = ERR_INIT;
    if (!c->setup->kubeconfig_own || opt_given(&c->opts, "server") || !file_exists(c->setup->kubeconfig_own))
        return 0;
    if (kubeconfig_load(NULL, &k, &err))
        return 0; /* said when it is read in earnest */
    if (kubeconfig_empty(k))
        *ret = c->setup->kubeconfig_own;
    kubeconfig_free(k);
    return 0;
}

static int config_problem(struct ctl *c, struct problem *p, const struct err *err) {
    struct str context = opt_str(&c->opts, "context");
    if (err->code == ERR_NOT_FOUND && context.n && str_has_prefix(str_from(err->msg), S("context ")))
        return problem_say(c, p, "Error in configuration: context was not found for specified context: %.*s",
                           STR_ARG(context));
    return problem_of_err(c, p, err);
}

int ctl_config(struct ctl *c, struct problem *p) {
    if (c->config)
        return 0;
    struct err err = ERR_INIT;
    const char *path;
    if (ctl_kubeconfig_path(c, &path, p))
        return CTL_PROBLEM;
    struct kubeconfig_flags f = flags_of(c);
    struct client_config config = CLIENT_CONFIG_INIT;
    if (client_config_load(path, &f, &config, &err))
        return config_problem(c, p, &err);
    add_extras(c, &config);
    config.no_compression = config.no_compression || opt_bool(&c->opts, "disable-compression");
    c->ns_said = opt_str(&c->opts, "namespace").n > 0;
    c->ns = config.ns.n ? arena_str(&c->arena, config.ns) : S("default");
    c->server_url = config.servers.n ? arena_str(&c->arena, config.servers.v[0]) : S("");
    c->config = arena_new(&c->arena, struct client_config);
    *c->config = config;
    return 0;
}

int ctl_connect(struct ctl *c, struct problem *p) {
    struct err err = ERR_INIT;
    if (c->client)
        return 0;
    if (ctl_config(c, p))
        return CTL_PROBLEM;
    if (client_remote_new(c->config, S("kubectl"), &c->client, &err))
        return problem_of_err(c, p, &err);
    return 0;
}
