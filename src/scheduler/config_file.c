/* The scheduler's configuration file. See config_file.h. */
#include "scheduler/config_file.h"

#include "api/json.h"
#include "api/types/ids.h"
#include "api/types/scheduler_config.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "codec/yaml.h"

#define FILE_BYTES_MAX (1u << 20)
#define API_VERSION S("kubescheduler.config.k8s.io/v1")
#define KIND_NAME S("KubeSchedulerConfiguration")

typedef struct scheduler_config_kube_scheduler_configuration config;

static int check_kind(const config *c, struct err *err) {
    const struct meta_type_meta *t = &c->type_meta;
    if (str_eq(t->api_version, API_VERSION) && str_eq(t->kind, KIND_NAME))
        return 0;
    return err_set(err, ERR_INVALID, "it is %.*s %.*s, wanted is kubescheduler.config.k8s.io/v1 %s",
                   STR_ARG(t->api_version), STR_ARG(t->kind), "KubeSchedulerConfiguration");
}

static int check_numbers(const config *c, struct err *err) {
    int64_t first = c->pod_initial_backoff_seconds.set ? c->pod_initial_backoff_seconds.v : 1;
    int64_t longest = c->pod_max_backoff_seconds.set ? c->pod_max_backoff_seconds.v : 10;
    if (c->parallelism.set && c->parallelism.v <= 0)
        return err_set(err, ERR_INVALID, "parallelism: must be greater than 0");
    if (c->percentage_of_nodes_to_score.set &&
        (c->percentage_of_nodes_to_score.v < 0 || c->percentage_of_nodes_to_score.v > 100))
        return err_set(err, ERR_INVALID, "percentageOfNodesToScore: not in valid range [0-100]");
    if (first <= 0)
        return err_set(err, ERR_INVALID, "podInitialBackoffSeconds: must be greater than 0");
    if (longest < first)
        return err_set(err, ERR_INVALID,
                       "podMaxBackoffSeconds: must be greater than or equal to PodInitialBackoffSeconds");
    if (c->extenders.n)
        return err_set(err, ERR_UNSUPPORTED, "extenders: this scheduler calls none; take them out");
    return 0;
}

static int check_profiles(const config *c, struct err *err) {
    for (uint32_t i = 0; i < c->profiles.n; i++) {
        struct str name = c->profiles.v[i].scheduler_name;
        if (name.n == 0 && c->profiles.n > 1)
            return err_set(err, ERR_INVALID, "profiles[%u].schedulerName: is needed when there are several",
                           i);
        for (uint32_t k = 0; k < i; k++)
            if (str_eq(c->profiles.v[k].scheduler_name, name))
                return err_set(err, ERR_INVALID, "profiles[%u].schedulerName: %.*s is there twice", i,
                               STR_ARG(name));
    }
    return 0;
}

static int parse(struct str text, struct arena *a, config **ret, struct err *err) {
    struct strict_errors strict = {.arena = a};
    struct json_read_options options = {.strict = &strict};
    _cleanup_buf struct buf json = BUF_INIT;
    void *body;
    int r = yaml_to_json(&json, text, NULL, &strict, err);
    if (r == 0)
        r = api_read_json(a, &builtin, TY_SCHEDULER_CONFIG_KUBE_SCHEDULER_CONFIGURATION, buf_view(&json),
                          &options, &body, err);
    if (r < 0)
        return r;
    if (strict.n)
        return err_set(err, ERR_INVALID, "%.*s", STR_ARG(strict.v[0]));
    *ret = body;
    return 0;
}

int scheduler_config_read(const char *path, struct arena *a, const config **ret, struct err *err) {
    _cleanup_buf struct buf text = BUF_INIT;
    config *c = NULL;
    int r = file_read(path, FILE_BYTES_MAX, &text, err);
    if (r < 0)
        return r;
    r = parse(buf_view(&text), a, &c, err);
    if (r == 0)
        r = check_kind(c, err);
    if (r == 0)
        r = check_numbers(c, err);
    if (r == 0)
        r = check_profiles(c, err);
    if (r == 0)
        *ret = c;
    return r < 0 ? err_wrap(err, "%s", path) : 0;
}
