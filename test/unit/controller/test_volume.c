/* Claims and volumes: matching, binding, releasing, protection. */
#include "api/meta.h"
#include "unit/controller/cluster.h"

#include <stdio.h>

static void put_volume(struct cluster *w, const char *name, const char *size, const char *more) {
    char json[1024];
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"capacity\":{\"storage\":\"%s\"},\"accessModes\":["
        "\"ReadWriteOnce\"],\"persistentVolumeReclaimPolicy\":\"Retain\",\"hostPath\":{\"path\":\"/x\"}%s}}",
        name, size, more);
    fake_put(w->fake, KIND(CORE_PERSISTENT_VOLUME), json);
    cluster_settle(w);
}

static void put_claim(struct cluster *w, const char *name, const char *size, const char *more) {
    char json[1024];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\"},\"spec\":{\"accessModes\":["
                   "\"ReadWriteOnce\"],"
                   "\"resources\":{\"requests\":{\"storage\":\"%s\"}}%s}}",
                   name, size, more);
    fake_put(w->fake, KIND(CORE_PERSISTENT_VOLUME_CLAIM), json);
    cluster_settle(w);
}

static const struct core_persistent_volume_claim *claim(struct cluster *w, const char *name) {
    return body_of(w, core_persistent_volume_claim, CORE_PERSISTENT_VOLUME_CLAIM, "default", name);
}

static const struct core_persistent_volume *volume(struct cluster *w, const char *name) {
    return body_of(w, core_persistent_volume, CORE_PERSISTENT_VOLUME, "", name);
}

TEST(test_volume__a_claim_gets_the_smallest_that_fits) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "persistentvolume-binder-controller");
    put_volume(&w, "large", "10Gi", "");
    put_volume(&w, "small", "1Gi", "");
    put_volume(&w, "fits", "5Gi", "");
    assert_str(volume(&w, "large")->status.phase, "Available");
    put_claim(&w, "c", "3Gi", "");
    assert_str(claim(&w, "c")->spec.volume_name, "fits");
    assert_str(claim(&w, "c")->status.phase, "Bound");
    assert_str(volume(&w, "fits")->status.phase, "Bound");
    assert_str_equal(volume(&w, "fits")->spec.claim_ref->uid, claim(&w, "c")->metadata.uid);
    assert_str(str_map_get(claim(&w, "c")->metadata.annotations, S("pv.kubernetes.io/bind-completed")),
               "yes");
    put_claim(&w, "d", "20Gi", "");
    assert_str(claim(&w, "d")->status.phase, "Pending");
    put_volume(&w, "huge", "100Gi", "");
    assert_str(claim(&w, "d")->spec.volume_name, "huge");
}

TEST(test_volume__two_claims_never_share_one) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "persistentvolume-binder-controller");
    fake_set_faults(w.fake, &(struct fake_faults){.watch_delay_ns = NS_PER_SEC, .conflict = 0.2});
    put_claim(&w, "a", "1Gi", "");
    put_claim(&w, "b", "1Gi", "");
    put_volume(&w, "only", "1Gi", "");
    cluster_pass(&w, 60);
    bool a = claim(&w, "a")->spec.volume_name.n > 0, b = claim(&w, "b")->spec.volume_name.n > 0;
    assert_true(a != b);
}

TEST(test_volume__kept_volumes_wait_for_their_claim) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "persistentvolume-binder-controller");
    put_volume(&w, "kept", "5Gi", ",\"claimRef\":{\"namespace\":\"default\",\"name\":\"mine\"}");
    put_claim(&w, "other", "1Gi", "");
    assert_str(claim(&w, "other")->status.phase, "Pending");
    put_volume(&w, "tiny", "2Gi", "");
    put_claim(&w, "mine", "1Gi", "");
    assert_str(claim(&w, "mine")->spec.volume_name, "kept");
    assert_str(claim(&w, "other")->spec.volume_name, "tiny");
}

TEST(test_volume__released_when_the_claim_goes) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "persistentvolume-binder-controller");
    put_volume(&w, "v", "1Gi", "");
    put_claim(&w, "c", "1Gi", "");
    fake_remove(w.fake, KIND(CORE_PERSISTENT_VOLUME_CLAIM), "default", "c");
    cluster_settle(&w);
    assert_str(volume(&w, "v")->status.phase, "Released");
    put_claim(&w, "next", "1Gi", "");
    assert_str(claim(&w, "next")->status.phase, "Pending"); /* data of somebody else is on it */
}

TEST(test_volume__a_claim_whose_volume_is_gone_is_lost) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "persistentvolume-binder-controller");
    put_volume(&w, "v", "1Gi", "");
    put_claim(&w, "c", "1Gi", "");
    fake_remove(w.fake, KIND(CORE_PERSISTENT_VOLUME), "", "v");
    cluster_settle(&w);
    assert_str(claim(&w, "c")->status.phase, "Lost");
}

TEST(test_volume__waits_for_the_first_consumer) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "persistentvolume-binder-controller");
    fake_put(w.fake, KIND(STORAGE_STORAGE_CLASS),
             "{\"metadata\":{\"name\":\"local\",\"annotations\":{\"storageclass.kubernetes.io/"
             "is-default-class\":\"true\"}},"
             "\"provisioner\":\"example.com/p\",\"volumeBindingMode\":\"WaitForFirstConsumer\"}");
    fake_put(w.fake, KIND(CORE_NODE), "{\"metadata\":{\"name\":\"n\"}}");
    put_volume(&w, "v", "1Gi", ",\"storageClassName\":\"local\"");
    put_claim(&w, "c", "1Gi", ""); /* says nothing of a class */
    assert_str(claim(&w, "c")->spec.storage_class_name, "local");
    assert_str(claim(&w, "c")->status.phase, "Pending");
    assert_int_equal(claim(&w, "c")->spec.volume_name.n, 0);
    fake_merge(w.fake, KIND(CORE_PERSISTENT_VOLUME_CLAIM), "default", "c",
               "{\"metadata\":{\"annotations\":{\"volume.kubernetes.io/selected-node\":\"n\"}}}");
    cluster_settle(&w);
    assert_str(claim(&w, "c")->spec.volume_name, "v");
    put_claim(&w, "d", "1Gi", ",\"storageClassName\":\"local\"");
    fake_merge(w.fake, KIND(CORE_PERSISTENT_VOLUME_CLAIM), "default", "d",
               "{\"metadata\":{\"annotations\":{\"volume.kubernetes.io/selected-node\":\"n\"}}}");
    cluster_settle(&w);
    assert_str(
        str_map_get(claim(&w, "d")->metadata.annotations, S("volume.kubernetes.io/storage-provisioner")),
        "example.com/p");
}

TEST(test_volume__claims_in_use_stay) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "persistentvolumeclaim-protection-controller");
    put_claim(&w, "c", "1Gi", "");
    assert_true(meta_has_finalizer(&claim(&w, "c")->metadata, S("kubernetes.io/pvc-protection")));
    fake_put(
        w.fake, KIND(CORE_POD),
        "{\"metadata\":{\"name\":\"p\",\"namespace\":\"default\"},\"spec\":{\"nodeName\":\"n\","
        "\"containers\":[{\"name\":\"c\","
        "\"image\":\"i\"}],\"volumes\":[{\"name\":\"v\",\"persistentVolumeClaim\":{\"claimName\":\"c\"}}]}}");
    assert_ok(client_delete(w.client, KIND(CORE_PERSISTENT_VOLUME_CLAIM), S("default"), S("c"), NULL, NULL),
              NULL);
    cluster_pass(&w, 5);
    assert_true(cluster_has(&w, KIND(CORE_PERSISTENT_VOLUME_CLAIM), "default", "c"));
    fake_remove(w.fake, KIND(CORE_POD), "default", "p");
    cluster_pass(&w, 1);
    assert_false(cluster_has(&w, KIND(CORE_PERSISTENT_VOLUME_CLAIM), "default", "c"));
}

TEST(test_volume__ephemeral_volumes_get_their_claim) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "ephemeral-volume-controller garbage-collector-controller");
    fake_put(w.fake, KIND(CORE_POD),
             "{\"metadata\":{\"name\":\"p\",\"namespace\":\"default\"},\"spec\":{\"containers\":[{\"name\":"
             "\"c\",\"image\":\"i\"}],"
             "\"volumes\":[{\"name\":\"scratch\",\"ephemeral\":{\"volumeClaimTemplate\":{\"spec\":{"
             "\"accessModes\":["
             "\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}}}}}]}}");
    cluster_settle(&w);
    assert_true(meta_is_controlled_by(&claim(&w, "p-scratch")->metadata,
                                      body_of(&w, core_pod, CORE_POD, "default", "p")->metadata.uid));
    fake_remove(w.fake, KIND(CORE_POD), "default", "p");
    cluster_pass(&w, 2);
    assert_false(cluster_has(&w, KIND(CORE_PERSISTENT_VOLUME_CLAIM), "default", "p-scratch"));
}
