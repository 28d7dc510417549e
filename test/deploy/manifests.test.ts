import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

/** That what is deployed is what Kubernetes, Docker and systemd know, and fits together. */

type Manifest = { readonly apiVersion: string; readonly kind: string };

const KUBERNETES = 'deploy/kubernetes';
const manifests = readdirSync(KUBERNETES)
  .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
  .map((name) => ({ name, manifest: parse(readFileSync(join(KUBERNETES, name), 'utf8')) as Manifest }));

mkdirSync('.data', { recursive: true });
const scratch = mkdtempSync('.data/manifests-');
afterAll(() => rmSync(scratch, { recursive: true }));

/** What the compiler says of manifests written as values of Kubernetes' types, where a field that is none is an error. */
function problemsOf(all: readonly Manifest[]): string {
  const lines = all.map((manifest, i) => {
    const [group] = (manifest.apiVersion.includes('/') ? manifest.apiVersion : 'core/v1').split('.', 1);
    const module = manifest.apiVersion.includes('.') ? `${group}/v1` : group;
    return `export const m${i}: import('kubernetes-types/${module}').${manifest.kind} = ${JSON.stringify(manifest)};`;
  });
  const file = join(scratch, 'manifests.ts');
  writeFileSync(file, lines.join('\n'));
  const options = ['--ignoreConfig', '--noEmit', '--strict', '--module', 'preserve', '--types', ''];
  const { stdout, status } = spawnSync('node_modules/.bin/tsc', [...options, file], { encoding: 'utf8' });
  return status === 0 ? '' : stdout;
}

describe('the manifests of Kubernetes', () => {
  test('are what its schemas have', () => {
    expect(manifests.map(({ manifest }) => manifest.kind).toSorted()).toEqual([
      'Deployment',
      'Job',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Service',
      'ServiceAccount',
    ]);
    expect(problemsOf(manifests.map(({ manifest }) => manifest))).toBe('');
  });

  test('would not be with a field misspelt', () => {
    const deployment = structuredClone(manifests.find(({ name }) => name === 'deployment.yaml')!.manifest);
    Object.assign((deployment as unknown as { spec: object }).spec, { replicsa: 2 });
    expect(problemsOf([deployment])).toMatch(/replicsa.*does not exist/);
  });

  test('are all applied, but for the job that is run by hand', () => {
    const { resources } = parse(readFileSync(join(KUBERNETES, 'kustomization.yaml'), 'utf8')) as {
      resources: readonly string[];
    };
    expect(resources.toSorted()).toEqual(
      manifests.map(({ name }) => name).filter((name) => name !== 'migrate-job.yaml'),
    );
  });
});

test('the Dockerfile has instructions and flags that there are', () => {
  const text = readFileSync('deploy/Dockerfile', 'utf8');
  expect(validate(text)).toEqual([]);
  expect(validate(text.replace('--interval', '--intervall'))).toHaveLength(1);
});

test('all variables of ours that are set are variables there are', () => {
  const files = ['deploy/Dockerfile', 'deploy/compose.yaml', 'deploy/ready.ts'];
  const text = [...files, ...manifests.map(({ name }) => join(KUBERNETES, name))]
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const config = readFileSync('src/config.ts', 'utf8');
  const names = new Set(text.match(/CREDIT_LEDGER_\w+/g));
  expect(names.size).toBeGreaterThan(5);
  expect(
    [...names].filter((name) => !config.includes(`'${name}'`) && !config.includes(`\`${name}\``)),
  ).toEqual([]);
});

test('every program and file that is started is there', () => {
  const compose = parse(readFileSync('deploy/compose.yaml', 'utf8')) as {
    services: Record<
      string,
      { depends_on?: object; command?: readonly string[]; build?: { dockerfile: string } }
    >;
  };
  const services = Object.values(compose.services);
  const started = services.flatMap(({ command = [], build }) => [
    ...command,
    ...(build ? [build.dockerfile] : []),
  ]);
  const named = readFileSync('deploy/Dockerfile', 'utf8').match(/(?<=")[\w/]+\.m?[jt]s(?=")/g) ?? [];
  const jobs = manifests.flatMap(
    ({ manifest }) => JSON.stringify(manifest).match(/(?<=")src\/[\w/]+\.ts(?=")/g) ?? [],
  );
  const files = [...started, ...named, ...jobs];
  expect(files.length).toBeGreaterThan(4);
  for (const file of files) expect(readFileSync(file, 'utf8')).not.toBe('');
  const names = Object.keys(compose.services);
  expect(
    services.flatMap(({ depends_on = {} }) => Object.keys(depends_on)).every((one) => names.includes(one)),
  ).toBe(true);
});

const verifier = spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' });

test.skipIf(verifier.status !== 0)('the unit of systemd is one', () => {
  // It looks for the program, too: Node is where the unit says only where the service is installed.
  const unit = join(scratch, 'credit-ledger.service');
  const text = readFileSync('deploy/systemd/credit-ledger.service', 'utf8');
  const problems = (written: string) => {
    writeFileSync(unit, written.replace('/usr/bin/node', process.execPath));
    return spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' }).stderr;
  };
  expect(problems(text)).not.toContain('credit-ledger.service');
  expect(problems(text.replace('ProtectHome', 'ProtectHmoe'))).toContain('ProtectHmoe');
});
