/* Rules on the volumes of a pod. See pod.h. */
#include <stddef.h>

#include "api/quantity.h"
#include "api/validation/claim.h"
#include "api/validation/meta.h"
#include "api/validation/pod.h"
#include "api/validation/volume_source.h"
#include "base/arena.h"

#define FILE_MODE_MAX 0777
#define TOKEN_SECONDS_MIN (10 * 60)
#define TOKEN_SECONDS_MAX (1ll << 32)
#define CERTIFICATE_SECONDS_MIN 3600
#define CERTIFICATE_SECONDS_MAX (91 * 24 * 3600)
#define SYSTEM_CERTIFICATE_SECONDS_MAX (24 * 3600) /* of the signers of the system */

/* ---- files ---- */

static void check_mode(struct field_errors *e, const struct field_path *p, struct opt_i32 mode) {
    if (mode.set && (mode.v < 0 || mode.v > FILE_MODE_MAX))
        field_invalid(e, p, bad(mode.v), "must be a number between 0 and 0777 (octal), both inclusive");
}

static void check_items(struct field_errors *e, const struct field_path *p,
                        const struct core_key_to_path_array *items) {
    for (uint32_t i = 0; i < items->n; i++) {
        const struct field_path *at = at_index(p, i);
        check_required(e, at_field(at, "key"), items->v[i].key);
        if (check_required(e, at_field(at, "path"), items->v[i].path))
            check_local_unreserved_path(e, at_field(at, "path"), items->v[i].path);
        check_mode(e, at_field(at, "mode"), items->v[i].mode);
    }
}

static void check_downward_items(struct field_errors *e, const struct field_path *p,
                                 const struct core_downward_api_volume_file_array *items) {
    for (uint32_t i = 0; i < items->n; i++) {
        const struct core_downward_api_volume_file *f = &items->v[i];
        const struct field_path *at = at_index(p, i);
        if (check_required(e, at_field(at, "path"), f->path))
            check_local_unreserved_path(e, at_field(at, "path"), f->path);
        if (f->field_ref) {
            check_field_ref(e, at_field(at, "fieldRef"), f->field_ref, true);
            if (f->resource_field_ref)
                field_invalid(e, at, bad(S("resource")),
                              "fieldRef and resourceFieldRef can not be specified simultaneously");
        } else if (f->resource_field_ref) {
            check_resource_field_ref(e, at_field(at, "resourceFieldRef"), f->resource_field_ref, true);
        } else {
            field_required_because(e, at, "one of fieldRef and resourceFieldRef is required");
        }
        check_mode(e, at_field(at, "mode"), f->mode);
    }
}

/* ---- projected volumes ---- */

/* Files of all sources lie in one directory. */
struct projection {
    struct pod_check *pc;
    const struct field_path *p; /* of the volume source */
    struct seen paths;
};

static void take_path(struct projection *pr, struct str path, struct str shown) {
    if (!str_empty(path) && seen_before(&pr->paths, path))
        field_invalid(pr->pc->e, pr->p, bad(shown), "conflicting duplicate paths");
}

static void project_keys(struct projection *pr, const struct field_path *p, struct str name,
                         const struct core_key_to_path_array *items) {
    check_required(pr->pc->e, at_field(p, "name"), name);
    check_items(pr->pc->e, at_field(p, "items"), items);
    for (uint32_t i = 0; i < items->n; i++)
        take_path(pr, items->v[i].path, name);
}

static void project_downward(struct projection *pr, const struct field_path *p,
                             const struct core_downward_api_projection *d) {
    check_downward_items(pr->pc->e, at_field(p, "items"), &d->items);
    for (uint32_t i = 0; i < d->items.n; i++)
        take_path(pr, d->items.v[i].path, d->items.v[i].path);
}

static void project_path(struct projection *pr, const struct field_path *p, struct str path) {
    if (!check_required(pr->pc->e, p, path))
        return;
    check_local_unreserved_path(pr->pc->e, p, path);
    take_path(pr, path, path);
}

static void project_token(struct projection *pr, const struct field_path *p,
                          const struct core_service_account_token_projection *t) {
    struct field_errors *e = pr->pc->e;
    const struct field_path *seconds = at_field(p, "expirationSeconds");
    if (t->expiration_seconds.set && t->expiration_seconds.v < TOKEN_SECONDS_MIN)
        field_invalid(e, seconds, bad(t->expiration_seconds.v),
                      "may not specify a duration less than 10 minutes");
    if (t->expiration_seconds.set && t->expiration_seconds.v > TOKEN_SECONDS_MAX)
        field_invalid(e, seconds, bad(t->expiration_seconds.v),
                      "may not specify a duration larger than 2^32 seconds");
    project_path(pr, at_field(p, "path"), t->path);
    if (pr->pc->is_pod && str_empty(pr->pc->spec->service_account_name))
        field_forbidden(e, p, "must not be specified when serviceAccountName is not set");
}

/* CONFORMS: a bundle's name is its signer, with ':' for '/', before the last ':'; or a plain name. */
static void check_bundle_name(struct field_errors *e, const struct field_path *p, struct str name) {
    ptrdiff_t colon = str_rfind_byte(name, ':');
    check_dns_subdomain(e, p, colon < 0 ? name : str_from_byte(name, (size_t)colon + 1));
}

static void project_trust(struct projection *pr, const struct field_path *p,
                          const struct core_cluster_trust_bundle_projection *b) {
    struct field_errors *e = pr->pc->e;
    const struct field_path *name = at_field(p, "name"), *signer = at_field(p, "signerName");
    if (b->name.p && b->signer_name.p) {
        field_invalid(e, p, bad_object(e, TY_CORE_CLUSTER_TRUST_BUNDLE_PROJECTION, b),
                      "only one of name and signerName may be used");
    } else if (b->name.p) {
        if (check_required(e, name, b->name))
            check_bundle_name(e, name, b->name);
        if (b->label_selector)
            field_invalid(e, at_field(p, "labelSelector"),
                          bad_object(e, TY_META_LABEL_SELECTOR, b->label_selector),
                          "must be unset if name is specified");
    } else if (b->signer_name.p) {
        check_signer_name(e, signer, b->signer_name);
        check_label_selector(e, at_field(p, "labelSelector"), b->label_selector, false);
    } else {
        field_required_because(e, p, "either name or signerName must be specified");
    }
    project_path(pr, at_field(p, "path"), b->path);
}

static void check_certificate_age(struct field_errors *e, const struct field_path *p,
                                  const struct core_pod_certificate_projection *c) {
    struct opt_i32 age = c->max_expiration_seconds;
    if (!age.set)
        return;
    bool system = str_has_prefix(c->signer_name, S("kubernetes.io/"));
    int32_t max = system ? SYSTEM_CERTIFICATE_SECONDS_MAX : CERTIFICATE_SECONDS_MAX;
    check_range(e, p, age.v, CERTIFICATE_SECONDS_MIN, max);
}

static void project_certificate(struct projection *pr, const struct field_path *p,
                                const struct core_pod_certificate_projection *c) {
    static const struct str key_types[] = {STR_INIT("ECDSAP256"), STR_INIT("ECDSAP384"),
                                           STR_INIT("ECDSAP521"), STR_INIT("ED25519"),
                                           STR_INIT("RSA3072"),   STR_INIT("RSA4096")};
    struct field_errors *e = pr->pc->e;
    check_signer_name(e, at_field(p, "signerName"), c->signer_name);
    check_supported(e, at_field(p, "keyType"), c->key_type, STR_SET(key_types));
    check_certificate_age(e, at_field(p, "maxExpirationSeconds"), c);
    if (str_empty(c->credential_bundle_path) && str_empty(c->key_path) &&
        str_empty(c->certificate_chain_path))
        field_required_because(
            e, p, "specify at least one of credentialBundlePath, keyPath, and certificateChainPath");
    if (!str_empty(c->credential_bundle_path))
        project_path(pr, at_field(p, "credentialBundlePath"), c->credential_bundle_path);
    if (!str_empty(c->key_path))
        project_path(pr, at_field(p, "keyPath"), c->key_path);
    if (!str_empty(c->certificate_chain_path))
        project_path(pr, at_field(p, "certificateChainPath"), c->certificate_chain_path);
    check_user_annotations(e, at_field(p, "userAnnotations"), &c->user_annotations);
}

static void check_projected(struct pod_check *pc, const struct field_path *p, const void *source) {
    const struct core_projected_volume_source *s = source;
    check_mode(pc->e, at_field(p, "defaultMode"), s->default_mode);
    struct projection pr = {.pc = pc, .p = p};
    seen_init(&pr.paths);
    for (uint32_t i = 0; i < s->sources.n; i++) {
        const struct core_volume_projection *one = &s->sources.v[i];
        const struct field_path *at = at_index(at_field(p, "sources"), i);
        if (one->secret)
            project_keys(&pr, at_field(at, "secret"), one->secret->local_object_reference.name,
                         &one->secret->items);
        if (one->config_map)
            project_keys(&pr, at_field(at, "configMap"), one->config_map->local_object_reference.name,
                         &one->config_map->items);
        if (one->downward_api)
            project_downward(&pr, at_field(at, "downwardAPI"), one->downward_api);
        if (one->service_account_token)
            project_token(&pr, at_field(at, "serviceAccountToken"), one->service_account_token);
        if (one->cluster_trust_bundle)
            project_trust(&pr, at_field(at, "clusterTrustBundle"), one->cluster_trust_bundle);
        if (one->pod_certificate)
            project_certificate(&pr, at_field(at, "podCertificate"), one->pod_certificate);
        int kinds_used = !!one->secret + !!one->config_map + !!one->downward_api +
                         !!one->service_account_token + !!one->cluster_trust_bundle + !!one->pod_certificate;
        if (kinds_used > 1)
            field_forbidden(pc->e, at, "may not specify more than 1 volume type per source");
    }
    seen_fini(&pr.paths);
}

/* ---- sources that only pods have ---- */

static void check_empty_dir(struct pod_check *pc, const struct field_path *p, const void *source) {
    const struct core_empty_dir_volume_source *s = source;
    if (s->size_limit.set && quantity_sign(&s->size_limit) < 0)
        field_forbidden(pc->e, at_field(p, "sizeLimit"), "must not be negative");
}

static void check_git_repo(struct pod_check *pc, const struct field_path *p, const void *source) {
    const struct core_git_repo_volume_source *s = source;
    check_required(pc->e, at_field(p, "repository"), s->repository);
    if (!str_empty(s->directory))
        check_local_path(pc->e, at_field(p, "directory"), s->directory);
}

static void check_secret(struct pod_check *pc, const struct field_path *p, const void *source) {
    const struct core_secret_volume_source *s = source;
    check_required(pc->e, at_field(p, "secretName"), s->secret_name);
    check_mode(pc->e, at_field(p, "defaultMode"), s->default_mode);
    check_items(pc->e, at_field(p, "items"), &s->items);
}

static void check_config_map(struct pod_check *pc, const struct field_path *p, const void *source) {
    const struct core_config_map_volume_source *s = source;
    check_required(pc->e, at_field(p, "name"), s->local_object_reference.name);
    check_mode(pc->e, at_field(p, "defaultMode"), s->default_mode);
    check_items(pc->e, at_field(p, "items"), &s->items);
}

static void check_claim(struct pod_check *pc, const struct field_path *p, const void *source) {
    check_required(pc->e, at_field(p, "claimName"),
                   ((const struct core_persistent_volume_claim_volume_source *)source)->claim_name);
}

static void check_downward_api(struct pod_check *pc, const struct field_path *p, const void *source) {
    const struct core_downward_api_volume_source *s = source;
    check_mode(pc->e, at_field(p, "defaultMode"), s->default_mode);
    check_downward_items(pc->e, at_field(p, "items"), &s->items);
}

static void check_csi(struct pod_check *pc, const struct field_path *p, const void *source) {
    const struct core_csi_volume_source *s = source;
    check_csi_driver(pc->e, at_field(p, "driver"), s->driver);
    if (s->node_publish_secret_ref)
        check_required_format(pc->e, at_field(p, "nodePublishSecretRef.name"),
                              s->node_publish_secret_ref->name, name_check_dns1123_subdomain);
}

/* CONFORMS: of a claim template's metadata only labels and annotations are taken over. */
static void check_claim_template_meta(struct field_errors *e, const struct field_path *p,
                                      const struct meta_object_meta *meta) {
    static const struct str taken_over[] = {STR_INIT("labels"), STR_INIT("annotations")};
    static const struct meta_object_meta none;
    check_labels(e, at_field(p, "labels"), &meta->labels);
    check_annotations(e, at_field(p, "annotations"), &meta->annotations);
    if (!api_equal_but(&builtin, TY_META_OBJECT_META, meta, &none, taken_over, 2))
        field_forbidden(e, p, "only labels and annotations may be set");
}

static void check_ephemeral(struct pod_check *pc, const struct field_path *p, const void *source) {
    const struct core_persistent_volume_claim_template *t =
        ((const struct core_ephemeral_volume_source *)source)->volume_claim_template;
    const struct field_path *at = at_field(p, "volumeClaimTemplate");
    if (!t) {
        field_required(pc->e, at);
        return;
    }
    check_claim_template_meta(pc->e, at_field(at, "metadata"), &t->metadata);
    check_claim_spec(pc->e, at_field(at, "spec"), &t->spec, NULL);
}

static void check_image_volume(struct pod_check *pc, const struct field_path *p, const void *source) {
    static const struct str policies[] = {STR_INIT("Always"), STR_INIT("IfNotPresent"), STR_INIT("Never")};
    const struct core_image_volume_source *s = source;
    if (pc->is_pod)
        check_required(pc->e, at_field(p, "reference"), s->reference);
    check_optional_enum(pc->e, at_field(p, "pullPolicy"), s->pull_policy, STR_SET(policies));
}

/* ---- one volume ---- */

/* In the order in which upstream looks at them. */
static const struct {
    struct str name;
    size_t offset;
    source_check_fn check; /* one of both */
    void (*check_in_pod)(struct pod_check *pc, const struct field_path *p, const void *source);
} sources[] = {
#define SOURCE(field_, name_) .name = STR_INIT(name_), .offset = offsetof(struct core_volume_source, field_)
    {SOURCE(empty_dir, "emptyDir"), .check_in_pod = check_empty_dir},
    {SOURCE(host_path, "hostPath"), .check = check_host_path_source},
    {SOURCE(git_repo, "gitRepo"), .check_in_pod = check_git_repo},
    {SOURCE(gce_persistent_disk, "gcePersistentDisk"), .check = check_gce_source},
    {SOURCE(aws_elastic_block_store, "awsElasticBlockStore"), .check = check_aws_source},
    {SOURCE(secret, "secret"), .check_in_pod = check_secret},
    {SOURCE(nfs, "nfs"), .check = check_nfs_source},
    {SOURCE(iscsi, "iscsi"), .check = check_iscsi_source},
    {SOURCE(glusterfs, "glusterfs"), .check = check_glusterfs_source},
    {SOURCE(flocker, "flocker"), .check = check_flocker_source},
    {SOURCE(persistent_volume_claim, "persistentVolumeClaim"), .check_in_pod = check_claim},
    {SOURCE(rbd, "rbd"), .check = check_rbd_source},
    {SOURCE(cinder, "cinder"), .check = check_cinder_source},
    {SOURCE(cephfs, "cephfs"), .check = check_ceph_fs_source},
    {SOURCE(quobyte, "quobyte"), .check = check_quobyte_source},
    {SOURCE(downward_api, "downwardAPI"), .check_in_pod = check_downward_api},
    {SOURCE(fc, "fc"), .check = check_fc_source},
    {SOURCE(flex_volume, "flexVolume"), .check = check_flex_source},
    {SOURCE(config_map, "configMap"), .check_in_pod = check_config_map},
    {SOURCE(azure_file, "azureFile"), .check = check_azure_file_source},
    {SOURCE(vsphere_volume, "vsphereVolume"), .check = check_vsphere_source},
    {SOURCE(photon_persistent_disk, "photonPersistentDisk"), .check = check_photon_source},
    {SOURCE(portworx_volume, "portworxVolume"), .check = check_portworx_source},
    {SOURCE(azure_disk, "azureDisk"), .check = check_azure_disk_source},
    {SOURCE(storageos, "storageos"), .check = check_storage_os_source},
    {SOURCE(projected, "projected"), .check_in_pod = check_projected},
    {SOURCE(scale_io, "scaleIO"), .check = check_scale_io_source},
    {SOURCE(csi, "csi"), .check_in_pod = check_csi},
    {SOURCE(ephemeral, "ephemeral"), .check_in_pod = check_ephemeral},
    {SOURCE(image, "image"), .check_in_pod = check_image_volume},
#undef SOURCE
};

_Static_assert(sizeof sources / sizeof sources[0] == sizeof(struct core_volume_source) / sizeof(void *),
               "every volume source is looked at");

static void check_source(struct pod_check *pc, const struct field_path *p, const struct core_volume *volume) {
    int n = 0;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        const void *source = *(void *const *)((const char *)&volume->volume_source + sources[i].offset);
        if (!source)
            continue;
        const struct field_path *at = at_name(p, sources[i].name);
        if (n++)
            field_forbidden(pc->e, at, "may not specify more than 1 volume type");
        else if (sources[i].check)
            sources[i].check(pc->e, at, source);
        else
            sources[i].check_in_pod(pc, at, source);
    }
    if (n == 0)
        field_required_because(pc->e, p, "must specify a volume type");
}

/* What the pod's and the volume's name make together. */
static void check_combined_names(struct pod_check *pc, const struct field_path *p,
                                 const struct core_volume *v) {
    const struct core_iscsi_volume_source *iscsi = v->volume_source.iscsi;
    if (iscsi && iscsi->initiator_name.p && !iscsi_name_fits(v->name, iscsi->target_portal))
        field_invalid(pc->e, at_field(p, "name"), bad(v->name),
                      "with the target portal must not be longer than 64 bytes if initiatorName is set");
    if (!v->volume_source.ephemeral || !pc->is_pod || str_empty(pc->meta->name))
        return;
    char claim[2 * NAME_DNS_SUBDOMAIN_MAX + 2];
    size_t n = pc->meta->name.n + 1 + v->name.n;
    struct str joined = {claim, n};
    if (n < sizeof claim) {
        memcpy(claim, pc->meta->name.p, pc->meta->name.n);
        claim[pc->meta->name.n] = '-';
        if (v->name.n)
            memcpy(claim + pc->meta->name.n + 1, v->name.p, v->name.n);
    }
    if (n >= sizeof claim || name_check_dns1123_subdomain(joined, NULL) != 0)
        field_invalid(pc->e, at_field(p, "name"), bad(v->name),
                      "the name of the claim, made of the pod's and the volume's, must be a DNS subdomain");
}

/* ---- all of them ---- */

const struct core_volume *volume_find(const struct volume_table *t, struct str name) {
    if (t->volumes->n > VOLUME_TABLE_SHORT) {
        const struct map_entry *found = map_find(&t->map, name);
        return found ? found->value : NULL;
    }
    for (uint32_t i = 0; i < t->volumes->n; i++)
        if (t->usable >> i & 1 && str_eq(t->volumes->v[i].name, name))
            return &t->volumes->v[i];
    return NULL;
}

static void volume_table_add(struct volume_table *t, uint32_t i) {
    struct core_volume *volume = &t->volumes->v[i];
    if (t->volumes->n > VOLUME_TABLE_SHORT)
        (void)map_put(&t->map, volume->name, volume);
    else
        t->usable |= 1ull << i;
}

void volume_table_fini(struct volume_table *t) {
    map_fini(&t->map);
}

/* A claim that an ephemeral volume of the same pod makes, "<pod>-<volume>", is that volume's alone. */
static bool is_made_by_pod(const struct pod_check *pc, const struct seen *ephemeral, struct str claim) {
    struct str pod = pc->meta->name;
    if (!pc->is_pod || str_empty(pod) || claim.n <= pod.n || !str_has_prefix(claim, pod) ||
        claim.p[pod.n] != '-')
        return false;
    return seen_has(ephemeral, (struct seen_key){{str_from_byte(claim, pod.n + 1)}});
}

void check_volumes(struct pod_check *pc, const struct field_path *p) {
    const struct core_volume_array *list = &pc->spec->volumes;
    pc->volumes = (struct volume_table){.volumes = list, .map = MAP_INIT};
    SEEN(names);
    SEEN(ephemeral);
    for (uint32_t i = 0; i < list->n; i++)
        if (list->v[i].volume_source.ephemeral)
            (void)seen_before(&ephemeral, list->v[i].name);
    for (uint32_t i = 0; i < list->n; i++) {
        const struct core_volume *v = &list->v[i];
        const struct field_path *at = at_index(p, i);
        uint32_t errors = field_errors_count(pc->e);
        check_source(pc, at, v);
        check_combined_names(pc, at, v);
        bool usable = field_errors_count(pc->e) == errors;
        check_required_format(pc->e, at_field(at, "name"), v->name, name_check_dns1123_label);
        if (!str_empty(v->name) && seen_before(&names, v->name))
            field_duplicate(pc->e, at_field(at, "name"), bad(v->name));
        if (usable)
            volume_table_add(&pc->volumes, i);
        const struct core_persistent_volume_claim_volume_source *claim =
            v->volume_source.persistent_volume_claim;
        if (claim && is_made_by_pod(pc, &ephemeral, claim->claim_name))
            field_invalid(pc->e, at_field(at, "persistentVolumeClaim.claimName"), bad(claim->claim_name),
                          "must not reference a claim that gets created for an ephemeral volume");
    }
}
