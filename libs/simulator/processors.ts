/** One guest's claim to a host's processors, in millicores. */
export interface ProcessorClaim {
  readonly demand: number;
  readonly limit: number | null;
  readonly shares: number;
}

/**
 * Weighted max-min sharing, as a proportional-share scheduler does over time: nobody gets more than it wants, and what
 * one leaves is divided among the others by their shares.
 */
export function shareProcessors(capacity: number, claims: readonly ProcessorClaim[]): number[] {
  const wanted = claims.map((claim) => Math.min(claim.demand, claim.limit ?? Infinity));
  const given = claims.map(() => 0);
  let left = capacity;
  let hungry = claims.map((_, index) => index).filter((index) => wanted[index]! > 0);
  while (hungry.length > 0 && left > 1e-9) {
    const shares = hungry.reduce((sum, index) => sum + claims[index]!.shares, 0);
    const fairShare = (index: number): number => (left * claims[index]!.shares) / shares;
    const content = hungry.filter((index) => wanted[index]! <= fairShare(index));
    if (content.length === 0) {
      for (const index of hungry) given[index] = fairShare(index);
      return given;
    }
    for (const index of content) given[index] = wanted[index]!;
    left -= content.reduce((sum, index) => sum + wanted[index]!, 0);
    hungry = hungry.filter((index) => !content.includes(index));
  }
  return given;
}
