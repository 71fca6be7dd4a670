/* DefaultTolerationSeconds: pods stay for five minutes on a node that has become unreachable or not ready.
 * See admission.h. */
#include "api/types/core.h"
#include "apiserver/admission_priv.h"

#define SECONDS 300

/* CONFORMS: an empty key or effect of a toleration means all. */
static bool is_tolerated(const struct core_toleration_array *tolerations, struct str key) {
    for (uint32_t i = 0; i < tolerations->n; i++) {
        const struct core_toleration *t = &tolerations->v[i];
        if ((str_empty(t->key) || str_eq(t->key, key)) &&
            (str_empty(t->effect) || str_eq(t->effect, S("NoExecute"))))
            return true;
    }
    return false;
}

static void tolerate(struct arena *a, struct core_toleration_array *list, struct str key) {
    struct core_toleration *v = arena_new_n(a, list->n + 1u, struct core_toleration);
    if (list->n)
        memcpy(v, list->v, list->n * sizeof *v);
    v[list->n] = (struct core_toleration){
        .key = key,
        .operator= S("Exists"),
        .effect = S("NoExecute"),
        .toleration_seconds = {.v = SECONDS, .set = true},
    };
    list->v = v;
    list->n++;
}

static enum admission_verdict mutate(struct admission *a, struct admission_request *r,
                                     struct status **ret_status) {
    (void)a;
    (void)ret_status;
    if (!admission_is_main(r, KIND_CORE_POD))
        return ADMIT_NEXT;
    struct core_toleration_array *list = &((struct core_pod *)r->object)->spec.tolerations;
    bool not_ready = is_tolerated(list, S("node.kubernetes.io/not-ready"));
    bool unreachable = is_tolerated(list, S("node.kubernetes.io/unreachable"));
    if (!not_ready)
        tolerate(admission_arena(r), list, S("node.kubernetes.io/not-ready"));
    if (!unreachable)
        tolerate(admission_arena(r), list, S("node.kubernetes.io/unreachable"));
    return ADMIT_NEXT;
}

const struct admission_plugin admission_default_tolerations = {
    .name = "DefaultTolerationSeconds",
    .operations = ADMIT_CREATE | ADMIT_UPDATE,
    .mutate = mutate,
};
