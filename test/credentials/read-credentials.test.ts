import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { credentialSet } from '../../src/credentials/credential-set.ts';
import { readCredentials } from '../../src/credentials/read-credentials.ts';
import { makeSecret } from '../../src/credentials/secret.ts';
import { aCredential, fileOf } from '../support/credentials.ts';
import { blocksOf, sectionOf } from '../support/shown.ts';

/** The file of credentials is read whole, or everything that is wrong with it is told, without a word of what it says. */

const problemsOf = (text: string): readonly string[] => {
  const read = readCredentials(text);
  return 'problems' in read ? read.problems : [];
};
const { entry } = aCredential('billing', ['READ', 'SPEND'], ['acme', 'default']);
const withEntry = (more: object) => JSON.stringify({ credentials: [{ ...entry, ...more }] });

test('a credential says its rights, its namespaces and what is kept of its secrets', () => {
  const [hash] = entry.secrets;
  expect(readCredentials(fileOf({ entry }))).toEqual({
    credentials: [
      {
        name: 'billing',
        rights: new Set(['READ', 'SPEND']),
        namespaces: new Set(['acme', 'default']),
        secrets: [{ salt: hash!.split(':')[1], digest: Buffer.from(hash!.split(':')[2]!, 'hex') }],
      },
    ],
  });
});

test('the file that docs/operating.md shows is one, with the hash of the secret shown', () => {
  const section = sectionOf(readFileSync('docs/operating.md', 'utf8'), '## Credentials');
  const [file, made] = blocksOf(section).map(({ text }) => text);
  const { secret } = JSON.parse(made!) as { secret: string };
  const read = readCredentials(file!);
  if ('problems' in read) throw new Error(read.problems.join());

  expect(credentialSet(read.credentials).bySecret(secret)).toMatchObject({ name: 'billing' });
});

test('one without secrets is for certificates', () => {
  const name = 'spiffe://prod.example/ns/shop/sa/checkout';
  const text = JSON.stringify({ credentials: [{ name, namespaces: '*', rights: ['READ'] }] });

  expect(readCredentials(text)).toMatchObject({ credentials: [{ name, namespaces: '*', secrets: [] }] });
});

test('there may be none: then nobody may call', () => {
  expect(readCredentials('{"credentials": []}')).toEqual({ credentials: [] });
});

describe('what is wrong is told by its place', () => {
  test.each<[string, string, string]>([
    ['no JSON', '{"credentials": [', '$ is not JSON'],
    ['no object', '[]', '$ must be an object with the field credentials'],
    ['no list', '{}', '$.credentials must be a list'],
    ['a list of something else', '{"credentials": [7]}', '$.credentials[0] must be an object'],
    ['another field', '{"credentials": [], "tokens": 1}', '$.tokens is no field there is: credentials'],
    [
      'a misspelt field',
      withEntry({ right: [] }),
      '$.credentials[0].right is no field there is: name, namespaces, rights, secrets',
    ],
    ['no name', withEntry({ name: '' }), '$.credentials[0].name must be 1 to 256 printable ASCII characters'],
    ['a name with blanks', withEntry({ name: 'a b' }), '$.credentials[0].name must be 1 to 256 printable'],
    ['no rights', withEntry({ rights: [] }), '$.credentials[0].rights must be a list of one at least'],
    [
      'an unknown right',
      withEntry({ rights: ['READ', 'WRITE'] }),
      '$.credentials[0].rights[1] must be one of READ, SPEND, GRANT, LEDGER, ADMIN',
    ],
    [
      'no namespaces',
      withEntry({ namespaces: [] }),
      '$.credentials[0].namespaces must be "*" or a list of one at least',
    ],
    ['a star among others', withEntry({ namespaces: ['*'] }), '$.credentials[0].namespaces[0] must be 1 to'],
    ['the empty namespace', withEntry({ namespaces: [''] }), '$.credentials[0].namespaces[0] must be 1 to'],
    [
      'three secrets',
      withEntry({ secrets: [1, 2, 3].map(() => makeSecret().hash) }),
      '$.credentials[0].secrets must be a list of 2 at most',
    ],
    [
      'a name twice',
      JSON.stringify({ credentials: [entry, { ...entry, secrets: [] }] }),
      '$.credentials[1].name is that of $.credentials[0].name, too',
    ],
    [
      'a secret twice',
      JSON.stringify({ credentials: [entry, { ...entry, name: 'other' }] }),
      '$.credentials[1].secrets[0] is that of $.credentials[0].secrets[0], too',
    ],
  ])('%s', (_what, text, problem) => {
    expect(problemsOf(text)).toEqual([expect.stringContaining(problem)]);
  });

  test('all of it at once', () => {
    const text = JSON.stringify({
      credentials: [{ namespaces: 'acme', rights: ['ALL'], secrets: ['x'] }, entry, 3],
    });

    expect(problemsOf(text).map((problem) => problem.split(' ', 1)[0])).toEqual([
      '$.credentials[0].name',
      '$.credentials[0].rights[0]',
      '$.credentials[0].namespaces',
      '$.credentials[0].secrets[0]',
      '$.credentials[2]',
    ]);
  });

  test('never with a secret that was put in the wrong place', () => {
    const { secret } = makeSecret();
    const texts = [
      withEntry({ secrets: [secret] }),
      withEntry({ [secret]: 'x' }),
      withEntry({ rights: [secret] }),
      withEntry({ namespaces: [`${secret}!`] }),
      withEntry({ name: `${secret} ` }),
      `{"credentials": [${secret}`,
      JSON.stringify({ [secret]: [] }),
    ];
    for (const text of texts) {
      expect(problemsOf(text)).not.toEqual([]);
      expect(problemsOf(text).join()).not.toContain(secret.slice(0, 24));
    }
  });
});
