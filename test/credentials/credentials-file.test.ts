import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { openCredentialsFile } from '../../src/credentials/credentials-file.ts';
import { captureLog } from '../rpc/harness.ts';
import { testClock } from '../support/clock.ts';
import { aCredential, fileOf } from '../support/credentials.ts';

/** The file of credentials is read again when it has changed, however it was changed; one that is broken changes nothing. */

const directory = mkdtempSync(join(tmpdir(), 'credentials-'));
afterAll(() => rmSync(directory, { recursive: true }));
let files = 0;
const newPath = () => join(directory, `${(files += 1)}.json`);

/** At once: whoever looks meanwhile sees all of it, or what was there before. */
function put(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

const old = aCredential('old', ['READ']);
const young = aCredential('young', ['READ']);

/** A file that is being looked at, and what is heard of it. */
async function opened(path: string) {
  const time = testClock();
  const log = captureLog();
  const credentials = await openCredentialsFile(path, { clock: time.clock, log: log.log });
  onTestFinished(() => credentials.close());
  const changes: number[] = [];
  credentials.onChange(() => changes.push(1));
  /** Lets seconds pass, each with a turn for what is read meanwhile. */
  async function until<T>(promise: Promise<T>): Promise<T> {
    const state = { settled: false };
    void promise.then(() => (state.settled = true));
    while (!state.settled) {
      time.pass(1_000);
      await turn();
    }
    return promise;
  }
  const said = (msg: string) => until(log.line((line) => line['msg'] === msg));
  const seconds = (count: number) =>
    until(new Promise<void>((wake) => time.clock.after(count * 1_000, wake)));
  const known = () => [old, young].filter(({ secret }) => credentials.bySecret(secret) !== undefined);
  return { log, credentials, changes, said, seconds, names: () => known().map(({ entry }) => entry.name) };
}

const READ_AGAIN = 'the credentials were read again';
const BROKEN = 'the credentials cannot be read; those from before stay good';

describe('it is read again', () => {
  test('when it was written anew', async () => {
    const path = newPath();
    writeFileSync(path, fileOf(old));
    const { said, names, changes } = await opened(path);
    expect(names()).toEqual(['old']);

    writeFileSync(path, fileOf(young));
    expect(await said(READ_AGAIN)).toMatchObject({
      level: 'info',
      path,
      credentials: 1,
      added: ['young'],
      withdrawn: ['old'],
      changed: [],
    });
    expect(names()).toEqual(['young']);
    expect(changes).toEqual([1]);
  });

  test('when another was moved to its place', async () => {
    const path = newPath();
    writeFileSync(path, fileOf(old));
    const { said, names } = await opened(path);

    put(path, fileOf(old, young));
    await said(READ_AGAIN);
    expect(names()).toEqual(['old', 'young']);
  });

  test('when the link it lies behind was set elsewhere, as Kubernetes does', async () => {
    const mount = newPath();
    for (const [version, one] of Object.entries({ one: old, two: young })) {
      mkdirSync(join(mount, version), { recursive: true });
      writeFileSync(join(mount, version, 'credentials.json'), fileOf(one));
    }
    symlinkSync('one', join(mount, '..data'));
    symlinkSync(join('..data', 'credentials.json'), join(mount, 'credentials.json'));
    const { said, names } = await opened(join(mount, 'credentials.json'));
    expect(names()).toEqual(['old']);

    symlinkSync('two', join(mount, '..data_tmp'));
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
    await said(READ_AGAIN);
    expect(names()).toEqual(['young']);
  });

  test('and who may do something else now is told of', async () => {
    const path = newPath();
    writeFileSync(path, fileOf(old, young));
    const { said, credentials } = await opened(path);

    const changed = { entry: { ...old.entry, rights: ['READ', 'SPEND'] } };
    writeFileSync(path, fileOf(changed, young));
    expect(await said(READ_AGAIN)).toMatchObject({ added: [], withdrawn: [], changed: ['old'] });
    expect(credentials.byName('old')?.rights).toEqual(new Set(['READ', 'SPEND']));
  });
});

describe('a file that cannot be read', () => {
  test.each<[string, (path: string) => void, unknown]>([
    [
      'is no JSON',
      (path) => writeFileSync(path, '{"credentials": ['),
      [expect.stringContaining('is not JSON')],
    ],
    ['is gone', unlinkSync, ['cannot be read: ENOENT']],
    [
      'says something else',
      (path) => writeFileSync(path, '{"credentials": [{}]}'),
      expect.arrayContaining([expect.stringContaining('$.credentials[0].name')]),
    ],
  ])('leaves everything as it was, and is told of once: it %s', async (_what, breakIt, problems) => {
    const path = newPath();
    writeFileSync(path, fileOf(old));
    const { said, names, log, seconds, changes, credentials } = await opened(path);

    breakIt(path);
    expect(await said(BROKEN)).toMatchObject({ level: 'error', path, problems });
    expect(names()).toEqual(['old']);
    expect(credentials.isBroken()).toBe(true);

    // The next good one is taken, after some more looks at what is broken.
    await seconds(50);
    put(path, fileOf(young));
    await said(READ_AGAIN);
    expect(names()).toEqual(['young']);
    expect(log.lines.filter(({ msg }) => msg === BROKEN)).toHaveLength(1);
    expect(changes).toEqual([1]);
    expect(credentials.isBroken()).toBe(false);
  });

  test('is no reason to start, with everything that is wrong with it', async () => {
    const path = newPath();
    const { clock } = testClock();
    const { log } = captureLog();
    await expect(openCredentialsFile(path, { clock, log })).rejects.toThrow(
      `CREDIT_LEDGER_CREDENTIALS is ${path}, which is no file of credentials:\n  - cannot be read: ENOENT`,
    );

    writeFileSync(
      path,
      '{"credentials": [{"name": "a", "rights": ["READ"]}, {"namespaces": "*", "rights": ["READ"]}]}',
    );
    await expect(openCredentialsFile(path, { clock, log })).rejects.toThrow(
      /\n {2}- \$\.credentials\[0\]\.namespaces .*\n {2}- \$\.credentials\[1\]\.name /,
    );
  });
});
