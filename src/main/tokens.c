/* Secrets and bindings of join tokens. */
#include "main/tokens.h"

#include "api/time.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "api/types/rbac.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "client/client.h"
#include "client/reconciler.h"
#include "net/pki.h"

#define ID_CHARS 6
#define SECRET_CHARS 16
#define NAMESPACE S("kube-system")
#define PREFIX "bootstrap-token-"

/* Of a-z and 0-9. */
static void random_text(char *out, size_t n) {
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (size_t i = 0; i < n; i++)
        out[i] = alphabet[rand_below(rand_system(), sizeof alphabet - 1)];
    out[n] = 0;
}

struct entries {
    struct str_entry v[8];
    uint32_t n;
};

/* In the order of their keys. */
static void put(struct entries *e, struct str key, struct str value) {
    e->v[e->n++] = (struct str_entry){key, value};
}

static struct str expiry(int64_t ttl_sec, struct arena *a) {
    char text[TIME_TEXT_SIZE];
    struct timestamp t = {.sec = clock_wall_sec(clock_system()) + ttl_sec, .set = true};
    return arena_str(a, str_make(text, timestamp_format(t, text)));
}

static void fill(struct entries *e, const struct token_options *o, const char *id, const char *secret,
                 struct arena *a) {
    put(e, S("auth-extra-groups"), S(TOKEN_GROUP));
    put(e, S("description"), o->description.n ? o->description : S("lets a machine join as a node"));
    if (o->ttl_sec)
        put(e, S("expiration"), expiry(o->ttl_sec, a));
    put(e, S("token-id"), str_from(id));
    put(e, S("token-secret"), str_from(secret));
    put(e, S("usage-bootstrap-authentication"), S("true"));
}

int token_create(struct client *c, const struct token_options *o, struct str ca_pem, struct arena *a,
                 struct str *ret_text, struct err *err) {
    char id[ID_CHARS + 1], secret[SECRET_CHARS + 1];
    struct str pin;
    int rc = pki_key_pin(ca_pem, a, &pin, err);
    if (rc < 0)
        return rc;
    random_text(id, ID_CHARS);
    random_text(secret, SECRET_CHARS);
    struct entries e = {0};
    fill(&e, o, id, secret, a);
    struct core_secret s = {.type = S("bootstrap.kubernetes.io/token"), .data = {e.v, e.n}};
    s.metadata.name = arena_printf(a, PREFIX "%s", id);
    s.metadata.namespace = NAMESPACE;
    rc = client_create(c, KIND(CORE_SECRET), NAMESPACE, &s, NULL, err);
    if (rc == 0)
        *ret_text = arena_printf(a, "%.*s:%s.%s", STR_ARG(pin), id, secret);
    return rc;
}

int token_delete(struct client *c, struct str id_or_text, struct err *err) {
    struct str head, id = id_or_text, rest;
    _cleanup_arena struct arena a = ARENA_INIT;
    if (str_split(id_or_text, ':', &head, &rest))
        id = rest;
    if (str_split(id, '.', &head, &rest))
        id = head;
    if (id.n != ID_CHARS)
        return err_set(err, ERR_INVALID, "\"%.*s\" is no token and no id of one; see: coxswain token list",
                       STR_ARG(id_or_text));
    return client_delete(c, KIND(CORE_SECRET), NAMESPACE, arena_printf(&a, PREFIX "%.*s", STR_ARG(id)), NULL,
                         err);
}

static struct token_info info_of(const struct core_secret *s, struct arena *a) {
    struct token_info i = {.id = arena_str(a, str_map_get(s->data, S("token-id"))),
                           .description = arena_str(a, str_map_get(s->data, S("description")))};
    struct str until = str_map_get(s->data, S("expiration"));
    struct timestamp t;
    if (until.n && timestamp_parse(until, &t, NULL) == 0)
        i.expires_sec = t.sec;
    return i;
}

int token_list(struct client *c, struct arena *a, struct token_info **ret, uint32_t *ret_n, struct err *err) {
    struct client_call call = {.verb = CLIENT_LIST,
                               .kind = KIND(CORE_SECRET),
                               .ns = NAMESPACE,
                               .field_selector = S("type=bootstrap.kubernetes.io/token")};
    _cleanup_client_answer struct client_answer answer = CLIENT_ANSWER_INIT;
    int rc = client_do(c, &call, &answer, err);
    if (rc < 0)
        return rc;
    *ret = arena_new_n(a, answer.n_items, struct token_info);
    *ret_n = answer.n_items;
    for (uint32_t i = 0; i < answer.n_items; i++)
        (*ret)[i] = info_of(answer.items[i]->body, a);
    return 0;
}

static int bind_subject(struct client *c, const char *name, const char *role, struct rbac_subject *subject,
                        struct err *err) {
    struct rbac_cluster_role_binding b = {.subjects = {subject, 1}};
    b.metadata.name = str_from(name);
    b.role_ref = (struct rbac_role_ref){
        .api_group = S("rbac.authorization.k8s.io"), .kind = S("ClusterRole"), .name = str_from(role)};
    int rc = client_create(c, KIND(RBAC_CLUSTER_ROLE_BINDING), STR_NONE, &b, NULL, err);
    return rc == ERR_EXISTS ? 0 : rc;
}

static int bind_group(struct client *c, const char *name, const char *role, const char *group,
                      struct err *err) {
    struct rbac_subject subject = {
        .kind = S("Group"), .api_group = S("rbac.authorization.k8s.io"), .name = str_from(group)};
    return bind_subject(c, name, role, &subject, err);
}

static int make_role(struct client *c, const char *name, struct rbac_policy_rule *rules, uint32_t n,
                     struct err *err) {
    struct rbac_cluster_role role = {.rules = {rules, n}};
    role.metadata.name = str_from(name);
    int rc = client_create(c, KIND(RBAC_CLUSTER_ROLE), STR_NONE, &role, NULL, err);
    return rc == ERR_EXISTS ? 0 : rc;
}

/* What the proxy and DNS of each node read. */
static int grant_node_network(struct client *c, struct err *err) {
    struct str core = S(""), discovery = S("discovery.k8s.io"), look[] = {S("get"), S("list"), S("watch")};
    struct str resources[] = {S("services"), S("endpoints"), S("namespaces"), S("nodes")},
               slices = S("endpointslices");
    struct rbac_policy_rule rules[] = {
        {.verbs = {look, 3}, .api_groups = {&core, 1}, .resources = {resources, 4}},
        {.verbs = {look, 3}, .api_groups = {&discovery, 1}, .resources = {&slices, 1}},
    };
    int rc = make_role(c, "coxswain:node-network", rules, 2, err);
    return rc < 0 ? rc : bind_group(c, "coxswain:node-network", "coxswain:node-network", "system:nodes", err);
}

/* What the controller kubelet-serving-approver may do; it is ours, so upstream's roles do not have it. */
static int grant_serving_approver(struct client *c, struct err *err) {
    struct str certs = S("certificates.k8s.io"), core = S(""), look[] = {S("get"), S("list"), S("watch")};
    struct str update = S("update"), approve = S("approve"), nodes = S("nodes"),
               requests = S("certificatesigningrequests");
    struct str approval = S("certificatesigningrequests/approval"), signers = S("signers");
    struct str signer = S("kubernetes.io/kubelet-serving");
    struct rbac_policy_rule rules[] = {
        {.verbs = {look, 3}, .api_groups = {&core, 1}, .resources = {&nodes, 1}},
        {.verbs = {look, 3}, .api_groups = {&certs, 1}, .resources = {&requests, 1}},
        {.verbs = {&update, 1}, .api_groups = {&certs, 1}, .resources = {&approval, 1}},
        {.verbs = {&approve, 1},
         .api_groups = {&certs, 1},
         .resources = {&signers, 1},
         .resource_names = {&signer, 1}},
    };
    int rc = make_role(c, "coxswain:kubelet-serving-approver", rules, 4, err);
    if (rc < 0)
        return rc;
    struct rbac_subject subject = {
        .kind = S("ServiceAccount"), .name = S("kubelet-serving-approver"), .namespace = S("kube-system")};
    return bind_subject(c, "coxswain:kubelet-serving-approver", "coxswain:kubelet-serving-approver", &subject,
                        err);
}

int token_grants(struct client *c, struct err *err) {
    int rc = bind_group(c, "coxswain:node-bootstrapper", "system:node-bootstrapper", TOKEN_GROUP, err);
    if (rc == 0)
        rc = bind_group(c, "coxswain:node-client-certificates",
                        "system:certificates.k8s.io:certificatesigningrequests:nodeclient", TOKEN_GROUP, err);
    if (rc == 0)
        rc = bind_group(c, "coxswain:node-client-renewal",
                        "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
                        "system:nodes", err);
    if (rc == 0)
        rc = grant_node_network(c, err);
    return rc < 0 ? rc : grant_serving_approver(c, err);
}
