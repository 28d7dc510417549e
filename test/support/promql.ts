import { parser } from '@prometheus-io/lezer-promql';
import { familyOf, type Scrape } from './scrape.ts';

/** Expressions of PromQL, held against the metrics there are. */

/** Labels that a scrape does not have: Prometheus adds these to what it reads. */
const ADDED: readonly string[] = ['job', 'instance'];

/** What is wrong with an expression: its syntax, a metric that nobody tells, a label that it does not have. */
export function faultsOf(expression: string, scrape: Scrape): readonly string[] {
  // What a dashboard fills in.
  const text = expression.replaceAll('$__rate_interval', '5m').replaceAll('$instance', 'x');
  const faults: string[] = [];
  const metrics = new Set<string>();
  const grouped: string[] = [];
  const at = ({ from, to }: { readonly from: number; readonly to: number }) => text.slice(from, to);

  parser.parse(text).iterate({
    enter({ node }) {
      if (node.type.isError)
        faults.push(`is no PromQL at ${node.from}: ${text.slice(node.from, node.from + 20)}`);
      if (node.name === 'GroupingLabels')
        for (const label of node.getChildren('LabelName')) grouped.push(at(label));
      if (node.name !== 'VectorSelector') return;
      const metric = at(node.getChild('Identifier')!);
      metrics.add(metric);
      const known = labelsOf(metric, scrape);
      if (known === undefined) return void faults.push(`nobody tells ${metric}`);
      for (const matcher of node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []) {
        const label = at(matcher.getChild('LabelName')!);
        if (!known.has(label)) faults.push(`${metric} has no label ${label}`);
      }
    },
  });
  const any = new Set([...metrics].flatMap((metric) => [...(labelsOf(metric, scrape) ?? [])]));
  for (const label of grouped) if (!any.has(label)) faults.push(`no metric of it has a label ${label}`);
  if (metrics.size === 0) faults.push('asks for no metric');
  return faults;
}

/** The labels a metric has, by a scrape in which each has been told at least once; undefined: there is no such metric. */
function labelsOf(metric: string, scrape: Scrape): ReadonlySet<string> | undefined {
  if (!scrape.types.has(familyOf(scrape, metric))) return undefined;
  const own = scrape.series
    .filter(({ name }) => name === metric)
    .flatMap(({ labels }) => Object.keys(labels));
  return new Set([...own, ...ADDED]);
}
