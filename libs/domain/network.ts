/** The network of a pool's guests. Each guest has an address of it for life, and the subnets of two pools do not overlap. */
export interface PoolNetwork {
  /** IPv4 with its prefix, like 10.128.0.0/16. */
  readonly subnet: string;
  /** The router that guests are told of, or null: they reach their own subnet only. */
  readonly gateway: string | null;
}

/** What a guest's network card is, the same on every host. */
export interface GuestNetwork {
  readonly macAddress: string;
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway: string | null;
}

export interface Subnet {
  /** Addresses as numbers. */
  readonly first: number;
  readonly last: number;
  readonly prefixLength: number;
}

const addressBits = 32;
/** Room for a router and some guests, and no more than a site would give to one network. */
const prefixLengths = { shortest: 8, longest: 29 };
/** Pools that name no subnet get one of these. */
const defaultRange = { first: parseAddress('10.128.0.0')!, last: parseAddress('10.255.255.255')!, prefixLength: 16 };

/** Four numbers of 0 to 255, as a whole number; null where the text is no such address. */
export function parseAddress(text: string): number | null {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) return null;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

export function formatAddress(address: number): string {
  return [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => Math.floor(address / unit) % 256).join('.');
}

/** null where the text is no subnet, or has bits set behind its prefix. */
export function parseSubnet(text: string): Subnet | null {
  const [, addressText = '', prefixText = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  const first = parseAddress(addressText);
  const prefixLength = Number(prefixText);
  if (first === null || prefixLength < prefixLengths.shortest || prefixLength > prefixLengths.longest) return null;
  const size = 2 ** (addressBits - prefixLength);
  return first % size === 0 ? { first, last: first + size - 1, prefixLength } : null;
}

function subnetOf(text: string): Subnet {
  const subnet = parseSubnet(text);
  if (!subnet) throw new Error(`${text} is no subnet.`);
  return subnet;
}

export function overlap(one: string, other: string): boolean {
  const [a, b] = [subnetOf(one), subnetOf(other)];
  return a.first <= b.last && b.first <= a.last;
}

/** For guests and routers: neither the subnet's own name nor its broadcast address. */
export function isHostAddress(subnet: string, address: string): boolean {
  const { first, last } = subnetOf(subnet);
  const value = parseAddress(address);
  return value !== null && value > first && value < last;
}

/** A subnet that overlaps none of those, or null: all of the range is given away. */
export function freeSubnet(taken: readonly string[]): string | null {
  const size = 2 ** (addressBits - defaultRange.prefixLength);
  for (let first = defaultRange.first; first < defaultRange.last; first += size) {
    const subnet = `${formatAddress(first)}/${defaultRange.prefixLength}`;
    if (!taken.some((other) => overlap(subnet, other))) return subnet;
  }
  return null;
}

/**
 * The next free address after the one that was given last, from the start again at the end: an address comes back late, so that
 * neighbours have forgotten whose it was. The subnet's first address is left to a router. null: all are taken.
 */
export function freeAddress(network: PoolNetwork, taken: ReadonlySet<string>, lastGiven: string | null): string | null {
  const { first, last } = subnetOf(network.subnet);
  const lowest = first + 2;
  const count = last - lowest;
  const after = lastGiven === null ? null : parseAddress(lastGiven);
  const start = after !== null && after >= lowest && after < last ? after + 1 - lowest : 0;
  for (let step = 0; step < count; step++) {
    const address = formatAddress(lowest + ((start + step) % count));
    if (address !== network.gateway && !taken.has(address)) return address;
  }
  return null;
}

/** Locally administered, for one station; unique in the fleet because addresses are. */
export function macAddressOf(address: string): string {
  const value = parseAddress(address);
  if (value === null) throw new Error(`${address} is no address.`);
  const hexadecimal = value.toString(16).padStart(8, '0');
  return ['02', '41', ...(hexadecimal.match(/../g) ?? [])].join(':');
}

export function guestNetworkOf(
  guest: { readonly address: string; readonly macAddress: string },
  network: PoolNetwork,
): GuestNetwork {
  const { macAddress, address } = guest;
  return { macAddress, address, prefixLength: subnetOf(network.subnet).prefixLength, gateway: network.gateway };
}
