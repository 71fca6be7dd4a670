"""backup and restore: a control plane comes back as it was; a file that is no good changes nothing."""
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import unittest

import harness


def coxswain(*args):
    p = subprocess.run([harness.COXSWAIN, *args], capture_output=True, text=True, timeout=60)
    return p.returncode, p.stdout + p.stderr


class Backup(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='coxswain-backup-')
        self.file = os.path.join(self.dir, 'backup.tar.gz')
        self.server = None

    def tearDown(self):
        if self.server:
            self.server.stop(check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self):
        folder = os.path.join(self.dir, 'server')
        os.makedirs(folder, exist_ok=True)
        self.server = harness.Server(data_dir=folder)

    def stop(self):
        self.server.stop()
        self.server = None

    def config_map(self, name, value):
        body = {'metadata': {'name': name}, 'data': {'a': value}}
        return self.server.json('POST', '/api/v1/namespaces/default/configmaps', body)[1]

    def names(self):
        items = self.server.json('GET', '/api/v1/namespaces/default/configmaps')[1]['items']
        return [o['metadata']['name'] for o in items]

    def back_up(self):
        code, out = coxswain('backup', f'--data-dir={self.dir}', self.file)
        self.assertEqual(code, 0, out)
        self.assertIn('Keep it secret', out)

    def restore(self, file=None):
        return coxswain('restore', f'--data-dir={self.dir}', file or self.file)

    def test_what_was_backed_up_while_it_ran_comes_back(self):
        self.start()
        self.config_map('before', 'x')
        self.back_up()
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)
        after = self.config_map('after', 'y')
        ca = self.server.ca if hasattr(self.server, 'ca') else None
        self.stop()
        code, out = self.restore()
        self.assertEqual(code, 0, out)
        aside = [n for n in os.listdir(self.dir) if n.startswith('server-before-')]
        self.assertEqual(len(aside), 1, os.listdir(self.dir))
        self.assertIn(aside[0], out)
        self.start()
        self.assertIn('before', self.names())
        self.assertNotIn('after', self.names())
        newer = int(self.config_map('newer', 'z')['metadata']['resourceVersion'])
        self.assertGreater(newer, int(after['metadata']['resourceVersion']) + 900000)
        if ca:
            self.assertEqual(ca, self.server.ca)

    def test_it_works_while_nothing_runs_and_without_anything_there(self):
        self.start()
        self.config_map('kept', 'x')
        self.stop()
        self.back_up()
        shutil.rmtree(os.path.join(self.dir, 'server'))
        code, out = self.restore()
        self.assertEqual(code, 0, out)
        self.start()
        self.assertIn('kept', self.names())

    def refuse(self, file, why):
        """Nothing changes, and the reason is said."""
        before = sorted(os.listdir(self.dir))
        code, out = self.restore(file)
        self.assertEqual(code, 1, out)
        self.assertIn(why, out)
        self.assertEqual(sorted(os.listdir(self.dir)), before)

    def rewrite(self, name, change):
        """A copy of the backup with other members."""
        path = os.path.join(self.dir, name)
        with tarfile.open(self.file) as old, tarfile.open(path, 'w:gz') as new:
            for m in old.getmembers():
                data = old.extractfile(m).read()
                for member, text in change(m, data):
                    member.size = len(text)
                    new.addfile(member, io.BytesIO(text))
        return path

    def test_files_that_are_no_good_change_nothing(self):
        self.start()
        self.config_map('kept', 'x')
        self.back_up()
        self.stop()
        with open(self.file, 'rb') as f:
            whole = f.read()
        bad = os.path.join(self.dir, 'bad')
        open(bad, 'w').close()
        for text, why in ((whole[:len(whole) // 2], ''), (b'hello', ''), (b'', '')):
            with open(bad, 'wb') as f:
                f.write(text)
            self.refuse(bad, why)
        self.refuse(os.path.join(self.dir, 'nosuch'), 'nosuch')

        def missing(m, data):
            return [] if m.name.endswith('ca.key') else [(m, data)]

        def changed(m, data):
            return [(m, data[:-1] + b'!' if m.name.endswith('ca.crt') else data)]

        def escaping(m, data):
            evil = tarfile.TarInfo('server/../../evil')
            return [(m, data)] + ([(evil, b'x')] if m.name.endswith('ca.key') else [])

        def linked(m, data):
            link = tarfile.TarInfo('server/link')
            link.type, link.linkname = tarfile.SYMTYPE, '/etc/passwd'
            return [(m, data)] + ([(link, b'')] if m.name.endswith('ca.key') else [])
        for change, why in ((missing, 'files are missing'), (changed, 'is not what was backed up'),
                            (escaping, 'has no business there'), (linked, 'has no business there')):
            with self.subTest(change=change.__name__):
                open(os.path.join(self.dir, change.__name__), 'w').close()
                self.refuse(self.rewrite(change.__name__, change), why)
        self.start()
        self.assertIn('kept', self.names())

    def test_there_is_nothing_to_back_up(self):
        code, out = coxswain('backup', f'--data-dir={self.dir}', self.file)
        self.assertEqual(code, 1)
        self.assertIn('has no control plane', out)
        self.assertEqual(os.listdir(self.dir), [])


if __name__ == '__main__':
    harness.main()
