/* Name resolution of pods. See resolv_conf.h. */
#include "kubelet/resolv_conf.h"

#include "api/types/core.h"
#include "base/arena.h"
#include "base/vec.h"

struct texts {
    struct str *v;
    size_t n, cap;
};

static struct str_array to_array(const struct texts *t) {
    return (struct str_array){.v = t->v, .n = (uint32_t)t->n};
}

static void add_all(struct texts *t, struct str_array more, struct arena *a) {
    for (uint32_t i = 0; i < more.n; i++)
        vec_push_in(a, t, more.v[i]);
}

/* --- reading --- */

static bool next_word(struct str *line, struct str *ret_word) {
    *line = str_trim(*line);
    size_t n = 0;
    while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t')
        n++;
    *ret_word = str_cut(*line, n);
    *line = str_from_byte(*line, n);
    return n > 0;
}

/* "example.com." is "example.com"; the root stays ".". */
static struct str without_dot(struct str name) {
    return name.n > 1 && name.p[name.n - 1] == '.' ? str_cut(name, name.n - 1) : name;
}

struct dns_config resolv_conf_read(struct str text, struct arena *a) {
    struct texts servers = {0}, searches = {0}, options = {0};
    struct str line, word, keyword;
    while (text.n) {
        str_split(text, '\n', &line, &text);
        if (!next_word(&line, &keyword) || keyword.p[0] == '#' || keyword.p[0] == ';')
            continue;
        if (str_eq(keyword, S("nameserver")) && next_word(&line, &word)) {
            vec_push_in(a, &servers, arena_str(a, word));
        } else if (str_eq(keyword, S("search"))) {
            searches.n = 0; /* the last line counts */
            while (next_word(&line, &word))
                vec_push_in(a, &searches, arena_str(a, without_dot(word)));
        } else if (str_eq(keyword, S("options"))) {
            options.n = 0;
            while (next_word(&line, &word))
                vec_push_in(a, &options, arena_str(a, word));
        }
    }
    return (struct dns_config){to_array(&servers), to_array(&searches), to_array(&options)};
}

/* --- policies --- */

enum policy { POLICY_NONE, POLICY_HOST, POLICY_CLUSTER };

static enum policy policy_of(const struct core_pod *pod) {
    struct str p = pod->spec.dns_policy;
    if (str_eq(p, S("None")))
        return POLICY_NONE;
    if (str_eq(p, S("ClusterFirstWithHostNet")))
        return POLICY_CLUSTER;
    if ((!p.n || str_eq(p, S("ClusterFirst"))) && !pod->spec.host_network)
        return POLICY_CLUSTER;
    return POLICY_HOST;
}

static struct dns_config cluster_config(const struct core_pod *pod, const struct dns_node *node,
                                        struct arena *a) {
    struct texts searches = {0}, options = {0};
    struct str domain = node->cluster_domain;
    if (domain.n) {
        vec_push_in(a, &searches,
                    arena_printf(a, "%.*s.svc.%.*s", STR_ARG(pod->metadata.namespace), STR_ARG(domain)));
        vec_push_in(a, &searches, arena_printf(a, "svc.%.*s", STR_ARG(domain)));
        vec_push_in(a, &searches, domain);
    }
    add_all(&searches, node->host->searches, a);
    vec_push_in(a, &options, S("ndots:5"));
    return (struct dns_config){node->cluster_servers, to_array(&searches), to_array(&options)};
}

/* --- the pod's own additions --- */

static struct str_array without_doubles(struct str_array first, struct str_array second, struct arena *a) {
    struct texts out = {0};
    add_all(&out, first, a);
    for (uint32_t i = 0; i < second.n; i++) {
        bool there = false;
        for (size_t j = 0; j < out.n && !there; j++)
            there = str_eq(out.v[j], second.v[i]);
        if (!there)
            vec_push_in(a, &out, second.v[i]);
    }
    return to_array(&out);
}

static struct str option_name(struct str option) {
    struct str name, rest;
    str_split(option, ':', &name, &rest);
    return name;
}

static struct str_array merge_options(struct str_array base,
                                      const struct core_pod_dns_config_option_array *own, struct arena *a) {
    struct texts out = {0};
    for (uint32_t i = 0; i < base.n; i++) {
        bool replaced = false;
        for (uint32_t j = 0; j < own->n && !replaced; j++)
            replaced = str_eq(option_name(base.v[i]), own->v[j].name);
        if (!replaced)
            vec_push_in(a, &out, base.v[i]);
    }
    for (uint32_t i = 0; i < own->n; i++) {
        const struct core_pod_dns_config_option *o = &own->v[i];
        vec_push_in(a, &out,
                    o->value.p ? arena_printf(a, "%.*s:%.*s", STR_ARG(o->name), STR_ARG(o->value)) : o->name);
    }
    return to_array(&out);
}

static bool cut_to_limits(struct dns_config *c) {
    bool cut = c->servers.n > DNS_SERVERS_MAX || c->searches.n > DNS_SEARCHES_MAX;
    size_t bytes = 0;
    c->servers.n = c->servers.n > DNS_SERVERS_MAX ? DNS_SERVERS_MAX : c->servers.n;
    c->searches.n = c->searches.n > DNS_SEARCHES_MAX ? DNS_SEARCHES_MAX : c->searches.n;
    for (uint32_t i = 0; i < c->searches.n; i++) {
        bytes += c->searches.v[i].n + (i ? 1 : 0);
        if (bytes > DNS_SEARCH_BYTES_MAX) {
            c->searches.n = i;
            return true;
        }
    }
    return cut;
}

struct dns_result dns_for_pod(const struct core_pod *pod, const struct dns_node *node, struct arena *a) {
    struct dns_result r = {0};
    enum policy policy = policy_of(pod);
    const struct core_pod_dns_config *own = pod->spec.dns_config;
    if (policy == POLICY_CLUSTER && node->cluster_servers.n == 0) {
        r.missing_cluster = true;
        policy = POLICY_HOST;
    }
    if (policy == POLICY_CLUSTER)
        r.config = cluster_config(pod, node, a);
    else if (policy == POLICY_HOST)
        r.config = *node->host;
    if (own) {
        r.config.servers = without_doubles(r.config.servers, own->nameservers, a);
        r.config.searches = without_doubles(r.config.searches, own->searches, a);
        r.config.options = merge_options(r.config.options, &own->options, a);
    }
    r.cut = cut_to_limits(&r.config);
    return r;
}
