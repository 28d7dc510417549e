import { readFileSync } from 'node:fs';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';

/** A question, and what the release before answered. */
export type Read = {
  readonly method: string;
  readonly request: object;
  readonly answer: unknown;
};

/** A stream of a namespace: its transactions in order, some with the cursor behind them. */
export type Feed = {
  readonly namespace: string;
  readonly told: readonly { readonly transaction: unknown; readonly cursor?: string }[];
};

/** What a verification counts. */
export type Summary = Readonly<Record<'books' | 'transactions' | 'entries', string>>;

/** A database that the release before filled, and what it said of it. */
export type Filled = {
  /** The migrations that release had. */
  readonly migrations: readonly string[];
  /** The instant at which it was asked. */
  readonly now: number;
  readonly rows: Readonly<Record<string, string>>;
  readonly reads: readonly Read[];
  readonly feeds: readonly Feed[];
  /** What a verification of each namespace counted. */
  readonly verified: Readonly<Record<string, Summary>>;
};

export const FILLED = new URL('filled.json.br', import.meta.url);

export const pack = (filled: Filled): Buffer =>
  brotliCompressSync(JSON.stringify(filled), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 },
  });

export const readFilled = (): Filled =>
  JSON.parse(brotliDecompressSync(readFileSync(FILLED)).toString()) as Filled;
