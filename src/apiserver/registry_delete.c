/* DELETE of one object. */
#include "apiserver/deletion.h"
#include "apiserver/registry_priv.h"

#include "api/types/ids.h"
#include "api/types/meta.h"
#include "base/arena.h"
#include "base/err.h"

/* CONFORMS: kinds of which the deleted object is the answer; others answer with a Status. */
static bool answers_with_object(const struct kind *hub) {
    static const uint16_t some[] = {
        KIND_CORE_POD,
        KIND_CORE_PERSISTENT_VOLUME,
        KIND_CORE_PERSISTENT_VOLUME_CLAIM,
        KIND_CORE_POD_TEMPLATE,
        KIND_CORE_RESOURCE_QUOTA,
        KIND_CORE_SERVICE,
        KIND_CORE_SERVICE_ACCOUNT,
        KIND_STORAGE_CSI_DRIVER,
        KIND_STORAGE_CSI_NODE,
        KIND_STORAGE_STORAGE_CLASS,
        KIND_STORAGE_VOLUME_ATTACHMENT,
        KIND_STORAGE_VOLUME_ATTRIBUTES_CLASS,
        KIND_RESOURCE_DEVICE_CLASS,
        KIND_RESOURCE_RESOURCE_CLAIM,
        KIND_RESOURCE_RESOURCE_CLAIM_TEMPLATE,
        KIND_RESOURCE_RESOURCE_SLICE,
    };
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        if (hub->index == some[i])
            return true;
    return false;
}

static void after(struct deletion *d, struct object *object, bool removed, struct status *failure) {
    struct call *c = d->call;
    const struct opt_bool orphan = d->options->orphan_dependents;
    if (failure)
        call_answer_status(c, failure);
    else if (removed && !answers_with_object(d->kind))
        call_answer_status(c, status_success(c->arena, call_target(c), object->meta->uid));
    else
        call_answer_object(c, !removed && orphan.set && !orphan.v ? 202 : 200, object_ref(object));
}

void registry_delete(struct call *c) {
    struct meta_delete_options *options;
    struct status *failure;
    if (deletion_options(c, &options, &failure) < 0) {
        call_answer_status(c, failure);
        return;
    }
    struct deletion *d = arena_new(c->arena, struct deletion);
    *d = (struct deletion){
        .call = c,
        .asked = c->info.kind,
        .ns = c->info.kind->namespaced ? c->info.access.ns : S(""),
        .name = c->info.access.name,
        .options = options,
        .dry_run = deletion_is_dry(c, options->dry_run.n),
        .after = after,
    };
    deletion_start(d);
}
