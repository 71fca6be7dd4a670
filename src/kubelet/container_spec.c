/* Containers of a specification and when they start again. */
#include "kubelet/container_spec.h"

#include <stdio.h>

#include "api/types/core.h"
#include "base/arena.h"
#include "base/hash.h"

/* Ephemeral containers have the fields of containers under a type of their own. */
static const struct core_container *ephemeral_spec(const struct core_ephemeral_container *e,
                                                   struct arena *a) {
    const struct core_ephemeral_container_common *from = &e->ephemeral_container_common;
    struct core_container *c = arena_new(a, struct core_container);
    *c = (struct core_container){
        .name = from->name,
        .image = from->image,
        .command = from->command,
        .args = from->args,
        .working_dir = from->working_dir,
        .ports = from->ports,
        .env_from = from->env_from,
        .env = from->env,
        .resources = from->resources,
        .restart_policy = S("Never"),
        .volume_mounts = from->volume_mounts,
        .volume_devices = from->volume_devices,
        .termination_message_path = from->termination_message_path,
        .termination_message_policy = from->termination_message_policy,
        .image_pull_policy = from->image_pull_policy,
        .security_context = from->security_context,
        .stdin = from->stdin,
        .stdin_once = from->stdin_once,
        .tty = from->tty,
    };
    return c;
}

uint32_t container_refs(const struct core_pod *pod, struct arena *a, struct container_ref **ret) {
    const struct core_pod_spec *s = &pod->spec;
    uint32_t n = 0;
    struct container_ref *out = arena_new_n(
        a, s->init_containers.n + s->containers.n + s->ephemeral_containers.n, struct container_ref);
    for (uint32_t i = 0; i < s->init_containers.n; i++)
        out[n++] = (struct container_ref){.spec = &s->init_containers.v[i], .list = LIST_INIT, .index = i};
    for (uint32_t i = 0; i < s->containers.n; i++)
        out[n++] = (struct container_ref){.spec = &s->containers.v[i], .list = LIST_APP, .index = i};
    for (uint32_t i = 0; i < s->ephemeral_containers.n; i++)
        out[n++] = (struct container_ref){.spec = ephemeral_spec(&s->ephemeral_containers.v[i], a),
                                          .list = LIST_EPHEMERAL,
                                          .index = i,
                                          .target = s->ephemeral_containers.v[i].target_container_name};
    *ret = out;
    return n;
}

bool container_find(const struct core_pod *pod, struct str name, struct arena *a, struct container_ref *ret) {
    struct container_ref *all;
    uint32_t n = container_refs(pod, a, &all);
    for (uint32_t i = 0; i < n; i++)
        if (str_eq(all[i].spec->name, name)) {
            *ret = all[i];
            return true;
        }
    return false;
}

bool container_is_sidecar(const struct container_ref *c) {
    return c->list == LIST_INIT && str_eq(c->spec->restart_policy, S("Always"));
}

static bool rule_matches(const struct core_container_restart_rule *rule, int32_t exit_code) {
    const struct core_container_restart_rule_on_exit_codes *on = rule->exit_codes;
    if (!on)
        return false;
    bool in = false;
    for (uint32_t i = 0; i < on->values.n && !in; i++)
        in = on->values.v[i] == exit_code;
    return str_eq(on->operator, S("NotIn")) ? !in : in;
}

enum restart container_restart(const struct core_pod *pod, const struct container_ref *c, int32_t exit_code) {
    if (c->list == LIST_EPHEMERAL)
        return RESTART_NO;
    for (uint32_t i = 0; i < c->spec->restart_policy_rules.n; i++) {
        const struct core_container_restart_rule *rule = &c->spec->restart_policy_rules.v[i];
        if (rule_matches(rule, exit_code))
            return str_eq(rule->action, S("RestartAllContainers")) ? RESTART_POD : RESTART_CONTAINER;
    }
    bool own = c->spec->restart_policy.n > 0;
    struct str policy = own ? c->spec->restart_policy : pod->spec.restart_policy;
    if (str_eq(policy, S("Never")))
        return RESTART_NO;
    bool success_ends = str_eq(policy, S("OnFailure")) || (c->list == LIST_INIT && !container_is_sidecar(c));
    return exit_code == 0 && success_ends ? RESTART_NO : RESTART_CONTAINER;
}

void container_hash(const struct core_container *c, char out[9]) {
    uint32_t h = hash_fnv1a_32(c->name);
    h = hash_fnv1a_32_add(h, S("\n"));
    h = hash_fnv1a_32_add(h, c->image);
    snprintf(out, 9, "%08x", h);
}
