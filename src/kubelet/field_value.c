/* Fields of a pod as text. See field_value.h. */
#include "kubelet/field_value.h"

#include "api/quantity.h"
#include "api/resource_name.h"
#include "api/types/core.h"
#include "api/types/meta.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "kubelet/pod_sources.h"

/* CONFORMS: Go's strconv.Quote, as far as printing goes. */
static void put_quoted(struct buf *out, struct str s) {
    static const char *const plain = "\a\b\f\n\r\t\v\"\\", *const letters = "abfnrtv\"\\";
    buf_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        const char *at = c ? strchr(plain, c) : NULL;
        if (at)
            buf_printf(out, "\\%c", letters[at - plain]);
        else if (c < 0x20 || c == 0x7f || (c >= 0x80 && utf8_valid_prefix(str_from_byte(s, i)) == 0))
            buf_printf(out, "\\x%02x", c);
        else if (c < 0x80)
            buf_byte(out, (char)c);
        else {
            size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
            buf_put(out, s.p + i, n);
            i += n - 1;
        }
    }
    buf_byte(out, '"');
}

/* One line per entry, in the order of the keys. */
static struct str map_text(struct str_map m, struct arena *a) {
    _cleanup_buf struct buf b = BUF_INIT;
    for (uint32_t i = 0; i < m.n; i++) {
        buf_printf(&b, "%s%.*s=", i ? "\n" : "", STR_ARG(m.v[i].key));
        put_quoted(&b, m.v[i].value);
    }
    return buf_to_arena(&b, a);
}

/* The key of "prefix['key']". */
static bool subscript(struct str path, struct str prefix, struct str *ret_key) {
    if (!str_has_prefix(path, prefix))
        return false;
    struct str rest = str_from_byte(path, prefix.n);
    if (!str_has_prefix(rest, S("['")) || !str_has_suffix(rest, S("']")) || rest.n < 4)
        return false;
    *ret_key = str_make(rest.p + 2, rest.n - 4);
    return true;
}

static struct str first(struct str_array list) {
    return list.n ? list.v[0] : S("");
}

static struct str or_empty(struct str s) {
    return s.p ? s : S("");
}

struct plain_field {
    struct str path, value;
};

int field_value(const struct core_pod *pod, const struct pod_facts *facts, struct str path, struct arena *a,
                struct str *ret, struct err *err) {
    const struct meta_object_meta *m = &pod->metadata;
    struct str key, account = pod->spec.service_account_name;
    struct str node = pod->spec.node_name.n ? pod->spec.node_name : facts->node_name;
    const struct plain_field fields[] = {
        {S("metadata.name"), m->name},
        {S("metadata.namespace"), m->namespace},
        {S("metadata.uid"), m->uid},
        {S("spec.nodeName"), node},
        {S("spec.serviceAccountName"), account},
        {S("status.hostIP"), first(facts->host_ips)},
        {S("status.podIP"), first(facts->pod_ips)},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (str_eq(path, fields[i].path)) {
            *ret = or_empty(fields[i].value);
            return 0;
        }
    if (subscript(path, S("metadata.labels"), &key))
        *ret = or_empty(str_map_get(m->labels, key));
    else if (subscript(path, S("metadata.annotations"), &key))
        *ret = or_empty(str_map_get(m->annotations, key));
    else if (str_eq(path, S("metadata.labels")))
        *ret = map_text(m->labels, a);
    else if (str_eq(path, S("metadata.annotations")))
        *ret = map_text(m->annotations, a);
    else if (str_eq(path, S("status.hostIPs")))
        *ret = arena_join(a, facts->host_ips.v, facts->host_ips.n, S(","));
    else if (str_eq(path, S("status.podIPs")))
        *ret = arena_join(a, facts->pod_ips.v, facts->pod_ips.n, S(","));
    else
        return err_set(err, ERR_INVALID, "fieldPath \"%.*s\" is not supported", STR_ARG(path));
    return 0;
}

const struct core_container *pod_container(const struct core_pod *pod, struct str name) {
    const struct core_container_array *lists[] = {&pod->spec.containers, &pod->spec.init_containers};
    for (int l = 0; l < 2; l++)
        for (uint32_t i = 0; i < lists[l]->n; i++)
            if (str_eq(lists[l]->v[i].name, name))
                return &lists[l]->v[i];
    return NULL;
}

/* --- resources --- */

/* ceil(amount / divisor), exact: in nanos where that fits, else by whole units. */
static int64_t divide_up(const struct quantity *amount, const struct quantity *divisor) {
    __int128 n = (__int128)amount->units * 1000000000 + amount->nanos;
    __int128 d = (__int128)divisor->units * 1000000000 + divisor->nanos;
    if (d <= 0 || n <= 0)
        return 0;
    return (int64_t)((n + d - 1) / d);
}

int resource_value(const struct core_container *c, const struct pod_facts *facts,
                   const struct core_resource_field_selector *ref, struct arena *a, struct str *ret,
                   struct err *err) {
    struct str kind, name;
    str_split(ref->resource, '.', &kind, &name);
    bool limits = str_eq(kind, S("limits"));
    bool known = str_eq(name, S("cpu")) || str_eq(name, S("memory")) ||
                 str_eq(name, S("ephemeral-storage")) || resource_name_is_hugepages(name);
    if (!known || (!limits && !str_eq(kind, S("requests"))))
        return err_set(err, ERR_INVALID, "resource \"%.*s\" is not supported", STR_ARG(ref->resource));
    const struct quantity *q = quantity_map_get(limits ? c->resources.limits : c->resources.requests, name);
    if (limits && (!q || quantity_is_zero(q)))
        q = quantity_map_get(facts->allocatable, name);
    struct quantity none = {.set = true}, one = {.units = 1, .set = true};
    bool divided = ref->divisor.set && !quantity_is_zero(&ref->divisor);
    *ret = arena_printf(a, "%lld", (long long)divide_up(q ? q : &none, divided ? &ref->divisor : &one));
    return 0;
}
