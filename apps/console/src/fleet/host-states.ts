import type { Host } from './rows';

const standbyWords = {
  none: null,
  entering: 'entering standby',
  'switching-off': 'switching off',
  in: 'in standby',
  leaving: 'switching on',
} as const satisfies Record<Host['standby'], string | null>;

/** Of a host in standby, or on its way: what is so on purpose is no failure, whatever its state is called. */
export const standbyOf = ({ standby }: Pick<Host, 'standby'>): string | null => standbyWords[standby];

/** What a host is in one word, to whoever looks at many: its maintenance, its standby, or its state. */
export function hostState(host: Pick<Host, 'state' | 'maintenance' | 'standby'>): string {
  return host.maintenance === 'none' ? (standbyOf(host) ?? host.state) : host.maintenance;
}
