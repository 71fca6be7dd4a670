/* What admission plugins share. Inside src/apiserver/ only; on the thread of the call they look at.
 *
 * One file per plugin: admission_<name>.c. A plugin looks at kind and subresource first and answers
 * ADMIT_NEXT for what is none of its business; most objects concern no plugin at all.
 */
#pragma once

#include "api/types/ids.h"
#include "apiserver/admission.h"
#include "apiserver/cache.h"
#include "apiserver/server_priv.h"
#include "base/arena.h"

struct core_pod;
struct core_pod_spec;

extern const struct admission_plugin admission_namespace_lifecycle, admission_limit_ranger,
    admission_service_account, admission_node_restriction, admission_taint_nodes, admission_priority,
    admission_default_tolerations, admission_default_storage_class, admission_storage_protection,
    admission_claim_resize, admission_runtime_class, admission_csr_approval, admission_csr_signing,
    admission_csr_subject, admission_default_ingress_class, admission_pod_topology_labels, admission_rbac,
    admission_resource_quota;

static inline struct arena *admission_arena(const struct admission_request *r) {
    return r->call->arena;
}

static inline bool admission_is(const struct admission_request *r, uint16_t kind) {
    return r->kind->index == kind;
}

/* Whether the object itself is meant. */
static inline bool admission_is_main(const struct admission_request *r, uint16_t kind) {
    return r->kind->index == kind && str_empty(r->subresource);
}

/* "pods "x" is forbidden: why" in *ret_status; ADMIT_DENY. An object that has no name yet is called by what
 * its name will begin with. */
enum admission_verdict admission_forbid(const struct admission_request *r, struct status **ret_status,
                                        const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* An object that others name, with a reference that the call's arena holds; NULL: there is none. */
const struct object *admission_lookup(const struct admission *a, const struct admission_request *r,
                                      uint16_t kind, struct str ns, struct str name);
const struct object *call_lookup(const struct call *c, uint16_t kind, struct str ns, struct str name);

/* A snapshot that the call's arena holds. */
const struct cache_snapshot *call_snapshot(const struct call *c, uint16_t kind);

/* Whether the caller may do something, by the authorisers. */
bool call_may(const struct call *c, struct str verb, struct str group, struct str resource,
              struct str subresource, struct str ns, struct str name);

/* Of defaults among classes: the newest of those that carry one of the annotations with "true", then the
 * smallest name. NULL: none. */
const struct object *admission_default_class(const struct admission_request *r, uint16_t kind,
                                             struct str annotation, struct str older_annotation);
