import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { codeName } from '../../src/rpc/access-log.ts';
import { ANSWERS } from '../../src/rpc/errors.ts';

/** What the contract says of each reason: `Code: ABORTED with RetryInfo. Metadata: none.` */
function documented(): Record<string, { code: string; retries: boolean }> {
  const proto = readFileSync(new URL('../../proto/credit/v1/error.proto', import.meta.url), 'utf8');
  const comment = /Code: (\w+)( with RetryInfo)?\.[^;]*?ERROR_REASON_(\w+) = /g;
  const found = [...proto.matchAll(comment)].map(([, code = '', retries, reason = '']) => {
    return [reason, { code, retries: retries !== undefined }] as const;
  });
  // No refusal has this reason: it masks what was not foreseen.
  return Object.fromEntries(found.filter(([reason]) => reason !== 'INTERNAL'));
}

test('every reason is answered with the code and the retry that the contract documents', () => {
  const answers = Object.entries(ANSWERS).map(([reason, { code, retryAfterMs }]) => {
    return [reason, { code: codeName(code), retries: retryAfterMs !== undefined }] as const;
  });

  expect(Object.fromEntries(answers)).toEqual(documented());
});
