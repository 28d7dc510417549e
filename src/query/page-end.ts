/** A page, and the id the next one begins with; null where there is nothing more. */
export type CutPage<Found> = { readonly rows: readonly Found[]; readonly next: string | null };

/**
 * Cuts a page from one row more than it shows. Where there are not as many, the walk may have ended before what it walks
 * along did: `behind` tells the first it did not look at.
 */
export async function cutPage<Found>(
  found: readonly Found[],
  limit: number,
  idOf: (one: Found) => string,
  behind: () => Promise<string | null>,
): Promise<CutPage<Found>> {
  const rows = found.slice(0, limit);
  return { rows, next: found.length > limit ? idOf(found[limit]!) : await behind() };
}
