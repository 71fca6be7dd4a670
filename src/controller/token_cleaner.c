/* controller/token_cleaner: deletes bootstrap tokens whose time is over. Keys are secrets in kube-system. */
#include "api/meta.h"
#include "api/time.h"
#include "api/types/core.h"
#include "base/timefmt.h"
#include "controller/controller_priv.h"
#include "controller/rows.h"

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    const struct object *o = world_get_key(&r->world, KIND(CORE_SECRET), key);
    const struct core_secret *s = o ? o->body : NULL;
    struct timestamp end;
    if (!s || meta_is_deleting(o->meta) || !str_eq(s->type, S("bootstrap.kubernetes.io/token")))
        return 0;
    struct str text = str_map_get(s->data, S("expiration"));
    if (!text.n)
        return 0; /* for ever */
    bool valid = timestamp_parse(text, &end, NULL) == 0;
    int64_t left = valid ? timestamp_to_ns(end) - now_ns(r) : 0;
    if (left > 0) {
        r->requeue_after_ns = left;
        return 0;
    }
    return delete_object(c->client, o, STR_NONE, err);
}

int token_cleaner_start(struct controller *c, struct err *err) {
    const struct reconciler_watch watches[] = {
        {.of = {.kind = KIND(CORE_SECRET),
                .ns = S("kube-system"),
                .field_selector = S("type=bootstrap.kubernetes.io/token")},
         .map = map_self},
    };
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 1, .reconcile = reconcile}, NULL,
        err);
}
