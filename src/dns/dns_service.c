/* See dns.h: the service by which pods find DNS. */
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/err.h"
#include "client/client.h"
#include "dns/dns.h"

#define NAMESPACE S("kube-system")
#define NAME S("kube-dns")

static struct core_service_port port_of(struct str name, struct str protocol) {
    return (struct core_service_port){
        .name = name, .protocol = protocol, .port = DNS_PORT, .target_port = {.i = DNS_PORT, .set = true}};
}

int dns_ensure_service(struct client *c, struct ip ip, struct err *err) {
    char text[IP_TEXT_MAX];
    size_t n = ip_format(ip, text);
    struct str_entry labels[] = {{S("k8s-app"), NAME},
                                 {S("kubernetes.io/cluster-service"), S("true")},
                                 {S("kubernetes.io/name"), S("CoreDNS")}};
    struct str_entry selector[] = {{S("k8s-app"), NAME}};
    struct core_service_port ports[] = {port_of(S("dns"), S("UDP")), port_of(S("dns-tcp"), S("TCP"))};
    struct core_service service = {
        .metadata = {.name = NAME, .namespace = NAMESPACE, .labels = {labels, 3}},
        .spec = {.cluster_ip = str_make(text, n), .selector = {selector, 1}, .ports = {ports, 2}}};
    int rc = client_get(c, &kinds[KIND_CORE_SERVICE], NAMESPACE, NAME, NULL, err);
    if (rc != ERR_NOT_FOUND)
        return rc;
    rc = client_create(c, &kinds[KIND_CORE_SERVICE], NAMESPACE, &service, NULL, err);
    return rc == ERR_EXISTS ? 0 : rc ? (err_wrap(err, "cannot make the service kube-dns"), rc) : 0;
}
