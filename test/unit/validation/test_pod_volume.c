/* api/validation: volumes of pods, and the volume sources that persistent volumes share. */
#include "base/arena.h"
#include "pods.h"

#define VOLUME(json, expected) POD("spec.volumes[2] = {'name':'v'," json "}", expected)
#define V "spec.volumes[2]"

static const char text_65[] = "01234567890123456789012345678901234567890123456789012345678901234";

TEST(test_volumes__names_are_unique_labels) {
    POD("spec.volumes[2] = {'name':'','emptyDir':{}}", V ".name: Required value");
    POD("spec.volumes[2] = {'name':'a.b','emptyDir':{}}", V ".name: Invalid value: \"a.b\": *");
    POD("spec.volumes[2] = {'name':'data','emptyDir':{}}", V ".name: Duplicate value: \"data\"");
    _cleanup_arena struct arena a = ARENA_INIT;
    POD(arena_printf(&a, "spec.volumes[2] = {'name':'%s','emptyDir':{}}", text_65).p,
        arena_printf(&a, V ".name: Invalid value: \"%s\": *", text_65).p);
}

TEST(test_volumes__have_one_source) {
    POD("spec.volumes[2] = {'name':'v'}", V ": Required value: must specify a volume type");
    VOLUME("'emptyDir':{},'hostPath':{'path':'/'},'secret':{'secretName':'s'}",
           V ".hostPath: Forbidden: may not specify more than 1 volume type\n" V ".secret: Forbidden: *");
}

TEST(test_volumes__empty_dir_sizes_are_not_negative) {
    VOLUME("'emptyDir':{'sizeLimit':'0'}", "");
    VOLUME("'emptyDir':{'sizeLimit':'-1'}", V ".emptyDir.sizeLimit: Forbidden: *");
}

TEST(test_volumes__host_paths_have_no_backsteps) {
    VOLUME("'hostPath':{'path':'/a','type':'Directory'}", "");
    VOLUME("'hostPath':{'path':'/a','type':''}", "");
    VOLUME("'hostPath':{'path':''}", V ".hostPath.path: Required value");
    VOLUME("'hostPath':{'path':'/a/../b'}", V ".hostPath.path: Invalid value: \"/a/../b\": *");
}

TEST(test_volumes__host_path_types_are_known) {
    VOLUME(
        "'hostPath':{'path':'/a','type':'x'}", V
        ".hostPath.type: Unsupported value: \"x\": supported values: \"\", \"BlockDevice\", \"CharDevice\", "
        "\"Directory\", \"DirectoryOrCreate\", \"File\", \"FileOrCreate\", \"Socket\"");
}

TEST(test_volumes__name_what_they_are_of) {
    VOLUME("'secret':{}", V ".secret.secretName: Required value");
    VOLUME("'configMap':{}", V ".configMap.name: Required value");
    VOLUME("'persistentVolumeClaim':{'claimName':''}", V ".persistentVolumeClaim.claimName: Required value");
}

TEST(test_volumes__modes_are_permissions) {
    VOLUME("'secret':{'secretName':'s','defaultMode':511}", "");
    VOLUME("'secret':{'secretName':'s','defaultMode':512}", V ".secret.defaultMode: Invalid value: 512: *");
    VOLUME("'configMap':{'name':'m','defaultMode':-1}", V ".configMap.defaultMode: Invalid value: -1: *");
    VOLUME("'downwardAPI':{'defaultMode':512}", V ".downwardAPI.defaultMode: Invalid value: 512: *");
    VOLUME("'projected':{'defaultMode':512}", V ".projected.defaultMode: Invalid value: 512: *");
    VOLUME("'secret':{'secretName':'s','items':[{'key':'k','path':'p','mode':512}]}",
           V ".secret.items[0].mode: Invalid value: 512: *");
}

TEST(test_volumes__items_have_local_paths) {
    VOLUME("'configMap':{'name':'m','items':[{'key':'k','path':'a/b'}]}", "");
    VOLUME("'configMap':{'name':'m','items':[{'key':'','path':''}]}",
           V ".configMap.items[0].key: Required value\n" V ".configMap.items[0].path: Required value");
    VOLUME("'secret':{'secretName':'s','items':[{'key':'k','path':'/a'}]}",
           V ".secret.items[0].path: Invalid value: \"/a\": *");
    VOLUME("'secret':{'secretName':'s','items':[{'key':'k','path':'a/../b'}]}",
           V ".secret.items[0].path: Invalid value: \"a/../b\": *");
    VOLUME("'secret':{'secretName':'s','items':[{'key':'k','path':'..a'}]}",
           V ".secret.items[0].path: Invalid value: \"..a\": must not start with '..'");
}

#define DOWN(json, expected) VOLUME("'downwardAPI':{'items':[" json "]}", expected)
#define DI V ".downwardAPI.items[0]"

TEST(test_volumes__downward_files_have_one_source) {
    DOWN("{'path':'p','fieldRef':{'apiVersion':'v1','fieldPath':'metadata.labels'}}", "");
    DOWN("{'path':'p','fieldRef':{'apiVersion':'v1','fieldPath':'metadata.annotations[\\u0027k\\u0027]'}}",
         "");
    DOWN("{'path':'p','resourceFieldRef':{'containerName':'a','resource':'limits.cpu'}}", "");
    DOWN("{'path':'','fieldRef':{'apiVersion':'v1','fieldPath':'status.podIP'}}",
         DI ".path: Required value\n" DI
            ".fieldRef.fieldPath: Unsupported value: \"status.podIP\": supported values: "
            "\"metadata.annotations\", \"metadata.labels\", \"metadata.name\", \"metadata.namespace\", "
            "\"metadata.uid\"");
    DOWN("{'path':'..','resourceFieldRef':{'resource':'limits.cpu'}}",
         DI ".path: Invalid value: \"..\": *\n" DI ".resourceFieldRef.containerName: Required value");
    DOWN("{'path':'p'}", DI ": Required value: *");
    DOWN("{'path':'p','fieldRef':{'apiVersion':'v1','fieldPath':'metadata.uid'},'resourceFieldRef':{}}",
         DI ": Invalid value: \"resource\": *");
}

/* ---- projected ---- */

#define PROJECT(json, expected)                                                                              \
    POD("spec.serviceAccountName = 'sa' ;; spec.volumes[2] = {'name':'v','projected':{'sources':[" json      \
        "]}}",                                                                                               \
        expected)
#define S0 V ".projected.sources[0]"

TEST(test_projected__sources_are_of_one_kind_each) {
    PROJECT("{'secret':{'name':'s'}},{'configMap':{'name':'m'}},{'downwardAPI':{}},{'serviceAccountToken':{'"
            "path':'t'}},{}",
            "");
    PROJECT("{'secret':{'name':'s'},'configMap':{'name':'m'}}",
            S0 ": Forbidden: may not specify more than 1 volume type per source");
    PROJECT("{'secret':{'name':''}}", S0 ".secret.name: Required value");
}

TEST(test_projected__paths_do_not_collide) {
    PROJECT("{'secret':{'name':'s','items':[{'key':'k','path':'p'}]}},{'configMap':{'name':'m','items':[{'"
            "key':'k','path':'p'}]}}",
            V ".projected: Invalid value: \"m\": conflicting duplicate paths");
    PROJECT("{'serviceAccountToken':{'path':'p'}},{'downwardAPI':{'items':[{'path':'p','fieldRef':{'"
            "apiVersion':'v1','fieldPath':'metadata.uid'}}]}}",
            V ".projected: Invalid value: \"p\": conflicting duplicate paths");
}

TEST(test_projected__tokens_live_for_some_time) {
    PROJECT("{'serviceAccountToken':{'path':'p','expirationSeconds':600}}", "");
    PROJECT("{'serviceAccountToken':{'path':'p','expirationSeconds':4294967296}}", "");
    PROJECT("{'serviceAccountToken':{'path':'p','expirationSeconds':599}}",
            S0 ".serviceAccountToken.expirationSeconds: Invalid value: 599: *");
    PROJECT("{'serviceAccountToken':{'path':'p','expirationSeconds':4294967297}}",
            S0 ".serviceAccountToken.expirationSeconds: Invalid value: 4294967297: *");
}

TEST(test_projected__tokens_have_a_local_path) {
    PROJECT("{'serviceAccountToken':{'path':''}}", S0 ".serviceAccountToken.path: Required value");
    PROJECT("{'serviceAccountToken':{'path':'/t'}}",
            S0 ".serviceAccountToken.path: Invalid value: \"/t\": *");
}

TEST(test_projected__tokens_need_an_account) {
    VOLUME("'projected':{'sources':[{'serviceAccountToken':{'path':'t'}}]}",
           S0 ".serviceAccountToken: Forbidden: *");
}

TEST(test_projected__trust_is_by_name_or_signer) {
    PROJECT("{'clusterTrustBundle':{'name':'a.b:c','path':'p'}}", "");
    PROJECT("{'clusterTrustBundle':{'signerName':'a.b/c','labelSelector':{},'path':'p'}}", "");
    PROJECT("{'clusterTrustBundle':{'path':'p'}}",
            S0 ".clusterTrustBundle: Required value: either name or signerName must be specified");
    PROJECT("{'clusterTrustBundle':{'name':'a','signerName':'a.b/c','path':'p'}}",
            S0 ".clusterTrustBundle: Invalid value: *");
    PROJECT("{'clusterTrustBundle':{'name':'','path':''}}",
            S0 ".clusterTrustBundle.name: Required value\n" S0 ".clusterTrustBundle.path: Required value");
    PROJECT("{'clusterTrustBundle':{'name':'A','labelSelector':{},'path':'p'}}",
            S0 ".clusterTrustBundle.name: Invalid value: \"A\": *\n" S0
               ".clusterTrustBundle.labelSelector: Invalid value: *");
    PROJECT("{'clusterTrustBundle':{'signerName':'x','path':'..x'}}",
            S0 ".clusterTrustBundle.signerName: Invalid value: \"x\": *\n" S0
               ".clusterTrustBundle.path: Invalid value: \"..x\": *");
}

#define CERT(json, expected) PROJECT("{'podCertificate':" json "}", expected)
#define C0 S0 ".podCertificate"

TEST(test_projected__certificates_are_asked_for_in_full) {
    CERT("{'signerName':'a.b/c','keyType':'ED25519','credentialBundlePath':'p','maxExpirationSeconds':3600}",
         "");
    CERT("{'signerName':'','keyType':'x'}",
         C0 ".signerName: Required value\n" C0
            ".keyType: Unsupported value: \"x\": supported values: \"ECDSAP256\", \"ECDSAP384\", "
            "\"ECDSAP521\", \"ED25519\", \"RSA3072\", \"RSA4096\"\n" C0 ": Required value: *");
    CERT("{'signerName':'a.b/c','keyType':'ED25519','keyPath':'/"
         "k','certificateChainPath':'k','maxExpirationSeconds':3599}",
         C0 ".maxExpirationSeconds: Invalid value: 3599: must be between 3600 and 7862400, inclusive\n" C0
            ".keyPath: Invalid value: \"/k\": *");
    CERT("{'signerName':'kubernetes.io/x','keyType':'ED25519','keyPath':'k','maxExpirationSeconds':86401}",
         C0 ".maxExpirationSeconds: Invalid value: 86401: must be between 3600 and 86400, inclusive");
}

TEST(test_projected__certificate_annotations_have_domains) {
    CERT("{'signerName':'a.b/c','keyType':'ED25519','keyPath':'k','userAnnotations':{'a.b/c':'x'}}", "");
    CERT("{'signerName':'a.b/c','keyType':'ED25519','keyPath':'k','userAnnotations':{'a':'x'}}",
         C0 ".userAnnotations: Invalid value: \"a\": *");
}

/* ---- CSI, ephemeral, image ---- */

TEST(test_volumes__csi_drivers_have_names) {
    VOLUME("'csi':{'driver':'Example.com','nodePublishSecretRef':{'name':'s'}}", "");
    VOLUME("'csi':{'driver':''}", V ".csi.driver: Required value");
    VOLUME("'csi':{'driver':'a_b'}", V ".csi.driver: Invalid value: \"a_b\": *");
    VOLUME("'csi':{'driver':'d','nodePublishSecretRef':{'name':''}}",
           V ".csi.nodePublishSecretRef.name: Required value");
    _cleanup_arena struct arena a = ARENA_INIT;
    VOLUME("'csi':{'driver':'0123456789012345678901234567890123456789012345678901234567890123'}",
           V ".csi.driver: Too long: may not be more than 63 bytes");
}

#define CLAIM "'spec':{'accessModes':['ReadWriteOnce'],'resources':{'requests':{'storage':'1Gi'}}}"

TEST(test_volumes__ephemeral_claims_are_claims) {
    VOLUME("'ephemeral':{'volumeClaimTemplate':{'metadata':{'labels':{'a':'b'}}," CLAIM "}}", "");
    VOLUME("'ephemeral':{}", V ".ephemeral.volumeClaimTemplate: Required value");
    VOLUME("'ephemeral':{'volumeClaimTemplate':{'metadata':{'labels':{'a b':''},'name':'x'},'spec':{}}}",
           V ".ephemeral.volumeClaimTemplate.metadata.labels: Invalid value: \"a b\": *\n" V
             ".ephemeral.volumeClaimTemplate.metadata: Forbidden: *\n" V
             ".ephemeral.volumeClaimTemplate.spec.accessModes: Required value: *\n" V
             ".ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value");
}

TEST(test_volumes__ephemeral_claims_get_a_proper_name) {
    _cleanup_arena struct arena a = ARENA_INIT;
    char name[251];
    memset(name, 'a', 250);
    name[250] = 0;
    POD(arena_printf(
            &a,
            "metadata.name = '%s' ;; spec.volumes[2] = {'name':'v','ephemeral':{'volumeClaimTemplate':{" CLAIM
            "}}}",
            name)
            .p,
        "");
    POD(arena_printf(&a,
                     "metadata.name = '%s' ;; spec.volumes[2] = "
                     "{'name':'vol','ephemeral':{'volumeClaimTemplate':{" CLAIM "}}}",
                     name)
            .p,
        V ".name: Invalid value: \"vol\": *");
}

TEST(test_volumes__claims_of_ephemeral_volumes_are_theirs) {
    POD("spec.volumes = [{'name':'e','ephemeral':{'volumeClaimTemplate':{" CLAIM
        "}}},{'name':'v','persistentVolumeClaim':{'claimName':'p-e'}}]",
        "spec.volumes[1].persistentVolumeClaim.claimName: Invalid value: \"p-e\": *");
    POD("spec.volumes = [{'name':'e','ephemeral':{'volumeClaimTemplate':{" CLAIM
        "}}},{'name':'v','persistentVolumeClaim':{'claimName':'p-f'}}]",
        "");
}

TEST(test_volumes__images_have_references) {
    VOLUME("'image':{'reference':'r','pullPolicy':'Never'}", "");
    VOLUME("'image':{'pullPolicy':'x'}", V ".image.reference: Required value\n" V
                                           ".image.pullPolicy: Unsupported value: \"x\": supported values: "
                                           "\"Always\", \"IfNotPresent\", \"Never\"");
}

/* ---- those of networks and clouds ---- */

TEST(test_volumes__nfs_paths_are_absolute) {
    VOLUME("'nfs':{'server':'s','path':'/p'}", "");
    VOLUME("'nfs':{'server':'','path':''}",
           V ".nfs.server: Required value\n" V ".nfs.path: Required value\n" V
             ".nfs.path: Invalid value: \"\": *");
    VOLUME("'nfs':{'server':'s','path':'p'}", V ".nfs.path: Invalid value: \"p\": must be an absolute path");
}

TEST(test_volumes__iscsi_targets_are_complete) {
    VOLUME("'iscsi':{'targetPortal':'1.2.3.4','iqn':'iqn.2014-12.com.example:storage','lun':0}", "");
    VOLUME("'iscsi':{'targetPortal':'1.2.3.4','iqn':'eui.0123456789abcdef','lun':255}", "");
    VOLUME("'iscsi':{'targetPortal':'','iqn':'','lun':256}",
           V ".iscsi.targetPortal: Required value\n" V ".iscsi.iqn: Required value\n" V
             ".iscsi.lun: Invalid value: 256: *");
    VOLUME("'iscsi':{'targetPortal':'p','iqn':'x','lun':0,'chapAuthSession':true}",
           V ".iscsi.iqn: Invalid value: \"x\": *\n" V ".iscsi.secretRef: Required value: *");
    VOLUME("'iscsi':{'targetPortal':'p','iqn':'naa.0123456789abcdef0123456789abcdef','lun':0,'initiatorName':"
           "'x'}",
           V ".iscsi.initiatorname: Invalid value: \"x\": *");
    _cleanup_arena struct arena a = ARENA_INIT;
    POD(arena_printf(&a,
                     "spec.volumes[2] = "
                     "{'name':'v','iscsi':{'targetPortal':'%s','iqn':'eui.0123456789abcdef','lun':0,'"
                     "initiatorName':'eui.0123456789abcdef'}}",
                     text_65)
            .p,
        V ".name: Invalid value: \"v\": *");
}

TEST(test_volumes__fibre_channel_is_by_name_or_id) {
    VOLUME("'fc':{'targetWWNs':['w'],'lun':255}", "");
    VOLUME("'fc':{'wwids':['w']}", "");
    VOLUME("'fc':{}", V ".fc.targetWWNs: Required value: *");
    VOLUME("'fc':{'targetWWNs':['w'],'wwids':['x'],'lun':1}", V ".fc.targetWWNs: Invalid value: [\"w\"]: *");
    VOLUME("'fc':{'targetWWNs':['w']}", V ".fc.lun: Required value: *");
    VOLUME("'fc':{'targetWWNs':['w'],'lun':256}", V ".fc.lun: Invalid value: 256: *");
}

TEST(test_volumes__cloud_disks_are_named) {
    VOLUME("'gcePersistentDisk':{'pdName':'','partition':256}",
           V ".gcePersistentDisk.pdName: Required value\n" V
             ".gcePersistentDisk.partition: Invalid value: 256: *");
    VOLUME("'awsElasticBlockStore':{'volumeID':'','partition':-1}",
           V ".awsElasticBlockStore.volumeID: Required value\n" V
             ".awsElasticBlockStore.partition: Invalid value: -1: *");
    VOLUME("'vsphereVolume':{'volumePath':''}", V ".vsphereVolume.volumePath: Required value");
    VOLUME("'photonPersistentDisk':{'pdID':''}", V ".photonPersistentDisk.pdID: Required value");
    VOLUME("'portworxVolume':{'volumeID':''}", V ".portworxVolume.volumeID: Required value");
    VOLUME("'cinder':{'volumeID':'','secretRef':{'name':''}}",
           V ".cinder.volumeID: Required value\n" V ".cinder.secretRef.name: Required value");
    VOLUME("'azureFile':{'secretName':'','shareName':''}",
           V ".azureFile.secretName: Required value\n" V ".azureFile.shareName: Required value");
}

TEST(test_volumes__azure_disks_have_a_uri_of_their_kind) {
    VOLUME("'azureDisk':{'diskName':'d','diskURI':'/subscriptions/x','kind':'Managed','cachingMode':'None'}",
           "");
    VOLUME("'azureDisk':{'diskName':'d','diskURI':'https://x','kind':'Shared'}", "");
    VOLUME("'azureDisk':{'diskName':'','diskURI':'','kind':'x','cachingMode':'y'}",
           V ".azureDisk.diskName: Required value\n" V ".azureDisk.diskURI: Required value\n" V
             ".azureDisk.cachingMode: Unsupported value: \"y\": supported values: \"None\", \"ReadOnly\", "
             "\"ReadWrite\"\n" V ".azureDisk.kind: Unsupported value: \"x\": supported values: "
             "\"Dedicated\", \"Managed\", \"Shared\"");
    VOLUME("'azureDisk':{'diskName':'d','diskURI':'https://x','kind':'Managed'}",
           V ".azureDisk.diskURI: Unsupported value: *");
    VOLUME("'azureDisk':{'diskName':'d','diskURI':'/subscriptions/x','kind':'Shared'}",
           V ".azureDisk.diskURI: Unsupported value: *");
}

TEST(test_volumes__network_filesystems_are_complete) {
    VOLUME("'glusterfs':{'endpoints':'','path':''}",
           V ".glusterfs.endpoints: Required value\n" V ".glusterfs.path: Required value");
    VOLUME("'rbd':{'monitors':[],'image':''}",
           V ".rbd.monitors: Required value\n" V ".rbd.image: Required value");
    VOLUME("'cephfs':{'monitors':[]}", V ".cephfs.monitors: Required value");
    VOLUME("'scaleIO':{'gateway':'','system':'','volumeName':''}",
           V ".scaleIO.gateway: Required value\n" V ".scaleIO.system: Required value\n" V
             ".scaleIO.volumeName: Required value");
    VOLUME("'storageos':{'volumeName':'','volumeNamespace':'A','secretRef':{'name':''}}",
           V ".storageos.volumeName: Required value\n" V
             ".storageos.volumeNamespace: Invalid value: \"A\": *\n" V
             ".storageos.secretRef.name: Required value");
    VOLUME("'gitRepo':{'repository':'','directory':'../x'}",
           V ".gitRepo.repository: Required value\n" V ".gitRepo.directory: Invalid value: \"../x\": *");
}

TEST(test_volumes__flocker_is_by_name_or_id) {
    VOLUME("'flocker':{'datasetName':'d'}", "");
    VOLUME("'flocker':{}", V ".flocker: Required value: *");
    VOLUME("'flocker':{'datasetName':'d','datasetUUID':'u'}", V ".flocker: Invalid value: \"resource\": *");
    VOLUME("'flocker':{'datasetName':'a/b'}", V ".flocker.datasetName: Invalid value: \"a/b\": *");
}

TEST(test_volumes__quobyte_registries_are_addresses) {
    VOLUME("'quobyte':{'registry':'h:1,[::1]:2','volume':'v','tenant':'t'}", "");
    VOLUME("'quobyte':{'registry':'','volume':''}",
           V ".quobyte.registry: Required value: *\n" V ".quobyte.volume: Required value");
    VOLUME("'quobyte':{'registry':'h','volume':'v'}", V ".quobyte.registry: Invalid value: \"h\": *");
    VOLUME("'quobyte':{'registry':'::1:2','volume':'v'}", V ".quobyte.registry: Invalid value: \"::1:2\": *");
    VOLUME("'quobyte':{'registry':'h:1','volume':'v','tenant':'"
           "01234567890123456789012345678901234567890123456789012345678901234'}",
           V ".quobyte.tenant: Required value: *");
}

TEST(test_volumes__flex_options_keep_off_reserved_domains) {
    VOLUME("'flexVolume':{'driver':'d','options':{'a.b/c':'x','k':'y'}}", "");
    VOLUME("'flexVolume':{'driver':''}", V ".flexVolume.driver: Required value");
    VOLUME("'flexVolume':{'driver':'d','options':{'kubernetes.io/x':'','a.k8s.io/y':''}}",
           V ".flexVolume.options[a.k8s.io/y]: Invalid value: \"a.k8s.io/y\": *\n" V
             ".flexVolume.options[kubernetes.io/x]: Invalid value: \"kubernetes.io/x\": *");
}
