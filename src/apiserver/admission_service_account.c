/* ServiceAccount: every pod runs as an account of its namespace, and finds a token for the API in its
 * containers. See admission.h.
 *
 * An account that is not there may be made this moment (a controller makes "default" in new namespaces), so
 * the plugin looks again for a second before it refuses.
 */
#include "api/types/core.h"
#include "apiserver/admission_priv.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/rand.h"

#define TOKEN_VOLUME S("kube-api-access")
#define TOKEN_PATH S("/var/run/secrets/kubernetes.io/serviceaccount")
#define TOKEN_SECONDS 3607
#define MODE_0644 0644
#define TRIES 10u
#define TRY_NS 100000000ll

/* -- the token's volume -- */

static struct core_volume_projection *projections(struct arena *a) {
    struct core_volume_projection *v = arena_new_n(a, 3, struct core_volume_projection);
    v[0].service_account_token = arena_new(a, struct core_service_account_token_projection);
    v[0].service_account_token->expiration_seconds = (struct opt_i64){.v = TOKEN_SECONDS, .set = true};
    v[0].service_account_token->path = S("token");
    struct core_config_map_projection *ca = v[1].config_map = arena_new(a, struct core_config_map_projection);
    ca->local_object_reference.name = S("kube-root-ca.crt");
    ca->items.v = arena_new(a, struct core_key_to_path);
    ca->items.v[0] = (struct core_key_to_path){.key = S("ca.crt"), .path = S("ca.crt")};
    ca->items.n = 1;
    struct core_downward_api_projection *d = v[2].downward_api =
        arena_new(a, struct core_downward_api_projection);
    d->items.v = arena_new(a, struct core_downward_api_volume_file);
    d->items.v[0].path = S("namespace");
    d->items.v[0].field_ref = arena_new(a, struct core_object_field_selector);
    *d->items.v[0].field_ref = (struct core_object_field_selector){
        .api_version = S("v1"),
        .field_path = S("metadata.namespace"),
    };
    d->items.n = 1;
    return v;
}

static void append_volume(struct arena *a, struct core_pod_spec *s, struct str name) {
    struct core_volume *v = arena_new_n(a, s->volumes.n + 1u, struct core_volume);
    if (s->volumes.n)
        memcpy(v, s->volumes.v, s->volumes.n * sizeof *v);
    struct core_volume *mine = &v[s->volumes.n];
    mine->name = name;
    mine->volume_source.projected = arena_new(a, struct core_projected_volume_source);
    mine->volume_source.projected->default_mode = (struct opt_i32){.v = MODE_0644, .set = true};
    mine->volume_source.projected->sources.v = projections(a);
    mine->volume_source.projected->sources.n = 3;
    s->volumes.v = v;
    s->volumes.n++;
}

static bool is_mounted(const struct core_container *c) {
    for (uint32_t i = 0; i < c->volume_mounts.n; i++)
        if (str_eq(c->volume_mounts.v[i].mount_path, TOKEN_PATH))
            return true;
    return false;
}

static bool mount(struct arena *a, struct core_container_array *containers, struct str volume) {
    bool any = false;
    for (uint32_t i = 0; i < containers->n; i++) {
        struct core_volume_mount_array *m = &containers->v[i].volume_mounts;
        if (is_mounted(&containers->v[i]))
            continue;
        struct core_volume_mount *v = arena_new_n(a, m->n + 1u, struct core_volume_mount);
        if (m->n)
            memcpy(v, m->v, m->n * sizeof *v);
        v[m->n] = (struct core_volume_mount){.name = volume, .read_only = true, .mount_path = TOKEN_PATH};
        m->v = v;
        m->n++;
        any = true;
    }
    return any;
}

static struct str token_volume(const struct core_pod_spec *s) {
    for (uint32_t i = 0; i < s->volumes.n; i++)
        if (s->volumes.v[i].volume_source.projected && str_has_prefix(s->volumes.v[i].name, TOKEN_VOLUME) &&
            s->volumes.v[i].name.n > TOKEN_VOLUME.n && s->volumes.v[i].name.p[TOKEN_VOLUME.n] == '-')
            return s->volumes.v[i].name;
    return STR_NONE;
}

static void mount_token(const struct admission_request *r, struct core_pod_spec *s) {
    struct arena *a = admission_arena(r);
    struct str name = token_volume(s);
    bool is_there = name.p;
    if (!is_there) {
        char suffix[RAND_SUFFIX_LEN + 1];
        rand_suffix(r->call->server->rand, suffix);
        name = arena_printf(a, "%.*s-%s", STR_ARG(TOKEN_VOLUME), suffix);
    }
    bool inits = mount(a, &s->init_containers, name), others = mount(a, &s->containers, name);
    if (!is_there && (inits || others))
        append_volume(a, s, name);
}

static bool wants_token(const struct core_pod_spec *s, const struct core_service_account *account) {
    if (s->automount_service_account_token.set)
        return s->automount_service_account_token.v;
    return !account->automount_service_account_token.set || account->automount_service_account_token.v;
}

static void apply(const struct admission_request *r, const struct core_service_account *account) {
    struct core_pod *p = r->object;
    p->spec.service_account = p->spec.service_account_name;
    if (wants_token(&p->spec, account))
        mount_token(r, &p->spec);
    if (p->spec.image_pull_secrets.n == 0)
        p->spec.image_pull_secrets = account->image_pull_secrets;
}

/* -- the account -- */

static const struct core_service_account *account_of(const struct admission_request *r) {
    const struct core_pod *p = r->object;
    const struct object *o =
        call_lookup(r->call, KIND_CORE_SERVICE_ACCOUNT, r->ns, p->spec.service_account_name);
    return o ? o->body : NULL;
}

static struct status *no_account(const struct admission_request *r) {
    const struct core_pod *p = r->object;
    struct status *st = NULL;
    struct str name = p->spec.service_account_name;
    (void)admission_forbid(r, &st,
                           "error looking up service account %.*s/%.*s: serviceaccount \"%.*s\" not found",
                           STR_ARG(r->ns), STR_ARG(name), STR_ARG(name));
    return st;
}

/* A pod that waits for its account. */
struct wait {
    struct loop_msg msg; /* the first member: to the call's loop, where timers can be started */
    struct timer timer;
    struct admission_request *request;
    unsigned tries;
};

static void look_again(struct timer *t) {
    struct wait *w = (struct wait *)((char *)t - offsetof(struct wait, timer));
    struct admission_request *r = w->request;
    const struct core_service_account *account = account_of(r);
    if (account) {
        apply(r, account);
        admission_resume(r, NULL);
    } else if (--w->tries == 0)
        admission_resume(r, no_account(r));
    else
        loop_timer_start(r->call->loop, t, TRY_NS);
}

static void start_waiting(struct loop_msg *msg) {
    struct wait *w = (struct wait *)msg;
    loop_timer_start(w->request->call->loop, &w->timer, TRY_NS);
}

static enum admission_verdict wait_for_account(struct admission_request *r, struct status **ret_status) {
    struct wait *w = arena_new(admission_arena(r), struct wait);
    *w = (struct wait){.request = r, .tries = TRIES};
    w->msg.run = start_waiting;
    w->timer.fire = look_again;
    if (r->call->loop && loop_post(r->call->loop, &w->msg) == 0)
        return ADMIT_WAIT;
    *ret_status = no_account(r);
    return ADMIT_DENY;
}

/* -- pods that a kubelet mirrors from its files use none of it -- */

static bool is_mirror(const struct core_pod *p) {
    return str_map_get(p->metadata.annotations, S("kubernetes.io/config.mirror")).p != NULL;
}

static bool has_secret(const struct core_container_array *containers) {
    for (uint32_t i = 0; i < containers->n; i++) {
        const struct core_container *c = &containers->v[i];
        for (uint32_t k = 0; k < c->env.n; k++)
            if (c->env.v[k].value_from && c->env.v[k].value_from->secret_key_ref)
                return true;
        for (uint32_t k = 0; k < c->env_from.n; k++)
            if (c->env_from.v[k].secret_ref)
                return true;
    }
    return false;
}

static bool has_secret_volume(const struct core_pod_spec *s, bool tokens) {
    for (uint32_t i = 0; i < s->volumes.n; i++) {
        const struct core_volume_source *v = &s->volumes.v[i].volume_source;
        if (!tokens && v->secret)
            return true;
        for (uint32_t k = 0; v->projected && k < v->projected->sources.n; k++)
            if (tokens ? v->projected->sources.v[k].service_account_token != NULL
                       : v->projected->sources.v[k].secret != NULL)
                return true;
    }
    return false;
}

static enum admission_verdict validate_mirror(const struct admission_request *r, const struct core_pod *p,
                                              struct status **ret_status) {
    if (!str_empty(p->spec.service_account_name))
        return admission_forbid(r, ret_status, "a mirror pod may not reference service accounts");
    if (has_secret_volume(&p->spec, false) || has_secret(&p->spec.containers) ||
        has_secret(&p->spec.init_containers))
        return admission_forbid(r, ret_status, "a mirror pod may not reference secrets");
    if (has_secret_volume(&p->spec, true))
        return admission_forbid(r, ret_status,
                                "a mirror pod may not use ServiceAccountToken volume projections");
    return ADMIT_NEXT;
}

/* -- accounts that say which secrets their pods may use -- */

static bool is_listed(const struct core_service_account *a, struct str secret) {
    for (uint32_t i = 0; i < a->secrets.n; i++)
        if (str_eq(a->secrets.v[i].name, secret))
            return true;
    return false;
}

static struct str first_unlisted(const struct core_service_account *a, const struct core_container *c) {
    for (uint32_t i = 0; i < c->env.n; i++) {
        const struct core_env_var_source *from = c->env.v[i].value_from;
        if (from && from->secret_key_ref && !is_listed(a, from->secret_key_ref->local_object_reference.name))
            return from->secret_key_ref->local_object_reference.name;
    }
    for (uint32_t i = 0; i < c->env_from.n; i++) {
        const struct core_secret_env_source *from = c->env_from.v[i].secret_ref;
        if (from && !is_listed(a, from->local_object_reference.name))
            return from->local_object_reference.name;
    }
    return STR_NONE;
}

static struct str unlisted_of_all(const struct core_service_account *a, const struct core_pod_spec *s) {
    struct str found = STR_NONE;
    for (uint32_t i = 0; !found.p && i < s->volumes.n; i++) {
        const struct core_secret_volume_source *v = s->volumes.v[i].volume_source.secret;
        if (v && !is_listed(a, v->secret_name))
            found = v->secret_name;
    }
    for (uint32_t i = 0; !found.p && i < s->init_containers.n; i++)
        found = first_unlisted(a, &s->init_containers.v[i]);
    for (uint32_t i = 0; !found.p && i < s->containers.n; i++)
        found = first_unlisted(a, &s->containers.v[i]);
    for (uint32_t i = 0; !found.p && i < s->ephemeral_containers.n; i++) {
        const struct core_ephemeral_container_common *e =
            &s->ephemeral_containers.v[i].ephemeral_container_common;
        struct core_container like = {.env = e->env, .env_from = e->env_from};
        found = first_unlisted(a, &like);
    }
    return found;
}

static enum admission_verdict validate_listed(const struct admission_request *r, const struct core_pod *p,
                                              const struct core_service_account *account,
                                              struct status **ret_status) {
    struct str on = str_map_get(account->metadata.annotations, S("kubernetes.io/enforce-mountable-secrets"));
    if (!str_eq(on, S("true")))
        return ADMIT_NEXT;
    struct str secret = unlisted_of_all(account, &p->spec);
    if (secret.p)
        return admission_forbid(
            r, ret_status,
            "references secret.secretName=\"%.*s\" is not allowed because service account "
            "%.*s does not reference that secret",
            STR_ARG(secret), STR_ARG(account->metadata.name));
    for (uint32_t i = 0; i < p->spec.image_pull_secrets.n; i++) {
        struct str name = p->spec.image_pull_secrets.v[i].name;
        bool there = false;
        for (uint32_t k = 0; k < account->image_pull_secrets.n; k++)
            there |= str_eq(account->image_pull_secrets.v[k].name, name);
        if (!there)
            return admission_forbid(
                r, ret_status,
                "imagePullSecrets[%u].name=\"%.*s\" is not allowed because service account "
                "%.*s does not reference that imagePullSecret",
                i, STR_ARG(name), STR_ARG(account->metadata.name));
    }
    return ADMIT_NEXT;
}

/* -- the plugin -- */

static enum admission_verdict mutate(struct admission *a, struct admission_request *r,
                                     struct status **ret_status) {
    (void)a;
    if (r->operation != ADMIT_CREATE || !admission_is_main(r, KIND_CORE_POD))
        return ADMIT_NEXT;
    struct core_pod *p = r->object;
    if (is_mirror(p))
        return validate_mirror(r, p, ret_status);
    if (str_empty(p->spec.service_account_name))
        p->spec.service_account_name = S("default");
    const struct core_service_account *account = account_of(r);
    if (!account)
        return wait_for_account(r, ret_status);
    apply(r, account);
    return ADMIT_NEXT;
}

static enum admission_verdict validate(struct admission *a, struct admission_request *r,
                                       struct status **ret_status) {
    (void)a;
    bool ephemeral = admission_is(r, KIND_CORE_POD) && str_eq(r->subresource, S("ephemeralcontainers"));
    if (!(r->operation == ADMIT_CREATE && admission_is_main(r, KIND_CORE_POD)) && !ephemeral)
        return ADMIT_NEXT;
    const struct core_pod *p = r->object;
    if (is_mirror(p))
        return validate_mirror(r, p, ret_status);
    const struct core_service_account *account = account_of(r);
    if (!account) {
        *ret_status = no_account(r);
        return ADMIT_DENY;
    }
    return validate_listed(r, p, account, ret_status);
}

const struct admission_plugin admission_service_account = {
    .name = "ServiceAccount",
    .operations = ADMIT_CREATE | ADMIT_UPDATE,
    .mutate = mutate,
    .validate = validate,
};
