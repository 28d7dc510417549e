import { NEVER } from '../../src/instant.ts';
import type { BookFacts, Row } from './rebuilt.ts';

/** The head of a book, from its writes, and what its open grants await. */
export function rebuiltBook({ book, writes, grants, charges }: BookFacts): Row {
  const currencies: Record<string, number> = {};
  for (const { currency, version } of [...grants, ...charges] as { currency: string; version: number }[]) {
    currencies[currency] = Math.min(version, currencies[currency] ?? version);
  }
  return {
    id: book['id'],
    version: writes.at(-1)?.version ?? 0,
    clock: writes.at(-1)?.recorded_at ?? -NEVER,
    feed_position: writes.at(-1)?.feed_position ?? 0,
    head_hash: writes.at(-1)?.hash ?? Buffer.alloc(32),
    next_event_at: Math.min(NEVER, ...grants.filter(isOpen).map(nextOfGrant)),
    currencies: book['version'] === 0 ? {} : currencies,
  };
}

const isOpen = (row: Row): boolean => row['closed_version'] === null;

const nextOfGrant = ({ phase, effective_at, funded_at, expires_at }: Row): number =>
  phase === 'SCHEDULED' ? Math.min(Math.max(effective_at, funded_at), expires_at) : expires_at;
