import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** A scenario of scenarios.yaml; docs of the format stand in README.md beside it. */
export type Scenario = {
  readonly id: string;
  readonly title: string;
  readonly topic: string;
  readonly blackbox: boolean;
  readonly steps: readonly Step[];
  readonly checks: readonly Step[];
};

export type Step = {
  readonly rpc?: string;
  readonly figure?: 'accounts';
  readonly request: Readonly<Record<string, unknown>>;
  readonly as?: string;
  readonly expect?: unknown;
  readonly error?: { readonly code?: string | string[]; readonly reason?: string | string[] };
  readonly may_fail?: boolean;
  readonly parallel?: number;
  readonly at?: string;
  readonly chain?: boolean;
};

export const scenarios: readonly Scenario[] = (
  parse(readFileSync(new URL('./scenarios.yaml', import.meta.url), 'utf8')) as { scenarios: Scenario[] }
).scenarios;

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const INSTANT = /^T0((?:[+-](?:\d+(?:d|h|ms|m|s))+)*)$/;

/** `T0` with offsets as milliseconds; undefined for any other text. */
export function instantOf(text: string, t0: number): number | undefined {
  const match = INSTANT.exec(text);
  if (match === null) return undefined;
  let instant = t0;
  for (const [, sign, amounts = ''] of (match[1] ?? '').matchAll(/([+-])((?:\d+(?:d|h|ms|m|s))+)/g)) {
    for (const [, count, unit] of amounts.matchAll(/(\d+)(d|h|ms|m|s)/g)) {
      instant += (sign === '-' ? -1 : 1) * Number(count) * UNITS[unit as keyof typeof UNITS];
    }
  }
  return instant;
}
