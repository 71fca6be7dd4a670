/* Names of resources. See resource_name.h. */
#include "api/resource_name.h"

#include "api/name.h"
#include "api/quantity.h"
#include "base/err.h"

#define HUGEPAGES S("hugepages-")
#define REQUESTS S("requests.")
#define REQUESTS_NAME_MAX (253 + 1 + 63) /* of a label key */

static bool one_of(struct str name, const struct str *names, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(names[i], name))
            return true;
    return false;
}
#define ONE_OF(name, names) one_of((name), (names), sizeof(names) / sizeof((names)[0]))

bool resource_name_is_native(struct str name) {
    return str_find_byte(name, '/') < 0 || str_find(name, S("kubernetes.io/")) >= 0;
}

bool resource_name_is_extended(struct str name) {
    if (resource_name_is_native(name) || str_has_prefix(name, REQUESTS))
        return false;
    /* CONFORMS: the quota form "requests.<name>" must be a label key too. */
    char quota[REQUESTS_NAME_MAX];
    if (name.n > sizeof quota - REQUESTS.n)
        return false;
    memcpy(quota, REQUESTS.p, REQUESTS.n);
    memcpy(quota + REQUESTS.n, name.p, name.n);
    return name_check_qualified(str_make(quota, REQUESTS.n + name.n), NULL) == 0;
}

bool resource_name_is_hugepages(struct str name) {
    return str_has_prefix(name, HUGEPAGES);
}

static bool is_quota_hugepages(struct str name) {
    return resource_name_is_hugepages(name) || str_has_prefix(name, S("requests.hugepages-"));
}

static const struct str standard[] = {
    STR_INIT("cpu"),
    STR_INIT("memory"),
    STR_INIT("ephemeral-storage"),
    STR_INIT("requests.cpu"),
    STR_INIT("requests.memory"),
    STR_INIT("requests.ephemeral-storage"),
    STR_INIT("limits.cpu"),
    STR_INIT("limits.memory"),
    STR_INIT("limits.ephemeral-storage"),
    STR_INIT("pods"),
    STR_INIT("resourcequotas"),
    STR_INIT("services"),
    STR_INIT("replicationcontrollers"),
    STR_INIT("secrets"),
    STR_INIT("configmaps"),
    STR_INIT("persistentvolumeclaims"),
    STR_INIT("requests.storage"),
    STR_INIT("services.nodeports"),
    STR_INIT("services.loadbalancers"),
};

/* All of these but `storage` (which only a claim asks for) may be in a quota. */
bool resource_name_is_quota_standard(struct str name) {
    return ONE_OF(name, standard) || is_quota_hugepages(name);
}

bool resource_name_is_standard(struct str name) {
    return str_eq(name, S("storage")) || resource_name_is_quota_standard(name);
}

bool resource_name_is_container_standard(struct str name) {
    static const struct str names[] = {STR_INIT("cpu"), STR_INIT("memory"), STR_INIT("ephemeral-storage")};
    return ONE_OF(name, names) || resource_name_is_hugepages(name);
}

bool resource_name_is_integer(struct str name) {
    static const struct str counts[] = {
        STR_INIT("pods"),
        STR_INIT("resourcequotas"),
        STR_INIT("services"),
        STR_INIT("replicationcontrollers"),
        STR_INIT("secrets"),
        STR_INIT("configmaps"),
        STR_INIT("persistentvolumeclaims"),
        STR_INIT("services.nodeports"),
        STR_INIT("services.loadbalancers"),
    };
    return ONE_OF(name, counts) || resource_name_is_extended(name);
}

bool resource_name_can_overcommit(struct str name) {
    return resource_name_is_native(name) && !resource_name_is_hugepages(name);
}

bool resource_name_fits_hugepages(struct str name, const struct quantity *amount) {
    struct quantity page;
    int64_t page_bytes;
    if (!resource_name_is_hugepages(name) ||
        quantity_parse(str_from_byte(name, HUGEPAGES.n), &page, NULL) != 0)
        return false;
    if (!quantity_as_int(&page, &page_bytes) || page_bytes <= 0)
        return false;
    return quantity_value(amount) % page_bytes == 0;
}
