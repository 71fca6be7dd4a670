/* api/validation: rules on pods and pod templates.
 *
 * pod.c walks a pod spec in upstream's order and holds the small parts; pod_container.c, pod_env.c,
 * pod_probe.c, pod_volume.c, pod_security.c, pod_scheduling.c and pod_resources.c hold the large ones;
 * pod_update.c, pod_resize.c and pod_status.c what updates may do. Other kinds use check_pod_template.
 */
#pragma once

#include <stdbool.h>

#include "api/types/core.h"
#include "api/validation/validation.h"

#define ANNOTATION_MIRROR_POD S("kubernetes.io/config.mirror")

/* The volumes of a pod by name, those without errors of their own. */
#define VOLUME_TABLE_SHORT 64
struct volume_table {
    const struct core_volume_array *volumes;
    uint64_t usable; /* bit per volume, when there are at most VOLUME_TABLE_SHORT */
    struct map map;  /* else */
};

/* What the checks of one pod spec share. */
struct pod_check {
    struct field_errors *e;
    const struct validate_options *options;
    const struct core_pod_spec *spec;
    const struct core_pod_spec *old;     /* what is stored; NULL: nothing */
    const struct meta_object_meta *meta; /* of the pod or the template */
    bool is_pod;                         /* not a template: some rules only hold for pods */
    struct volume_table volumes;
    struct seen claims; /* names of resource claims */
};

/* Labels, annotations and spec of a template at p; old: the stored one, whose oddities are tolerated, or
 * NULL. */
void check_pod_template(struct validation *v, const struct field_path *p,
                        const struct core_pod_template_spec *template,
                        const struct core_pod_template_spec *old);

/* The spec at p. */
void check_pod_spec(struct validation *v, const struct field_path *p, const struct core_pod_spec *spec,
                    const struct core_pod_spec *old, const struct meta_object_meta *meta, bool is_pod);

/* A pod's metadata and spec, as every write of a pod checks them. */
void check_pod(struct validation *v, const struct core_pod *pod, const struct core_pod *old);

static inline bool pod_is_mirror(const struct meta_object_meta *meta) {
    return str_map_get(meta->annotations, ANNOTATION_MIRROR_POD).p != NULL;
}
static inline bool pod_is_windows(const struct core_pod_spec *spec) {
    return spec->os && str_eq(spec->os->name, S("windows"));
}
static inline bool container_is_sidecar(const struct core_container *c) {
    return str_eq(c->restart_policy, S("Always"));
}

/* Ephemeral containers hold a container's fields in a struct of its own with the same layout. */
static inline const struct core_container *ephemeral_as_container(const struct core_ephemeral_container *c) {
    return (const struct core_container *)(const void *)&c->ephemeral_container_common;
}

/* ---- parts, each at its path ---- */

/* pod_volume.c: fills pc->volumes. */
void check_volumes(struct pod_check *pc, const struct field_path *p);
const struct core_volume *volume_find(const struct volume_table *t, struct str name);
void volume_table_fini(struct volume_table *t);

/* pod_container.c */
void check_containers(struct pod_check *pc, const struct field_path *p);
void check_init_containers(struct pod_check *pc, const struct field_path *p);
void check_ephemeral_containers(struct pod_check *pc, const struct field_path *p);

/* pod_env.c */
void check_env(struct pod_check *pc, const struct field_path *p, const struct core_env_var_array *env);
void check_env_from(struct pod_check *pc, const struct field_path *p,
                    const struct core_env_from_source_array *sources);

/* Fields of the pod or of a container as environment or file. volume: for a file. */
void check_field_ref(struct field_errors *e, const struct field_path *p,
                     const struct core_object_field_selector *ref, bool volume);
void check_resource_field_ref(struct field_errors *e, const struct field_path *p,
                              const struct core_resource_field_selector *ref, bool volume);

/* pod_probe.c */
void check_probes(struct pod_check *pc, const struct field_path *p, const struct core_container *c);
void check_lifecycle(struct pod_check *pc, const struct field_path *p,
                     const struct core_lifecycle *lifecycle);

/* pod_security.c */
void check_container_security(struct pod_check *pc, const struct field_path *p,
                              const struct core_security_context *sc);
void check_pod_security(struct pod_check *pc, const struct field_path *p);
void check_host_process(struct pod_check *pc, const struct field_path *p);
void check_host_users(struct pod_check *pc, const struct field_path *p);
void check_os(struct pod_check *pc, const struct field_path *p);

/* pod_scheduling.c */
void check_affinity(struct pod_check *pc, const struct field_path *p);
void check_tolerations(struct field_errors *e, const struct field_path *p,
                       const struct core_toleration_array *tolerations);
void check_topology_spread(struct pod_check *pc, const struct field_path *p);

/* pod_resources.c */
void check_container_claims(struct pod_check *pc, const struct field_path *p,
                            const struct core_resource_claim_array *claims);
void check_pod_resources(struct pod_check *pc, const struct field_path *p);
void check_pod_resource_claims(struct pod_check *pc, const struct field_path *p);

/* pod_update.c, pod_resize.c, pod_status.c */
void update_pod(struct validation *v, const void *object, const void *old);
void update_pod_ephemeral_containers(struct validation *v, const void *object, const void *old);
void resize_pod(struct validation *v, const void *object, const void *old);
void update_pod_status(struct validation *v, const void *object, const void *old);

/* Annotations that an update of any part of a pod may not touch. */
void check_pod_annotation_update(struct field_errors *e, const struct meta_object_meta *meta,
                                 const struct meta_object_meta *old);
