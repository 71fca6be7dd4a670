/* controller/bootstrap_signer: signs the kubeconfig in kube-public/cluster-info with each bootstrap token, so
 * that who has a token knows it for genuine. One key.
 *
 * CONFORMS: signatures jws-kubeconfig-<id>: RFC 7515, HS256, detached content.
 */
#include <limits.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "api/meta.h"
#include "api/types/core.h"
#include "codec/base64.h"
#include "controller/controller_priv.h"
#include "controller/rows.h"

#define PREFIX S("jws-kubeconfig-")

static struct str base64url(struct arena *a, struct str bytes) {
    size_t n = base64_encoded_len(bytes.n, BASE64_URL);
    char *to = arena_bytes(a, n + 1);
    return str_make(to, base64_encode(BASE64_URL, bytes, to));
}

static bool sign(struct arena *a, struct str content, struct str id, struct str secret, struct str *ret) {
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct str header = base64url(a, arena_printf(a, "{\"alg\":\"HS256\",\"kid\":\"%.*s\"}", STR_ARG(id)));
    struct str text = arena_printf(a, "%.*s.%.*s", STR_ARG(header), STR_ARG(base64url(a, content)));
    if (secret.n > INT_MAX ||
        !HMAC(EVP_sha256(), secret.p, (int)secret.n, (const unsigned char *)text.p, text.n, mac, &n))
        return false;
    *ret =
        arena_printf(a, "%.*s..%.*s", STR_ARG(header), STR_ARG(base64url(a, str_make((const char *)mac, n))));
    return true;
}

static bool is_signing(const struct core_secret *s) {
    return str_eq(s->type, S("bootstrap.kubernetes.io/token")) && !meta_is_deleting(&s->metadata) &&
           str_eq(str_map_get(s->data, S("usage-bootstrap-signing")), S("true")) &&
           str_map_get(s->data, S("token-id")).n == 6 && str_map_get(s->data, S("token-secret")).n == 16;
}

static struct str_map signatures(struct reconcile *r, struct str_map data) {
    struct arena *a = r->arena;
    struct str content = str_map_get(data, S("kubeconfig")), text;
    struct str_map out = data;
    struct cow_iter it;
    for (uint32_t i = 0; i < data.n; i++)
        if (str_has_prefix(data.v[i].key, PREFIX))
            out = str_map_without(a, out, data.v[i].key);
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(CORE_SECRET), S("kube-system"))) {
        const struct core_secret *s = ((const struct object *)item->value)->body;
        struct str id = str_map_get(s->data, S("token-id"));
        if (is_signing(s) && sign(a, content, id, str_map_get(s->data, S("token-secret")), &text))
            out = str_map_with(a, out, arena_printf(a, "jws-kubeconfig-%.*s", STR_ARG(id)), text);
    }
    return out;
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    const struct object *o = world_get(&r->world, KIND(CORE_CONFIG_MAP), S("kube-public"), S("cluster-info"));
    (void)key;
    if (!o)
        return 0;
    struct core_config_map m = *(const struct core_config_map *)o->body;
    if (!str_map_get(m.data, S("kubeconfig")).n)
        return 0;
    struct str_map data = signatures(r, m.data);
    if (str_map_equal(data, m.data))
        return 0;
    m.data = data;
    return unless_gone(client_update(c->client, o->kind, &m, NULL, err));
}

static void map_any(struct reconciler *rc, const struct informer_event *e, void *arg) {
    (void)e, (void)arg;
    reconciler_enqueue(rc, S("cluster-info"));
}

int bootstrap_signer_start(struct controller *c, struct err *err) {
    const struct reconciler_watch watches[] = {
        {.of = {.kind = KIND(CORE_CONFIG_MAP),
                .ns = S("kube-public"),
                .field_selector = S("metadata.name=cluster-info")},
         .map = map_any},
        {.of = {.kind = KIND(CORE_SECRET),
                .ns = S("kube-system"),
                .field_selector = S("type=bootstrap.kubernetes.io/token")},
         .map = map_any},
    };
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 2, .reconcile = reconcile}, NULL,
        err);
}
