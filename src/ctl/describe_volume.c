/* Volumes, persistent and in pods. See describe.h. */
#include "ctl/describe.h"
#include "ctl/discovery.h"
#include "ctl/object.h"
#include "ctl/table_print.h"

/* -- sources, as pods and persistent volumes have them -- */

struct source_line {
    const char *title, *field;
    const char *none; /* what stands for a field that is not there; "false": it is a truth value */
};

/* A kind of source whose fields are printed one a line. */
struct source_row {
    const char *field, *type;
    struct source_line lines[7];
};

static const struct source_row sources[] = {
    {"hostPath",
     "HostPath (bare host directory volume)",
     {{"Path", "path", ""}, {"HostPathType", "type", ""}}},
    {"emptyDir",
     "EmptyDir (a temporary directory that shares a pod's lifetime)",
     {{"Medium", "medium", ""}, {"SizeLimit", "sizeLimit", "<unset>"}}},
    {"secret",
     "Secret (a volume populated by a Secret)",
     {{"SecretName", "secretName", ""}, {"Optional", "optional", "false"}}},
    {"configMap",
     "ConfigMap (a volume populated by a ConfigMap)",
     {{"Name", "name", ""}, {"Optional", "optional", "false"}}},
    {"persistentVolumeClaim",
     "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
     {{"ClaimName", "claimName", ""}, {"ReadOnly", "readOnly", "false"}}},
    {"nfs",
     "NFS (an NFS mount that lasts the lifetime of a pod)",
     {{"Server", "server", ""}, {"Path", "path", ""}, {"ReadOnly", "readOnly", "false"}}},
    {"local", "LocalVolume (a persistent volume backed by local storage on a node)", {{"Path", "path", ""}}},
    {"image",
     "Image (a container image or OCI artifact)",
     {{"Reference", "reference", ""}, {"PullPolicy", "pullPolicy", ""}}},
};

static void put_source(struct describing *d, const struct source_row *row, const struct jval *v) {
    d_put(d, 2, "Type:\t%s\n", row->type);
    for (const struct source_line *l = row->lines; l->title; l++)
        d_put(d, 2, "%s:\t%.*s\n", l->title, STR_ARG(d_number(d, v, l->field, l->none)));
}

/* Lines of a map that stand four spaces further right than others, as kubectl has them. none: instead of
 * lines. */
static void put_map_far(struct describing *d, const char *title, const struct jval *map, const char *between,
                        const char *none) {
    d_put(d, 2, "%s:\t", title);
    if (!map || map->kind != J_OBJECT || map->n == 0)
        d_put(d, 0, "%s<none>\n", none);
    for (uint32_t i = 0; map && map->kind == J_OBJECT && i < map->n; i++)
        d_put(d, 0, "%s    %.*s%s%.*s\n", i ? "    \t" : "", STR_ARG(map->members[i].key), between,
              STR_ARG(d_value(d, &map->members[i].value)));
}

static void put_csi(struct describing *d, const struct jval *v, bool persistent) {
    d_put(d, 2, "Type:\tCSI (a Container Storage Interface (CSI) volume source)\n");
    d_put(d, 2, "Driver:\t%.*s\n", STR_ARG(object_str(v, "driver")));
    d_put(d, 2, "FSType:\t%.*s\n", STR_ARG(object_str(v, "fsType")));
    if (persistent)
        d_put(d, 2, "VolumeHandle:\t%.*s\n", STR_ARG(object_str(v, "volumeHandle")));
    d_put(d, 2, "ReadOnly:\t%s\n", object_bool(v, "readOnly") ? "true" : "false");
    put_map_far(d, "VolumeAttributes", jval_get(v, S("volumeAttributes")), "=", "");
}

static void put_downward(struct describing *d, const struct jval *items) {
    d_put(d, 2, "Type:\tDownwardAPI (a volume populated by information about the pod)\n");
    d_put(d, 2, "Items:\n");
    for (uint32_t i = 0; items && i < items->n; i++) {
        struct str field = object_str(&items->items[i], "fieldRef.fieldPath"),
                   resource = object_str(&items->items[i], "resourceFieldRef.resource");
        d_put(d, 3, "%.*s -> %.*s\n", STR_ARG(field.n ? field : resource),
              STR_ARG(object_str(&items->items[i], "path")));
    }
}

static void put_projected(struct describing *d, const struct jval *all) {
    d_put(d, 2, "Type:\tProjected (a volume that contains injected data from multiple sources)\n");
    for (uint32_t i = 0; all && i < all->n; i++) {
        const struct jval *s = &all->items[i], *secret = jval_get(s, S("secret")),
                          *map = jval_get(s, S("configMap")), *ref = secret ? secret : map;
        if (ref) {
            d_put(d, 2, "%s:\t%.*s\n", secret ? "SecretName" : "ConfigMapName",
                  STR_ARG(object_str(ref, "name")));
            d_put(d, 2, "Optional:\t%s\n", object_bool(ref, "optional") ? "true" : "false");
        } else if (jval_get(s, S("downwardAPI"))) {
            d_put(d, 2, "DownwardAPI:\ttrue\n");
        } else if (jval_get(s, S("serviceAccountToken"))) {
            d_put(d, 2, "TokenExpirationSeconds:\t%.*s\n",
                  STR_ARG(d_number(d, s, "serviceAccountToken.expirationSeconds", "3600")));
        }
    }
}

static void put_ephemeral(struct describing *d, const struct jval *claim) {
    d_put(
        d, 2,
        "Type:\tEphemeralVolume (an inline specification for a volume that gets created and deleted with the "
        "pod)\n");
    d_put(d, 2, "StorageClass:\t%.*s\n", STR_ARG(object_str(claim, "spec.storageClassName")));
    d_put(d, 2, "Volume:\t%.*s\n", STR_ARG(object_str(claim, "spec.volumeName")));
    put_map_far(d, "Labels", jval_path(claim, "metadata.labels"), "=", "    ");
    put_map_far(d, "Annotations", jval_path(claim, "metadata.annotations"), ": ", "    ");
    d_put(d, 2, "Capacity:\t\n");
    d_put(d, 2, "Access Modes:\t\n");
    d_put(d, 2, "VolumeMode:\t%.*s\n", STR_ARG(object_str(claim, "spec.volumeMode")));
}

static void put_iscsi(struct describing *d, const struct jval *v) {
    const struct jval *portals = object_array(v, "portals");
    struct str initiator = object_str(v, "initiatorName"), secret = object_str(v, "secretRef.name");
    d_put(d, 2,
          "Type:\tISCSI (an ISCSI Disk resource that is attached to a kubelet's host machine and then "
          "exposed to the "
          "pod)\n");
    d_put(d, 2, "TargetPortal:\t%.*s\n", STR_ARG(object_str(v, "targetPortal")));
    d_put(d, 2, "IQN:\t%.*s\n", STR_ARG(object_str(v, "iqn")));
    d_put(d, 2, "Lun:\t%.*s\n", STR_ARG(d_number(d, v, "lun", "0")));
    d_put(d, 2, "ISCSIInterface\t%.*s\n", STR_ARG(object_str(v, "iscsiInterface"))); /* CONFORMS: no colon */
    d_put(d, 2, "FSType:\t%.*s\n", STR_ARG(object_str(v, "fsType")));
    d_put(d, 2, "ReadOnly:\t%.*s\n", STR_ARG(d_number(d, v, "readOnly", "false")));
    d_put(d, 2, "Portals:\t[%.*s]\n", STR_ARG(portals && portals->n ? d_join(d, portals, " ") : S("")));
    d_put(d, 2, "DiscoveryCHAPAuth:\t%.*s\n", STR_ARG(d_number(d, v, "chapAuthDiscovery", "false")));
    d_put(d, 2, "SessionCHAPAuth:\t%.*s\n", STR_ARG(d_number(d, v, "chapAuthSession", "false")));
    if (secret.n)
        d_put(d, 2, "SecretRef:\t&LocalObjectReference{Name:%.*s,}\n", STR_ARG(secret));
    else
        d_put(d, 2, "SecretRef:\tnil\n");
    d_put(d, 2, "InitiatorName:\t%.*s\n", STR_ARG(or_none(initiator)));
}

static void put_fibre_channel(struct describing *d, const struct jval *v) {
    const struct jval *names = object_array(v, "targetWWNs");
    d_put(d, 2, "Type:\tFC (a Fibre Channel disk)\n");
    d_put(d, 2, "TargetWWNs:\t%.*s\n", STR_ARG(names && names->n ? d_join(d, names, ", ") : S("")));
    d_put(d, 2, "LUN:\t%.*s\n", STR_ARG(d_number(d, v, "lun", "<none>")));
    d_put(d, 2, "FSType:\t%.*s\n", STR_ARG(object_str(v, "fsType")));
    d_put(d, 2, "ReadOnly:\t%.*s\n", STR_ARG(d_number(d, v, "readOnly", "false")));
}

static void put_any_source(struct describing *d, const struct jval *v, bool persistent) {
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        const struct jval *s = jval_get(v, str_from(sources[i].field));
        if (s) {
            put_source(d, &sources[i], s);
            return;
        }
    }
    const struct jval *csi = jval_get(v, S("csi")), *downward = jval_get(v, S("downwardAPI")),
                      *projected = jval_get(v, S("projected")), *ephemeral = jval_get(v, S("ephemeral")),
                      *iscsi = jval_get(v, S("iscsi")), *fc = jval_get(v, S("fc"));
    if (csi)
        put_csi(d, csi, persistent);
    else if (downward)
        put_downward(d, object_array(downward, "items"));
    else if (projected)
        put_projected(d, object_array(projected, "sources"));
    else if (ephemeral)
        put_ephemeral(d, jval_get(ephemeral, S("volumeClaimTemplate")));
    else if (iscsi)
        put_iscsi(d, iscsi);
    else if (fc)
        put_fibre_channel(d, fc);
    else
        d_put(d, 1, "<unknown>\n");
}

void describe_volumes(struct describing *d, const struct jval *volumes, const char *indent) {
    if (!volumes || volumes->n == 0) {
        d_put(d, 0, "%sVolumes:\t<none>\n", indent);
        return;
    }
    d_put(d, 0, "%sVolumes:\n", indent);
    for (uint32_t i = 0; i < volumes->n; i++) {
        d_put(d, 1, "%s%.*s:\n", *indent ? " " : "", STR_ARG(object_str(&volumes->items[i], "name")));
        put_any_source(d, &volumes->items[i], false);
    }
}

/* -- what both persistent volumes and claims have -- */

static struct str finalizers(struct describing *d) {
    const struct jval *all = object_array(d->o, "metadata.finalizers");
    return arena_printf(&d->c->arena, "[%.*s]", STR_ARG(all && all->n ? d_join(d, all, " ") : S("")));
}

static struct str modes(struct describing *d, const struct jval *all) {
    static const struct {
        const char *mode, *text;
    } known[] = {{"ReadWriteOnce", "RWO"},
                 {"ReadOnlyMany", "ROX"},
                 {"ReadWriteMany", "RWX"},
                 {"ReadWriteOncePod", "RWOP"}};
    _cleanup_buf struct buf b = BUF_INIT;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) /* CONFORMS: in this order, each once */
        for (uint32_t i = 0; all && i < all->n; i++)
            if (str_eq(d_value(d, &all->items[i]), str_from(known[k].mode))) {
                buf_printf(&b, "%s%s", b.n ? "," : "", known[k].text);
                break;
            }
    return buf_to_arena(&b, &d->c->arena);
}

static void put_status(struct describing *d) {
    struct str deleted = object_str(d->o, "metadata.deletionTimestamp");
    if (deleted.n)
        d_put(d, 0, "Status:\tTerminating (lasts %.*s)\n", STR_ARG(age_text(d->c, deleted)));
    else
        d_put(d, 0, "Status:\t%.*s\n", D_STR(d, "status.phase"));
}

/* -- persistent volumes -- */

void describe_node_term(struct describing *d, const struct jval *expressions, const char *indent) {
    if (!expressions || expressions->n == 0)
        d_put(d, 0, "<none>\n");
    for (uint32_t i = 0; expressions && i < expressions->n; i++) {
        const struct jval *e = &expressions->items[i], *values = object_array(e, "values");
        struct str op = object_str(e, "operator");
        d_put(d, 0, "%s%.*s ", i ? indent : "", STR_ARG(object_str(e, "key")));
        if (!op.n)
            op = S("In"); /* of topologies */
        for (size_t k = 0; k < op.n; k++)
            d_put(d, 0, "%c", op.p[k] >= 'A' && op.p[k] <= 'Z' ? op.p[k] + ('a' - 'A') : op.p[k]);
        if (values && values->n)
            d_put(d, 0, " [%.*s]", STR_ARG(d_join(d, values, ", ")));
        d_put(d, 0, "\n");
    }
}

static void put_affinity(struct describing *d) {
    const struct jval *affinity = jval_path(d->o, "spec.nodeAffinity"),
                      *terms = object_array(affinity, "required.nodeSelectorTerms");
    if (!affinity || !jval_get(affinity, S("required"))) {
        d_put(d, 0, "Node Affinity:\t<none>\n");
        return;
    }
    d_put(d, 0, "Node Affinity:\t\n");
    d_put(d, 1, "Required Terms:\t%s\n", terms && terms->n ? "" : "<none>");
    for (uint32_t i = 0; terms && i < terms->n; i++) {
        d_put(d, 2, "Term %u:\t", i);
        describe_node_term(d, object_array(&terms->items[i], "matchExpressions"), "    \t");
    }
}

void describe_volume(struct describing *d) {
    const struct jval *o = d->o;
    struct str claim = object_str(o, "spec.claimRef.name");
    d_head(d);
    d_put(d, 0, "Finalizers:\t%.*s\n", STR_ARG(finalizers(d)));
    d_put(d, 0, "StorageClass:\t%.*s\n", D_STR(d, "spec.storageClassName"));
    put_status(d);
    if (object_str(o, "status.reason").n)
        d_put(d, 0, "Reason:\t%.*s\n", D_STR(d, "status.reason"));
    d_put(d, 0, "Claim:\t%.*s%s%.*s\n", D_STR(d, "spec.claimRef.namespace"), claim.n ? "/" : "",
          STR_ARG(claim));
    d_put(d, 0, "Reclaim Policy:\t%.*s\n", D_STR(d, "spec.persistentVolumeReclaimPolicy"));
    d_put(d, 0, "Access Modes:\t%.*s\n", STR_ARG(modes(d, object_array(o, "spec.accessModes"))));
    d_put(d, 0, "VolumeMode:\t%.*s\n", D_STR(d, "spec.volumeMode"));
    d_put(d, 0, "Capacity:\t%.*s\n", D_STR(d, "spec.capacity.storage"));
    put_affinity(d);
    d_put(d, 0, "Message:\t%.*s\n", D_STR(d, "status.message"));
    d_put(d, 0, "Source:\n");
    put_any_source(d, jval_get(o, S("spec")), true);
    d_events(d);
}

/* -- claims -- */

/* Whether a pod uses the claim, as its own or as one made for it. */
static bool uses(const struct jval *pod, struct str claim) {
    const struct jval *volumes = object_array(pod, "spec.volumes");
    struct str name = object_name(pod);
    for (uint32_t i = 0; volumes && i < volumes->n; i++) {
        const struct jval *v = &volumes->items[i];
        struct str volume = object_str(v, "name");
        if (str_eq(object_str(v, "persistentVolumeClaim.claimName"), claim))
            return true;
        if (jval_get(v, S("ephemeral")) && claim.n == name.n + 1 + volume.n && str_has_prefix(claim, name) &&
            claim.p[name.n] == '-' && str_has_suffix(claim, volume))
            return true;
    }
    return false;
}

static void put_users(struct describing *d) {
    struct jval pods = d_list(d, "", "pods", object_namespace(d->o), S(""), S(""));
    bool any = false;
    d_put(d, 0, "Used By:\t");
    for (uint32_t i = 0; pods.kind == J_ARRAY && i < pods.n; i++) {
        if (!uses(&pods.items[i], object_name(d->o)))
            continue;
        d_put(d, 0, "%s%.*s\n", any ? "\t" : "", STR_ARG(object_name(&pods.items[i])));
        any = true;
    }
    if (!any)
        d_put(d, 0, "<none>\n");
}

static void put_claim_conditions(struct describing *d) {
    const struct jval *all = object_array(d->o, "status.conditions");
    if (!all || all->n == 0)
        return;
    d_put(d, 0, "Conditions:\n  Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage\n");
    d_put(d, 1, "----\t------\t-----------------\t------------------\t------\t-------\n");
    for (uint32_t i = 0; i < all->n; i++) {
        const struct jval *k = &all->items[i];
        struct str probed = d_time(d, object_str(k, "lastProbeTime"));
        d_put(d, 1, "%.*s \t%.*s \t%.*s \t%.*s \t%.*s \t%.*s\n", STR_ARG(object_str(k, "type")),
              STR_ARG(object_str(k, "status")),
              STR_ARG(probed.n ? probed : S("Mon, 01 Jan 0001 00:00:00 +0000")),
              STR_ARG(d_time(d, object_str(k, "lastTransitionTime"))), STR_ARG(object_str(k, "reason")),
              STR_ARG(object_str(k, "message")));
    }
}

void describe_claim(struct describing *d) {
    const struct jval *o = d->o, *source = jval_path(o, "spec.dataSource");
    bool bound = object_str(o, "spec.volumeName").n > 0;
    d_name(d);
    d_put(d, 0, "StorageClass:\t%.*s\n", D_STR(d, "spec.storageClassName"));
    put_status(d);
    d_put(d, 0, "Volume:\t%.*s\n", D_STR(d, "spec.volumeName"));
    d_labels(d, "", "Labels", jval_path(o, "metadata.labels"));
    d_annotations(d, "", jval_path(o, "metadata.annotations"));
    d_put(d, 0, "Finalizers:\t%.*s\n", STR_ARG(finalizers(d)));
    d_put(d, 0, "Capacity:\t%.*s\n", STR_ARG(bound ? object_str(o, "status.capacity.storage") : S("")));
    d_put(d, 0, "Access Modes:\t%.*s\n",
          STR_ARG(bound ? modes(d, object_array(o, "status.accessModes")) : S("")));
    d_put(d, 0, "VolumeMode:\t%.*s\n", D_STR(d, "spec.volumeMode"));
    if (source) {
        d_put(d, 0, "DataSource:\n");
        if (object_str(source, "apiGroup").n)
            d_put(d, 1, "APIGroup:\t%.*s\n", STR_ARG(object_str(source, "apiGroup")));
        d_put(d, 1, "Kind:\t%.*s\n", STR_ARG(object_str(source, "kind")));
        d_put(d, 1, "Name:\t%.*s\n", STR_ARG(object_str(source, "name")));
    }
    put_users(d);
    put_claim_conditions(d);
    d_events(d);
}

void describe_claim_template(struct describing *d, const struct jval *claim, unsigned level) {
    static const char in[] = "  ";
    d_put(d, level, "Name:\t%.*s\n", STR_ARG(object_name(claim)));
    d_put(d, level, "StorageClass:\t%.*s\n", STR_ARG(object_str(claim, "spec.storageClassName")));
    d_labels(d, in, "Labels", jval_path(claim, "metadata.labels"));
    d_annotations(d, in, jval_path(claim, "metadata.annotations"));
    struct str capacity = object_str(claim, "spec.resources.requests.storage");
    const struct jval *all = object_array(claim, "spec.accessModes");
    d_put(d, level, "Capacity:\t%.*s\n", STR_ARG(capacity.n ? capacity : S("<default>")));
    d_put(d, level, "Access Modes:\t[%.*s]\n", STR_ARG(all && all->n ? d_join(d, all, " ") : S("")));
}

/* -- classes -- */

void describe_storage_class(struct describing *d) {
    const struct jval *o = d->o, *options = object_array(o, "mountOptions"),
                      *grow = jval_get(o, S("allowVolumeExpansion")),
                      *terms = object_array(o, "allowedTopologies");
    struct str is_default = object_annotation(o, S("storageclass.kubernetes.io/is-default-class"));
    d_put(d, 0, "Name:\t%.*s\n", STR_ARG(object_name(o)));
    d_put(d, 0, "IsDefaultClass:\t%s\n", str_eq(is_default, S("true")) ? "Yes" : "No");
    d_put(d, 0, "Annotations:\t%.*s\n", STR_ARG(d_map_inline(d, jval_path(o, "metadata.annotations"))));
    d_put(d, 0, "Provisioner:\t%.*s\n", D_STR(d, "provisioner"));
    d_put(d, 0, "Parameters:\t%.*s\n", STR_ARG(d_map_inline(d, jval_get(o, S("parameters")))));
    d_put(d, 0, "AllowVolumeExpansion:\t%s\n", grow ? d_bool(grow->b) : "<unset>");
    d_put(d, 0, "MountOptions:%s\n", options && options->n ? "" : "\t<none>");
    for (uint32_t i = 0; options && i < options->n; i++)
        d_put(d, 1, "%.*s\n", STR_ARG(d_value(d, &options->items[i])));
    d_put(d, 0, "ReclaimPolicy:\t%.*s\n", D_STR(d, "reclaimPolicy"));
    d_put(d, 0, "VolumeBindingMode:\t%.*s\n", D_STR(d, "volumeBindingMode"));
    if (terms && terms->n)
        d_put(d, 0, "AllowedTopologies:\t\n");
    for (uint32_t i = 0; terms && i < terms->n; i++) {
        d_put(d, 1, "Term %u:\t", i);
        describe_node_term(d, object_array(&terms->items[i], "matchLabelExpressions"), "  \t");
    }
    d_events(d);
}
