/* What is configured: maps, secrets, accounts, quotas, namespaces. See describe.h. */

#include "base/vec.h"
#include "ctl/describe.h"
#include "ctl/discovery.h"
#include "ctl/object.h"

/* -- maps and secrets -- */

void describe_config_map(struct describing *d) {
    const struct jval *data = jval_get(d->o, S("data")), *binary = jval_get(d->o, S("binaryData"));
    d_head(d);
    d_put(d, 0, "\nData\n====\n");
    for (uint32_t i = 0; data && data->kind == J_OBJECT && i < data->n; i++)
        d_put(d, 0, "%.*s:\n----\n%.*s\n\n", STR_ARG(data->members[i].key),
              STR_ARG(d_value(d, &data->members[i].value)));
    d_put(d, 0, "\nBinaryData\n====\n");
    for (uint32_t i = 0; binary && binary->kind == J_OBJECT && i < binary->n; i++)
        d_put(d, 0, "%.*s: %zu bytes\n", STR_ARG(binary->members[i].key),
              d_decode(d, d_value(d, &binary->members[i].value)).n);
    d_put(d, 0, "\n");
    d_events(d);
}

void describe_secret(struct describing *d) {
    const struct jval *data = jval_get(d->o, S("data"));
    bool token = str_eq(object_str(d->o, "type"), S("kubernetes.io/service-account-token"));
    d_head(d);
    d_put(d, 0, "\nType:\t%.*s\n\nData\n====\n", D_STR(d, "type"));
    for (uint32_t i = 0; data && data->kind == J_OBJECT && i < data->n; i++) {
        struct str key = data->members[i].key, bytes = d_decode(d, d_value(d, &data->members[i].value));
        if (token && str_eq(key, S("token")))
            d_put(d, 0, "%.*s:\t%.*s\n", STR_ARG(key), STR_ARG(bytes));
        else
            d_put(d, 0, "%.*s:\t%zu bytes\n", STR_ARG(key), bytes.n);
    }
}

void describe_service_account(struct describing *d) {
    const struct jval *pull = object_array(d->o, "imagePullSecrets");
    d_head(d);
    d_put(d, 0, "Image pull secrets:\t%s", pull && pull->n ? "" : "<none>\n");
    for (uint32_t i = 0; pull && i < pull->n; i++)
        d_put(d, 0, "%s%.*s\n", i ? "\t" : "", STR_ARG(object_str(&pull->items[i], "name")));
    d_events(d);
}

void describe_priority_class(struct describing *d) {
    d_put(d, 0, "Name:\t%.*s\n", STR_ARG(object_name(d->o)));
    d_put(d, 0, "Value:\t%lld\n", (long long)object_int(d->o, "value", 0));
    d_put(d, 0, "GlobalDefault:\t%s\n", object_bool(d->o, "globalDefault") ? "true" : "false");
    d_put(d, 0, "PreemptionPolicy:\t%.*s\n", D_STR(d, "preemptionPolicy"));
    d_put(d, 0, "Description:\t%.*s\n", D_STR(d, "description"));
    d_put(d, 0, "Annotations:\t%.*s\n", STR_ARG(d_map_inline(d, jval_path(d->o, "metadata.annotations"))));
    d_events(d);
}

/* -- quotas and ranges -- */

/* CONFORMS: what kubectl says of each scope. */
static const char *scope_text(struct str scope) {
    if (str_eq(scope, S("Terminating")))
        return "Matches all pods that have an active deadline. These pods have a limited lifespan on a node "
               "before "
               "being actively terminated by the system.";
    if (str_eq(scope, S("NotTerminating")))
        return "Matches all pods that do not have an active deadline. These pods usually include long "
               "running pods "
               "whose container command is not expected to terminate.";
    if (str_eq(scope, S("BestEffort")))
        return "Matches all pods that do not have resource requirements set. These pods have a best effort "
               "quality "
               "of service.";
    if (str_eq(scope, S("NotBestEffort")))
        return "Matches all pods that have at least one resource requirement set. These pods have a "
               "burstable or "
               "guaranteed quality of service.";
    return NULL;
}

static void put_scopes(struct describing *d, const struct jval *quota, unsigned level, const char *indent) {
    const struct jval *scopes = object_array(quota, "spec.scopes");
    if (!scopes || scopes->n == 0)
        return;
    d_put(d, level, "Scopes:\t%.*s\n", STR_ARG(d_join(d, scopes, ", ")));
    for (uint32_t i = 0; i < scopes->n; i++) {
        const char *text = scope_text(d_value(d, &scopes->items[i]));
        if (text)
            d_put(d, 0, "%s* %s\n", indent, text);
    }
}

static void put_used(struct describing *d, const struct jval *quota, unsigned level) {
    const struct jval *hard = jval_path(quota, "status.hard"), *used = jval_path(quota, "status.used");
    for (uint32_t i = 0; hard && hard->kind == J_OBJECT && i < hard->n; i++) {
        struct str now = jval_get_str(used, hard->members[i].key);
        d_put(d, level, "%.*s\t%.*s\t%.*s\n", STR_ARG(hard->members[i].key), STR_ARG(now.p ? now : S("0")),
              STR_ARG(d_value(d, &hard->members[i].value)));
    }
}

void describe_quota(struct describing *d) {
    d_name(d);
    put_scopes(d, d->o, 0, " ");
    d_put(d, 0, "Resource\tUsed\tHard\n--------\t----\t----\n");
    put_used(d, d->o, 0);
}

static void put_limit(struct describing *d, const char *indent, const struct jval *item,
                      struct str resource) {
    static const char *const columns[] = {"min", "max", "defaultRequest", "default", "maxLimitRequestRatio"};
    d_put(d, 0, "%s%.*s\t%.*s", indent, STR_ARG(object_str(item, "type")), STR_ARG(resource));
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        struct str v = jval_get_str(jval_get(item, str_from(columns[i])), resource);
        d_put(d, 0, "\t%.*s", STR_ARG(v.n ? v : S("-")));
    }
    d_put(d, 0, "\n");
}

static void put_limits(struct describing *d, const struct jval *range, const char *indent) {
    static const char *const maps[] = {"min", "max", "defaultRequest", "default", "maxLimitRequestRatio"};
    const struct jval *items = object_array(range, "spec.limits");
    for (uint32_t i = 0; items && i < items->n; i++) {
        struct jobject names = {0}; /* each resource once, sorted */
        for (size_t k = 0; k < sizeof maps / sizeof *maps; k++) {
            const struct jval *m = jval_get(&items->items[i], str_from(maps[k]));
            for (uint32_t x = 0; m && m->kind == J_OBJECT && x < m->n; x++)
                jobject_set(&d->c->arena, &names, m->members[x].key, jval_null());
        }
        struct jval all = jobject_done(&names);
        for (uint32_t x = 0; x < all.n; x++)
            put_limit(d, indent, &items->items[i], all.members[x].key);
    }
}

static void put_limit_heads(struct describing *d, const char *indent) {
    d_put(d, 0,
          "%sType\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio\n"
          "%s----\t--------\t---\t---\t---------------\t-------------\t-----------------------\n",
          indent, indent);
}

void describe_limit_range(struct describing *d) {
    d_name(d);
    put_limit_heads(d, "");
    put_limits(d, d->o, "");
}

/* -- namespaces -- */

static void put_namespace_quotas(struct describing *d) {
    struct jval quotas = d_list(d, "", "resourcequotas", object_name(d->o), S(""), S(""));
    if (quotas.kind != J_ARRAY || quotas.n == 0) {
        d_put(d, 0, "\nNo resource quota.\n");
        return;
    }
    d_put(d, 0, "\nResource Quotas\n");
    for (uint32_t i = 0; i < quotas.n; i++) {
        d_put(d, 1, "Name:\t%.*s\n", STR_ARG(object_name(&quotas.items[i])));
        put_scopes(d, &quotas.items[i], 1, "  ");
        d_put(d, 0, "  Resource\tUsed\tHard\n  --------\t---\t---\n");
        put_used(d, &quotas.items[i], 1);
    }
}

static void put_namespace_limits(struct describing *d) {
    struct jval ranges = d_list(d, "", "limitranges", object_name(d->o), S(""), S(""));
    if (ranges.kind != J_ARRAY || ranges.n == 0) {
        d_put(d, 0, "\nNo LimitRange resource.\n");
        return;
    }
    d_put(d, 0, "\nResource Limits\n");
    put_limit_heads(d, " ");
    for (uint32_t i = 0; i < ranges.n; i++)
        put_limits(d, &ranges.items[i], " ");
}

static void put_namespace_conditions(struct describing *d) {
    const struct jval *all = object_array(d->o, "status.conditions");
    if (!all || all->n == 0)
        return;
    d_put(d, 0, "Conditions:\n  Type\tStatus\tLastTransitionTime\tReason\tMessage\n");
    d_put(d, 1, "----\t------\t------------------\t------\t-------\n");
    for (uint32_t i = 0; i < all->n; i++) {
        const struct jval *k = &all->items[i];
        d_put(d, 1, "%.*s\t%.*s\t%.*s\t%.*s\t%.*s\n", STR_ARG(object_str(k, "type")),
              STR_ARG(object_str(k, "status")), STR_ARG(d_time(d, object_str(k, "lastTransitionTime"))),
              STR_ARG(object_str(k, "reason")), STR_ARG(object_str(k, "message")));
    }
}

void describe_namespace(struct describing *d) {
    d_head(d);
    d_put(d, 0, "Status:\t%.*s\n", D_STR(d, "status.phase"));
    put_namespace_conditions(d);
    put_namespace_quotas(d);
    put_namespace_limits(d);
}
