import { describe, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import type { Environment } from '../src/environment.ts';
import { problemsOf } from './support/config-problems.ts';

/** How far a configuration opens the service: who can reach it, what they have to show, and what is encrypted. */

describe('an address that other machines reach', () => {
  test.each(['0.0.0.0', '::', '10.0.0.7', 'ledger.internal', '127.0.0.1.example.org'])(
    '%s asks for tokens and for TLS',
    (host) => {
      expect(problemsOf({ CREDIT_LEDGER_HOST: host })).toEqual([
        expect.stringMatching(
          /other machines can reach.*CREDIT_LEDGER_TOKENS.*CREDIT_LEDGER_ALLOW_ANONYMOUS=true/,
        ),
        expect.stringMatching(
          /other machines can reach.*not encrypted.*CREDIT_LEDGER_TLS_CERT.*CREDIT_LEDGER_PLAINTEXT=true/,
        ),
      ]);
    },
  );

  test('is served in plain text when that is asked for', () => {
    const asked = { CREDIT_LEDGER_HOST: '0.0.0.0', CREDIT_LEDGER_TOKENS: 'a:read:b' };

    expect(readConfig({ ...asked, CREDIT_LEDGER_PLAINTEXT: 'true' }).plaintext).toBe(true);
  });

  test.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('is not %s', (host) => {
    expect(problemsOf({ CREDIT_LEDGER_HOST: host })).toEqual([]);
  });

  test('is served without tokens when that is asked for', () => {
    const config = readConfig({
      CREDIT_LEDGER_HOST: '0.0.0.0',
      CREDIT_LEDGER_PLAINTEXT: 'true',
      CREDIT_LEDGER_ALLOW_ANONYMOUS: 'true',
    });

    expect(config.tokens).toEqual([]);
  });

  test.each([',', ' ', 'a:read:'])('is not guarded by tokens that say "%s"', (tokens) => {
    const reached = { CREDIT_LEDGER_HOST: '0.0.0.0', CREDIT_LEDGER_PLAINTEXT: 'true' };

    expect(problemsOf({ ...reached, CREDIT_LEDGER_TOKENS: tokens })).not.toEqual([]);
  });

  test('cannot be both open to anyone and guarded by tokens', () => {
    expect(problemsOf({ CREDIT_LEDGER_ALLOW_ANONYMOUS: 'true', CREDIT_LEDGER_TOKENS: 'a:read:b' })).toEqual([
      'CREDIT_LEDGER_ALLOW_ANONYMOUS=true contradicts CREDIT_LEDGER_TOKENS: remove one of them',
    ]);
  });

  test('is guarded by a file of credentials', () => {
    const config = readConfig({
      CREDIT_LEDGER_HOST: '0.0.0.0',
      CREDIT_LEDGER_PLAINTEXT: 'true',
      CREDIT_LEDGER_CREDENTIALS: '/etc/credit-ledger/credentials.json',
    });

    expect(config).toMatchObject({ credentialsFile: '/etc/credit-ledger/credentials.json', tokens: [] });
  });

  test('has its credentials from one place', () => {
    const both = { CREDIT_LEDGER_CREDENTIALS: 'a.json', CREDIT_LEDGER_TOKENS: 'a:read:b' };

    expect(problemsOf(both)).toEqual([
      'CREDIT_LEDGER_CREDENTIALS contradicts CREDIT_LEDGER_TOKENS: remove one of them',
    ]);
    expect(problemsOf({ ...both, CREDIT_LEDGER_ALLOW_ANONYMOUS: 'true' })).toHaveLength(2);
  });
});

describe('TLS', () => {
  const cert = { CREDIT_LEDGER_TLS_CERT: 'tls.crt' };
  const key = { CREDIT_LEDGER_TLS_KEY: 'tls.key' };
  const together = 'CREDIT_LEDGER_TLS_CERT and CREDIT_LEDGER_TLS_KEY go together: set both, or neither';

  test('with an authority asks for certificates of clients', () => {
    expect(readConfig({ ...cert, ...key, CREDIT_LEDGER_TLS_CLIENT_CA: 'ca.crt' }).tlsFiles).toEqual({
      cert: 'tls.crt',
      key: 'tls.key',
      clientCa: 'ca.crt',
      clientCertificates: 'required',
    });
  });

  test.each<[Environment, string]>([
    [cert, together],
    [key, together],
    [
      { CREDIT_LEDGER_TLS_CLIENT_CA: 'ca.crt' },
      'CREDIT_LEDGER_TLS_CLIENT_CA is of no effect without CREDIT_LEDGER_TLS_CERT: set that, too',
    ],
    [
      { ...cert, ...key, CREDIT_LEDGER_TLS_CLIENT_CERTIFICATES: 'optional' },
      'CREDIT_LEDGER_TLS_CLIENT_CERTIFICATES is of no effect without CREDIT_LEDGER_TLS_CLIENT_CA: set that, too',
    ],
    [
      { ...cert, ...key, CREDIT_LEDGER_PLAINTEXT: 'true' },
      'CREDIT_LEDGER_PLAINTEXT=true contradicts CREDIT_LEDGER_TLS_CERT: remove one of them',
    ],
  ])('that is half set is refused: %o', (env, problem) => {
    expect(problemsOf(env)).toEqual([problem]);
  });
});

test.each([
  '*',
  'app.example.com',
  'https://app.example.com/',
  'https://app.example.com/page',
  'null',
  'file:///a',
])('pages of "%s" are those of no origin', (origin) => {
  expect(problemsOf({ CREDIT_LEDGER_CORS_ORIGINS: `https://a.example,${origin}` })).toEqual([
    `CREDIT_LEDGER_CORS_ORIGINS has "${origin}": an origin is such as https://app.example.com, without a path`,
  ]);
});
