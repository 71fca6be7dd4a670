/* Rules on addresses. See addresses.h. */
#include "api/validation/addresses.h"

#include "api/ip.h"

bool check_endpoint_ip(struct field_errors *e, const struct field_path *p, struct str text) {
    struct ip ip;
    const char *what = NULL;
    if (!ip_parse(text, IP_LEGACY, &ip))
        return true;
    if (ip_is_unspecified(ip))
        what = "unspecified";
    else if (ip_is_loopback(ip))
        what = "in the loopback range (127.0.0.0/8, ::1/128)";
    else if (ip_is_link_local(ip))
        what = "in the link-local range (169.254.0.0/16, fe80::/10)";
    else if (ip_is_link_local_multicast(ip))
        what = "in the link-local multicast range (224.0.0.0/24, ff02::/10)";
    if (!what)
        return true;
    field_invalid(e, p, bad(text), "may not be %s", what);
    return false;
}
