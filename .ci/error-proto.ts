// Writes the last line of each comment in proto/credit/v1/error.proto, code and metadata, from src/reasons.ts. Fails
// where one of the two has a reason that the other has not.
import { readFileSync, writeFileSync } from 'node:fs';
import { REASONS, type Reason } from '../src/reasons.ts';

const PROTO = new URL('../proto/credit/v1/error.proto', import.meta.url);
const LINE = /^ {2}\/\/ Code: /;
const VALUE = /^ {2}ERROR_REASON_(?<name>\w+) = [1-9]/;

const missing = new Set<string>(Object.keys(REASONS));
const lineOf = (name: string): string => {
  const reason: Reason | undefined = (REASONS as Readonly<Record<string, Reason>>)[name];
  if (reason === undefined) throw new Error(`ERROR_REASON_${name}: no row in src/reasons.ts`);
  missing.delete(name);
  const { code, metadata, retryAfterMs } = reason;
  const retry = retryAfterMs === undefined ? '' : ` with RetryInfo (${retryAfterMs} ms)`;
  return `  // Code: ${code}${retry}. Metadata: ${metadata.join(', ') || 'none'}.`;
};

const written = readFileSync(PROTO, 'utf8')
  .split('\n')
  .filter((line) => !LINE.test(line))
  .flatMap((line) => {
    const name = VALUE.exec(line)?.groups?.['name'];
    return name === undefined ? [line] : [lineOf(name), line];
  });
if (missing.size > 0)
  throw new Error(`in src/reasons.ts, but not in error.proto: ${[...missing].join(', ')}`);
writeFileSync(PROTO, written.join('\n'));
