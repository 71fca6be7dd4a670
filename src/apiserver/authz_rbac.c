/* apiserver/authz_rbac: the index of grants, and checks on it. */
#include "apiserver/authz_rbac.h"

#include <stdlib.h>

#include "api/types/rbac.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"

/* -- one rule -- */

static bool has(const struct str_array *list, struct str s) {
    for (uint32_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i], s))
            return true;
    return false;
}

static bool has_or_all(const struct str_array *list, struct str s) {
    for (uint32_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i], s) || str_eq(list->v[i], S("*")))
            return true;
    return false;
}

/* CONFORMS: RBAC resources: "*" is everything, "pods/log" one subresource, "*" before a slash and a
 * subresource that one of any resource. There is no wildcard behind the slash. */
static bool resource_matches(struct str rule, struct str resource, struct str subresource) {
    if (rule.n == 1 && rule.p[0] == '*')
        return true;
    if (subresource.n == 0)
        return str_eq(rule, resource);
    if (rule.n < subresource.n + 2 || !str_has_suffix(rule, subresource) ||
        rule.p[rule.n - subresource.n - 1] != '/')
        return false;
    struct str before = str_cut(rule, rule.n - subresource.n - 1);
    return str_eq(before, S("*")) || str_eq(before, resource);
}

static bool resources_match(const struct str_array *rules, const struct access *what) {
    for (uint32_t i = 0; i < rules->n; i++)
        if (resource_matches(rules->v[i], what->resource, what->subresource))
            return true;
    return false;
}

/* CONFORMS: nonResourceURLs: equal, or all that begins like the text before trailing asterisks. */
static bool paths_match(const struct str_array *rules, struct str path) {
    for (uint32_t i = 0; i < rules->n; i++) {
        struct str rule = rules->v[i];
        if (str_eq(rule, path))
            return true;
        if (!str_has_suffix(rule, S("*")))
            continue;
        while (str_has_suffix(rule, S("*")))
            rule.n--;
        if (str_has_prefix(path, rule))
            return true;
    }
    return false;
}

bool rbac_rule_allows(const struct rbac_policy_rule *rule, const struct access *what) {
    if (!what->is_resource)
        return rule->non_resource_urls.n && has_or_all(&rule->verbs, what->verb) &&
               paths_match(&rule->non_resource_urls, what->path);
    return rule->resources.n && resources_match(&rule->resources, what) &&
           has_or_all(&rule->verbs, what->verb) && has_or_all(&rule->api_groups, what->group) &&
           (rule->resource_names.n == 0 || has(&rule->resource_names, what->name));
}

bool rbac_rules_allow(const struct rbac_policy_rule_array *rules, const struct access *what) {
    for (uint32_t i = 0; i < rules->n; i++)
        if (rbac_rule_allows(&rules->v[i], what))
            return true;
    return false;
}

/* -- the index -- */

/* A role given to a subject by a binding. */
struct grant {
    const struct rbac_policy_rule_array *rules; /* NULL: the role is missing */
    struct str binding, ns;                     /* ns is empty for cluster role bindings */
    const struct rbac_role_ref *role;
    const struct rbac_subject *subject;
    struct grant *next;
};

/* Grants of one subject in one namespace, or in the cluster; in the order of the view. */
struct grants {
    struct str ns;
    struct grant *first, **last;
    struct grants *next; /* of the same subject, while the index is made */
};

struct subject {
    struct grants cluster;
    struct grants *spaces; /* newest first while the index is made */
    struct grants **by_ns; /* sorted */
    uint32_t n_spaces;
};

/* Users and groups; service accounts are users with their full name. */
struct rbac_index {
    struct map users, groups;
    struct arena arena;
};

struct builder {
    struct rbac_index *x;
    const struct rbac_view *view;
};

#define SERVICE_ACCOUNT_PREFIX "system:serviceaccount:"

/* The subject's entry, or NULL when it can match nobody. */
static struct subject *subject_of(struct rbac_index *x, const struct rbac_subject *s, struct str binding_ns) {
    struct map *map = &x->users;
    struct str key = s->name;
    if (str_eq(s->kind, S("Group"))) {
        map = &x->groups;
    } else if (str_eq(s->kind, S("ServiceAccount"))) {
        struct str ns = str_empty(s->namespace) ? binding_ns : s->namespace;
        if (str_empty(ns))
            return NULL;
        key = arena_join(&x->arena, (struct str[]){S(SERVICE_ACCOUNT_PREFIX), ns, S(":"), s->name}, 4, S(""));
    } else if (!str_eq(s->kind, S("User"))) {
        return NULL;
    }
    bool is_new = false;
    struct map_entry *e = map_upsert(map, key, &is_new);
    if (is_new) {
        struct subject *subject = arena_new(&x->arena, struct subject);
        subject->cluster.last = &subject->cluster.first;
        e->value = subject;
    }
    return e->value;
}

/* Bindings of a namespace come together, so that the newest list is the one, or a new one is begun; lists
 * that were begun twice are joined at the end. */
static struct grants *grants_of(struct rbac_index *x, struct subject *s, struct str ns) {
    if (str_empty(ns))
        return &s->cluster;
    if (s->spaces && str_eq(s->spaces->ns, ns))
        return s->spaces;
    struct grants *g = arena_new(&x->arena, struct grants);
    g->ns = ns;
    g->last = &g->first;
    g->next = s->spaces;
    s->spaces = g;
    s->n_spaces++;
    return g;
}

static const struct rbac_policy_rule_array *find_rules(const struct rbac_view *v, struct str ns,
                                                       const struct rbac_role_ref *ref) {
    if (str_eq(ref->kind, S("ClusterRole"))) {
        const struct rbac_cluster_role *role = v->ops->find_cluster_role(v->arg, ref->name);
        return role ? &role->rules : NULL;
    }
    if (str_empty(ns) || !str_eq(ref->kind, S("Role")))
        return NULL;
    const struct rbac_role *role = v->ops->find_role(v->arg, ns, ref->name);
    return role ? &role->rules : NULL;
}

static void add(struct builder *b, struct str binding, struct str ns, const struct rbac_role_ref *ref,
                const struct rbac_subject_array *subjects) {
    const struct rbac_policy_rule_array *rules = find_rules(b->view, ns, ref);
    for (uint32_t i = 0; i < subjects->n; i++) {
        struct subject *s = subject_of(b->x, &subjects->v[i], ns);
        if (!s)
            continue;
        struct grants *list = grants_of(b->x, s, ns);
        struct grant *g = arena_new(&b->x->arena, struct grant);
        *g = (struct grant){
            .rules = rules, .binding = binding, .ns = ns, .role = ref, .subject = &subjects->v[i]};
        *list->last = g;
        list->last = &g->next;
    }
}

static void add_cluster_role_binding(void *arg, const struct rbac_cluster_role_binding *b) {
    add(arg, b->metadata.name, S(""), &b->role_ref, &b->subjects);
}

static void add_role_binding(void *arg, const struct rbac_role_binding *b) {
    add(arg, b->metadata.name, b->metadata.namespace, &b->role_ref, &b->subjects);
}

static int cmp_grants(const void *a, const void *b) {
    return str_cmp((*(struct grants *const *)a)->ns, (*(struct grants *const *)b)->ns);
}

static void sort_subject(struct rbac_index *x, struct subject *s) {
    s->by_ns = arena_new_n(&x->arena, s->n_spaces, struct grants *);
    uint32_t n = 0, kept = 0;
    for (struct grants *g = s->spaces; g; g = g->next)
        s->by_ns[n++] = g;
    check(n == s->n_spaces);
    qsort(s->by_ns, n, sizeof(struct grants *), cmp_grants);
    for (uint32_t i = 0; i < n; i++) {
        struct grants *g = s->by_ns[i];
        if (kept && str_eq(s->by_ns[kept - 1]->ns, g->ns)) {
            *s->by_ns[kept - 1]->last = g->first;
            s->by_ns[kept - 1]->last = g->last;
        } else {
            s->by_ns[kept++] = g;
        }
    }
    s->n_spaces = kept;
}

static void sort_subjects(struct rbac_index *x, const struct map *map) {
    map_foreach(e, map) {
        struct subject *s = e->value;
        if (s->n_spaces)
            sort_subject(x, s);
    }
}

struct rbac_index *rbac_index_new(const struct rbac_view *view) {
    struct arena arena = ARENA_INIT;
    struct rbac_index *x = arena_new(&arena, struct rbac_index);
    x->arena = arena;
    struct builder b = {.x = x, .view = view};
    view->ops->each_cluster_role_binding(view->arg, add_cluster_role_binding, &b);
    view->ops->each_role_binding(view->arg, add_role_binding, &b);
    sort_subjects(x, &x->users);
    sort_subjects(x, &x->groups);
    return x;
}

void rbac_index_free(struct rbac_index *x) {
    if (!x)
        return;
    map_fini(&x->users);
    map_fini(&x->groups);
    struct arena arena = x->arena;
    arena_fini(&arena);
}

/* -- asking -- */

/* Calls fn for each grant of the user that counts in the namespace, until it returns false. */
typedef bool (*grant_fn)(void *arg, const struct grant *g);

static bool each_of(const struct grants *list, grant_fn fn, void *arg) {
    for (const struct grant *g = list ? list->first : NULL; g; g = g->next)
        if (!fn(arg, g))
            return false;
    return true;
}

static const struct grants *in_namespace(const struct subject *s, struct str ns) {
    uint32_t low = 0, high = s->n_spaces;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int c = str_cmp(s->by_ns[mid]->ns, ns);
        if (c == 0)
            return s->by_ns[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* Subjects are looked up once, for both scopes; users in more groups than this are looked up twice. */
#define SUBJECTS_KEPT 32u

static const struct subject *nth_subject(const struct rbac_index *x, const struct user *u, uint32_t i) {
    return i == 0 ? map_get(&x->users, u->name) : map_get(&x->groups, u->groups.v[i - 1]);
}

static void each_grant(const struct rbac_index *x, const struct user *u, struct str ns, grant_fn fn,
                       void *arg) {
    const struct subject *kept[SUBJECTS_KEPT];
    for (uint32_t i = 0; i <= u->groups.n; i++) {
        const struct subject *s = nth_subject(x, u, i);
        if (i < SUBJECTS_KEPT)
            kept[i] = s;
        if (s && !each_of(&s->cluster, fn, arg))
            return;
    }
    if (str_empty(ns))
        return;
    for (uint32_t i = 0; i <= u->groups.n; i++) {
        const struct subject *s = i < SUBJECTS_KEPT ? kept[i] : nth_subject(x, u, i);
        if (s && !each_of(in_namespace(s, ns), fn, arg))
            return;
    }
}

/* CONFORMS: RBAC: allowed by KIND "name" of KIND "role" to KIND "subject"; what has a namespace is named
 * name/namespace. */
static struct str describe(const struct grant *g, struct arena *a) {
    struct str binding = g->binding, subject = g->subject->name;
    if (!str_empty(g->ns))
        binding = arena_join(a, (struct str[]){binding, g->ns}, 2, S("/"));
    if (str_eq(g->subject->kind, S("ServiceAccount"))) {
        struct str ns = str_empty(g->subject->namespace) ? g->ns : g->subject->namespace;
        subject = arena_join(a, (struct str[]){subject, ns}, 2, S("/"));
    }
    struct str parts[] = {
        str_empty(g->ns) ? S("RBAC: allowed by ClusterRoleBinding ") : S("RBAC: allowed by RoleBinding "),
        user_quote(a, binding),
        S(" of "),
        g->role->kind,
        S(" "),
        user_quote(a, g->role->name),
        S(" to "),
        g->subject->kind,
        S(" "),
        user_quote(a, subject),
    };
    return arena_join(a, parts, sizeof parts / sizeof *parts, S(""));
}

struct question {
    const struct access *what;
    const struct grant *allowed;
    uint32_t missing; /* grants whose role is missing */
};

static bool ask(void *arg, const struct grant *g) {
    struct question *q = arg;
    if (!g->rules) {
        q->missing++;
        return true;
    }
    if (!rbac_rules_allow(g->rules, q->what))
        return true;
    q->allowed = g;
    return false;
}

#define MISSING_NAMED_MAX 16u

struct missing_list {
    struct arena *arena;
    struct str text[MISSING_NAMED_MAX];
    uint32_t n;
};

static bool name_missing(void *arg, const struct grant *g) {
    struct missing_list *list = arg;
    if (g->rules)
        return true;
    bool is_cluster = str_eq(g->role->kind, S("ClusterRole"));
    struct str text = arena_join(list->arena,
                                 (struct str[]){is_cluster ? S("clusterrole.rbac.authorization.k8s.io ")
                                                           : S("role.rbac.authorization.k8s.io "),
                                                user_quote(list->arena, g->role->name), S(" not found")},
                                 3, S(""));
    for (uint32_t i = 0; i < list->n; i++)
        if (str_eq(list->text[i], text))
            return true;
    list->text[list->n++] = text;
    return list->n < MISSING_NAMED_MAX;
}

/* Why nothing was found, as far as missing roles may be the reason. */
static struct str describe_missing(const struct rbac_index *x, const struct access *what, struct arena *a) {
    struct missing_list list = {.arena = a};
    each_grant(x, what->user, what->is_resource ? what->ns : S(""), name_missing, &list);
    struct str all = arena_join(a, list.text, list.n, S(", "));
    return arena_join(
        a, (struct str[]){list.n > 1 ? S("RBAC: [") : S("RBAC: "), all, list.n > 1 ? S("]") : S("")}, 3,
        S(""));
}

enum decision rbac_check(const struct rbac_index *x, const struct access *what, struct arena *arena,
                         struct str *ret_reason) {
    struct question q = {.what = what};
    each_grant(x, what->user, what->is_resource ? what->ns : S(""), ask, &q);
    if (ret_reason)
        *ret_reason = q.allowed   ? describe(q.allowed, arena)
                      : q.missing ? describe_missing(x, what, arena)
                                  : S("");
    return q.allowed ? AUTHZ_ALLOW : AUTHZ_NO_OPINION;
}

struct collector {
    struct rbac_policy_rule *v; /* NULL: only counting */
    uint32_t n;
    bool incomplete;
};

static bool collect(void *arg, const struct grant *g) {
    struct collector *c = arg;
    if (!g->rules) {
        c->incomplete = true;
        return true;
    }
    for (uint32_t i = 0; i < g->rules->n; i++, c->n++)
        if (c->v)
            c->v[c->n] = g->rules->v[i];
    return true;
}

void rbac_rules(const struct rbac_index *x, const struct user *u, struct str ns, struct arena *arena,
                struct rbac_policy_rule_array *ret_rules, bool *ret_incomplete) {
    struct collector c = {0};
    each_grant(x, u, ns, collect, &c);
    uint32_t n = c.n;
    c = (struct collector){.v = arena_new_n(arena, n ? n : 1, struct rbac_policy_rule)};
    each_grant(x, u, ns, collect, &c);
    check(c.n == n);
    *ret_rules = (struct rbac_policy_rule_array){.v = c.v, .n = n};
    *ret_incomplete = c.incomplete;
}
