import { ALWAYS, formatInstant, later, type Instant } from '../instant.ts';
import { about, named } from './check-transaction.ts';
import type { JournalFinding } from './journal-finding.ts';
import type { Written } from './written.ts';

/** The writes of a book up to some version. */
export type Writes = {
  /** The last version that has a write. */
  last: number;
  /** The last one that has transactions or entries, but no write. */
  unwritten: number;
  recordedAt: Instant;
  feedPosition: number;
  /** From this version on nothing was written in the first format. */
  hashedSince: number;
};

export const noWrites = (): Writes => ({
  last: 0,
  unwritten: 0,
  recordedAt: ALWAYS,
  feedPosition: 0,
  hashedSince: 1,
});

/** Versions have no gap and are recorded in order, each at one instant. */
export function checkWrite(writes: Writes, { version, write, transactions }: Written): JournalFinding[] {
  if (write === null) {
    writes.unwritten = version;
    return [];
  }
  const { recordedAt } = write;
  const findings = version === writes.last + 1 ? [] : [gap(writes.last, version)];
  writes.last = version;
  writes.feedPosition = write.feedPosition;
  if (write.format === 1) writes.hashedSince = version + 1;
  const other = transactions.find((transaction) => transaction.recordedAt !== recordedAt);
  if (other !== undefined) {
    const [expected, actual] = [formatInstant(recordedAt), formatInstant(other.recordedAt)];
    const message = `${named(other)} says it was recorded at ${actual}, its write at ${expected}`;
    findings.push({ ...about('RECORDED_AT', other), expected, actual, message });
  } else if (recordedAt < writes.recordedAt) {
    const [before, actual] = [formatInstant(writes.recordedAt), formatInstant(recordedAt)];
    const message = `version ${version} was recorded at ${actual}, a version preceding it at ${before}`;
    findings.push({ kind: 'RECORDED_AT', version, expected: `at least ${before}`, actual, message });
  }
  writes.recordedAt = later(writes.recordedAt, other?.recordedAt ?? recordedAt);
  return findings;
}

/** `next`: the version found after `last`, or that would come after all there should be. */
function gap(last: number, next: number): JournalFinding {
  const missing = next - last === 2 ? `version ${last + 1}` : `versions ${last + 1} to ${next - 1}`;
  const message = `the book has no write of ${missing}`;
  return { kind: 'VERSION_GAP', version: last + 1, expected: missing, actual: 'none', message };
}

/** What the book knows, and no write tells; and the reverse. */
export function checkLast({ last, unwritten }: Writes, version: number): JournalFinding[] {
  const findings = last < version ? [gap(last, version + 1)] : [];
  if (unwritten > Math.max(last, version)) {
    const message = `there are transactions or entries of version ${unwritten}, which nobody wrote`;
    const at = { version: unwritten, expected: `write ${unwritten}`, actual: 'none' };
    findings.push({ kind: 'DANGLING_ROW', ...at, message });
  }
  return findings;
}
