import { QmpClosed, QmpError, QmpTimeout } from './qmp';
import { refuse } from '../refused';
import { migrationRefusal, refusalOf } from './qemu-refusal';

// Each as QEMU 7.2 wrote it.
it.each([
  [
    'image-locked',
    'qemu-system-x86_64: -blockdev {}: Failed to get "write" lock\nIs another process using the image [/a]?',
  ],
  ['image-missing', "qemu-system-x86_64: -blockdev {}: Could not open '/a.qcow2': No such file or directory"],
  ['image-missing', "qemu-system-x86_64: could not open kernel file '/a': No such file or directory"],
  ['image-corrupt', 'qemu-system-x86_64: -blockdev {}: Image is not in qcow2 format'],
  ['image-corrupt', 'qemu: invalid kernel header'],
  ['disk-full', 'qemu-img: /a.qcow2: Could not resize file: No space left on device'],
  ['not-enough-memory', "qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory"],
  ['vmm-unsupported', 'qemu-system-x86_64: unsupported machine type\nUse -machine help to list supported machines'],
  ['vmm-failed', 'qemu-system-x86_64: something quite new'],
])('%s: %s', (code, log) => {
  const refusal = refusalOf(new QmpClosed('gone'), 'web', log);
  expect(refusal.code).toBe(code);
  expect(refusal.message).toMatch(/^web: /);
});

it('tells a silence from an error', () => {
  expect(refusalOf(new QmpTimeout('QEMU did not answer cont within 5000 ms'), 'web').code).toBe('vmm-timeout');
  expect(refusalOf(new QmpError('Failed to get "write" lock'), 'web').code).toBe('image-locked');
});

it('passes a refusal of our own on', () => {
  expect(refusalOf(refuse('guest-exists', 'it is here'), 'web')).toEqual({
    code: 'guest-exists',
    message: 'it is here',
  });
});

it('tells a lost target from a failed copy', () => {
  expect(migrationRefusal('Unable to write to socket: Broken pipe', 'web').code).toBe('target-lost');
  expect(migrationRefusal('TLS handshake failed: Error in the pull function.', 'web').code).toBe('target-lost');
  expect(migrationRefusal('State blocked by non-migratable device', 'web').code).toBe('migration-failed');
});
