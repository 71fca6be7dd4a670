#!/usr/bin/env python3
"""Makes container images from Debian's busybox-static, without a registry or a network.

    images.py OUT.tar [--name NAME] [--busybox FILE] [--user UID[:GID]] [--env K=V] [--entrypoint WORD]… [--cmd WORD]…
              [--file PATH=TEXT]… [--label K=V]… [--volume PATH]…

OUT.tar is an OCI layout in a tar archive: `ctr images import`, docker and skopeo read it, and so does the images
folder of the node. The image holds every applet of busybox (sh, httpd, wget, nc, sleep, …), /etc/passwd with root and
nobody, /tmp and a home. The same arguments give the same bytes.
"""
import argparse
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile

NAME = 'coxswain.local/busybox:1'
ARCHITECTURES = {'x86_64': 'amd64', 'aarch64': 'arm64'}


class Tar:
    """A tar archive in memory with fixed times and owners."""

    def __init__(self):
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode='w', format=tarfile.USTAR_FORMAT)

    def add(self, name, content=None, mode=0o644, link=None, uid=0):
        info = tarfile.TarInfo(name)
        info.mode, info.uid, info.gid = mode, uid, uid
        if link is not None:
            info.type, info.linkname = tarfile.SYMTYPE, link
        elif content is None:
            info.type = tarfile.DIRTYPE
        else:
            info.size = len(content)
        self.tar.addfile(info, io.BytesIO(content or b''))

    def finish(self):
        self.tar.close()
        return self.bytes.getvalue()


def layer(busybox, files):
    """The file system: busybox, its applets as links, and what a small system has."""
    with open(busybox, 'rb') as f:
        program = f.read()
    applets = subprocess.run([busybox, '--list'], check=True, capture_output=True, text=True).stdout.split()
    tar = Tar()
    for name in ('bin', 'etc', 'home', 'proc', 'sys', 'dev', 'usr', 'usr/bin', 'var', 'www'):
        tar.add(name, mode=0o755)
    tar.add('root', mode=0o700)
    tar.add('tmp', mode=0o1777)
    tar.add('home/user', mode=0o755, uid=1000)
    tar.add('bin/busybox', program, 0o755)
    for name in sorted(applets):
        if name != 'busybox':
            tar.add(f'bin/{name}', link='/bin/busybox')
    tar.add('usr/bin/env', link='/bin/busybox')
    tar.add('etc/passwd', b'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n'
                          b'nobody:x:65534:65534:nobody:/:/bin/false\n')
    tar.add('etc/group', b'root:x:0:\nuser:x:1000:\nextra:x:2000:user\nnobody:x:65534:\n')
    for path, text in sorted(files.items()):
        tar.add(path.lstrip('/'), text.encode())
    return tar.finish()


def sha256(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def descriptor(kind, data, **more):
    return {'mediaType': f'application/vnd.oci.image.{kind}', 'digest': sha256(data), 'size': len(data), **more}


def image(options):
    """The archive's bytes."""
    architecture = ARCHITECTURES.get(platform.machine(), platform.machine())
    rootfs = layer(options.busybox, dict(f.split('=', 1) for f in options.file))
    config = json.dumps({
        'architecture': architecture, 'os': 'linux',
        'config': {'Env': ['PATH=/bin:/usr/bin', *options.env], 'Entrypoint': options.entrypoint or None,
                   'Cmd': options.cmd or ['sh'], 'User': options.user, 'WorkingDir': '/',
                   'Labels': dict(x.split('=', 1) for x in options.label) or None,
                   'Volumes': {v: {} for v in options.volume} or None},
        'rootfs': {'type': 'layers', 'diff_ids': [sha256(rootfs)]}}).encode()
    manifest = json.dumps({
        'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json',
        'config': descriptor('config.v1+json', config),
        'layers': [descriptor('layer.v1.tar', rootfs)]}).encode()
    index = json.dumps({
        'schemaVersion': 2,
        'manifests': [descriptor('manifest.v1+json', manifest,
                                 annotations={'io.containerd.image.name': options.name,
                                              'org.opencontainers.image.ref.name': options.name.rsplit(':', 1)[1]},
                                 platform={'architecture': architecture, 'os': 'linux'})]}).encode()
    tar = Tar()
    tar.add('oci-layout', b'{"imageLayoutVersion":"1.0.0"}')
    tar.add('index.json', index)
    for blob in (manifest, config, rootfs):
        tar.add('blobs/sha256/' + sha256(blob).split(':')[1], blob)
    return tar.finish()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('out')
    p.add_argument('--name', default=NAME)
    p.add_argument('--busybox', default=shutil.which('busybox'))
    p.add_argument('--user', default='')
    for flag in ('env', 'entrypoint', 'cmd', 'file', 'label', 'volume'):
        p.add_argument(f'--{flag}', action='append', default=[])
    options = p.parse_args()
    if not options.busybox:
        sys.exit('images.py: there is no busybox; install the package busybox-static')
    data = image(options)
    with open(options.out + '.part', 'wb') as f:
        f.write(data)
    os.rename(options.out + '.part', options.out)


if __name__ == '__main__':
    main()
