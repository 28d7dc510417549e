import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { makeSecret } from '../../src/credentials/secret.ts';
import { aCredential, setOf } from '../support/credentials.ts';

/** What a secret is, and by what a caller is known that shows one. */

test('npm run secret makes one with its hash, which is what sha256sum makes of it', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const printed = execFileSync('bash', ['-c', scripts['secret']!], { encoding: 'utf8' });
  const { secret, hash } = JSON.parse(printed) as ReturnType<typeof makeSecret>;
  const summed = execFileSync('bash', ['-c', 'printf %s "$1" | sha256sum', 'sh', secret], {
    encoding: 'utf8',
  });

  expect(hash).toBe(`sha256:${secret.split('_')[1]}:${summed.slice(0, 64)}`);
  expect(secret).toMatch(/^cl_[0-9a-f]{16}_[\w-]{43}$/);
  expect(
    setOf({ entry: { ...aCredential('a', ['READ']).entry, secrets: [hash] } }).bySecret(secret),
  ).toMatchObject({ name: 'a' });
});

test('each secret is of its credential, and both of one are', () => {
  const [billing, web] = [aCredential('billing', ['SPEND']), aCredential('web', ['READ'])];
  const { secret, hash } = makeSecret();
  const rotated = { entry: { ...billing.entry, secrets: [...billing.entry.secrets, hash] } };
  const credentials = setOf(rotated, web);

  const names = () => [billing.secret, secret, web.secret].map((one) => credentials.bySecret(one)?.name);
  expect(names()).toEqual(['billing', 'billing', 'web']);
  // Now each was shown before.
  expect(names()).toEqual(['billing', 'billing', 'web']);
});

test('what is not to the last character a secret is nobody’s', () => {
  const { secret, entry } = aCredential('billing', ['SPEND']);
  const credentials = setOf({ entry });
  const [, salt = '', random = ''] = secret.split('_');
  const others = [
    '',
    entry.secrets[0]!,
    secret.slice(0, -1),
    `${secret}x`,
    secret.toUpperCase(),
    `cl_${salt}_${random.slice(1)}${random[0]}`,
    makeSecret().secret,
    'cl_0000000000000000_',
  ];

  expect(others.map((other) => credentials.bySecret(other))).toEqual(others.map(() => undefined));
});

test('a random part of less than 128 bits is none, whatever its hash', () => {
  const salt = '0123456789abcdef';
  const hashOf = (secret: string) =>
    execFileSync('bash', ['-c', 'printf %s "$1" | sha256sum', 'sh', secret], { encoding: 'utf8' }).slice(
      0,
      64,
    );
  const known = (random: string) => {
    const secret = `cl_${salt}_${random}`;
    const entry = { ...aCredential('a', ['READ']).entry, secrets: [`sha256:${salt}:${hashOf(secret)}`] };
    return setOf({ entry }).bySecret(secret) !== undefined;
  };

  expect(['A'.repeat(21), 'A'.repeat(22)].map(known)).toEqual([false, true]);
});
