/* ctl/describe: what the files of the describe command share: an object as paragraphs for people. First
 * thread.
 *
 * A describer writes lines with tabs between cells; what stands between two flushes is aligned together.
 * Everything lies in the invocation's arena.
 *
 *   describe.c           writing, labels, events; which describer a kind has
 *   describe_pod.c       pods, templates of pods, and their containers
 *   describe_volume.c    volumes, persistent and in pods
 *   describe_workload.c  what makes pods
 *   describe_node.c      nodes and how full they are
 *   describe_network.c   services, endpoints, ingresses, policies
 *   describe_config.c    what is configured: maps, secrets, accounts, quotas, namespaces
 *   describe_rbac.c      roles and requests for certificates
 *   describe_any.c       every other kind, by its fields
 *
 * CONFORMS: kubectl's words, columns and order of fields.
 */
#pragma once

#include "ctl/ctl.h"

struct resource;

struct describing {
    struct ctl *c;
    const struct resource *resource;
    const struct jval *o;
    bool events; /* --show-events */
    struct buf raw, out;
};

/* One line or several, two spaces in for each level. */
void d_put(struct describing *d, unsigned level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Aligns what was written since the last one. */
void d_flush(struct describing *d);

/* -- pieces -- */

#define D_STR(d, dotted) STR_ARG(object_str((d)->o, dotted))

/* "none" when it is empty. */
struct str or_none(struct str s);
struct str or_unset(struct str s);
/* "Mon, 30 Nov 2026 10:00:00 +0000" of a time; "" stays. */
struct str d_time(struct describing *d, struct str time);
/* A number as text, or what stands for none. */
struct str d_number(struct describing *d, const struct jval *o, const char *dotted, const char *none);
/* Any value as Go prints it: texts as they are. */
struct str d_value(struct describing *d, const struct jval *v);
/* Bytes of base64 text; absent when it is none. */
struct str d_decode(struct describing *d, struct str base64);
/* "True" or "False". */
const char *d_bool(bool b);

/* name:<tab>and the values, apart by `between`, or <none>. */
struct str d_join(struct describing *d, const struct jval *array, const char *between);
/* "a=b,c=d", or <none>. */
struct str d_map_inline(struct describing *d, const struct jval *map);
/* A selector of labels as text: "a=b,c in (d,e)"; none stands for an empty one. */
struct str d_selector(struct describing *d, const struct jval *selector, const char *none);

/* "Labels:" and its like with a line for each. indent: before the first line. */
void d_labels(struct describing *d, const char *indent, const char *title, const struct jval *map);
void d_annotations(struct describing *d, const char *indent, const struct jval *map);
/* Name, namespace, labels and annotations, as most begin. */
void d_name(struct describing *d);
void d_head(struct describing *d);
void d_controlled_by(struct describing *d);
/* Limits and requests of a map of quantities: sorted lines. */
void d_quantities(struct describing *d, unsigned level, const char *title, const struct jval *map);

/* Conditions with two spaces and a rule below the heads; no table when there are none. */
void d_conditions_short(struct describing *d);

/* What happened to the object, at last. */
void d_events(struct describing *d);

/* Objects of another kind; an absent array when it cannot be listed. labels: a selector, "". */
struct jval d_list(struct describing *d, const char *group, const char *plural, struct str ns,
                   struct str labels, struct str fields);
/* One of them; null when it is not there, and why in *ret_why (may be NULL). */
struct jval d_get(struct describing *d, const char *group, const char *plural, struct str ns, struct str name,
                  struct str *ret_why);

/* -- describers -- */

void describe_pod(struct describing *d);
void describe_template(struct describing *d, const struct jval *template);
/* Pods of an owner: how many there are of each phase. */
void describe_pod_counts(struct describing *d, const char *title);
void describe_volumes(struct describing *d, const struct jval *volumes, const char *indent);
/* The claim of a template, at a level. */
void describe_claim_template(struct describing *d, const struct jval *claim, unsigned level);
/* "zone in [a, b]" of a term. */
void describe_node_term(struct describing *d, const struct jval *expressions, const char *indent);

void describe_deployment(struct describing *d);
void describe_replica_set(struct describing *d);
void describe_replication_controller(struct describing *d);
void describe_stateful_set(struct describing *d);
void describe_daemon_set(struct describing *d);
void describe_job(struct describing *d);
void describe_cron_job(struct describing *d);
void describe_autoscaler(struct describing *d);
void describe_disruption_budget(struct describing *d);

void describe_node(struct describing *d);
void describe_namespace(struct describing *d);
void describe_quota(struct describing *d);
void describe_limit_range(struct describing *d);

void describe_service(struct describing *d);
void describe_endpoints(struct describing *d);
void describe_endpoint_slice(struct describing *d);
void describe_ingress(struct describing *d);
void describe_ingress_class(struct describing *d);
void describe_network_policy(struct describing *d);
void describe_service_cidr(struct describing *d);
void describe_ip_address(struct describing *d);

void describe_volume(struct describing *d);
void describe_claim(struct describing *d);
void describe_storage_class(struct describing *d);

void describe_config_map(struct describing *d);
void describe_secret(struct describing *d);
void describe_service_account(struct describing *d);
void describe_role(struct describing *d);
void describe_binding(struct describing *d);
void describe_priority_class(struct describing *d);
void describe_csr(struct describing *d);

void describe_any(struct describing *d);
