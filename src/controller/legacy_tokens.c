/* controller/legacy_tokens: token secrets that were made by themselves and that nobody has used for a year
 * are marked, and deleted when another year has passed. Keys are secrets.
 *
 * The API server writes when a token was used last, and in a config map since when it does so: without that
 * nothing is known, and nothing is done. CONFORMS: controllers.tsv legacy-serviceaccount-token-cleaner.
 */
#include "api/meta.h"
#include "api/time.h"
#include "api/types/core.h"
#include "base/timefmt.h"
#include "controller/controller_priv.h"
#include "controller/rows.h"

#define ROUND_NS (24 * NS_PER_HOUR)
#define TRACKING S("kube-apiserver-legacy-service-account-token-tracking")
#define LAST_USED S("kubernetes.io/legacy-token-last-used")
#define INVALID_SINCE S("kubernetes.io/legacy-token-invalid-since")

/* A day, "2026-01-31", as its first moment; false: it is none. */
static bool read_day(struct arena *a, struct str day, int64_t *ret_ns) {
    struct timestamp t;
    if (day.n != strlen("2026-01-31") ||
        timestamp_parse(arena_printf(a, "%.*sT00:00:00Z", STR_ARG(day)), &t, NULL))
        return false;
    *ret_ns = timestamp_to_ns(t);
    return true;
}

/* Those that users make are not listed by their account. */
static bool made_by_itself(struct reconcile *r, const struct object *secret) {
    const struct meta_object_meta *m = secret->meta;
    struct str name = str_map_get(m->annotations, S("kubernetes.io/service-account.name"));
    const struct object *o =
        name.n ? world_get(&r->world, KIND(CORE_SERVICE_ACCOUNT), m->namespace, name) : NULL;
    const struct core_service_account *account = o ? o->body : NULL;
    for (uint32_t i = 0; account && i < account->secrets.n; i++)
        if (str_eq(account->secrets.v[i].name, m->name))
            return true;
    return false;
}

static bool mounts(const struct core_pod *p, struct str secret) {
    for (uint32_t i = 0; i < p->spec.volumes.n; i++) {
        const struct core_secret_volume_source *s = p->spec.volumes.v[i].volume_source.secret;
        if (s && str_eq(s->secret_name, secret))
            return true;
    }
    return false;
}

static bool is_mounted(struct reconcile *r, const struct object *secret) {
    struct cow_iter it;
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(CORE_POD), secret->meta->namespace))
        if (mounts(((const struct object *)item->value)->body, secret->meta->name))
            return true;
    return false;
}

/* Since when uses are noted; INT64_MAX: they are not. */
static int tracked_since(struct reconcile *r, struct client *c, int64_t *ret_ns, struct err *err) {
    struct object *o = NULL;
    int rc = client_get(c, KIND(CORE_CONFIG_MAP), S("kube-system"), TRACKING, &o, err);
    *ret_ns = INT64_MAX;
    if (rc)
        return unless_gone(rc);
    (void)read_day(r->arena, str_map_get(((const struct core_config_map *)o->body)->data, S("since")),
                   ret_ns);
    object_unref(o);
    return 0;
}

static int mark(struct reconcile *r, struct client *c, const struct object *o, struct err *err) {
    char day[TIME_TEXT_SIZE];
    (void)timestamp_format(now_stamp(r), day);
    struct str patch =
        arena_printf(r->arena,
                     "{\"metadata\":{\"uid\":\"%.*s\",\"resourceVersion\":\"%.*s\",\"labels\":{"
                     "\"%.*s\":\"%.10s\"}}}",
                     STR_ARG(o->meta->uid), STR_ARG(o->meta->resource_version), STR_ARG(INVALID_SINCE), day);
    return unless_gone(client_patch(c, o->kind, o->meta->namespace, o->meta->name, S(""), CLIENT_PATCH_MERGE,
                                    patch, NULL, err));
}

/* The token may have been used since it was looked at: its version has to be the same. */
static int delete_unused(struct client *c, const struct object *o, struct err *err) {
    struct client_delete options = CLIENT_DELETE_DEFAULT;
    options.uid = o->meta->uid;
    options.resource_version = o->meta->resource_version;
    return unless_gone(client_delete(c, o->kind, o->meta->namespace, o->meta->name, &options, err));
}

static int consider(struct reconcile *r, const struct object *o, int64_t since_ns, struct err *err) {
    struct controller *c = r->arg;
    int64_t unused_ns = c->options->legacy_token_unused_ns, invalid_ns;
    int64_t made_ns = timestamp_to_ns(o->meta->creation_timestamp), used_ns = since_ns;
    (void)read_day(r->arena, str_map_get(o->meta->labels, LAST_USED), &used_ns);
    if (since_ns == INT64_MAX || now_ns(r) - since_ns < unused_ns || now_ns(r) - used_ns < unused_ns ||
        now_ns(r) - made_ns < unused_ns)
        return 0;
    if (!read_day(r->arena, str_map_get(o->meta->labels, INVALID_SINCE), &invalid_ns))
        return mark(r, c->client, o, err);
    return now_ns(r) - invalid_ns < unused_ns ? 0 : delete_unused(c->client, o, err);
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    const struct object *o = world_get_key(&r->world, KIND(CORE_SECRET), key);
    int64_t since_ns;
    if (!o || meta_is_deleting(o->meta) ||
        !str_eq(((const struct core_secret *)o->body)->type, S("kubernetes.io/service-account-token")))
        return 0;
    r->requeue_after_ns = ROUND_NS;
    if (!made_by_itself(r, o) || is_mounted(r, o))
        return 0;
    int rc = tracked_since(r, c->client, &since_ns, err);
    return rc ? rc : consider(r, o, since_ns, err);
}

int legacy_tokens_start(struct controller *c, struct err *err) {
    const struct reconciler_watch watches[] = {
        {.of = {.kind = KIND(CORE_SECRET), .field_selector = S("type=kubernetes.io/service-account-token")},
         .map = map_self},
        WATCH_ALL(CORE_SERVICE_ACCOUNT, NULL, NULL),
        WATCH_ALL(CORE_POD, NULL, NULL),
    };
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 3, .reconcile = reconcile}, NULL,
        err);
}
