/* Unpacks the bootstrap tables into typed objects. See bootstrap.h.
 *
 * The tables are indexes of words instead of the structs themselves: 20 KB without a pointer, against 90 KB
 * that every process would relocate.
 */
#include "api/bootstrap.h"

#include "api/types/constants.h"
#include "api/types/rbac.h"
#include "base/arena.h"
#include "base/err.h"

struct word {
    uint16_t offset, n;
};
struct list {
    uint16_t at, n;
};
struct rule {
    struct list verbs, groups, resources, names, urls;
    bool served; /* only when one of the resources is served */
};
struct subject {
    uint16_t kind, namespace, name;
};
struct row {
    uint16_t kind; /* enum bootstrap_kind */
    uint16_t name, namespace;
    uint16_t to, collects; /* cluster roles: aggregation into, and of */
    uint16_t role;         /* bindings */
    uint16_t first_rule, n_rules;
    uint16_t first_subject, n_subjects;
};

#include "api/types/bootstrap_tables.h"

#define AGGREGATE "rbac.authorization.k8s.io/aggregate-to-"

static struct str word(uint16_t i) {
    return str_make(text + words[i].offset, words[i].n);
}

static struct str_array word_list(struct arena *a, struct list l) {
    struct str_array out = {0};
    if (l.n == 0)
        return out;
    out.v = arena_new_n(a, l.n, struct str);
    for (; out.n < l.n; out.n++)
        out.v[out.n] = word(lists[l.at + out.n]);
    return out;
}

static bool applies(const struct rule *r, bootstrap_served_fn served, void *arg) {
    if (!r->served)
        return true;
    for (uint16_t g = 0; served && g < r->groups.n; g++) {
        for (uint16_t i = 0; i < r->resources.n; i++) {
            struct str resource = word(lists[r->resources.at + i]), subresource;
            (void)str_split(resource, '/', &resource, &subresource);
            if (served(word(lists[r->groups.at + g]), resource, arg))
                return true;
        }
    }
    return false;
}

static struct rbac_policy_rule_array rules_of(struct arena *a, const struct row *row,
                                              bootstrap_served_fn served, void *arg) {
    struct rbac_policy_rule_array out = {0};
    if (row->n_rules)
        out.v = arena_new_n(a, row->n_rules, struct rbac_policy_rule);
    for (uint16_t i = 0; i < row->n_rules; i++) {
        const struct rule *r = &rules[row->first_rule + i];
        if (!applies(r, served, arg))
            continue;
        out.v[out.n++] = (struct rbac_policy_rule){
            .verbs = word_list(a, r->verbs),
            .api_groups = word_list(a, r->groups),
            .resources = word_list(a, r->resources),
            .resource_names = word_list(a, r->names),
            .non_resource_urls = word_list(a, r->urls),
        };
    }
    return out;
}

static struct str_map one_pair(struct arena *a, struct str key, struct str value) {
    struct str_entry *e = arena_new(a, struct str_entry);
    *e = (struct str_entry){key, value};
    return (struct str_map){e, 1};
}

static struct str aggregate_label(struct arena *a, uint16_t role) {
    return arena_printf(a, AGGREGATE "%.*s", STR_ARG(word(role)));
}

static void fill_meta(struct arena *a, const struct row *row, struct meta_object_meta *m) {
    m->name = word(row->name);
    if (row->namespace)
        m->namespace = word(row->namespace);
    m->annotations = one_pair(a, RBAC_AUTO_UPDATE_ANNOTATION_KEY, S("true"));
    m->labels.v = arena_new_n(a, 2, struct str_entry);
    m->labels.v[m->labels.n++] = (struct str_entry){S("kubernetes.io/bootstrapping"), S("rbac-defaults")};
    if (row->to)
        m->labels.v[m->labels.n++] = (struct str_entry){aggregate_label(a, row->to), S("true")};
}

static struct rbac_subject_array subjects_of(struct arena *a, const struct row *row) {
    struct rbac_subject_array out = {0};
    if (row->n_subjects)
        out.v = arena_new_n(a, row->n_subjects, struct rbac_subject);
    for (; out.n < row->n_subjects; out.n++) {
        const struct subject *s = &subjects[row->first_subject + out.n];
        bool account = str_eq(word(s->kind), RBAC_SERVICE_ACCOUNT_KIND);
        out.v[out.n] = (struct rbac_subject){
            .kind = word(s->kind),
            .api_group = account ? S("") : RBAC_GROUP_NAME,
            .name = word(s->name),
            .namespace = account ? word(s->namespace) : STR_NONE,
        };
    }
    return out;
}

static struct meta_type_meta type_meta(struct str kind) {
    return (struct meta_type_meta){.kind = kind, .api_version = S("rbac.authorization.k8s.io/v1")};
}

static struct rbac_role_ref role_ref(const struct row *row, struct str kind) {
    return (struct rbac_role_ref){.api_group = RBAC_GROUP_NAME, .kind = kind, .name = word(row->role)};
}

static void *cluster_role(struct arena *a, const struct row *row, struct rbac_policy_rule_array rs) {
    struct rbac_cluster_role *o = arena_new(a, struct rbac_cluster_role);
    o->type_meta = type_meta(S("ClusterRole"));
    fill_meta(a, row, &o->metadata);
    o->rules = rs;
    if (row->collects) {
        struct meta_label_selector *s = arena_new(a, struct meta_label_selector);
        s->match_labels = one_pair(a, aggregate_label(a, row->collects), S("true"));
        o->aggregation_rule = arena_new(a, struct rbac_aggregation_rule);
        o->aggregation_rule->cluster_role_selectors = (struct meta_label_selector_array){s, 1};
    }
    return o;
}

static void *role(struct arena *a, const struct row *row, struct rbac_policy_rule_array rs) {
    struct rbac_role *o = arena_new(a, struct rbac_role);
    o->type_meta = type_meta(S("Role"));
    fill_meta(a, row, &o->metadata);
    o->rules = rs;
    return o;
}

static void *cluster_role_binding(struct arena *a, const struct row *row) {
    struct rbac_cluster_role_binding *o = arena_new(a, struct rbac_cluster_role_binding);
    o->type_meta = type_meta(S("ClusterRoleBinding"));
    fill_meta(a, row, &o->metadata);
    o->subjects = subjects_of(a, row);
    o->role_ref = role_ref(row, S("ClusterRole"));
    return o;
}

static void *role_binding(struct arena *a, const struct row *row) {
    struct rbac_role_binding *o = arena_new(a, struct rbac_role_binding);
    o->type_meta = type_meta(S("RoleBinding"));
    fill_meta(a, row, &o->metadata);
    o->subjects = subjects_of(a, row);
    o->role_ref = role_ref(row, S("Role"));
    return o;
}

uint32_t bootstrap_count(void) {
    return N_ROWS;
}

struct bootstrap_object bootstrap_make(struct arena *a, uint32_t i, bootstrap_served_fn served, void *arg) {
    check(i < N_ROWS);
    const struct row *row = &rows[i];
    struct bootstrap_object out = {row->kind, word(row->name), word(row->namespace), NULL};
    struct rbac_policy_rule_array rs = rules_of(a, row, served, arg);
    if (row->n_rules && rs.n == 0)
        return out;
    switch (out.kind) {
    case BOOTSTRAP_CLUSTER_ROLE: out.body = cluster_role(a, row, rs); break;
    case BOOTSTRAP_ROLE: out.body = role(a, row, rs); break;
    case BOOTSTRAP_CLUSTER_ROLE_BINDING: out.body = cluster_role_binding(a, row); break;
    case BOOTSTRAP_ROLE_BINDING: out.body = role_binding(a, row); break;
    }
    return out;
}
