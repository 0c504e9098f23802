import { refused } from '@argosy/domain/refusal';
import type { Refusal, RefusalCode } from '@argosy/domain/refusal';
import { Refused } from '../refused';
import { QmpClosed, QmpTimeout } from './qmp';

/** QEMU's errors are English sentences with no codes; the first pattern that fits gives ours. */
const patterns: readonly { readonly pattern: RegExp; readonly code: RefusalCode; readonly meaning: string }[] = [
  {
    pattern: /Failed to get "[\w ]+" lock|Failed to lock byte|Is another process using the image/,
    code: 'image-locked',
    meaning: 'another VMM holds the disk: the guest runs somewhere else',
  },
  {
    pattern: /No space left on device|enospc/i,
    code: 'disk-full',
    meaning: 'the datastore is full; free some room on it',
  },
  {
    pattern:
      /not in qcow2 format|Image is corrupt|Unsupported qcow2 version|has invalid|L1 size too|Invalid ELF|[Ee]rror loading .*kernel|invalid kernel header|linux kernel too old|overlap/,
    code: 'image-corrupt',
    meaning: 'the image cannot be read; import it again',
  },
  {
    pattern:
      /No such file or directory|could not open kernel|could not load .*initrd|Is a directory|could not read file/i,
    code: 'image-missing',
    meaning: 'a file that the guest needs is not on this host; is the datastore mounted here?',
  },
  {
    pattern: /[Cc]annot (allocate|set up guest) memory/,
    code: 'not-enough-memory',
    meaning: 'the host has no memory left',
  },
  {
    pattern:
      /unsupported machine type|unable to find CPU model|Could not access KVM|failed to initialize kvm|invalid accelerator|is not a valid device model|Invalid SMP CPUs|Max CPUs/i,
    code: 'vmm-unsupported',
    meaning: 'this QEMU cannot make that machine',
  },
];

const migrationPatterns: readonly { readonly pattern: RegExp; readonly code: RefusalCode }[] = [
  {
    pattern:
      /Connection refused|Connection reset|TLS connection was non-properly terminated|Error in the (push|pull) function|Broken pipe|Unable to (write|read)|Input\/output error|Unexpected end|shutdown|closed/i,
    code: 'target-lost',
  },
];

function refusalOfText(text: string, subject: string): Refusal {
  const said = text.trim().split('\n').slice(-3).join(' ');
  const match = patterns.find(({ pattern }) => pattern.test(text));
  if (match) return refused(match.code, `${subject}: ${match.meaning}. QEMU says: ${said}`).refusal;
  return refused('vmm-failed', `${subject}: QEMU failed${said ? `: ${said}` : ' and said nothing'}`).refusal;
}

/** The refusal for an error of a call on that guest; `log` is what QEMU wrote before it ended, if it did. */
export function refusalOf(error: unknown, subject: string, log = ''): Refusal {
  if (error instanceof Refused) return error.refusal;
  if (error instanceof QmpTimeout) return refused('vmm-timeout', `${subject}: ${error.message}`).refusal;
  if (error instanceof QmpClosed) return refusalOfText(log, subject);
  return refusalOfText(error instanceof Error ? error.message : String(error), subject);
}

/** Why a copy ended before all was sent; the guest runs on at the source. */
export function migrationRefusal(text: string, guestName: string): Refusal {
  const code = migrationPatterns.find(({ pattern }) => pattern.test(text))?.code ?? 'migration-failed';
  const what = code === 'target-lost' ? 'the target could not be reached any more' : 'the copy failed';
  return refused(code, `${guestName} runs on at the source: ${what}. QEMU says: ${text || 'nothing'}`).refusal;
}
