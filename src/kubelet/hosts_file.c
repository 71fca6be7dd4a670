/* Names of pods and their hosts files. See hosts_file.h. */
#include "kubelet/hosts_file.h"

#include "api/types/core.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define LABEL_MAX 63u
#define HOSTNAME_MAX 64u /* what the kernel takes */

/* A pod's name can be longer than a label. */
static struct str as_label(struct str name) {
    name = str_cut(name, LABEL_MAX);
    while (name.n && (name.p[name.n - 1] == '-' || name.p[name.n - 1] == '.'))
        name.n--;
    return name;
}

int pod_name_of(const struct core_pod *pod, struct str cluster_domain, struct arena *a, struct pod_name *ret,
                struct err *err) {
    const struct core_pod_spec *s = &pod->spec;
    struct pod_name n = {.domain = S("")};
    if (s->hostname_override.p) { /* CONFORMS: KEP 4762: as it is, and no domain */
        n.host = n.hostname = s->hostname_override;
        *ret = n;
        return 0;
    }
    n.host = n.hostname = s->hostname.n ? s->hostname : as_label(pod->metadata.name);
    if (s->subdomain.n)
        n.domain = arena_printf(a, "%.*s.%.*s.svc.%.*s", STR_ARG(s->subdomain),
                                STR_ARG(pod->metadata.namespace), STR_ARG(cluster_domain));
    if (s->set_hostname_as_fqdn.set && s->set_hostname_as_fqdn.v && n.domain.n) {
        n.hostname = arena_printf(a, "%.*s.%.*s", STR_ARG(n.host), STR_ARG(n.domain));
        if (n.hostname.n > HOSTNAME_MAX)
            return err_set(err, ERR_INVALID,
                           "the full name %.*s is longer than %u characters; shorten the pod's "
                           "hostname or subdomain, or leave setHostnameAsFQDN off",
                           STR_ARG(n.hostname), HOSTNAME_MAX);
    }
    *ret = n;
    return 0;
}

static void put_aliases(const struct core_pod *pod, struct buf *out) {
    const struct core_host_alias_array *all = &pod->spec.host_aliases;
    if (all->n)
        buf_lit(out, "\n# Entries added by HostAliases.\n");
    for (uint32_t i = 0; i < all->n; i++) {
        buf_str(out, all->v[i].ip);
        for (uint32_t j = 0; j < all->v[i].hostnames.n; j++)
            buf_printf(out, "\t%.*s", STR_ARG(all->v[i].hostnames.v[j]));
        buf_byte(out, '\n');
    }
}

void hosts_file_write(const struct core_pod *pod, const struct pod_name *name, const struct str_array *ips,
                      struct buf *out) {
    buf_lit(out, "# Kubernetes-managed hosts file.\n"
                 "127.0.0.1\tlocalhost\n"
                 "::1\tlocalhost ip6-localhost ip6-loopback\n"
                 "fe00::0\tip6-localnet\n"
                 "fe00::0\tip6-mcastprefix\n"
                 "fe00::1\tip6-allnodes\n"
                 "fe00::2\tip6-allrouters\n");
    for (uint32_t i = 0; i < ips->n; i++) {
        buf_printf(out, "%.*s\t", STR_ARG(ips->v[i]));
        if (name->domain.n)
            buf_printf(out, "%.*s.%.*s\t", STR_ARG(name->host), STR_ARG(name->domain));
        buf_printf(out, "%.*s\n", STR_ARG(name->host));
    }
    put_aliases(pod, out);
}

void hosts_file_write_host(const struct core_pod *pod, struct str node_file, struct buf *out) {
    buf_lit(out, "# Kubernetes-managed hosts file (host network).\n");
    buf_str(out, node_file);
    put_aliases(pod, out);
}
