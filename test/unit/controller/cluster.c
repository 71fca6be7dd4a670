/* A cluster for tests of controllers. See cluster.h. */
#include "unit/controller/cluster.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/meta.h"
#include "api/object.h"
#include "base/clock.h"
#include "base/vec.h"

#define START_SEC 1800000000ll

static struct str *split_names(const char *names, uint32_t *ret_n) {
    VEC(struct str) v = {0};
    struct str rest = str_from(names), head, tail;
    while (str_split(rest, ' ', &head, &tail)) {
        vec_push(&v, head);
        rest = tail;
    }
    vec_push(&v, rest);
    *ret_n = (uint32_t)v.n;
    return v.v;
}

void cluster_restart(struct cluster *w) {
    struct err err = ERR_INIT;
    controllers_stop(w->controllers);
    w->controllers = NULL;
    assert_ok(controllers_start(&w->options, &w->controllers, &err), &err);
    cluster_settle(w);
}

void cluster_open_with(struct cluster *w, const char *names, struct controllers_options options) {
    *w = (struct cluster){.sim = sim_new(unit_seed(), START_SEC * NS_PER_SEC), .options = options};
    w->fake = fake_new(w->sim);
    w->client = fake_client(w->fake);
    w->options.client = w->client;
    w->names = split_names(names, &w->options.n_controllers);
    w->options.controllers = w->names;
    fake_put(w->fake, KIND(CORE_NAMESPACE),
             "{\"metadata\":{\"name\":\"default\"},\"spec\":{\"finalizers\":[\"kubernetes\"]},"
             "\"status\":{\"phase\":\"Active\"}}");
    cluster_restart(w);
}

void cluster_open(struct cluster *w, const char *names) {
    cluster_open_with(w, names, (struct controllers_options){.threads = 4});
}

void cluster_close(struct cluster *w) {
    controllers_stop(w->controllers);
    vec_foreach (o, &w->held)
        object_unref(*o);
    vec_fini(&w->held);
    fake_free(w->fake);
    sim_free(w->sim);
    free(w->names);
}

void cluster_settle(struct cluster *w) {
    sim_settle(w->sim);
}

void cluster_pass(struct cluster *w, double seconds) {
    sim_run_ns(w->sim, (int64_t)(seconds * 1e9));
    sim_settle(w->sim);
}

/* -- the kubelet -- */

/* The node its affinity names, as for pods of daemon sets, or any. */
static struct str node_for(const struct core_pod *p) {
    const struct core_node_selector *s =
        p->spec.affinity && p->spec.affinity->node_affinity
            ? p->spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution
            : NULL;
    if (p->spec.node_name.n)
        return p->spec.node_name;
    return s ? s->node_selector_terms.v[0].match_fields.v[0].values.v[0] : S("node");
}

static void run_pod(struct cluster *w, const struct object *o, size_t i) {
    const struct core_pod *p = o->body;
    char ns[128], name[300], json[600], time[TIME_TEXT_SIZE];
    (void)snprintf(ns, sizeof ns, "%.*s", STR_ARG(o->meta->namespace));
    (void)snprintf(name, sizeof name, "%.*s", STR_ARG(o->meta->name));
    if (meta_is_deleting(o->meta)) {
        if (!o->meta->finalizers.n)
            fake_remove(w->fake, KIND(CORE_POD), ns, name);
        return;
    }
    if (str_eq(p->status.phase, S("Running")) || str_eq(p->status.phase, S("Succeeded")) ||
        str_eq(p->status.phase, S("Failed")))
        return;
    (void)time_format(time, clock_wall_ns(sim_clock(w->sim)) / NS_PER_SEC, 0, TIME_SECONDS);
    (void)snprintf(json, sizeof json,
                   "{\"spec\":{\"nodeName\":\"%.*s\"},\"status\":{\"phase\":\"Running\",\"podIP\":\"10.0.%zu."
                   "%zu\",\"podIPs\":[{\"ip\":"
                   "\"10.0.%zu.%zu\"}],\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\","
                   "\"lastTransitionTime\":\"%s\"}]}}",
                   STR_ARG(node_for(p)), i / 250, i % 250 + 1, i / 250, i % 250 + 1, time);
    fake_merge(w->fake, KIND(CORE_POD), ns, name, json);
}

size_t cluster_run_pods(struct cluster *w) {
    struct object **pods;
    size_t n = fake_all(w->fake, KIND(CORE_POD), &pods);
    for (size_t i = 0; i < n; i++) {
        run_pod(w, pods[i], ++w->n_addresses);
        object_unref(pods[i]);
    }
    free(pods);
    cluster_settle(w);
    return n;
}

void cluster_run_all(struct cluster *w) {
    for (int i = 0; i < 200; i++) {
        uint64_t before = fake_revision(w->fake);
        (void)cluster_run_pods(w);
        cluster_pass(w, 1);
        if (fake_revision(w->fake) == before)
            return;
    }
    fail_msg("the cluster does not come to rest");
}

void cluster_finish_pod(struct cluster *w, const char *ns, const char *name, const char *phase,
                        int exit_code) {
    char json[600], time[TIME_TEXT_SIZE];
    (void)time_format(time, clock_wall_ns(sim_clock(w->sim)) / NS_PER_SEC, 0, TIME_SECONDS);
    (void)snprintf(json, sizeof json,
                   "{\"status\":{\"phase\":\"%s\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\","
                   "\"lastTransitionTime\":\"%s\"}],\"containerStatuses\":[{\"name\":\"c\",\"image\":\"i\","
                   "\"imageID\":\"\",\"ready\":false,\"restartCount\":0,\"state\":{\"terminated\":{"
                   "\"exitCode\":%d,\"finishedAt\":\"%s\"}}}]}}",
                   phase, time, exit_code, time);
    fake_merge(w->fake, KIND(CORE_POD), ns, name, json);
    cluster_settle(w);
}

/* -- looking -- */

const void *cluster_get_body(struct cluster *w, const struct kind *k, const char *ns, const char *name) {
    struct object *o = fake_get(w->fake, k, ns, name);
    if (!o)
        fail_msg("there is no %.*s %s/%s", STR_ARG(k->name), ns, name);
    vec_push(&w->held, o);
    return o->body;
}

bool cluster_has(struct cluster *w, const struct kind *k, const char *ns, const char *name) {
    struct object *o = fake_get(w->fake, k, ns, name);
    object_unref(o);
    return o != NULL;
}

uint32_t cluster_count_owned(struct cluster *w, const struct kind *k, struct str uid) {
    struct object **all;
    size_t n = fake_all(w->fake, k, &all);
    uint32_t owned = 0;
    for (size_t i = 0; i < n; i++) {
        owned += meta_is_controlled_by(all[i]->meta, uid);
        object_unref(all[i]);
    }
    free(all);
    return owned;
}

const struct object *cluster_first_owned(struct cluster *w, const struct kind *k, struct str uid) {
    struct object **all;
    size_t n = fake_all(w->fake, k, &all);
    const struct object *found = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!found && meta_is_controlled_by(all[i]->meta, uid)) {
            found = all[i];
            vec_push(&w->held, all[i]);
        } else {
            object_unref(all[i]);
        }
    }
    free(all);
    return found;
}
