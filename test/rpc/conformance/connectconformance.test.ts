import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

/**
 * The public conformance suite of the Connect project, a Go program, against this server's own transports: gRPC,
 * gRPC-Web and Connect, over HTTP/1.1 and HTTP/2, in plain text, TLS and mutual TLS. See README.md.
 */

const MODULE = 'connectrpc.com/conformance';
const VERSION = 'v1.0.7';
const HERE = 'test/rpc/conformance';
/** To fetch and build the suite and all it stands on, on a machine that has none of it. */
const BUILT_AFTER_MS = 900_000;
const RUN_AFTER_MS = 600_000;

const run = promisify(execFile);
const hasGo = await run('go', ['version']).then(
  () => true,
  () => false,
);
if (!hasGo) console.log('Go is not installed: the conformance suite of the Connect project is left out.');

/** The suite's program and the descriptors of its service, built once and kept; undefined where that cannot be. */
async function build(): Promise<{ readonly program: string; readonly descriptors: string } | undefined> {
  const directory = resolve('.data/tools', `connectconformance-${VERSION}`);
  const built = {
    program: join(directory, 'connectconformance'),
    descriptors: join(directory, 'suite.binpb'),
  };
  if (existsSync(built.program) && existsSync(built.descriptors)) return built;
  mkdirSync(directory, { recursive: true });
  try {
    const env = { ...process.env, GOBIN: directory };
    await run('go', ['install', `${MODULE}/cmd/connectconformance@${VERSION}`], { env });
    const { stdout } = await run('go', ['mod', 'download', '-json', `${MODULE}@${VERSION}`]);
    const { Dir: sources } = JSON.parse(stdout) as { readonly Dir: string };
    await run('node_modules/.bin/buf', [
      'build',
      join(sources, 'proto'),
      '--as-file-descriptor-set',
      '-o',
      built.descriptors,
    ]);
    return built;
  } catch (error) {
    console.log(
      `Go could not build the conformance suite of the Connect project: it is left out. ${String(error)}`,
    );
    return undefined;
  }
}

/** Why a case may fail; of those that fail for no reason that is known, nothing. */
type Excuse = { readonly because: string; readonly case?: string; readonly complaint?: string };
type FailedCase = { readonly name: string; readonly complaints: readonly string[] };

const failedCases = (told: string): readonly FailedCase[] =>
  [...told.matchAll(/^FAILED: (.*):\n((?:\t.*\n)*)/gm)].map(([, name = '', lines = '']) => ({
    name,
    complaints: lines
      .split('\n')
      .map((line) => line.replace(/^[\t; ]+/, ''))
      .filter((line) => line !== ''),
  }));

const matches = (pattern: string | undefined, text: string) =>
  pattern === undefined || new RegExp(pattern).test(text);

/** Which of the excuses it takes for all that is said of a case; undefined: they are not enough. */
function excusesOf(
  { name, complaints }: FailedCase,
  excuses: readonly Excuse[],
): readonly Excuse[] | undefined {
  const ofCase = excuses.filter((excuse) => matches(excuse.case, name));
  const wholly = ofCase.find(({ complaint }) => complaint === undefined);
  if (wholly !== undefined) return [wholly];
  const each = complaints.map((said) => ofCase.find(({ complaint }) => matches(complaint, said)));
  return each.includes(undefined) ? undefined : (each as Excuse[]);
}

describe.skipIf(!hasGo)('connectconformance', () => {
  test(
    'every case passes, or fails for a reason that is written down',
    async ({ skip }) => {
      const built = await build();
      if (built === undefined) return skip('Go could not build the suite');
      const excuses = parse(readFileSync(`${HERE}/known-failing.yaml`, 'utf8')) as readonly Excuse[];
      const server = [process.execPath, `${HERE}/server.ts`, built.descriptors];
      // It waits some seconds for a server to listen, and starts four at once unless told otherwise: slow machines are too slow.
      const words = [
        '--max-servers',
        '1',
        '--mode',
        'server',
        '--conf',
        `${HERE}/features.yaml`,
        '--',
        ...server,
      ];
      const options = { timeout: RUN_AFTER_MS, maxBuffer: 256 << 20 };
      const { stdout, stderr } = await run(built.program, words, options).catch(
        (error: unknown) => error as { readonly stdout: string; readonly stderr: string },
      );
      const told = stdout + stderr;
      const [, total, passed, failed] = /Total cases: (\d+)\n(\d+) passed, (\d+) failed/.exec(told) ?? [];
      const cases = failedCases(told).map((each) => ({ ...each, excused: excusesOf(each, excuses) }));
      const used = new Set(cases.flatMap(({ excused }) => excused ?? []));
      console.log(
        `connectconformance ${VERSION}: ${total} cases, ${passed} passed, ${failed} failed, of which`,
      );
      for (const excuse of excuses) {
        const count = cases.filter(({ excused }) => excused?.includes(excuse)).length;
        console.log(`  ${count} because: ${excuse.because}`);
      }

      expect(cases.filter(({ excused }) => excused === undefined)).toEqual([]);
      expect(excuses.filter((excuse) => !used.has(excuse))).toEqual([]);
      expect({ failed: Number(failed), told: failed === undefined ? told : '' }).toEqual({
        failed: cases.length,
        told: '',
      });
      expect(Number(passed)).toBeGreaterThan(5_000);
    },
    BUILT_AFTER_MS + RUN_AFTER_MS,
  );
});
