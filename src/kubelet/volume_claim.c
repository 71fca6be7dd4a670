/* Persistent volume claims, and ephemeral volumes, which are claims: those whose volume is on this node. See
 * volume.h. */
#include "api/types/core.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "kubelet/pod_sources.h"
#include "kubelet/tree.h"
#include "kubelet/volume.h"
#include "kubelet/volume_host.h"

static bool handles(const struct core_volume *v) {
    return v->volume_source.persistent_volume_claim || v->volume_source.ephemeral;
}

/* CONFORMS: an ephemeral volume's claim has the pod's and the volume's name, and must be the pod's own. */
static int check_owner(const struct volume_context *x, const struct core_persistent_volume_claim *claim) {
    const struct meta_owner_reference_array *owners = &claim->metadata.owner_references;
    for (uint32_t i = 0; i < owners->n; i++)
        if (owners->v[i].controller.set && owners->v[i].controller.v &&
            str_eq(owners->v[i].uid, x->in->pod->metadata.uid))
            return 0;
    return err_set(x->err, ERR_CONFLICT, "claim \"%.*s\" was not made for this pod",
                   STR_ARG(claim->metadata.name));
}

static int find_claim(const struct volume_context *x, const struct core_persistent_volume_claim **ret) {
    const struct core_volume_source *s = &x->volume->volume_source;
    const struct meta_object_meta *pod = &x->in->pod->metadata;
    struct str name = s->persistent_volume_claim
                          ? s->persistent_volume_claim->claim_name
                          : arena_printf(x->arena, "%.*s-%.*s", STR_ARG(pod->name), STR_ARG(x->volume->name));
    int rc = x->in->sources->ops->claim(x->in->sources, pod->namespace, name, x->arena, ret, x->err);
    return rc || s->persistent_volume_claim ? rc : check_owner(x, *ret);
}

static int find_volume(const struct volume_context *x, const struct core_persistent_volume_claim *claim,
                       const struct core_persistent_volume **ret) {
    struct str name = claim->spec.volume_name;
    if (!name.n || !str_eq(claim->status.phase, S("Bound")))
        return err_set(x->err, ERR_AGAIN, "claim \"%.*s\" is not bound yet", STR_ARG(claim->metadata.name));
    int rc = x->in->sources->ops->volume(x->in->sources, name, x->arena, ret, x->err);
    if (rc)
        return rc;
    const struct core_object_reference *of = (*ret)->spec.claim_ref;
    if (!of || !str_eq(of->uid, claim->metadata.uid))
        return err_set(x->err, ERR_CONFLICT, "persistent volume \"%.*s\" is not bound to claim \"%.*s\"",
                       STR_ARG(name), STR_ARG(claim->metadata.name));
    return 0;
}

static bool only_on_mismatch(const struct core_pod *pod) {
    return str_eq(pod->spec.security_context->fs_group_change_policy, S("OnRootMismatch"));
}

/* Once per pod: a large volume is not walked at every sync. The folder that says so is where upstream binds
 * it. */
static int own_local(const struct volume_context *x, const struct volume *v) {
    int64_t gid = volume_fs_group(x->in->pod);
    struct str mark;
    int rc = volume_dir(x, volume_claim.plugin, 0, &mark);
    if (rc || gid < 0 || v->is_block || file_exists(mark.p))
        return rc;
    if (!only_on_mismatch(x->in->pod) || !tree_root_is_of_group(v->path.p, gid, v->read_only))
        rc = tree_give_to_group(v->path.p, gid, v->read_only, x->err);
    return rc ? rc : volume_dir(x, volume_claim.plugin, 0750, &mark);
}

static int setup(const struct volume_context *x, struct volume *ret) {
    const struct core_persistent_volume_claim *claim;
    const struct core_persistent_volume *pv;
    int rc = find_claim(x, &claim);
    if (rc == 0)
        rc = find_volume(x, claim, &pv);
    if (rc)
        return rc;
    const struct core_persistent_volume_source *s = &pv->spec.persistent_volume_source;
    const struct core_persistent_volume_claim_volume_source *by =
        x->volume->volume_source.persistent_volume_claim;
    ret->read_only = by && by->read_only;
    ret->is_block = str_eq(pv->spec.volume_mode, S("Block"));
    if (s->host_path)
        return volume_host_prepare(s->host_path->path, s->host_path->type, x->arena, &ret->path, x->err);
    if (!s->local)
        return err_set(x->err, ERR_UNSUPPORTED,
                       "persistent volume \"%.*s\" is of a type this node does not have",
                       STR_ARG(pv->metadata.name));
    rc = volume_host_prepare(s->local->path, ret->is_block ? S("BlockDevice") : S("Directory"), x->arena,
                             &ret->path, x->err);
    return rc ? rc : own_local(x, ret);
}

const struct volume_type volume_claim = {
    .plugin = "kubernetes.io~local-volume", .handles = handles, .setup = setup};
