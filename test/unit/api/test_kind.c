/* api/kind */
#include "api/kind.h"

#include "api/types/ids.h"
#include "unit/unit.h"

TEST(test_kind__finds_by_name) {
    const struct kind *k = kind_find(S(""), S("v1"), S("Pod"));
    assert_ptr_equal(k, &kinds[KIND_CORE_POD]);
    assert_str(k->plural, "pods");
    assert_str(k->singular, "pod");
    assert_int_equal(k->type, TY_CORE_POD);
    assert_int_equal(k->list_type, TY_CORE_POD_LIST);
    assert_null(kind_find(S("apps"), S("v1"), S("Pod")));
    assert_null(kind_find(S(""), S("v2"), S("Pod")));
    assert_null(kind_find(S(""), S("v1"), S("pod")));
    assert_null(kind_find(STR_NONE, S("v1"), STR_NONE));
}

TEST(test_kind__finds_bodies_by_name) {
    const struct kind *k = kind_find(S("autoscaling"), S("v1"), S("Scale"));
    assert_ptr_equal(k, &kinds[KIND_AUTOSCALING_SCALE]);
    assert_str(k->plural, "");
    assert_int_equal(k->verbs, 0);
    assert_true(k->index >= n_kinds && k->index < n_kinds_all);
    assert_null(kind_find_resource(S("autoscaling"), S("v1"), S("")));
}

TEST(test_kind__finds_by_plural) {
    assert_ptr_equal(kind_find_resource(S("apps"), S("v1"), S("deployments")), &kinds[KIND_APPS_DEPLOYMENT]);
    assert_null(kind_find_resource(S("apps"), S("v1"), S("deployment")));
    assert_null(kind_find_resource(S("zzz"), S("v1"), S("deployments")));
}

TEST(test_kind__finds_each_of_its_rows) {
    for (uint32_t i = 0; i < n_kinds_all; i++) {
        const struct kind *k = &kinds[i];
        assert_int_equal(k->index, i);
        assert_ptr_equal(kind_find(k->group, k->version, k->name), k);
        if (i < n_kinds)
            assert_ptr_equal(kind_find_resource(k->group, k->version, k->plural), k);
    }
}

TEST(test_kind__names_are_those_of_the_types) {
    for (uint32_t i = 0; i < n_kinds_all; i++) {
        const struct kind *k = &kinds[i];
        const struct ty_type *t = &k->set->types[k->type];
        assert_true(str_eq(ty_name(k->set, t->name), k->name));
        assert_true(str_eq(ty_name(k->set, k->set->gvs[t->gv].group), k->group));
        assert_true(str_eq(ty_name(k->set, k->set->gvs[t->gv].version), k->version));
        assert_true(t->flags & TYPE_ROOT);
        assert_true(k->list_type == 0 || (k->set->types[k->list_type].flags & TYPE_LIST));
        assert_int_equal(k->list_type != 0, (k->verbs & VERB_LIST) != 0);
    }
}

TEST(test_kind__other_versions_share_the_hub) {
    const struct kind *v1 = kind_find(S("autoscaling"), S("v1"), S("HorizontalPodAutoscaler"));
    const struct kind *v2 = kind_find(S("autoscaling"), S("v2"), S("HorizontalPodAutoscaler"));
    assert_ptr_equal(v1->hub, v2);
    assert_ptr_equal(v2->hub, v2);
    assert_ptr_equal(v1->columns, v2->columns);
    const struct kind *event = kind_find(S("events.k8s.io"), S("v1"), S("Event"));
    assert_ptr_equal(event->hub, &kinds[KIND_CORE_EVENT]);
    for (uint32_t i = 0; i < n_kinds_all; i++) {
        assert_ptr_equal(kinds[i].hub->hub, kinds[i].hub);
        assert_true(str_eq(kinds[i].hub->storage_version_hash, kinds[i].storage_version_hash));
        assert_int_equal(kinds[i].virtual_, str_empty(kinds[i].storage_version_hash));
    }
}

TEST(test_kind__bodies_of_subresources_are_kinds) {
    for (uint32_t i = 0; i < n_kinds; i++) {
        for (uint32_t j = 0; j < kinds[i].n_subresources; j++) {
            const struct kind_subresource *s = &kinds[i].subresources[j];
            const struct kind *body = kind_find(s->kind_group, s->kind_version, s->kind);
            assert_non_null(body);
            assert_int_equal(body->type, s->type);
            assert_true(s->verbs != 0);
        }
    }
}

TEST(test_kind__every_resource_can_be_selected_by_name) {
    for (uint32_t i = 0; i < n_kinds; i++) {
        bool found = false;
        for (uint32_t j = 0; j < kinds[i].n_selectors; j++)
            found = found || str_eq(kinds[i].selectors[j].label, S("metadata.name"));
        assert_true(found);
    }
}

TEST(test_kind__api_version) {
    assert_str(kind_api_version(&kinds[KIND_CORE_POD]), "v1");
    assert_str(kind_api_version(&kinds[KIND_APPS_DEPLOYMENT]), "apps/v1");
}

TEST(test_kind__splits_api_version) {
    struct str group = S("x"), version = S("y");
    assert_true(api_version_split(S("apps/v1"), &group, &version));
    assert_str(group, "apps");
    assert_str(version, "v1");
    assert_false(api_version_split(S("a/b/c"), &group, &version));
    assert_str(group, "apps");
    assert_true(api_version_split(S("v1"), &group, &version));
    assert_str(group, "");
    assert_str(version, "v1");
    assert_true(api_version_split(S("/v1"), &group, &version));
    assert_str(group, "");
    assert_true(api_version_split(S(""), &group, &version));
    assert_str(version, "");
}

TEST(test_kind__groups_are_in_discovery_order) {
    assert_str(api_groups[0].group, "");
    assert_str(api_groups[1].group, "apiregistration.k8s.io");
    for (uint32_t i = 1; i < n_api_groups; i++) {
        const struct api_group_row *a = &api_groups[i - 1], *b = &api_groups[i];
        assert_true(a->place < b->place ||
                    (str_eq(a->group, b->group) && a->version_priority > b->version_priority));
        assert_true(b->preferred != str_eq(a->group, b->group));
    }
}
