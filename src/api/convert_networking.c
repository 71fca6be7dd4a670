/* Conversion of ingresses. See convert_priv.h.
 *
 * The old version named a backend's service and port side by side; the port was a number or a name. */
#include "api/convert_priv.h"
#include "api/types/networking.h"

CONVERTER(backend_up, networking_v1beta1_ingress_backend, f, networking_ingress_backend, t) {
    if (!f->service_name.n && !f->service_port.is_str && !f->service_port.i)
        return 0;
    t->service = arena_new(c->arena, struct networking_ingress_service_backend);
    t->service->name = f->service_name;
    if (f->service_port.is_str)
        t->service->port.name = f->service_port.s;
    else
        t->service->port.number = f->service_port.i;
    return 0;
}

CONVERTER(backend_down, networking_ingress_backend, f, networking_v1beta1_ingress_backend, t) {
    if (!f->service)
        return 0;
    const struct networking_service_backend_port *port = &f->service->port;
    t->service_name = f->service->name;
    t->service_port =
        (struct int_or_string){.s = port->name, .i = port->number, .is_str = port->name.n > 0, .set = true};
    return 0;
}

static const struct convert_rule table[] = {
    {TY_NETWORKING_INGRESS_BACKEND, TY_NETWORKING_V1BETA1_INGRESS_BACKEND, backend_down},
    {TY_NETWORKING_V1BETA1_INGRESS_BACKEND, TY_NETWORKING_INGRESS_BACKEND, backend_up},
};
const struct convert_rules networking_conversions = {table, sizeof table / sizeof *table};
