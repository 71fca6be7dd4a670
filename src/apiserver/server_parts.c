/* Parts that look at the first objects when they start. See server_parts.h. */
#include "apiserver/server_parts.h"

#include "apiserver/admission.h"
#include "apiserver/alloc_ip.h"
#include "apiserver/alloc_port.h"
#include "apiserver/server.h"

int server_parts_open(struct apiserver *s, const struct apiserver_options *o, struct err *err) {
    const char *range = o->service_cluster_ip_range, *ports = o->service_node_port_range;
    int r =
        service_ips_new(s, str_from(range && *range ? range : SERVICE_CIDR_DEFAULT), &s->service_ips, err);
    if (r == 0)
        r = service_ports_new(s, str_from(ports && *ports ? ports : NODE_PORTS_DEFAULT), &s->service_ports,
                              err);
    if (r < 0)
        return r;
    service_ips_repair(s->service_ips);
    service_ports_repair(s->service_ports);
    s->admission = admission_new(s);
    return 0;
}

void server_parts_close(struct apiserver *s) {
    if (s->admission)
        admission_free(s->admission);
    if (s->service_ips)
        service_ips_free(s->service_ips);
    if (s->service_ports)
        service_ports_free(s->service_ports);
}
