import { creditAt, followBalance, followTransactions, ledgerAt } from '../../../docs/examples/watch.ts';
import { untilSo } from '../until.ts';

/** Those who watch meanwhile, as callers of the service do by its own example: they come back whenever a stream ends. */
export type Followers = {
  /** Waits until all is told, then hangs up: what the feed told, and where a watch went back in time. */
  finish(
    transactions: number,
    versions: ReadonlyMap<string, bigint>,
  ): Promise<{ readonly told: readonly string[]; readonly wentBack: number }>;
};

export function startFollowers(feedUrl: string, watchUrl: string, watched: readonly string[]): Followers {
  const over = new AbortController();
  const told: string[] = [];
  const known = new Set<string>();
  const shown = new Map<string, bigint>();
  let wentBack = 0;
  const feed = followTransactions(
    ledgerAt(feedUrl),
    'default',
    '',
    async ({ id }) => {
      told.push(id);
      known.add(id);
    },
    over.signal,
  );
  const credit = creditAt(watchUrl);
  const watches = watched.map((customerId) => {
    const show = ({ version }: { readonly version: bigint }) => {
      if (version < (shown.get(customerId) ?? 0n)) wentBack += 1;
      shown.set(customerId, version);
    };
    return followBalance(credit, customerId, show, over.signal);
  });
  return {
    async finish(transactions, versions) {
      await untilSo('the feed has told all', () => known.size >= transactions);
      await untilSo('each watch shows the last version', () =>
        watched.every((customerId) => shown.get(customerId) === (versions.get(customerId) ?? 0n)),
      );
      over.abort();
      await Promise.all([feed, ...watches]);
      return { told, wentBack };
    },
  };
}
