/* controller/tokens: tokens of service accounts that are kept in secrets: fills the secrets that somebody
 * made by hand, and deletes them with their account. Keys are secrets.
 *
 * CONFORMS: secrets of type kubernetes.io/service-account-token; the claims of tokens that never expire.
 */
#include "api/meta.h"
#include "api/types/core.h"
#include "codec/jval.h"
#include "controller/controller_priv.h"
#include "controller/rows.h"
#include "net/jwt.h"

#define ACCOUNT_NAME S("kubernetes.io/service-account.name")
#define ACCOUNT_UID S("kubernetes.io/service-account.uid")
#define TOKEN_TYPE S("kubernetes.io/service-account-token")
#define CLAIM "kubernetes.io/serviceaccount/"

struct tokens {
    struct jwt_signer *signer;
    struct informer *secrets;
};

static const struct informer_options token_secrets = {
    .kind = KIND(CORE_SECRET), .field_selector = STR_INIT("type=kubernetes.io/service-account-token")};

static int make_token(struct reconcile *r, const struct object *secret, const struct object *account,
                      struct str *ret, struct err *err) {
    struct controller *c = r->arg;
    struct arena *a = r->arena;
    const struct meta_object_meta *m = account->meta;
    struct jval claims = jval_null();
    claims = jval_with(a, &claims, S("iss"), jval_str(S("kubernetes/serviceaccount")));
    claims = jval_with(a, &claims, S(CLAIM "namespace"), jval_str(m->namespace));
    claims = jval_with(a, &claims, S(CLAIM "secret.name"), jval_str(secret->meta->name));
    claims = jval_with(a, &claims, S(CLAIM "service-account.name"), jval_str(m->name));
    claims = jval_with(a, &claims, S(CLAIM "service-account.uid"), jval_str(m->uid));
    claims = jval_with(a, &claims, S("sub"),
                       jval_str(arena_printf(a, "system:serviceaccount:%.*s:%.*s", STR_ARG(m->namespace),
                                             STR_ARG(m->name))));
    return jwt_sign(((struct tokens *)c->state)->signer, &claims, a, ret, err);
}

static int fill(struct reconcile *r, const struct object *o, const struct object *account, struct err *err) {
    struct controller *c = r->arg;
    struct core_secret s = *(const struct core_secret *)o->body;
    struct str ca = c->options->root_ca_pem, token = str_map_get(s.data, S("token"));
    struct str_map data = s.data;
    if (ca.n)
        data = str_map_with(r->arena, data, S("ca.crt"), ca);
    data = str_map_with(r->arena, data, S("namespace"), o->meta->namespace);
    if (!token.n) {
        int rc = make_token(r, o, account, &token, err);
        if (rc)
            return rc;
        data = str_map_with(r->arena, data, S("token"), token);
    }
    struct str_map annotations =
        str_map_with(r->arena, s.metadata.annotations, ACCOUNT_UID, account->meta->uid);
    if (str_map_equal(data, s.data) && str_map_equal(annotations, s.metadata.annotations))
        return 0;
    s.data = data;
    s.metadata.annotations = annotations;
    return unless_gone(client_update(c->client, o->kind, &s, NULL, err));
}

/* The account that a secret is for, asked of the server when the cache has none; NULL: it is gone. */
static int account_of(struct reconcile *r, const struct object *o, const struct object **ret,
                      struct err *err) {
    struct controller *c = r->arg;
    struct str name = str_map_get(o->meta->annotations, ACCOUNT_NAME);
    struct str uid = str_map_get(o->meta->annotations, ACCOUNT_UID);
    struct object *fresh = NULL;
    *ret = world_get(&r->world, KIND(CORE_SERVICE_ACCOUNT), o->meta->namespace, name);
    if (!*ret || (uid.n && !str_eq(uid, (*ret)->meta->uid))) {
        int rc = client_get(c->client, KIND(CORE_SERVICE_ACCOUNT), o->meta->namespace, name, &fresh, err);
        if (rc && rc != ERR_NOT_FOUND)
            return rc;
        if (fresh)
            arena_hold(r->arena, object_release_any, fresh);
        *ret = fresh;
    }
    if (*ret && uid.n && !str_eq(uid, (*ret)->meta->uid))
        *ret = NULL;
    return 0;
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    const struct object *o = world_get_key(&r->world, KIND(CORE_SECRET), key), *account = NULL;
    if (!o || meta_is_deleting(o->meta) || !str_eq(((const struct core_secret *)o->body)->type, TOKEN_TYPE) ||
        !str_map_get(o->meta->annotations, ACCOUNT_NAME).n)
        return 0;
    int rc = account_of(r, o, &account, err);
    if (rc)
        return rc;
    return account ? fill(r, o, account, err) : delete_object(c->client, o, STR_NONE, err);
}

/* Secrets may come before their account, and go with it. */
static void map_account(struct reconciler *rc, const struct informer_event *e, void *arg) {
    struct informer_snapshot s;
    struct cow_iter it;
    if (e->type == INFORMER_MODIFIED)
        return;
    _cleanup_arena struct arena a = ARENA_INIT;
    informer_snapshot(((struct tokens *)arg)->secrets, &s);
    struct str prefix = arena_printf(&a, "%.*s/", STR_ARG(e->object->meta->namespace));
    cow_foreach (item, &it, cow_prefix(&it, &s.tree, prefix))
        if (str_eq(str_map_get(((const struct object *)item->value)->meta->annotations, ACCOUNT_NAME),
                   e->object->meta->name))
            reconciler_enqueue(rc, item->key);
    informer_snapshot_fini(&s);
}

int tokens_start(struct controller *c, struct err *err) {
    if (!c->options->service_account_key.n)
        return 0;
    struct tokens *s = controller_state(c, sizeof *s);
    int rc = jwt_signer_new(c->options->service_account_key, &s->signer, err);
    if (!rc)
        rc = informer_get(c->watcher, &token_secrets, &s->secrets, err);
    if (rc)
        return rc;
    const struct reconciler_watch watches[] = {
        {.of = token_secrets, .map = map_self},
        WATCH_ALL(CORE_SERVICE_ACCOUNT, map_account, s),
    };
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 2, .reconcile = reconcile}, NULL,
        err);
}

void tokens_stop(struct controller *c) {
    struct tokens *s = c->state;
    informer_unref(s->secrets);
    jwt_signer_free(s->signer);
}
