import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { Health } from '#gen/grpc/health/v1/health_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { observedService } from '../support/observed.ts';
import { testDatabase } from '../support/postgres.ts';
import { faultsOf } from '../support/promql.ts';
import { familyOf, parseScrape, type Scrape } from '../support/scrape.ts';
import { call } from '../support/service.ts';
import { sectionOf } from '../support/shown.ts';

/** The metrics that pages tell of, that alerts go by and that the dashboard shows are those there are. */

const { url: databaseUrl } = await testDatabase();
const service = await observedService(databaseUrl, { dueBooker: true });
service.telemetry.watchEmbedded(() => ({ isUp: true, restarts: 0 }));
service.telemetry.watchCertificate(() => Date.UTC(2030));
service.telemetry.watchCredentials(() => false);
afterAll(() => service.stop());

let scraped: Scrape;
beforeAll(async () => {
  const credit = (method: string, request: object) =>
    call(service.url, `credit.v1.CreditService/${method}`, request);
  await credit('CreateGrant', { customerId: 'ada', name: 'Welcome', currency: 'USD', amount: '10' });
  await credit('ConsumeCredits', { customerId: 'ada', name: 'Job', currency: 'USD', amount: '1' });
  await credit('Nonsense', {});
  scraped = await service.metrics();
});

describe('docs/operating.md', () => {
  const rows = [
    ...sectionOf(readFileSync('docs/operating.md', 'utf8'), '## Metrics').matchAll(
      /^\| `([a-z_]+)`\s*\| (\w+)\s*\| ([^|]*?)\s*\|/gm,
    ),
  ].map(([, name, type, labels]) => ({
    name: name!,
    type: type!,
    labels: [...labels!.matchAll(/`(\w+)`/g)].map(([, label]) => label!).toSorted(),
  }));

  test('lists every metric of ours with its type and its labels, and no other', () => {
    const ours = [...scraped.types].filter(([name]) => !/^(nodejs|process)_/.test(name));
    const labelsOf = (family: string) => {
      const series = scraped.series.filter(({ name }) => familyOf(scraped, name) === family);
      return [...new Set(series.flatMap(({ labels }) => Object.keys(labels)))].filter((one) => one !== 'le');
    };
    const told = ours.map(([name, type]) => ({ name, type, labels: labelsOf(name).toSorted() }));
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    expect(rows.toSorted(byName)).toEqual(told.toSorted(byName));
  });
});

type Rule = {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};
const ALERTS = 'deploy/prometheus/alerts.yaml';
const { groups } = parse(readFileSync(ALERTS, 'utf8')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);

describe('the alerts', () => {
  test.each(rules)('$alert asks for what there is', ({ expr }) => {
    expect(faultsOf(expr, scraped)).toEqual([]);
  });

  test('have a name each, a severity, a summary and a page', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    expect(rules.length).toBeGreaterThan(12);
    for (const { labels, annotations } of rules) {
      expect(labels['severity']).toMatch(/^(page|ticket)$/);
      expect(annotations['summary']).toMatch(/\.$/);
      expect(annotations['runbook']).toMatch(/^docs\/on-call\.md#/);
    }
  });

  const page = readFileSync('docs/on-call.md', 'utf8');
  test('each have an entry on the page, which has no other', () => {
    const entries = [...sectionOf(page, '## An alert fires').matchAll(/^\| `(CreditLedger\w+)`/gm)];
    expect(entries.map(([, name]) => name)).toEqual(rules.map(({ alert }) => alert));
  });

  test.each(rules)('$alert names a heading of that page', ({ annotations }) => {
    const anchors = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    );
    expect(anchors).toContain(annotations['runbook']!.split('#')[1]);
  });

  test('leave out of latencies what streams, and nothing else', () => {
    const { expr } = rules.find(({ alert }) => alert === 'CreditLedgerSlow')!;
    const [, left] = /rpc_method!~"\.\*\/\(([^)]*)\)"/.exec(expr)!;
    const streams = [CreditService, LedgerService, Health].flatMap(({ methods }) =>
      methods.filter(({ methodKind }) => methodKind !== 'unary').map(({ name }) => name),
    );
    expect(left!.split('|').toSorted()).toEqual([...streams, 'ServerReflectionInfo'].toSorted());
  });

  /** promtool has other names in mind than prom-client for what Node tells, and than OpenTelemetry for pools. */
  const NAMED_BY_OTHERS = /^((nodejs|process)_|db_client_connection_count )/;
  const promtool = process.env['PROMTOOL'];
  if (promtool === undefined)
    console.log('PROMTOOL names no binary: the alerts are checked by a parser alone.');
  test.skipIf(promtool === undefined)('are what promtool takes', () => {
    expect(execFileSync(promtool!, ['check', 'rules', ALERTS], { encoding: 'utf8' })).toContain('SUCCESS');
  });

  test.skipIf(promtool === undefined)('fire when things are wrong, and not when they are well', () => {
    const fire = 'test/telemetry/alerts-fire.yaml';
    expect(execFileSync(promtool!, ['test', 'rules', fire], { encoding: 'utf8' })).toContain('SUCCESS');
    const told = readFileSync(fire, 'utf8');
    expect(rules.filter(({ alert }) => !told.includes(`alertname="${alert}"`))).toEqual([]);
  });

  test.skipIf(promtool === undefined)('go by metrics that promtool can read', () => {
    const { status, stderr } = spawnSync(promtool!, ['check', 'metrics'], {
      input: scraped.text,
      encoding: 'utf8',
    });
    const said = stderr.split('\n').filter((line) => line !== '' && !NAMED_BY_OTHERS.test(line));
    expect({ said, isRead: status === 0 || status === 3 }).toEqual({ said: [], isRead: true });
  });
});

describe('the dashboard', () => {
  type Panel = { readonly title: string; readonly targets?: readonly { readonly expr: string }[] };
  const { panels } = JSON.parse(readFileSync('deploy/grafana/credit-ledger.json', 'utf8')) as {
    readonly panels: readonly Panel[];
  };

  test.each(panels.filter(({ targets }) => targets !== undefined))(
    '$title asks for what there is',
    ({ targets }) => {
      expect(targets!.flatMap(({ expr }) => faultsOf(expr, scraped))).toEqual([]);
    },
  );

  test('shows every metric of ours', () => {
    const all = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join('\n');
    const ours = [...scraped.types.keys()].filter((name) => /^(credit_ledger|rpc|db)_/.test(name));
    expect(ours.filter((name) => !all.includes(name))).toEqual([]);
  });
});

test('what is wrong with an expression is noticed', () => {
  const told = parseScrape('# TYPE up gauge\nup{zone="a"} 1\n');
  expect(faultsOf('sum by (zone) (up{zone="a"}) > 1', told)).toEqual([]);
  expect(faultsOf('sum by (zone) (up{zone="a"}', told)).not.toEqual([]);
  expect(faultsOf('upp', told)).toEqual(['nobody tells upp']);
  expect(faultsOf('up{room="a"}', told)).toEqual(['up has no label room']);
  expect(faultsOf('sum by (room) (up)', told)).toEqual(['no metric of it has a label room']);
  expect(faultsOf('1 > 0', told)).toEqual(['asks for no metric']);
});
