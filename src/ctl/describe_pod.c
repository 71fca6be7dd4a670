/* Pods, templates of pods, and their containers. See describe.h. */
#include <ctype.h>
#include <string.h>

#include "api/quantity.h"
#include "base/vec.h"
#include "ctl/describe.h"
#include "ctl/discovery.h"
#include "ctl/object.h"
#include "ctl/table_print.h"

/* -- containers -- */

struct describing_container {
    struct describing *d;
    const struct jval *pod; /* NULL: of a template */
    const struct jval *container, *status;
};

static struct str port_text(struct describing *d, const struct jval *p, const char *number) {
    struct str name = object_str(p, "name");
    return arena_printf(&d->c->arena, "%lld/%.*s%s%.*s%s", (long long)object_int(p, number, 0),
                        STR_ARG(object_str(p, "protocol")), name.n ? " (" : "", STR_ARG(name),
                        name.n ? ")" : "");
}

static void put_ports(struct describing *d, const struct jval *ports, const char *title, const char *number) {
    struct jlist texts = {0};
    for (uint32_t i = 0; ports && i < ports->n; i++)
        jlist_add(&d->c->arena, &texts, jval_str(port_text(d, &ports->items[i], number)));
    struct jval all = jlist_done(&texts);
    d_put(d, 2, "%s%s:\t%.*s\n", title, all.n > 1 ? "s" : "", STR_ARG(d_join(d, &all, ", ")));
}

static void put_lines(struct describing *d, const char *title, const struct jval *words) {
    struct str line, rest;
    if (!words || words->n == 0)
        return;
    d_put(d, 2, "%s:\n", title);
    for (uint32_t i = 0; i < words->n; i++) {
        bool more;
        rest = d_value(d, &words->items[i]);
        do {
            more = str_split(rest, '\n', &line, &rest);
            d_put(d, 3, "%.*s\n", STR_ARG(line));
        } while (more);
    }
}

static void put_state(struct describing *d, const char *title, const struct jval *state) {
    const struct jval *running = jval_get(state, S("running")), *ended = jval_get(state, S("terminated")),
                      *waiting = jval_get(state, S("waiting"));
    d_put(d, 2, "%s:\t%s\n", title, running ? "Running" : ended ? "Terminated" : "Waiting");
    const struct jval *s = running ? running : ended ? ended : waiting;
    struct str reason = object_str(s, "reason"), message = object_str(s, "message");
    if (reason.n)
        d_put(d, 2, "  Reason:\t%.*s\n", STR_ARG(reason));
    if (ended) {
        if (message.n)
            d_put(d, 2, "  Message:\t%.*s\n", STR_ARG(message));
        d_put(d, 2, "  Exit Code:\t%lld\n", (long long)object_int(ended, "exitCode", 0));
        if (object_int(ended, "signal", 0) > 0)
            d_put(d, 2, "  Signal:\t%lld\n", (long long)object_int(ended, "signal", 0));
    }
    if (running || ended)
        d_put(d, 2, "  Started:\t%.*s\n", STR_ARG(d_time(d, object_str(s, "startedAt"))));
    if (ended)
        d_put(d, 2, "  Finished:\t%.*s\n", STR_ARG(d_time(d, object_str(s, "finishedAt"))));
}

static void put_status(struct describing_container *x) {
    struct describing *d = x->d;
    const struct jval *s = x->status, *last = jval_path(s, "lastState.terminated");
    if (!s)
        return;
    put_state(d, "State", jval_get(s, S("state")));
    if (last)
        put_state(d, "Last State", jval_get(s, S("lastState")));
    d_put(d, 2, "Ready:\t%s\n", d_bool(object_bool(s, "ready")));
    d_put(d, 2, "Restart Count:\t%lld\n", (long long)object_int(s, "restartCount", 0));
}

/* -- probes -- */

static struct str lower(struct describing *d, struct str s) {
    char *p = arena_alloc(&d->c->arena, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        p[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + ('a' - 'A') : s.p[i]);
    return str_make(p, s.n);
}

/* CONFORMS: which bytes of a path Go's net/url leaves as they are. */
static struct str escaped_path(struct describing *d, struct str path) {
    _cleanup_buf struct buf b = BUF_INIT;
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        if (isalnum(c) || strchr("-_.~$&+,/:;=@", c))
            buf_byte(&b, (char)c);
        else
            buf_printf(&b, "%%%02X", c);
    }
    return buf_to_arena(&b, &d->c->arena);
}

static struct str probe_action(struct describing *d, const struct jval *p) {
    struct arena *a = &d->c->arena;
    const struct jval *exec = jval_get(p, S("exec")), *http = jval_get(p, S("httpGet")),
                      *tcp = jval_get(p, S("tcpSocket")), *grpc = jval_get(p, S("grpc"));
    if (exec) {
        const struct jval *command = object_array(exec, "command");
        return arena_printf(a, "exec [%.*s]",
                            STR_ARG(command && command->n ? d_join(d, command, " ") : S("")));
    }
    if (http) {
        struct str path = escaped_path(d, object_str(http, "path"));
        return arena_printf(a, "http-get %.*s://%.*s:%.*s%s%.*s",
                            STR_ARG(lower(d, object_str(http, "scheme"))), STR_ARG(object_str(http, "host")),
                            STR_ARG(d_number(d, http, "port", "0")), path.n && path.p[0] != '/' ? "/" : "",
                            STR_ARG(path));
    }
    if (tcp)
        return arena_printf(a, "tcp-socket %.*s:%.*s", STR_ARG(object_str(tcp, "host")),
                            STR_ARG(d_number(d, tcp, "port", "0")));
    if (grpc)
        return arena_printf(a, "grpc <pod>:%.*s %.*s", STR_ARG(d_number(d, grpc, "port", "0")),
                            STR_ARG(object_str(grpc, "service")));
    return S("unknown");
}

static void put_probe(struct describing *d, const char *title, const struct jval *p) {
    if (!p)
        return;
    d_put(d, 2, "%s:\t%.*s delay=%llds timeout=%llds period=%llds #success=%lld #failure=%lld\n", title,
          STR_ARG(probe_action(d, p)), (long long)object_int(p, "initialDelaySeconds", 0),
          (long long)object_int(p, "timeoutSeconds", 0), (long long)object_int(p, "periodSeconds", 0),
          (long long)object_int(p, "successThreshold", 0), (long long)object_int(p, "failureThreshold", 0));
}

/* -- environment -- */

static void put_sources(struct describing *d, const struct jval *sources) {
    if (!sources || sources->n == 0)
        return;
    d_put(d, 2, "Environment Variables from:\n");
    for (uint32_t i = 0; i < sources->n; i++) {
        const struct jval *s = &sources->items[i], *map = jval_get(s, S("configMapRef"));
        const struct jval *ref = map ? map : jval_get(s, S("secretRef"));
        struct str prefix = object_str(s, "prefix");
        d_put(d, 3, "%.*s\t%s%s%.*s%s\tOptional: %s\n", STR_ARG(object_str(ref, "name")),
              map ? "ConfigMap" : "Secret", prefix.n ? " with prefix '" : "", STR_ARG(prefix),
              prefix.n ? "'" : "", object_bool(ref, "optional") ? "true" : "false");
    }
}

/* A field of the pod as a variable sees it; "" where there is no pod. */
static struct str field_value(struct describing_container *x, struct str path) {
    struct str map, key;
    if (!x->pod)
        return S("");
    if (str_has_suffix(path, S("']")) && str_split(path, '[', &map, &key)) {
        const struct jval *m = jval_path(x->pod, arena_str(&x->d->c->arena, map).p);
        return object_str(m, arena_str(&x->d->c->arena, str_make(key.p + 1, key.n - 3)).p);
    }
    const struct jval *v = jval_path(x->pod, arena_str(&x->d->c->arena, path).p);
    return v ? d_value(x->d, v) : S("");
}

/* What a container asks for or may use, in units of the divisor, rounded up. */
static struct str resource_value(struct describing_container *x, const struct jval *ref) {
    struct str which, name, divisor = object_str(ref, "divisor");
    (void)str_split(object_str(ref, "resource"), '.', &which, &name);
    struct str text = jval_get_str(jval_get(jval_get(x->container, S("resources")), which), name);
    struct quantity q, by = quantity_from_int(1, QUANTITY_DECIMAL_SI);
    if (!text.n || quantity_parse(text, &q, NULL) < 0)
        return str_eq(which, S("limits")) ? S("node allocatable") : S("0");
    if (divisor.n)
        (void)quantity_parse(divisor, &by, NULL);
    int scale = str_eq(name, S("cpu")) ? -3 : 0;
    int64_t value = quantity_scaled_value(&q, scale), unit = quantity_scaled_value(&by, scale);
    if (unit <= 0) /* CONFORMS: "0" stands for 1 */
        unit = scale ? 1000 : 1;
    return arena_printf(&x->d->c->arena, "%lld", (long long)(value / unit + (value % unit > 0)));
}

static void put_plain(struct describing *d, struct str name, struct str value) {
    struct str line;
    bool more = str_split(value, '\n', &line, &value);
    d_put(d, 3, "%.*s:\t%.*s\n", STR_ARG(name), STR_ARG(line));
    while (more) {
        more = str_split(value, '\n', &line, &value);
        d_put(d, 3, "\t%.*s\n", STR_ARG(line));
    }
}

static void put_variable(struct describing_container *x, const struct jval *e) {
    struct describing *d = x->d;
    struct str name = object_str(e, "name");
    const struct jval *from = jval_get(e, S("valueFrom")), *field = jval_get(from, S("fieldRef")),
                      *resource = jval_get(from, S("resourceFieldRef")),
                      *secret = jval_get(from, S("secretKeyRef")),
                      *map = jval_get(from, S("configMapKeyRef"));
    if (!from) {
        put_plain(d, name, object_str(e, "value"));
    } else if (field) {
        struct str path = object_str(field, "fieldPath");
        d_put(d, 3, "%.*s:\t%.*s (%.*s:%.*s)\n", STR_ARG(name), STR_ARG(field_value(x, path)),
              STR_ARG(object_str(field, "apiVersion")), STR_ARG(path));
    } else if (resource) {
        struct str path = object_str(resource, "resource");
        d_put(d, 3, "%.*s:\t%.*s (%.*s)\n", STR_ARG(name), STR_ARG(resource_value(x, resource)),
              STR_ARG(path));
    } else if (secret || map) {
        const struct jval *ref = secret ? secret : map;
        d_put(d, 3, "%.*s:\t<set to the key '%.*s' %s '%.*s'>\tOptional: %s\n", STR_ARG(name),
              STR_ARG(object_str(ref, "key")), secret ? "in secret" : "of config map",
              STR_ARG(object_str(ref, "name")), object_bool(ref, "optional") ? "true" : "false");
    }
}

/* -- mounts -- */

static int by_path(const void *a, const void *b) {
    return str_cmp(object_str(a, "mountPath"), object_str(b, "mountPath"));
}

static void put_mounts(struct describing *d, const struct jval *mounts) {
    uint32_t n = mounts ? mounts->n : 0;
    struct jval *sorted = arena_new_n(&d->c->arena, n + 1, struct jval);
    d_put(d, 2, "Mounts:%s\n", n ? "" : "\t<none>");
    for (uint32_t i = 0; i < n; i++)
        sorted[i] = mounts->items[i];
    qsort(sorted, n, sizeof *sorted, by_path);
    for (uint32_t i = 0; i < n; i++) {
        struct str sub = object_str(&sorted[i], "subPath");
        d_put(d, 3, "%.*s from %.*s (%s%s%.*s%s)\n", STR_ARG(object_str(&sorted[i], "mountPath")),
              STR_ARG(object_str(&sorted[i], "name")), object_bool(&sorted[i], "readOnly") ? "ro" : "rw",
              sub.n ? ",path=\"" : "", STR_ARG(sub), sub.n ? "\"" : "");
    }
}

static void put_devices(struct describing *d, const struct jval *devices) {
    if (!devices || devices->n == 0)
        return;
    d_put(d, 2, "Devices:\n");
    for (uint32_t i = 0; i < devices->n; i++)
        d_put(d, 3, "%.*s from %.*s\n", STR_ARG(object_str(&devices->items[i], "devicePath")),
              STR_ARG(object_str(&devices->items[i], "name")));
}

static void put_container(struct describing_container *x) {
    struct describing *d = x->d;
    const struct jval *k = x->container, *env = object_array(k, "env");
    if (x->status)
        d_put(d, 2, "Container ID:\t%.*s\n", STR_ARG(object_str(x->status, "containerID")));
    d_put(d, 2, "Image:\t%.*s\n", STR_ARG(object_str(k, "image")));
    if (x->status)
        d_put(d, 2, "Image ID:\t%.*s\n", STR_ARG(object_str(x->status, "imageID")));
    put_ports(d, object_array(k, "ports"), "Port", "containerPort");
    put_ports(d, object_array(k, "ports"), "Host Port", "hostPort");
    put_lines(d, "Command", object_array(k, "command"));
    put_lines(d, "Args", object_array(k, "args"));
    put_status(x);
    d_quantities(d, 2, "Limits", jval_path(k, "resources.limits"));
    d_quantities(d, 2, "Requests", jval_path(k, "resources.requests"));
    put_probe(d, "Liveness", jval_get(k, S("livenessProbe")));
    put_probe(d, "Readiness", jval_get(k, S("readinessProbe")));
    put_probe(d, "Startup", jval_get(k, S("startupProbe")));
    put_sources(d, object_array(k, "envFrom"));
    d_put(d, 2, "Environment:%s\n", env && env->n ? "" : "\t<none>");
    for (uint32_t i = 0; env && i < env->n; i++)
        put_variable(x, &env->items[i]);
    put_mounts(d, object_array(k, "volumeMounts"));
    put_devices(d, object_array(k, "volumeDevices"));
}

static const struct jval *status_of(const struct jval *statuses, struct str name) {
    for (uint32_t i = 0; statuses && i < statuses->n; i++)
        if (str_eq(object_str(&statuses->items[i], "name"), name))
            return &statuses->items[i];
    return NULL;
}

/* indent: "" in a pod, two spaces in a template. */
static void put_containers(struct describing *d, const char *title, const char *indent,
                           const struct jval *all, const struct jval *pod, const char *statuses) {
    if (!all || all->n == 0)
        return;
    d_put(d, 0, "%s%s:\n", indent, title);
    for (uint32_t i = 0; i < all->n; i++) {
        struct str name = object_str(&all->items[i], "name");
        struct describing_container x = {.d = d, .pod = pod, .container = &all->items[i]};
        x.status = pod ? status_of(object_array(pod, statuses), name) : NULL;
        d_put(d, 1, "%s%.*s:\n", *indent ? " " : "", STR_ARG(name));
        put_container(&x);
    }
}

/* -- where it may run -- */

static void put_toleration(struct describing *d, const struct jval *t) {
    struct str key = object_str(t, "key"), value = object_str(t, "value"), effect = object_str(t, "effect"),
               op = object_str(t, "operator");
    const struct jval *seconds = jval_get(t, S("tolerationSeconds"));
    bool equal = !op.n || str_eq(op, S("Equal"));
    d_put(d, 0, "%.*s%s%.*s%s%.*s", STR_ARG(key), value.n ? "=" : "", STR_ARG(value), effect.n ? ":" : "",
          STR_ARG(effect));
    if (!equal && !value.n)
        d_put(d, 0, "%sop=%.*s", key.n || effect.n ? " " : "", STR_ARG(op));
    if (seconds)
        d_put(d, 0, " for %llds", (long long)object_int(t, "tolerationSeconds", 0));
    d_put(d, 0, "\n");
}

static int by_toleration_key(const void *a, const void *b) {
    return str_cmp(object_str(a, "key"), object_str(b, "key"));
}

static void put_tolerations(struct describing *d, const char *indent, const struct jval *all) {
    uint32_t n = all ? all->n : 0;
    struct jval *sorted = arena_new_n(&d->c->arena, n + 1, struct jval);
    for (uint32_t i = 0; i < n; i++)
        sorted[i] = all->items[i];
    qsort(sorted, n, sizeof *sorted, by_toleration_key);
    d_put(d, 0, "%sTolerations:\t%s", indent, n ? "" : "<none>\n");
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            d_put(d, 0, "%s\t", indent);
        put_toleration(d, &sorted[i]);
    }
}

static void put_spread(struct describing *d, const char *indent, const struct jval *all) {
    if (!all || all->n == 0)
        return;
    d_put(d, 0, "%sTopology Spread Constraints:\t", indent);
    for (uint32_t i = 0; i < all->n; i++) {
        const struct jval *t = &all->items[i], *selector = jval_get(t, S("labelSelector"));
        d_put(d, 0, "%s%s%.*s:%.*s when max skew %lld is exceeded", i ? indent : "", i ? "\t" : "",
              STR_ARG(object_str(t, "topologyKey")), STR_ARG(object_str(t, "whenUnsatisfiable")),
              (long long)object_int(t, "maxSkew", 0));
        if (selector)
            d_put(d, 0, " for selector %.*s", STR_ARG(d_selector(d, selector, "<none>")));
        d_put(d, 0, "\n");
    }
}

/* -- templates -- */

void describe_template(struct describing *d, const struct jval *template) {
    static const char in[] = "  ";
    const struct jval *spec = jval_get(template, S("spec")),
                      *annotations = jval_path(template, "metadata.annotations");
    d_put(d, 0, "Pod Template:\n");
    d_labels(d, in, "Labels", jval_path(template, "metadata.labels"));
    if (annotations && annotations->n)
        d_annotations(d, in, annotations);
    if (object_str(spec, "serviceAccountName").n)
        d_put(d, 0, "  Service Account:\t%.*s\n", STR_ARG(object_str(spec, "serviceAccountName")));
    put_containers(d, "Init Containers", in, object_array(spec, "initContainers"), NULL, NULL);
    put_containers(d, "Containers", in, object_array(spec, "containers"), NULL, NULL);
    describe_volumes(d, object_array(spec, "volumes"), in);
    put_spread(d, in, object_array(spec, "topologySpreadConstraints"));
    if (object_str(spec, "priorityClassName").n)
        d_put(d, 0, "  Priority Class Name:\t%.*s\n", STR_ARG(object_str(spec, "priorityClassName")));
    d_labels(d, in, "Node-Selectors", jval_get(spec, S("nodeSelector")));
    put_tolerations(d, in, object_array(spec, "tolerations"));
}

void describe_pod_counts(struct describing *d, const char *title) {
    static const char *const phases[] = {"Running", "Pending", "Succeeded", "Failed"};
    const struct jval *selector = jval_path(d->o, "spec.selector");
    struct str uid = object_str(d->o, "metadata.uid"), labels;
    bool is_map = str_eq(d->resource->kind, S("ReplicationController"));
    labels = is_map ? d_map_inline(d, selector) : d_selector(d, selector, "");
    unsigned n[4] = {0};
    struct jval pods = d_list(d, "", "pods", object_namespace(d->o), labels, S(""));
    if (pods.kind != J_ARRAY) {
        d_put(d, 0, "%s:\terror in fetching pods\n", title);
        return;
    }
    for (uint32_t i = 0; i < pods.n; i++) {
        const struct jval *owners = object_array(&pods.items[i], "metadata.ownerReferences");
        bool owned = false;
        for (uint32_t k = 0; owners && k < owners->n; k++)
            owned |= object_bool(&owners->items[k], "controller") &&
                     str_eq(object_str(&owners->items[k], "uid"), uid);
        for (size_t k = 0; owned && k < 4; k++)
            n[k] += str_eq(object_str(&pods.items[i], "status.phase"), str_from(phases[k]));
    }
    d_put(d, 0, "%s:\t%u Running / %u Waiting / %u Succeeded / %u Failed\n", title, n[0], n[1], n[2], n[3]);
}

/* -- pods -- */

static void put_optional(struct describing *d, const char *title, const char *dotted) {
    struct str s = object_str(d->o, dotted);
    if (s.n)
        d_put(d, 0, "%s:\t%.*s\n", title, STR_ARG(s));
}

static void put_phase(struct describing *d) {
    const struct jval *o = d->o;
    struct str phase = object_str(o, "status.phase"), deleted = object_str(o, "metadata.deletionTimestamp");
    if (deleted.n && !str_eq(phase, S("Failed")) && !str_eq(phase, S("Succeeded"))) {
        d_put(d, 0, "Status:\tTerminating (lasts %.*s)\n", STR_ARG(age_text(d->c, deleted)));
        d_put(d, 0, "Termination Grace Period:\t%llds\n",
              (long long)object_int(o, "metadata.deletionGracePeriodSeconds", 0));
    } else {
        d_put(d, 0, "Status:\t%.*s\n", STR_ARG(phase));
    }
    put_optional(d, "Reason", "status.reason");
    put_optional(d, "Message", "status.message");
    put_optional(d, "SeccompProfile", "spec.securityContext.seccompProfile.type");
    if (str_eq(object_str(o, "spec.securityContext.seccompProfile.type"), S("Localhost")))
        put_optional(d, "LocalhostProfile", "spec.securityContext.seccompProfile.localhostProfile");
}

static void put_addresses(struct describing *d) {
    const struct jval *ips = object_array(d->o, "status.podIPs");
    d_put(d, 0, "IP:\t%.*s\n", D_STR(d, "status.podIP"));
    d_put(d, 0, "IPs:%s\n", ips && ips->n ? "" : "\t<none>");
    for (uint32_t i = 0; ips && i < ips->n; i++)
        d_put(d, 0, "  IP:\t%.*s\n", STR_ARG(object_str(&ips->items[i], "ip")));
}

static const struct jval *condition(struct describing *d, struct str type) {
    const struct jval *all = object_array(d->o, "status.conditions");
    for (uint32_t i = 0; all && i < all->n; i++)
        if (str_eq(object_str(&all->items[i], "type"), type))
            return &all->items[i];
    return NULL;
}

static void put_conditions(struct describing *d) {
    const struct jval *gates = object_array(d->o, "spec.readinessGates"),
                      *all = object_array(d->o, "status.conditions");
    if (gates && gates->n)
        d_put(d, 0, "Readiness Gates:\n  Type\tStatus\n");
    for (uint32_t i = 0; gates && i < gates->n; i++) {
        struct str type = object_str(&gates->items[i], "conditionType");
        const struct jval *met = condition(d, type);
        d_put(d, 1, "%.*s \t%.*s \n", STR_ARG(type), STR_ARG(met ? object_str(met, "status") : S("<none>")));
    }
    if (all && all->n)
        d_put(d, 0, "Conditions:\n  Type\tStatus\n");
    for (uint32_t i = 0; all && i < all->n; i++)
        d_put(d, 1, "%.*s \t%.*s \n", STR_ARG(object_str(&all->items[i], "type")),
              STR_ARG(object_str(&all->items[i], "status")));
}

static void put_pod_head(struct describing *d) {
    const struct jval *o = d->o;
    struct str node = object_str(o, "spec.nodeName"), host = object_str(o, "status.hostIP");
    d_name(d);
    if (jval_path(o, "spec.priority")) {
        d_put(d, 0, "Priority:\t%lld\n", (long long)object_int(o, "spec.priority", 0));
        put_optional(d, "Priority Class Name", "spec.priorityClassName");
    }
    put_optional(d, "Runtime Class Name", "spec.runtimeClassName");
    put_optional(d, "Service Account", "spec.serviceAccountName");
    if (node.n)
        d_put(d, 0, "Node:\t%.*s/%.*s\n", STR_ARG(node), STR_ARG(host));
    else
        d_put(d, 0, "Node:\t<none>\n");
    if (object_str(o, "status.startTime").n)
        d_put(d, 0, "Start Time:\t%.*s\n", STR_ARG(d_time(d, object_str(o, "status.startTime"))));
    d_labels(d, "", "Labels", jval_path(o, "metadata.labels"));
    d_annotations(d, "", jval_path(o, "metadata.annotations"));
}

void describe_pod(struct describing *d) {
    const struct jval *o = d->o;
    put_pod_head(d);
    put_phase(d);
    put_addresses(d);
    d_controlled_by(d);
    put_optional(d, "NominatedNodeName", "status.nominatedNodeName");
    put_containers(d, "Init Containers", "", object_array(o, "spec.initContainers"), o,
                   "status.initContainerStatuses");
    put_containers(d, "Containers", "", object_array(o, "spec.containers"), o, "status.containerStatuses");
    put_containers(d, "Ephemeral Containers", "", object_array(o, "spec.ephemeralContainers"), o,
                   "status.ephemeralContainerStatuses");
    put_conditions(d);
    describe_volumes(d, object_array(o, "spec.volumes"), "");
    d_put(d, 0, "QoS Class:\t%.*s\n", D_STR(d, "status.qosClass"));
    d_labels(d, "", "Node-Selectors", jval_path(o, "spec.nodeSelector"));
    put_tolerations(d, "", object_array(o, "spec.tolerations"));
    put_spread(d, "", object_array(o, "spec.topologySpreadConstraints"));
    d_events(d);
}
